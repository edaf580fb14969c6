"""Hardware of the largest element of each window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from golden.ops import MaxPool
from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.pooled import RESULT_CYCLES, pooled, poolings, walk_of, work_of
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Walk


@candidates.register
def _(op: MaxPool, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    return poolings(work_of(op, xs[0].type), xs[0], goal)


@widths.register
def _(op: MaxPool, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [work_of(op, xs[0]).width(layer)]


@walk.register
def _(op: MaxPool, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    return walk_of(op, layer, xs[0])


@departures.register
def _(op: MaxPool, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    work = work_of(op, xs[0])
    return of_positions("", work.positions, work.offsets(layer, RESULT_CYCLES))


@lower.register
def maxpool(op: MaxPool, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A comparison and a choice for each channel of a word; the padding is the smallest value, and never wins."""
    (x,) = xs
    dtype = x.type.dtype
    path = walk_of(op, layer, x.type)
    made = pooled(x, name, layer, work_of(op, x.type), path, HDLTensor.maximum, dtype, padding=dtype.min)
    return made.stream(name, op.out_type(x.type), made.out.data, made.out.flags)
