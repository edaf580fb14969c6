"""Joins: a layer that takes two tensors, each from a buffer of its own, and makes a row of its result at a time.

The tensors come when they come; nobody makes one wait for the other. A row begins when both have what it needs. ::

    a --> buffer --+
                   +--> computed lane by lane --> y
    b --> buffer --+
            ^
          walker

A tensor that is smaller than the result stays where it is along the dimensions that it lacks: the address does not
move, and what is read again is done with at the end only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, lcm, prod

import numpy as np
import pyrtl

from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.foldings import widths_of
from rtlgen.lowering import Goal, Incoming, LayerPlan
from rtlgen.pipeline import staged
from rtlgen.state import Flags
from rtlgen.stream import Stream, beats_of, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Reach, Walk
from rtlgen.walker import walker

_FIXED_LUT_SITES, _LUT_SITES_A_LANE = 130, 90
"""Roughly, as measured on an ECP5 for a sum."""


def join_widths(layer: LayerPlan, xs: Sequence[TensorType], y: TensorType) -> list[int]:
    """Elements of a word in each buffer: one of a tensor that has one element for all of a row."""
    return [1 if x.inner < y.inner else layer.lanes_in for x in xs]


def join_foldings(xs: Sequence[Incoming], y: TensorType, goal: Goal) -> Iterator[LayerPlan]:
    """Words as wide as those of either tensor, and wider ones."""
    lanes = [x.lanes for x in xs if x.type.inner == y.inner]
    if max(beats_of(x.type, x.lanes) for x in xs) > goal.ii_cycles:
        return
    if any(x.lanes > 1 and x.type.inner < y.inner for x in xs):
        return  # what is repeated for all lanes comes on one
    for width in widths_of(y.inner, lcm(*lanes)):
        beats = beats_of(y, width)
        if beats <= goal.ii_cycles and (width <= goal.lanes[-1] or width == lcm(*lanes)):
            own = max(beats, *(beats_of(x.type, x.lanes) for x in xs))
            sites = _FIXED_LUT_SITES + width * _LUT_SITES_A_LANE
            yield LayerPlan("buffered", width, min(width, y.inner), own, lut_sites=sites)


def join_walk(layer: LayerPlan, xs: Sequence[TensorType], y: TensorType) -> Walk:
    """Rows of the result in their order; the loops are groups of dimensions in which a tensor moves along, or not."""
    row_words = [ceil(x.inner / width) for x, width in zip(xs, join_widths(layer, xs, y), strict=True)]
    groups = _groups(xs, y, row_words)
    beats = Loop(ceil(y.inner / layer.lanes_in), tuple(int(x.inner == y.inner) for x in xs))
    still = tuple(0 for _ in xs)
    positions = [*groups[:2], *[Loop(1, still)] * max(0, 2 - len(groups))]
    steps = (*groups[2:], beats)
    rows, columns = positions
    reaches = [
        _reach(prod(x.shape[:-1]), words, rows, columns, groups[2:], place)
        for place, (x, words) in enumerate(zip(xs, row_words, strict=True))
    ]
    return Walk((rows, columns), steps, tuple(reaches))


def _groups(xs: Sequence[TensorType], y: TensorType, row_words: Sequence[int]) -> list[Loop]:
    """The dimensions but for the innermost one, the outermost first, those that move alike as one."""
    rank = len(y.shape)
    outer = [((1,) * (rank - len(x.shape)) + x.shape)[:-1] for x in xs]
    groups: list[Loop] = []
    inside = list(row_words)
    for dimension in reversed(range(rank - 1)):
        count = y.shape[dimension]
        if count == 1:
            continue
        moves = [shape[dimension] == count for shape in outer]
        strides = tuple(words if moving else 0 for words, moving in zip(inside, moves, strict=True))
        if groups and all((a > 0) == (b > 0) for a, b in zip(groups[0].strides, strides, strict=True)):
            groups[0] = Loop(groups[0].count * count, groups[0].strides)
        else:
            groups.insert(0, Loop(count, strides))
        inside = [words * count if moving else words for words, moving in zip(inside, moves, strict=True)]
    return groups


def _reach(tensor_rows: int, row_words: int, rows: Loop, columns: Loop, within: Sequence[Loop], place: int) -> Reach:
    """What one tensor has to have there: all up to the last row that a position reads."""
    down, along = (loop.strides[place] for loop in (rows, columns))
    last = row_words + sum((loop.count - 1) * loop.strides[place] for loop in within)
    needs = np.arange(rows.count)[:, None] * down + np.arange(columns.count)[None, :] * along + last
    frees = np.arange(1, rows.count + 1) * (down // row_words)
    frees[-1] = tensor_rows
    return Reach(tensor_rows * row_words, row_words, 0, needs.reshape(-1), frees)


def _token_rows(path: Walk) -> Fraction:
    """Rows of the result in a position."""
    return Fraction(prod(loop.count for loop in path.steps[:-1]))


def join_departures(layer: LayerPlan, path: Walk) -> Arrivals:
    """A beat a cycle from the start of a position on, through memory and computation."""
    first = 1 + READ_CYCLES + layer.depth_cycles
    arrivals = of_positions("", path.count, first + np.arange(path.position_cycles))
    return replace(arrivals, token_rows=_token_rows(path))


@dataclass
class Datapath:
    """How a join computes.

    Args:
        operands: from the words as they are read to what ``steps`` begin with, in ``cycles`` cycles.
        cycles: that this takes.
        combine: of both operands.
        steps: each with a register behind it, the first one on what ``combine`` gives.
    """

    operands: Callable[[int, HDLTensor], HDLTensor]
    cycles: int
    combine: Callable[[HDLTensor, HDLTensor], HDLTensor]
    steps: Sequence[Callable[[HDLTensor], HDLTensor]]


def joined(name: str, layer: LayerPlan, path: Walk, xs: Sequence[Stream], y: TensorType, by: Datapath) -> Stream:
    """The join in the working block."""
    reset, room = xs[0].reset, pyrtl.WireVector(1, f"{name}_room")
    widths = join_widths(layer, [x.type for x in xs], y)
    buffers = [
        buffered(name, x, width, depth, label)
        for x, width, depth, label in zip(xs, widths, layer.buffer_words, ("a", "b"), strict=True)
    ]
    steps = walker(name, path, buffers, room, reset)
    lanes = layer.lanes_out
    operands = []
    for place, (buffer, address) in enumerate(zip(buffers, steps.addresses, strict=True)):
        word = buffer.read(address)
        operands.append(by.operands(place, word if word.size == 1 else word[:lanes]))
    flags = Flags({"valid": steps.valid, "last": steps.closes & steps.ends}, reset)
    flags = flags.after(f"{name}_read", READ_CYCLES).after(f"{name}_operand", by.cycles)
    assert layer.depth_cycles == by.cycles + len(by.steps), name
    first = by.combine(operands[0], operands[1])
    data, out = staged(name, first, flags, by.steps)
    return stream(
        name, y, data, out["valid"], out["last"], steps.starts, reset, room=room, token_rows=_token_rows(path)
    )
