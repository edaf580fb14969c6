"""The cases of the regression: what is run, and what came out. A case is a pure function of its configuration."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from golden import zoo
from sim.regression.runnable import runnable
from sim.simulators.cocotb_launcher import PATTERNS, PAUSES
from sim.verify import SIMULATORS

DEFAULT_MULTIPLIERS = 64
BULK_SAMPLES, STALLED_SAMPLES = 20, 16

_FOLDINGS: dict[str, tuple[int | None, ...]] = {
    "iris": (1, 16, 64, None),
    "wine": (1, 16, 64, None),
    "breast_cancer": (1, 16, 64, None),
    "digits": (16, 64, 256, None),
    "mnist": (16, 64, 512),
}
"""Budgets of multipliers by network, None for unrolled; a network that is not here gets ``_ANY_NETWORK``."""
_ANY_NETWORK: tuple[int | None, ...] = (16, 64)
_THOROUGH = ("iris", "wine", "breast_cancer", "digits")
"""Small enough for the whole test set in every folding, and for every pair of pause patterns by itself."""

_ID = re.compile(
    r"(?P<network>\w+)-(?P<engine>m\d+|unrolled)-(?P<simulator>\w+)-(?P<samples>all|n\d+)"
    r"(-(?P<patterns>[\w.,]+)-s(?P<seed>\d+))?"
)
_NAMES = {"pyrtl": "PyRTL", "icarus": "Icarus", "verilator": "Verilator"}
_NO_TEXT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control codes: a tool's log may hold them, a terminal obeys them, and XML cannot hold them at all."""


@dataclass(frozen=True)
class Case:
    """One run of one network in one folding under one simulator.

    Args:
        network: a name of ``golden.zoo.NAMES``.
        multipliers: the budget; None for unrolled.
        simulator: of ``sim.verify.SIMULATORS``.
        patterns: pairs of pause patterns (source, sink) for the cocotb testbench with lockstep (Icarus only); without
            any, the samples come back to back and nothing stalls.
        seed: of stalls, resets and the choice of samples.
        samples: how many; None for the whole test set.
    """

    network: str
    multipliers: int | None
    simulator: str
    patterns: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    samples: int | None = None

    def __post_init__(self) -> None:
        if self.network not in zoo.NAMES:
            raise ValueError(f"a case needs a network among {', '.join(zoo.NAMES)}, not {self.network!r}")
        if self.simulator not in SIMULATORS:
            raise ValueError(f"a case needs a simulator among {', '.join(SIMULATORS)}, not {self.simulator!r}")
        if self.patterns and self.simulator != "icarus":
            raise ValueError(f"stall patterns need the simulator icarus, not {self.simulator!r}")
        if self.multipliers is not None and self.multipliers < 1:
            raise ValueError(f"a case needs at least one multiplier, or none as unrolled, not {self.multipliers}")
        for name in {name for pair in self.patterns for name in pair}:
            importlib.import_module(PAUSES).pauses(name, self.seed)
        if self.samples is not None and self.samples < 1:
            raise ValueError(f"a case needs at least one sample, not {self.samples}")

    @property
    def folding(self) -> str:
        """The engine in short: ``m64`` for a budget of 64 multipliers, or ``unrolled``."""
        return "unrolled" if self.multipliers is None else f"m{self.multipliers}"

    @property
    def check(self) -> str:
        """What it tries: the same words for the same column of the report."""
        if not self.patterns:
            return _NAMES[self.simulator] + (", whole test set" if self.samples is None else "")
        if self.patterns == PATTERNS:
            return "all stalls"
        return ", ".join(f"{source} → {sink}" for source, sink in self.patterns)

    @property
    def id(self) -> str:
        """All of the configuration in a word that ``parse`` understands: ``iris-m16-icarus-n16-stalls-s0``."""
        samples = "all" if self.samples is None else f"n{self.samples}"
        stalls = "stalls" if self.patterns == PATTERNS else _spelled(self.patterns)
        return f"{self.network}-{self.folding}-{self.simulator}-{samples}" + (
            f"-{stalls}-s{self.seed}" if self.patterns else ""
        )

    @staticmethod
    def parse(text: str) -> Case:
        """The inverse of ``id``; raises ValueError for anything else."""
        match = _ID.fullmatch(text)
        if match is None:
            raise ValueError(f"a case must look like iris-m16-icarus-n16-stalls-s0 or iris-m64-pyrtl-all, not {text!r}")
        engine, samples, stalls = match["engine"], match["samples"], match["patterns"]
        patterns: tuple[tuple[str, ...], ...] = ()
        if stalls:
            patterns = PATTERNS if stalls == "stalls" else tuple(tuple(p.split(".")) for p in stalls.split(","))
        if any(len(pair) != 2 for pair in patterns):
            raise ValueError(f"stall patterns must be pairs like coin.never,bursts.bursts, not {stalls!r}")
        return Case(
            match["network"],
            None if engine == "unrolled" else int(engine[1:]),
            match["simulator"],
            tuple((source, sink) for source, sink in patterns),
            int(match["seed"] or 0),
            None if samples == "all" else int(samples[1:]),
        )


