"""A campaign: random networks for a time, each against every witness, until one fails; that one is made small and kept.

Hypothesis draws the networks and makes the failing one smaller. Everything is a function of the seed but for the
number of networks that a time allows.
"""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from sim.fuzzing.case import Case, summary
from sim.fuzzing.check import RefusedError, check
from sim.fuzzing.coverage import Coverage
from sim.fuzzing.draw import Draw
from sim.fuzzing.networks import network, samples
from sim.fuzzing.reduce import reduced
from sim.synthesis.yosys import PROGRAM
from sim.tools import find_tool

PART_NETWORKS = 100
"""Networks that Hypothesis draws from one seed."""
BUDGETS: tuple[int | None, ...] = (64, 1, 2, 4, 9, 16, 400, None)
"""Of multipliers; None is unrolled."""
INSTALLING = "pip install 'tensorgate[fuzz]'"


@dataclass
class Outcome:
    """What a campaign found.

    Args:
        seed: of all.
        networks: that were drawn and equal in golden and PyRTL, on every layer and cycle.
        icarus, netlist: of these, how many were also stalled under Icarus, and synthesized and simulated.
        refused: how many networks there is no hardware for, by the reason.
        samples: that ran in PyRTL.
        coverage: what there was in them.
        time_s: that it took.
        failure: the smallest case that fails, if one does, and its error.
    """

    seed: int
    networks: int = 0
    icarus: int = 0
    netlist: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    time_s: float = 0.0
    failure: tuple[Case, BaseException] | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        counts = {name: getattr(self, name) for name in ("seed", "networks", "icarus", "netlist", "samples")}
        failure = None
        if self.failure:
            case, error = self.failure
            failure = {"error": summary(error), "network": str(case), "layers": len(case.graph.nodes)}
        return {
            "verdict": "different" if failure else "equal",
            **counts,
            "refused": dict(self.refused.most_common()),
            **self.coverage.as_json(),
            "time_s": round(self.time_s, 1),
            "failure": failure,
        }


class _Hypothetical:
    """Choices by Hypothesis."""

    def __init__(self, draw: Callable[[Any], Any], strategies: Any) -> None:
        self._draw, self._strategies = draw, strategies

    def integer(self, low: int, high: int) -> int:
        """As the protocol says."""
        return int(self._draw(self._strategies.integers(low, high))) if low < high else low

    def choice(self, options: Any) -> Any:
        """As the protocol says."""
        return self._draw(self._strategies.sampled_from(options)) if len(options) > 1 else options[0]


