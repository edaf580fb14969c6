"""Hardware of a border of one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, prod

import numpy as np

from golden.ops import Pad
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.rearranged import Layout, beat_by_beat, layout, rearranged, split, word_by_word, word_width
from rtlgen.stream import Stream
from rtlgen.walk import Grid, Loop, Reach, Walk


@candidates.register
def _(op: Pad, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    before, after = op.padding[-1] if op.padding else (0, 0)
    whole = before % x.lanes == 0 and (after == 0 or x.type.inner % x.lanes == 0)
    return word_by_word(x, op.out_type(x.type), goal, whole_words=whole)


@walk.register
def _(op: Pad, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    (x,) = xs
    lies = layout(layer, x)
    padding = op.padding or ((0, 0),)
    before, after = padding[-1]
    padding = (*padding[:-1], (before // lies.unit, ceil(after / lies.unit)))
    origin = tuple(-before for before, _ in padding)
    counts = [before + count + after for count, (before, after) in zip(lies.counts, padding, strict=True)]
    dimensions = range(len(counts))
    loops = [Loop(counts[axis], lies.strides[axis], tuple(int(axis == n) for n in dimensions)) for axis in dimensions]
    positions, steps = split(loops)
    reach = _reach(lies, origin, positions)
    return Walk(positions, steps, (reach,), Grid(lies.counts, origin), lies.lane_of(origin))


def _reach(lies: Layout, origin: Sequence[int], positions: tuple[Loop, Loop]) -> Reach:
    """A position in the padding needs no more than the place of the tensor that is nearest to it."""
    outer = lies.counts[:-1]
    rows, columns = (
        np.arange(loop.count) + origin[axis] if axis < len(outer) else np.zeros(1, dtype=np.int64)
        for axis, loop in enumerate(positions)
    )
    height, width = (*outer, 1, 1)[:2]
    of_place = prod(outer[2:])
    below, beside = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    needs = ((below[:, None] * width + beside[None, :] + 1) * of_place * lies.row_words).reshape(-1)
    done = np.clip(rows + 1, 0, height) * width * of_place
    done[-1] = prod(outer)
    base, _ = lies.base(origin)
    return Reach(prod(outer) * lies.row_words, lies.row_words, base, needs, done)


@widths.register
def _(op: Pad, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [word_width(layer, xs[0])]


@departures.register
def _(op: Pad, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    path = walk(op, layer, xs)
    assert path is not None
    return beat_by_beat(path)


@lower.register
def pad(op: Pad, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A walk around the tensor in its buffer too: what it reads outside of it is the value."""
    (x,) = xs
    path = walk(op, layer, [x.type])
    assert path is not None
    return rearranged(x, name, layer, path, op.out_type(x.type), op.value)
