"""Hardware of the dimensions in another order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from golden.ops import Transpose
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk
from rtlgen.rearranged import beat_by_beat, rearranged, split, stride_of, word_by_word
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
    counts = [*x.shape[:-1], ceil(x.inner / layer.lanes_in)] if x.shape else []
    loops = [Loop(counts[axis], (stride_of(counts, axis),)) for axis in op.permutation]
    return linear(*split(loops), rows_of(x), counts[-1] if counts else 1)


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
