"""How early a first sample can be out: a bound, and the speed of each layer that comes close to it.

With ``c`` cycles a position a layer needs ``a / c`` multipliers, ``a`` being its products for a position, and it
adds ``n * c`` to a way through the network that passes ``n`` of its positions. Both are convex, so there is a dual: a
price of a cycle of each layer in multipliers, proportional to the positions that some mixture of ways passes. At any
such prices the layers that cost least, ``c = sqrt(a / price)`` or as slow as the interval allows, give a lower bound of
the multipliers that a latency takes; at the best prices it is the least for real numbers of cycles. Whole ones are
found with these prices by dynamic programming, see `rtlgen.choice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from golden.graph import Graph
from rtlgen.choice import Chosen
from rtlgen.first_sample import FirstSample, FloatArray
from rtlgen.macs import macs_of
from rtlgen.multiply import weight_multipliers
from rtlgen.sizing import stages_with_room

_ROUNDS = 30
"""Ways that are mixed: more of them hardly change the bound."""
_HALVINGS = 50


@dataclass(frozen=True)
class Prices:
    """What a cycle of a layer's positions is worth.

    Args:
        multipliers: without as many, no folding keeps to interval and latency.
        of_cycle: multipliers by layer.
    """

    multipliers: float
    of_cycle: Mapping[str, float]


def first_sample(graph: Graph, chosen: Chosen) -> FirstSample:
    """The waiting of a first sample in hardware whose buffers have no depth yet."""
    return FirstSample.of(*stages_with_room(graph, chosen.layers, chosen.input_lanes))


def prices(graph: Graph, chosen: Chosen, ii_cycles: int, latency_cycles: float, pinned: str | None = None) -> Prices:
    """The best prices for an interval and a latency, of plans with pipelines as long as those of ``chosen``.

    Args:
        graph: the network.
        chosen: some hardware for it.
        ii_cycles: initiation interval.
        latency_cycles: most cycles from the first input to the last output.
        pinned: a layer that takes the whole interval.
    """
    sample = first_sample(graph, chosen)
    folds = [chosen.layers[name].folds if name in chosen.layers else 1 for name in sample.names]
    return _best(graph, sample, sample.cycles / folds, ii_cycles, latency_cycles, pinned)


def least_multipliers(graph: Graph, chosen: Chosen, ii_cycles: int, latency_cycles: float) -> float:
    """A lower bound of the multipliers of every plan with that interval and latency, at most, requantisers left out.

    It holds for all hardware with a unit of its own for each layer that makes one position after the other, however it
    is folded: of the hardware ``chosen`` it depends only on what positions wait for. Units without multipliers and all
    pipelines take no time here.
    """
    sample = first_sample(graph, chosen).without_pipelines
    return _best(graph, sample, np.zeros(len(sample.names)), ii_cycles, latency_cycles, None).multipliers


def _best(
    graph: Graph, sample: FirstSample, others: FloatArray, ii_cycles: int, latency_cycles: float, pinned: str | None
) -> Prices:
    """The best prices; infinitely many multipliers where layers that cannot be faster take longer.

    Args:
        graph, ii_cycles, latency_cycles, pinned: as of ``prices``.
        sample: the waiting.
        others: cycles of a position of layers without weights.
    """
    work = np.array([_work(graph, name, count) for name, count in zip(sample.names, sample.positions, strict=True)])
    slowest = np.where(work > 0, ii_cycles / sample.positions, others)
    fixed = np.array([name == pinned for name in sample.names])
    free = np.where(fixed, 0.0, work)
    best = Prices(_multipliers(work, slowest), {})
    way = sample.longest(slowest)
    mixed, further = way.positions, way.further_cycles
    for number in range(_ROUNDS):
        left = latency_cycles - further
        if mixed[free == 0] @ slowest[free == 0] >= left:
            return Prices(np.inf, {})
        price = _price(mixed, free, slowest, left)
        cycles = _cheapest(price * mixed, free, slowest)
        bound = _multipliers(work, cycles) + price * float(mixed @ cycles - left)
        if bound > best.multipliers or not best.of_cycle:
            of_cycle = np.where(fixed, 0.0, price * mixed).tolist()
            best = Prices(max(bound, best.multipliers), dict(zip(sample.names, of_cycle, strict=True)))
        way = sample.longest(cycles)
        step = 2 / (number + 4)
        mixed = mixed + step * (way.positions - mixed)
        further += step * (way.further_cycles - further)
    return best


def _multipliers(work: FloatArray, cycles: FloatArray) -> float:
    """Of all layers, not rounded."""
    return float((work[work > 0] / cycles[work > 0]).sum())


def _work(graph: Graph, name: str, positions: int) -> float:
    """Multipliers of a layer that takes one cycle for a position, not rounded."""
    if name in graph.inputs:
        return 0.0
    type = graph.types[graph.node(name).inputs[0]]
    return macs_of(graph, name) / positions * weight_multipliers(type.dtype)


def _cheapest(price: FloatArray, work: FloatArray, slowest: FloatArray) -> FloatArray:
    """Cycles of a position that cost least."""
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.sqrt(work / price)
    return np.where((work > 0) & (price > 0), np.minimum(slowest, best), slowest)


def _price(mixed: FloatArray, work: FloatArray, slowest: FloatArray, left: float) -> float:
    """Of a position passed, such that the mixture of ways takes as many cycles as are ``left``."""
    if mixed @ slowest <= left:
        return 0.0
    low, high = -100.0, 100.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if mixed @ _cheapest(np.exp(middle) * mixed, work, slowest) > left:
            low = middle
        else:
            high = middle
    return float(np.exp(high))
