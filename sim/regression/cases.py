"""The cases of the regression: what is run, and what came out. A case is a pure function of its configuration."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

from golden import zoo
from rtlgen import Plan, plan
from sim.budget import SPEEDS, budget_cycles, cycles_of, estimated_nets, samples_within
from sim.regression.runnable import runnable
from sim.simulators.cocotb_launcher import PATTERNS, PAUSES
from sim.verify import SIMULATORS

DEFAULT_MULTIPLIERS = 64
BULK_SAMPLES, STALLED_SAMPLES = 20, 16
TEST_SET_S, BULK_S, STALLED_S = 45.0, 8.0, 20.0
"""What the cycles of a case may take, about: its budget of cycles is made of that and of the plan, and in its name."""
LONG_S = 10.0
"""A budget of multipliers for which one sample takes Icarus longer than that is left out, but for the default one."""

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
    r"(?P<network>\w+)-(?P<engine>m\d+|unrolled)-(?P<simulator>\w+)-(?P<samples>all|n\d+)(-c(?P<cycles>\d+))?"
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
        budget_cycles: the most cycles to simulate: so many samples fewer, but one at least; None for no bound.
    """

    network: str
    multipliers: int | None
    simulator: str
    patterns: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    samples: int | None = None
    budget_cycles: int | None = None

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
        if self.budget_cycles is not None and self.budget_cycles < 1:
            raise ValueError(f"a case needs a budget of at least one cycle, not {self.budget_cycles}")

    @property
    def folding(self) -> str:
        """The engine in short: ``m64`` for a budget of 64 multipliers, or ``unrolled``."""
        return "unrolled" if self.multipliers is None else f"m{self.multipliers}"

    @property
    def check(self) -> str:
        """What it tries: the same words for the same column of the report."""
        if not self.patterns:
            return _NAMES[self.simulator] + (", test set" if self.samples is None else "")
        if self.patterns == PATTERNS:
            return "all stalls"
        return ", ".join(f"{source} → {sink}" for source, sink in self.patterns)

    @property
    def id(self) -> str:
        """All of the configuration in a word that ``parse`` understands: ``iris-m16-icarus-n16-stalls-s0``, or
        ``mnist-m64-icarus-all-c500000`` for as much of the test set as takes 500,000 cycles.
        """
        samples = "all" if self.samples is None else f"n{self.samples}"
        samples += "" if self.budget_cycles is None else f"-c{self.budget_cycles}"
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
            None if match["cycles"] is None else int(match["cycles"]),
        )

    def samples_of(self, plan: Plan, available: int) -> int:
        """How many of the ``available`` samples the case runs on the hardware of ``plan``."""
        wanted = min(available, self.samples or available)
        return wanted if self.budget_cycles is None else samples_within(plan, self.budget_cycles, wanted)


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
        samples: that ran on the hardware.
        test_samples: in the whole test set, which ``samples`` are the first of; 0 where others were taken.
        cycles: on which something was compared: every pin in lockstep, or every output of a bulk run.
        plan: as of ``Plan.as_json``.
        measured: ``ii_cycles`` and ``latency_cycles`` as the simulator saw them.
        accuracy: of ``float`` and ``golden`` on the whole test set; of ``rtl`` and of ``golden_on_rtl_samples`` on the
            samples that ran on the hardware, with the confusion matrices.
        network: its portrait, see ``sim.regression.portrait``; of runs over the test set.
        difference: the first one, the fields of ``sim.Difference``.
        files: folder with what the case left, relative to the build folder; empty once it has passed.
    """

    case: Case
    verdict: str
    message: str = ""
    time_s: float = 0.0
    samples: int = 0
    test_samples: int = 0
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

    What a network gets follows from its plans. A test set that takes Icarus longer than ``TEST_SET_S`` goes through
    Verilator, if that is among the simulators; and where a case would take too long it has a budget of cycles.
    Without ``networks`` all that can be run; see ``sim.regression.runnable`` for the others.
    """
    found: list[Case] = []
    for network in runnable() if networks is None else networks:
        for folding in _foldings(network):
            found += _cases(network, folding, simulators, seeds)
        if network in _THOROUGH and "icarus" in simulators:  # one pair of patterns at a time, on another seed
            alone = [(pair, seed + 1) for seed in seeds for pair in PATTERNS]
            found += [Case(network, 16, "icarus", (pair,), seed, STALLED_SAMPLES) for pair, seed in alone]
    return sorted(dict.fromkeys(found), key=estimated_s, reverse=True)


