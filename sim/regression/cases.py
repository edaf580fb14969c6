"""The cases of the regression: what is run, and what came out. A case is a pure function of its configuration."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from golden import zoo
from rtlgen import Plan
from sim.budget import samples_within
from sim.regression import exercises, small
from sim.simulators.cocotb_launcher import PATTERNS, PAUSES
from sim.verify import SIMULATORS

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
        network: a name of ``golden.zoo.NAMES``, of ``sim.regression.exercises.NAMES`` or of
            ``sim.regression.small.NAMES``, which are tried as thoroughly as those that faults are injected into.
        multipliers: the budget; None for unrolled.
        simulator: of ``sim.verify.SIMULATORS``.
        patterns: pairs of pause patterns (source, sink) for the cocotb testbench with lockstep, under Icarus; with
            Verilator as the simulator its pins are then driven there once more, to see what of the Verilog they move.
            Without any, the samples come back to back and nothing stalls.
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
        if self.network not in zoo.NAMES and not self.has_no_test_set:
            names = ", ".join((*zoo.NAMES, *exercises.NAMES, *small.NAMES))
            raise ValueError(f"a case needs a network among {names}, not {self.network!r}")
        if self.simulator not in SIMULATORS:
            raise ValueError(f"a case needs a simulator among {', '.join(SIMULATORS)}, not {self.simulator!r}")
        if self.patterns and self.simulator == "pyrtl":
            raise ValueError("stall patterns need the simulator icarus or verilator, not 'pyrtl'")
        if self.has_no_test_set and not self.patterns:
            raise ValueError(f"the network {self.network!r} has no test set: its case needs stall patterns")
        if self.multipliers is not None and self.multipliers < 1:
            raise ValueError(f"a case needs at least one multiplier, or none as unrolled, not {self.multipliers}")
        for name in {name for pair in self.patterns for name in pair}:
            importlib.import_module(PAUSES).pauses(name, self.seed)
        if self.samples is not None and self.samples < 1:
            raise ValueError(f"a case needs at least one sample, not {self.samples}")
        if self.budget_cycles is not None and self.budget_cycles < 1:
            raise ValueError(f"a case needs a budget of at least one cycle, not {self.budget_cycles}")

    @property
    def is_exercise(self) -> bool:
        """Whether the network is one of those that were made for coverage."""
        return self.network in exercises.NAMES

    @property
    def is_small(self) -> bool:
        """Whether the network is the small one of an op kind."""
        return self.network in small.NAMES

    @property
    def has_no_test_set(self) -> bool:
        """Whether nobody has trained the network."""
        return self.is_exercise or self.is_small

    @property
    def folding(self) -> str:
        """The engine in short: ``m64`` for a budget of 64 multipliers, or ``unrolled``."""
        return "unrolled" if self.multipliers is None else f"m{self.multipliers}"

    @property
    def check(self) -> str:
        """What it tries: the same words for the same column of the report."""
        if not self.patterns:
            return _NAMES[self.simulator] + (", test set" if self.samples is None else "")
        if self.simulator == "verilator":
            return "lines and toggles"
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
        covered: the bins of ``sim.coverage`` that it hit, and how often; of runs under stalls.
        structure: what of the Verilog was moved, the fields of ``sim.structure.Structure``.
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
    covered: Mapping[str, int] = field(default_factory=dict)
    structure: Mapping[str, Any] = field(default_factory=dict)
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
