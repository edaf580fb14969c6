"""Hardware of the fully connected layer: the choice between its engines and their foldings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil

from golden.ops import Dense
from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.folded import beat_offsets, folded, tiled
from rtlgen.foldings import Work, foldings, pace_of
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.multiply import is_wiring
from rtlgen.stream import Stream, beats_of, rows_of
from rtlgen.unrolled import unrolled, unrolled_cycles
from rtlgen.walk import Loop, Walk, rows_in_order


@lru_cache(maxsize=1024)
def _work(op: Dense, x: TensorType) -> Work:
    worth = int((~is_wiring(op.weight)).sum())
    return Work(x, rows_of(x), 1, 1, op.outputs, op.inputs, op.weight_type.bits, worth)


@candidates.register
def _(op: Dense, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    if not goal.unrolled:
        yield from foldings(_work(op, x.type), x, goal)
        return
    width = ceil(op.inputs / x.lanes) * x.lanes
    beats = beats_of(x.type, x.lanes)
    depth = unrolled_cycles(op)
    spacing = ceil(op.inputs / x.lanes)
    yield LayerPlan("unrolled", x.lanes, op.outputs, beats, spacing, depth, outputs=op.outputs, inputs=width)


@walk.register
def _(op: Dense, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk | None:
    if layer.engine == "unrolled":
        return None
    words = layer.words
    return rows_in_order(rows_of(xs[0]), words, (Loop(layer.folds, (0,)), Loop(words, (1,))))


@widths.register
def _(op: Dense, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [layer.inputs]


@departures.register
def _(op: Dense, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    (x,), (arriving,) = xs, arrivals
    if layer.engine == "unrolled":
        row_beats = ceil(op.inputs / layer.lanes_in)
        return arriving.only(slice(row_beats - 1, None, row_beats), Fraction(1)).later(layer.depth_cycles)
    return of_positions("", rows_of(x), beat_offsets(layer, pace_of(_work(op, x), layer), own=False))


@lower.register
def dense(op: Dense, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """``outputs * inputs`` multipliers and as many weights a word, or an adder graph of the constants."""
    (x,) = xs
    if layer.engine == "unrolled":
        return unrolled(op, x, name)
    path = walk(op, layer, [x.type])
    assert path is not None
    tiles = tiled(op.weight[None, :, None, :], layer.outputs, layer.inputs, layer.words)
    pace = pace_of(_work(op, x.type), layer)
    return folded(x, name, layer, path, pace, tiles, op.bias, op.out_type(x.type))
