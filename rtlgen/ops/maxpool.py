"""Hardware of the largest element of each window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from golden.ops import MaxPool
from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.geometry import Geometry, window_walk
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.pooled import RESULT_CYCLES, Pooling, pooled, poolings
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Walk


def _geometry(op: MaxPool, x: TensorType) -> Geometry:
    rows, columns, channels = x.shape
    out = op.out_type(x).shape
    return Geometry((rows, columns), channels, (out[0], out[1]), op.kernel, op.stride, op.padding)


def _work(op: MaxPool, x: TensorType) -> Pooling:
    geometry = _geometry(op, x)
    return Pooling(geometry.positions, geometry.taps, geometry.channels)


@candidates.register
def _(op: MaxPool, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    return poolings(_work(op, xs[0].type), xs[0], goal)


@widths.register
def _(op: MaxPool, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [_work(op, xs[0]).width(layer)]


@walk.register
def _(op: MaxPool, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    return window_walk(_geometry(op, xs[0]), layer.folds, (Loop(layer.folds, (1,)),), ())


@departures.register
def _(op: MaxPool, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    work = _work(op, xs[0])
    return of_positions("", work.positions, work.offsets(layer, RESULT_CYCLES))


@lower.register
def maxpool(op: MaxPool, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A comparison and a choice for each channel of a word; the padding is the smallest value, and never wins."""
    (x,) = xs
    dtype = x.type.dtype
    path = walk(op, layer, [x.type])
    assert path is not None
    made = pooled(x, name, layer, _work(op, x.type), path, HDLTensor.maximum, dtype, padding=dtype.min)
    return made.stream(name, op.out_type(x.type), made.out.data, made.out.flags)
