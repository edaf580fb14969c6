"""Hardware of the convolution: full, grouped, depthwise, and in one dimension, all by the folded engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil

from golden.ops import Conv
from golden.types import IntArray, TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.folded import beat_offsets, folded, tiled
from rtlgen.foldings import Work, foldings, pace_of
from rtlgen.geometry import Geometry, window_walk
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.multiply import is_wiring
from rtlgen.stream import Stream
from rtlgen.walk import Loop, Walk


@lru_cache(maxsize=1024)
def _geometry(op: Conv, x: TensorType) -> Geometry:
    out = op.out_type(x).shape
    size = (x.shape[0], x.shape[1])
    whole = Geometry(size, op.channels, (out[0], out[1]), op.kernel, op.stride, op.padding, op.dilation)
    return whole.flat


@lru_cache(maxsize=1024)
def _work(op: Conv, x: TensorType) -> Work:
    geometry = _geometry(op, x)
    worth = int((~is_wiring(op.weight)).sum())
    return Work(x, geometry.positions, geometry.taps, op.groups, op.outputs, op.channels, op.weight_type.bits, worth)


@candidates.register
def _(op: Conv, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    if goal.unrolled:
        raise NotImplementedError("Conv has no unrolled hardware yet: give it multipliers instead")
    return foldings(_work(op, xs[0].type), xs[0], goal)


@widths.register
def _(op: Conv, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [layer.outputs if _work(op, xs[0]).own else layer.inputs]


@walk.register
def _(op: Conv, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    geometry, work = _geometry(op, xs[0]), _work(op, xs[0])
    (width,) = widths(op, layer, xs)
    words = ceil(work.channels / width)
    if work.own:
        return window_walk(geometry, words, (Loop(layer.folds, (1,)),), ())
    of_group = words // op.groups
    folds = (Loop(op.groups, (of_group,)), Loop(layer.folds // op.groups, (0,)))
    return window_walk(geometry, words, folds, (Loop(of_group, (1,)),))


@departures.register
def _(op: Conv, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    work = _work(op, xs[0])
    return of_positions("", work.positions, beat_offsets(layer, pace_of(work, layer), work.own))


@lower.register
def conv(op: Conv, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Each position reads its window from the line buffer, once for each fold of the outputs."""
    (x,) = xs
    work = _work(op, x.type)
    path = walk(op, layer, [x.type])
    assert path is not None
    return folded(
        x,
        name,
        layer,
        path,
        pace_of(work, layer),
        _tiles(op, work, layer),
        op.bias,
        op.out_type(x.type),
        own=work.own,
        padding=op.padding_value,
    )


def _tiles(op: Conv, work: Work, layer: LayerPlan) -> IntArray:
    """The weights in the order of the walk: folds, places within the window, words of a place."""
    if work.own:
        return tiled(op.weight.reshape(1, op.outputs, work.taps, 1), layer.outputs, 1, 1)
    matrix = op.weight.reshape(op.groups, op.outputs // op.groups, work.taps, -1)
    return tiled(matrix, layer.outputs, layer.inputs, ceil(matrix.shape[3] / layer.inputs))