def _spelled(patterns: Sequence[tuple[str, str]]) -> str:
    return ",".join(f"{source}.{sink}" for source, sink in patterns)


@dataclass(frozen=True)
class CaseResult:
    """What came out of a case, in plain values that survive JSON.

    Args:
        case: which.
        verdict: ``passed``; ``failed`` where witnesses differ; ``crashed`` where no verdict was reached.
        message: why it did not pass.
        time_s: that it took.
        samples: that ran.
        cycles: on which something was compared: every pin in lockstep, or every output of a bulk run.
        plan: as of ``Plan.as_json``.
        measured: ``ii_cycles`` and ``latency_cycles`` as the simulator saw them.
        accuracy: of ``float``, ``golden`` and ``rtl`` on the test set, with the confusion matrices.
        network: its portrait, see ``sim.regression.portrait``; of runs over the whole test set.
        difference: the first one, the fields of ``sim.Difference``.
        files: folder with what the case left, relative to the build folder; empty once it has passed.
    """

    case: Case
    verdict: str
    message: str = ""
    time_s: float = 0.0
    samples: int = 0
    cycles: int = 0
    plan: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, int | None] = field(default_factory=dict)
    accuracy: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    difference: Mapping[str, Any] = field(default_factory=dict)
    files: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _NO_TEXT.sub("?", self.message))

    @property
    def passed(self) -> bool:
        """Whether all witnesses agree."""
        return self.verdict == "passed"

    def as_json(self) -> dict[str, Any]:
        """An object for JSON."""
        return {**asdict(self), "case": self.case.id}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CaseResult:
        """The inverse of ``as_json``."""
        return cls(**{**content, "case": Case.parse(content["case"])})


def table(
    networks: Iterable[str] | None = None,
    simulators: Sequence[str] = ("pyrtl", "icarus"),
    seeds: Sequence[int] = (0,),
) -> list[Case]:
    """The regression: networks x foldings x simulators x stall patterns x seeds, the longest first.

    Without ``networks`` all that can be run; see ``sim.regression.runnable`` for the others.
    """
    found = []
    for network in runnable() if networks is None else networks:
        foldings, thorough = _FOLDINGS.get(network, _ANY_NETWORK), network in _THOROUGH
        for folding in foldings:
            for simulator in simulators:
                whole = simulator != "pyrtl" and (thorough or folding == DEFAULT_MULTIPLIERS)
                found.append(Case(network, folding, simulator, samples=None if whole else BULK_SAMPLES))
            if "icarus" in simulators:
                found += [Case(network, folding, "icarus", PATTERNS, seed, STALLED_SAMPLES) for seed in seeds]
        if thorough and "icarus" in simulators:  # one pair of patterns at a time, on another seed than all of them
            alone = [(pair, seed + 1) for seed in seeds for pair in PATTERNS]
            found += [Case(network, 16, "icarus", (pair,), seed, STALLED_SAMPLES) for pair, seed in alone]
    return sorted(dict.fromkeys(found), key=_weight, reverse=True)


def _weight(case: Case) -> float:
    """How long a case takes, roughly, for the order of starting; in what a multiplication takes in bulk."""
    macs = zoo.load(case.network).macs
    if case.patterns:
        return macs * (1500 if case.multipliers is None else 150)
    return macs * (case.samples or 500)
