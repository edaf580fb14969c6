"""Hardware of the sum over some dimensions: one accumulator for each channel of a word."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod

from golden.ops import Sum
from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.buffer import READ_CYCLES
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.pooled import RESULT_CYCLES, Pooling, as_it_is, pooled, poolings
from rtlgen.state import Flags
from rtlgen.stream import Stream, rows_of
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Walk, linear
from rtlgen.walker import Steps

_ADDED_AT_ONCE = 4
"""Lanes that one stage of registers brings together."""


@dataclass(frozen=True)
class _Order:
    """Dimensions, as they become loops; the innermost one is counted in words.

    Args:
        outer: kept, but for ``channels``.
        channels: kept, the innermost one of the result; None where that has size 1.
        inner: summed up.
    """

    outer: tuple[int, ...]
    channels: int | None
    inner: tuple[int, ...]


def _order(op: Sum, x: TensorType) -> _Order:
    kept = [axis for axis in range(len(x.shape)) if axis not in op.axes]
    if not kept or (op.keep and kept[-1] != len(x.shape) - 1):
        return _Order(tuple(kept), None, op.axes)
    return _Order(tuple(kept[:-1]), kept[-1], op.axes)


def _lanes_add_up(op: Sum, x: TensorType) -> bool:
    return len(x.shape) - 1 in op.axes


def _work(op: Sum, x: TensorType, lanes: int) -> Pooling:
    order = _order(op, x)
    counts = [*x.shape[:-1], ceil(x.inner / lanes)] if _lanes_add_up(op, x) else x.shape
    outer = [x.shape[axis] for axis in order.outer]
    channels = 1 if order.channels is None else x.shape[order.channels]
    taps = prod(counts[axis] for axis in order.inner)
    return Pooling(prod(outer[:2]), taps, channels, prod(outer[2:]), together=_lanes_add_up(op, x))


@candidates.register
def _(op: Sum, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    return poolings(_work(op, x.type, x.lanes), x, goal)


@widths.register
def _(op: Sum, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [_work(op, xs[0], layer.lanes_in).width(layer)]


@walk.register
def _(op: Sum, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    (x,) = xs
    order = _order(op, x)
    (width,) = widths(op, layer, xs)
    counts = (*x.shape[:-1], ceil(x.inner / width))
    loops = [Loop(count, (prod(counts[axis + 1 :]),)) for axis, count in enumerate(counts)]
    still = Loop(1, (0,))
    first, second, *rest = [*(loops[axis] for axis in order.outer), still, still][: max(2, len(order.outer))]
    channels = [] if order.channels is None else [loops[order.channels]]
    steps = (*rest, *channels, *(loops[axis] for axis in order.inner))
    return linear((first, second), steps, rows_of(x), counts[-1])


@departures.register
def _(op: Sum, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    work = _work(op, xs[0], layer.lanes_in)
    stages = _stages(layer.lanes_in) if work.together else 0
    made = of_positions("", work.positions, work.offsets(layer, stages + RESULT_CYCLES))
    return replace(made, token_rows=Fraction(work.rows))


def _stages(lanes: int) -> int:
    """Registers behind the adders that bring the lanes together."""
    stages = 0
    while lanes > 1:
        lanes = ceil(lanes / _ADDED_AT_ONCE)
        stages += 1
    return stages


@lower.register
def sum_over_axes(op: Sum, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Where channels are kept, a word has an accumulator for each; else its lanes add up first, in a tree. ::

    x --> buffer --> word --> (+ over its lanes) --> accumulators --> drain --> y
    """
    (x,) = xs
    work, out_type = _work(op, x.type, x.lanes), op.out_type(x.type)
    path = walk(op, layer, [x.type])
    assert path is not None

    def together(word: HDLTensor, steps: Steps) -> tuple[HDLTensor, int]:
        ends = Flags({"ends": steps.loops[-1].ends}, x.reset).after(f"{name}_word", READ_CYCLES)["ends"]
        real = x.type.inner - (x.row_beats - 1) * x.lanes
        parts = HDLTensor.concat([word[:real], HDLTensor.where(ends, 0, word[real:])]) if real < x.lanes else word
        stages = _stages(x.lanes)
        for stage in range(stages):
            spare = -parts.size % _ADDED_AT_ONCE
            whole = HDLTensor.concat([parts, HDLTensor.constant([0] * spare)]) if spare else parts
            parts = whole.reshape(-1, _ADDED_AT_ONCE).sum(axis=1).register(f"{name}_together{stage + 1}")
        return parts, stages

    prepare = together if work.together else as_it_is
    made = pooled(x, name, layer, work, path, operator.add, out_type.dtype, prepare=prepare)
    return made.stream(name, out_type, made.out.data, made.out.flags, work.rows)
