"""Hardware of a part of a tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from golden.ops import Slice
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk
from rtlgen.rearranged import beat_by_beat, rearranged, split, stride_of, word_by_word
from rtlgen.stream import Stream, rows_of
from rtlgen.walk import Loop, Walk, linear


@candidates.register
def _(op: Slice, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    begin, size, stride = (values[-1] if values else 1 for values in (op.begin, op.size, op.stride))
    whole = begin % x.lanes == 0 and (stride == 1 or size == 1)
    return word_by_word(x, op.out_type(x.type), goal, whole_words=whole)


@walk.register
def _(op: Slice, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    (x,) = xs
    lanes = layer.lanes_in
    counts = [*x.shape[:-1], ceil(x.inner / lanes)] if x.shape else []
    sizes = [*op.size[:-1], ceil(op.size[-1] / lanes)] if x.shape else []
    begin = [*op.begin[:-1], op.begin[-1] // lanes] if x.shape else []
    strides = [stride_of(counts, axis) for axis in range(len(counts))]
    loops = [
        Loop(size, (step * stride if size > 1 else 0,))
        for size, step, stride in zip(sizes, op.stride, strides, strict=True)
    ]
    base = sum(first * stride for first, stride in zip(begin, strides, strict=True))
    return linear(*split(loops), rows_of(x), counts[-1] if counts else 1, base)


@departures.register
def _(op: Slice, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    path = walk(op, layer, xs)
    assert path is not None
    return beat_by_beat(path)


@lower.register
def slice_of(op: Slice, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A buffer of which only those words are read that the result has; the others come and go."""
    (x,) = xs
    path = walk(op, layer, [x.type])
    assert path is not None
    return rearranged(x, name, layer, path, op.out_type(x.type))
