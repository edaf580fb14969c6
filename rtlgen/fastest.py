"""The smallest initiation interval that a number of multipliers allows: a lower bound, then a search from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from golden.graph import Graph
from golden.ops import Conv, Dense
from rtlgen.choice import NOTHING, Chooser, Chosen, position_cycles
from rtlgen.lowering import Goal
from rtlgen.macs import macs_of
from rtlgen.multiply import is_wiring, weight_multipliers
from rtlgen.prompt import Prompt
from rtlgen.stream import rows_of

LATENCY_INTERVALS = 1.6
"""Intervals until a first sample is out of a network with convolutions, where that takes no longer interval."""
_UNLIMITED = 1 << 40
"""More cycles than any layer takes."""
_FIRST_STEP = 64
"""The search starts with this part of the lower bound: plans are seldom further from it."""
_WORTH = (0, 10, 20, 40, 80, 160, 320, 640)
"""LUT sites that a multiplier may be worth, when there are more multipliers than the fastest plan needs."""


def fastest(graph: Graph, multipliers: int | None, latency_intervals: float | None = None) -> Chosen:
    """The smallest plan of the smallest initiation interval; with constants instead of ``multipliers`` for None.

    Among plans of that interval multipliers are exchanged for logic as far as their number allows. With
    ``latency_intervals`` the interval is the smallest one found with such a latency; without, the latency of networks
    with convolutions is brought to ``LATENCY_INTERVALS`` where multipliers that the interval leaves over can do that.

    Raises:
        NotImplementedError: if no hardware of the layers fits together.
        ValueError: if no plan with a latency of ``latency_intervals`` is found.
    """
    choose = Chooser(graph)
    if multipliers is None:
        goal = Goal(_UNLIMITED, 0, unrolled=True)
        impossible = 0
    else:
        goal = Goal(_UNLIMITED, multipliers)
        impossible = _least_cycles(graph, multipliers) - 1
    if choose.cheapest(goal) is None and choose.cheapest(goal := replace(goal, logic=True)) is None:
        raise NotImplementedError(f"layer {choose.stuck!r} has no hardware that takes the streams before it")
    best = _smallest(lambda cycles: choose.cheapest(replace(goal, ii_cycles=cycles)), impossible)
    if multipliers is None:
        return best

    def with_less_logic(best: Chosen, slowest: Mapping[str, int]) -> Chosen:
        within = replace(goal, ii_cycles=best.ii_cycles)
        return _with_less_logic(lambda worth: choose.cheapest(within, worth, slowest=slowest), best, multipliers)

    usual = with_less_logic(best, NOTHING)
    if latency_intervals is None and not any(isinstance(node.op, Conv) for node in graph.nodes):
        return usual
    soon = Prompt(choose, goal, latency_intervals or LATENCY_INTERVALS, best)
    if soon.intervals_of(usual) <= soon.intervals:
        return soon.limited(usual)
    found = soon.as_fast() if latency_intervals is None else soon.smallest()
    if found is None:
        return usual
    smaller = with_less_logic(found, {name: position_cycles(layer) for name, layer in found.layers.items()})
    return soon.limited(smaller if soon.intervals_of(smaller) <= soon.intervals else found)


def _with_less_logic(at_worth: Callable[[int], Chosen | None], best: Chosen, multipliers: int) -> Chosen:
    """As ``best``, but with multipliers of the least worth that there are enough of: the more worth, the fewer."""
    low, high = -1, len(_WORTH)
    while high - low > 1:
        middle = (low + high) // 2
        other = at_worth(_WORTH[middle])
        if other is not None and other.multipliers <= multipliers:
            best, high = other, middle
        else:
            low = middle
    return best


def _smallest(within: Callable[[int], Chosen | None], impossible: int) -> Chosen:
    """What ``within`` finds for the fewest cycles, which are more than ``impossible``.

    The cycles of plans are far apart, so that after each one that is found those just below it are tried first.
    """
    step = max(1, impossible // _FIRST_STEP)
    while (best := within(impossible + step)) is None:
        impossible, step = impossible + step, step * 2
    while best.ii_cycles - impossible > 1:
        below = within(best.ii_cycles - 1)
        if below is None:
            break
        best = below
        middle = (impossible + best.ii_cycles) // 2
        if middle > impossible:
            found = within(middle)
            if found is None:
                impossible = middle
            else:
                best = found
    return best


@dataclass(frozen=True)
class _Need:
    """Of a weighted layer: products of a sample, positions, weights that are not wiring, multipliers a product."""

    macs: int
    positions: int
    worth: int
    times: int

    def multipliers(self, cycles: int) -> int:
        """The least that there must be, whatever the folding."""
        products = ceil(self.macs / cycles)
        if products == 1:  # which may be made of adders
            return 0
        return self.times * (min(products, self.worth) if self.positions <= cycles else products)


def _least_cycles(graph: Graph, multipliers: int) -> int:
    """A lower bound of the initiation interval: the sum of what the weighted layers need, each by itself."""
    needs = []
    for node in graph.nodes:
        if isinstance(node.op, Conv | Dense):
            macs, type = macs_of(graph, node.name), graph.types[node.inputs[0]]
            worth = int((~is_wiring(node.op.weight)).sum())
            needs.append(_Need(macs, rows_of(graph.types[node.name]), worth, weight_multipliers(type.dtype)))
    low, high = 0, max((need.macs for need in needs), default=1)
    while high - low > 1:
        middle = (low + high) // 2
        if sum(need.multipliers(middle) for need in needs) <= multipliers:
            high = middle
        else:
            low = middle
    return high
