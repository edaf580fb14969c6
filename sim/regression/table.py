"""The table of the regression's cases: what a network gets follows from its plans, a new one needs no line here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from golden import zoo
from rtlgen import Plan, plan
from sim.budget import DEFAULT_MULTIPLIERS, SPEEDS, budget_cycles, cycles_of, estimated_nets
from sim.regression import small
from sim.regression.cases import Case
from sim.regression.exercises import EXERCISE_SAMPLES, FOLDINGS, NAMES
from sim.regression.runnable import runnable
from sim.simulators.cocotb_launcher import PATTERNS

BULK_SAMPLES, STALLED_SAMPLES = 20, 16
TEST_SET_S, BULK_S, STALLED_S = 50.0, 10.0, 12.0
"""What the cycles of a case may take, about: its budget of cycles is made of that and of the plan, and in its name."""
PART_S = {"icarus": 30.0, "verilator": 18.0}
"""The same for a test set that goes through Icarus in part only, or through Verilator, because of ``TEST_SET_S``."""
LONG_S = 5.0
"""A budget of multipliers for which one sample takes Icarus longer than that is left out, but for the default one."""

_FOLDINGS: dict[str, tuple[int | None, ...]] = {
    "iris": (1, 16, 64, None),
    "wine": (1, 64, None),
    "breast_cancer": (1, 64, None),
    "digits": (16, 64, 256),
    "mnist": (16, 64, 512),
}
"""Budgets of multipliers by network, None for unrolled; a network that is not here gets ``_ANY_NETWORK``."""
_ANY_NETWORK: tuple[int | None, ...] = (16, 64)
_THOROUGH = ("iris", "wine", "breast_cancer", "digits")
"""Small enough for the whole test set, and for stalls, in every folding."""
_ALONE = ("iris",)
"""Small enough for every pair of pause patterns by itself, on another seed; where several are asked for."""


def table(
    networks: Iterable[str] | None = None,
    simulators: Sequence[str] = ("pyrtl", "icarus"),
    seeds: Sequence[int] = (0,),
) -> list[Case]:
    """The regression: networks x foldings x simulators, stall patterns x seeds, and exercises; the longest first.

    Networks that are not small are stalled in the default folding only. What a network gets follows from its plans. A
    test set that takes Icarus longer than ``TEST_SET_S`` goes through Verilator, if that is among the simulators; and
    where a case would take too long it has a budget of cycles. Without ``networks`` all that can be run; see
    ``sim.regression.runnable`` for the others.
    """
    found: list[Case] = []
    for network in runnable() if networks is None else networks:
        for folding in _foldings(network):
            found += _cases(network, folding, simulators, seeds)
        if network in _ALONE and "icarus" in simulators and len(seeds) > 1:
            alone = [(pair, seed + 1) for seed in seeds for pair in PATTERNS]
            found += [Case(network, 16, "icarus", (pair,), seed, STALLED_SAMPLES) for pair, seed in alone]
    if networks is None and "icarus" in simulators:
        trying = [(name, FOLDINGS[name], seed) for name in NAMES for seed in seeds]
        found += [Case(*case[:2], "icarus", PATTERNS, case[2], EXERCISE_SAMPLES) for case in trying]
        tiny = [(name, small.MULTIPLIERS.get(kind, DEFAULT_MULTIPLIERS)) for name, kind in small.NAMES.items()]
        found += [Case(*case, "icarus", PATTERNS, seed, small.SMALL_SAMPLES) for case in tiny for seed in seeds]
        if "verilator" in simulators:
            found += [Case(*case, "verilator", PATTERNS, 0, STALLED_SAMPLES) for case in STRUCTURE]
            if len(seeds) > 1:
                found += [Case(*case, "verilator", PATTERNS, 0, small.SMALL_SAMPLES) for case in tiny]
    return sorted(dict.fromkeys(found), key=estimated_s, reverse=True)


STRUCTURE = (("iris", 16), ("chain_image", 4), ("chain_vector", 4))
"""Networks and budgets of multipliers of which Verilator tells what of their Verilog the testbench moves.

Where several seeds are asked for, it tells so of the small networks of all op kinds, too.
"""


def _cases(network: str, folding: int | None, simulators: Sequence[str], seeds: Sequence[int]) -> list[Case]:
    """All of one network in one folding."""
    found = []
    testing = network in _THOROUGH or folding == DEFAULT_MULTIPLIERS
    whole = Case(network, folding, "icarus")
    fits = not _is_long(whole, TEST_SET_S)
    for simulator in simulators:
        if simulator == "verilator":
            if folding == DEFAULT_MULTIPLIERS and not (fits and "icarus" in simulators):
                found.append(_bounded(Case(network, folding, simulator), PART_S[simulator]))
        elif simulator == "icarus" and testing and (fits or "verilator" not in simulators):
            found.append(_bounded(whole, TEST_SET_S if fits else PART_S[simulator]))
        else:
            bulk = Case(network, folding, simulator, samples=BULK_SAMPLES)
            # Where there are stalls, too, Icarus runs back to back before them.
            if simulator != "icarus" or not testing or not _is_long(bulk, BULK_S):
                found.append(_bounded(bulk, BULK_S))
    if "icarus" in simulators and testing:
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
    if case.has_no_test_set:  # to make its plan takes longer than it is worth
        return EXERCISE_S + SPEEDS[case.simulator].start_s
    nets, cycles = _nets(case), _cycles(case)
    replayed = SPEEDS["pyrtl"].time_s(nets, cycles) if case.patterns else 0.0
    return SPEEDS[case.simulator].time_s(nets, cycles) + replayed + MAKING_S_PER_NET * nets


EXERCISE_S = 5.0
"""Seconds that an exercise takes, about."""
MAKING_S_PER_NET = 0.0001
"""Seconds that a design takes to be made and written, a net."""
