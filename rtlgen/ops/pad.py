"""Hardware of a border of one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, prod

import numpy as np

from golden.ops import Pad
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk
from rtlgen.rearranged import beat_by_beat, rearranged, split, stride_of, word_by_word
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
    lanes = layer.lanes_in
    counts = [*x.shape[:-1], ceil(x.inner / lanes)] if x.shape else []
    padding = [*op.padding[:-1], tuple(ceil(part / lanes) for part in op.padding[-1])] if x.shape else []
    strides = [stride_of(counts, axis) for axis in range(len(counts))]
    loops = [
        Loop(before + count + after, (stride,), tuple(int(axis == other) for other in range(len(counts))))
        for axis, (count, stride, (before, after)) in enumerate(zip(counts, strides, padding, strict=True))
    ]
    positions, steps = split(loops)
    origin = tuple(-before for before, _ in padding)
    base = sum(first * stride for first, stride in zip(origin, strides, strict=True))
    reach = _reach(counts, origin, positions, base)
    return Walk(positions, steps, (reach,), Grid(tuple(counts), origin))


def _reach(counts: Sequence[int], origin: Sequence[int], positions: tuple[Loop, Loop], base: int) -> Reach:
    """A position in the padding needs no more than the place of the tensor that is nearest to it."""
    outer = len(counts) - 1
    rows, columns = (
        np.arange(loop.count) + origin[axis] if axis < outer else np.zeros(1, dtype=np.int64)
        for axis, loop in enumerate(positions)
    )
    (height, width), within = [*counts[:outer], 1, 1][:2], prod(counts[2:]) if outer >= 2 else prod(counts[-1:])
    below, beside = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    needs = ((below[:, None] * width + beside[None, :] + 1) * within).reshape(-1)
    row_words = counts[-1] if counts else 1
    done = np.clip(rows + 1, 0, height) * width * within // row_words
    done[-1] = prod(counts) // row_words
    return Reach(prod(counts), row_words, base, needs, done)


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