def _cases(network: str, folding: int | None, simulators: Sequence[str], seeds: Sequence[int]) -> list[Case]:
    """All of one network in one folding."""
    found = []
    testing = network in _THOROUGH or folding == DEFAULT_MULTIPLIERS
    whole = Case(network, folding, "icarus")
    fits = not _is_long(whole, TEST_SET_S)
    for simulator in simulators:
        if simulator == "verilator":
            if folding == DEFAULT_MULTIPLIERS and not (fits and "icarus" in simulators):
                found.append(_bounded(Case(network, folding, simulator), TEST_SET_S))
        elif simulator == "icarus" and testing and (fits or "verilator" not in simulators):
            found.append(_bounded(whole, TEST_SET_S))
        else:
            found.append(_bounded(Case(network, folding, simulator, samples=BULK_SAMPLES), BULK_S))
    if "icarus" in simulators:
        stalled = [Case(network, folding, "icarus", PATTERNS, seed, STALLED_SAMPLES) for seed in seeds]
        found += [_bounded(case, STALLED_S) for case in stalled]
    return found


def _foldings(network: str) -> tuple[int | None, ...]:
    if network in _FOLDINGS:
        return _FOLDINGS[network]
    one = {folding: Case(network, folding, "icarus", samples=1) for folding in _ANY_NETWORK}
    return tuple(f for f, case in one.items() if f == DEFAULT_MULTIPLIERS or not _is_long(case, LONG_S))


def _bounded(case: Case, time_s: float) -> Case:
    """The same case with a budget of about ``time_s`` seconds, if it would take more than half of that."""
    if not _is_long(case, time_s / 2):  # a margin: the plan is that of the outline
        return case
    return replace(case, budget_cycles=budget_cycles(case.simulator, _nets(case), time_s))


def _is_long(case: Case, time_s: float) -> bool:
    return _cycles(case) > budget_cycles(case.simulator, _nets(case), time_s)


STALLED_RUNS = 45
"""Samples that the testbench lets through, about, if it may do as much as it likes."""


def _cycles(case: Case) -> int:
    """Cycles of a case, roughly; those of a budget if it has one."""
    outlined, available = _outline(case.network, case.multipliers)
    samples = case.samples_of(outlined, available) + (STALLED_RUNS if case.patterns else 0)
    cycles = cycles_of(outlined, samples)
    return cycles if case.budget_cycles is None else min(cycles, case.budget_cycles)


def _nets(case: Case) -> int:
    return estimated_nets(_outline(case.network, case.multipliers)[0])


@cache
def _outline(network: str, multipliers: int | None) -> tuple[Plan, int]:
    """A plan of about the same cycles as the network's own, at hand without its data; and the samples of its test."""
    entry = zoo.load(network)
    outlined = plan(entry.outline, multipliers or DEFAULT_MULTIPLIERS, unrolled=multipliers is None)
    return outlined, entry.figures.test_samples


def estimated_s(case: Case) -> float:
    """How long a case takes, roughly; for the order of starting, and so that a regression has an end."""
    nets, cycles = _nets(case), _cycles(case)
    replayed = SPEEDS["pyrtl"].time_s(nets, cycles) if case.patterns else 0.0
    return SPEEDS[case.simulator].time_s(nets, cycles) + replayed + MAKING_S_PER_NET * nets


MAKING_S_PER_NET = 0.0001
"""Seconds that a design takes to be made and written, a net."""
