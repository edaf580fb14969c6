"""Hardware of a part of a tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from golden.ops import Slice
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.rearranged import beat_by_beat, layout, rearranged, split, word_by_word, word_width
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
    lies = layout(layer, x)
    begin, size, stride = (values or (1,) for values in (op.begin if x.shape else (0,), op.size, op.stride))
    first = (*begin[:-1], begin[-1] // lies.unit)
    counts = (*size[:-1], ceil(size[-1] / lies.unit))
    loops = [
        Loop(count, (step * words, step * lanes) if count > 1 else (0, 0))
        for count, step, (words, lanes) in zip(counts, stride, lies.strides, strict=True)
    ]
    base, _ = lies.base(first)
    return linear(*split(loops), rows_of(x), lies.row_words, base, lies.lane_of(first))


@widths.register
def _(op: Slice, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [word_width(layer, xs[0])]


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
