"""Hardware of the dimensions in another order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from golden.ops import Transpose
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.rearranged import beat_by_beat, layout, rearranged, split, word_by_word, word_width
from rtlgen.stream import Stream, rows_of
from rtlgen.walk import Loop, Walk, linear


@candidates.register
def _(op: Transpose, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    stays = op.permutation[-1:] == (len(x.type.shape) - 1,)
    return word_by_word(x, op.out_type(x.type), goal, whole_words=stays)


@walk.register
def _(op: Transpose, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    (x,) = xs
    lies = layout(layer, x)
    loops = [Loop(lies.counts[axis], lies.strides[axis]) for axis in op.permutation or (0,)]
    return linear(*split(loops), rows_of(x), lies.row_words, lane=lies.lane_of((0,) * len(loops)))


@widths.register
def _(op: Transpose, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [word_width(layer, xs[0])]


@departures.register
def _(op: Transpose, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    path = walk(op, layer, xs)
    assert path is not None
    return beat_by_beat(path)


@lower.register
def transpose(op: Transpose, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A buffer that is read in the order of the result: a position begins when the last of its words is there.

    Words of all lanes where the innermost dimension stays the innermost one, single elements otherwise.
    """
    (x,) = xs
    path = walk(op, layer, [x.type])
    assert path is not None
    return rearranged(x, name, layer, path, op.out_type(x.type))