def run_campaign(
    seed: int,
    *,
    time_s: float | None = None,
    networks: int | None = None,
    icarus: float = 0.01,
    netlist: float = 0.01,
    draw_network: Callable[[Draw], Any] = network,
    checked: Callable[[Case], Any] = check,
    advance: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Draw and check networks until the time is up, there were enough, or one fails.

    Args:
        seed: of everything that is drawn.
        time_s: when to stop; making a failing network smaller may take up to five minutes more.
        networks: how many to check at most; at least one of both limits has to be given.
        icarus: share of the networks that are also stalled under Icarus.
        netlist: share of them that are also synthesized, and simulated as netlists.
        draw_network: makes a graph of choices.
        checked: checks a case, and raises what is wrong.
        advance: is told after each network how many there were.

    Raises:
        ModuleNotFoundError: if Hypothesis is not installed.
    """
    if time_s is None and networks is None:
        raise ValueError("a campaign needs an end: a time, or a number of networks")
    require_hypothesis()
    campaign = _Campaign(Outcome(seed), time_s, networks, {"icarus": icarus, "netlist": netlist}, checked, advance)
    part = 0
    while not campaign.is_over:
        _run_part(campaign, seed * 1_000_003 + part, draw_network)
        part += 1
    if campaign.outcome.failure is not None:
        campaign.outcome.failure = reduced(*campaign.outcome.failure, checked)
    campaign.outcome.time_s = time.monotonic() - campaign.started
    return campaign.outcome


def netlist_is_possible() -> bool:
    """Whether yosys is there: where it is looked for when it is run."""
    try:
        find_tool(PROGRAM)
    except FileNotFoundError:
        return False
    return True


@dataclass
class _Campaign:
    """The state between two networks."""

    outcome: Outcome
    time_s: float | None
    networks: int | None
    shares: dict[str, float]
    checked: Callable[[Case], Any]
    advance: Callable[[int], None]
    started: float = field(default_factory=time.monotonic)
    drawn: int = 0

    @property
    def is_over(self) -> bool:
        """Whether no network more is to be drawn."""
        late = self.time_s is not None and time.monotonic() - self.started >= self.time_s
        enough = self.networks is not None and self.drawn >= self.networks
        return late or enough or self.outcome.failure is not None

    def take(self, case: Case) -> None:
        """Check a case, and what else is due; remember a failure."""
        outcome = self.outcome
        if outcome.failure is not None:  # it is being made smaller: the same witness as before is asked
            self._ask(case, outcome.failure[0].witness)
            return
        if self.is_over:
            return
        self.drawn += 1
        try:
            design = self._ask(case, "pyrtl")
        except RefusedError as error:
            outcome.refused[_kind(str(error))] += 1
            self.advance(self.drawn)
            return
        outcome.networks += 1
        outcome.samples += len(case.x)
        outcome.coverage.add(case.graph, design.plan)
        for witness, share in self.shares.items():
            if int(outcome.networks * share) > int((outcome.networks - 1) * share):
                self._ask(case, witness)
                setattr(outcome, witness, getattr(outcome, witness) + 1)
        self.advance(self.drawn)

    def _ask(self, case: Case, witness: str) -> Any:
        asked = Case(case.graph, case.x, case.multipliers, witness, case.seed)
        try:
            return self.checked(asked)
        except RefusedError:
            if self.outcome.failure is None:
                raise
            return None
        except Exception as error:
            self.outcome.failure = asked, error
            raise


def _run_part(campaign: _Campaign, seed: int, draw_network: Callable[[Draw], Any]) -> None:
    """A few networks; a failing one is made smaller, and the last that failed is the smallest."""
    hypothesis = require_hypothesis()
    strategies = hypothesis.strategies

    def drawn(draw: Callable[[Any], Any]) -> Case:
        choices = _Hypothetical(draw, strategies)
        graph = draw_network(choices)
        x = samples(choices, graph.input_type)
        return Case(graph, x, choices.choice(BUDGETS), seed=choices.integer(0, 1 << 16))

    settings = hypothesis.settings(
        max_examples=PART_NETWORKS,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )

    def every_witness_agrees(case: Case) -> None:
        campaign.take(case)

    # Now and then an integer that Hypothesis draws is a constant that stands in one of the modules that happen to be
    # imported: without these the same seed draws the same networks under every program.
    providers = importlib.import_module("hypothesis.internal.conjecture.providers")
    names: dict[str, Any] = {"_get_local_constants": providers.Constants, "CONSTANTS_CACHE": {}}
    try:
        with patch.multiple(providers, create=True, **names):
            hypothesis.seed(seed)(settings(hypothesis.given(strategies.composite(drawn)())(every_witness_agrees)))()
    except Exception:
        if campaign.outcome.failure is None:
            raise


def _kind(refusal: str) -> str:
    """A reason without the types and numbers in it: the words up to the first of them."""
    words: list[str] = []
    for word in refusal.split():
        if any(letter.isdigit() for letter in word.strip(",:;'")) and not word.startswith("float"):
            break
        words.append(word)
    return " ".join(words[:8])


def require_hypothesis() -> Any:
    """The package that draws and makes smaller.

    Raises:
        ModuleNotFoundError: if it is not installed; with the command that does.
    """
    try:
        import hypothesis
        import hypothesis.strategies
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"random networks need Hypothesis, which is not installed: {INSTALLING}") from error
    return hypothesis
