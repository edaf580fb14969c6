"""Layers that compute nothing: they read the words of a buffer in another order, or some of them, or padding between.

Where a row of the result is made of whole beats of the input, these are the words, and the beats of the result.
Otherwise the result has one lane, and a word is an element or, where several come in a beat, a whole row. ::

    x --> buffer --> word --> (one of its lanes) --> y
            ^
          walker

    cycle (from the one on which a position starts)
    1         first address
    3         its word
    4         the first beat of the result; the others follow without any gap
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod
from operator import mul

import numpy as np
import pyrtl

from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.lowering import Goal, Incoming, LayerPlan
from rtlgen.state import Flags
from rtlgen.stream import Stream, beats_of, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Walk
from rtlgen.walker import walker

RESULT_CYCLES = 1
_LUT_SITES = 120
"""Of the walk, roughly."""


@dataclass(frozen=True)
class Layout:
    """How a tensor lies in its buffer.

    Args:
        counts: of each dimension; of the innermost one, in units.
        strides: words and lanes from one index of a dimension to the next.
        unit: elements that stay together.
        row_words: words of a row.
    """

    counts: tuple[int, ...]
    strides: tuple[tuple[int, int], ...]
    unit: int
    row_words: int

    def base(self, first: Sequence[int]) -> tuple[int, int]:
        """Word and lane of an index, maybe outside of the tensor."""
        words, lanes = ([stride[which] for stride in self.strides] for which in (0, 1))
        return sum(map(mul, first, words)), sum(map(mul, first, lanes))

    def lane_of(self, first: Sequence[int]) -> int | None:
        """The lane of an index, where a word is more than a unit."""
        return self.base(first)[1] if self.row_words < self.counts[-1] else None


def layout(layer: LayerPlan, x: TensorType) -> Layout:
    """Words as they come, or rows of which single elements are taken."""
    shape = x.shape or (1,)
    in_rows = layer.lanes_out < layer.lanes_in
    unit = 1 if in_rows else layer.lanes_in
    counts = (*shape[:-1], ceil(shape[-1] / unit))
    row_words = 1 if in_rows else counts[-1]
    outer = tuple((prod(shape[axis + 1 : -1]) * row_words, 0) for axis in range(len(shape) - 1))
    return Layout(counts, (*outer, (0, 1) if in_rows else (1, 0)), unit, row_words)


def word_width(layer: LayerPlan, x: TensorType) -> int:
    """Elements of a word."""
    return x.inner if layer.lanes_out < layer.lanes_in else layer.lanes_in


def word_by_word(x: Incoming, y: TensorType, goal: Goal, *, whole_words: bool) -> Iterator[LayerPlan]:
    """The hardware for a result ``y``: ``whole_words`` become beats of the result, otherwise it has one lane."""
    # Of rows of one element a beat is one lane: a join repeats that for every lane of its other tensor.
    whole_words &= y.inner > 1 or x.lanes == 1 or x.type.inner % x.lanes > 0
    lanes = x.lanes if whole_words else 1
    cycles = max(beats_of(x.type, x.lanes), beats_of(y, lanes))
    if cycles <= goal.ii_cycles and (whole_words or x.type.inner % x.lanes == 0):
        yield LayerPlan("buffered", x.lanes, lanes, cycles, lut_sites=_LUT_SITES)


def split(loops: Sequence[Loop]) -> tuple[tuple[Loop, Loop], tuple[Loop, ...]]:
    """Loops over the dimensions of a result as positions and the steps within them, which end with a row."""
    still = Loop(1, (0, 0))
    *outer, inner = loops
    first, second, *rest = [*outer, still, still][: max(2, len(outer))]
    return (first, second), (*rest, inner)


def token_rows(path: Walk) -> Fraction:
    """Rows of the result that are made at a position."""
    return Fraction(prod(loop.count for loop in path.steps[:-1]))


def beat_by_beat(path: Walk) -> Arrivals:
    """A beat for each step."""
    offsets = np.arange(path.position_cycles) + 1 + READ_CYCLES + RESULT_CYCLES
    return replace(of_positions("", path.count, offsets), token_rows=token_rows(path))


def rearranged(x: Stream, name: str, layer: LayerPlan, path: Walk, type: TensorType, padding: int = 0) -> Stream:
    """The result of ``type`` in the order of ``path``; where that is outside of the tensor, ``padding``."""
    room = pyrtl.WireVector(1, f"{name}_room")
    buffer = buffered(name, x, word_width(layer, x.type), layer.buffer_words[0])
    steps = walker(name, path, [buffer], room, x.reset)
    word = buffer.read(steps.addresses[0], steps.outside, padding)
    flags = Flags({"valid": steps.valid, "last": steps.closes & steps.ends}, x.reset).after(f"{name}_read", READ_CYCLES)
    if steps.lane is not None:
        word = picked(word, delayed(f"{name}_lane", steps.lane, READ_CYCLES))
    data = word.register(f"{name}_result", enable=flags["valid"], reset=x.reset)
    out = flags.after(f"{name}_result", RESULT_CYCLES)
    rows = token_rows(path)
    return stream(name, type, data, out["valid"], out["last"], steps.starts, x.reset, room=room, token_rows=rows)


def picked(word: HDLTensor, lane: pyrtl.WireVector) -> HDLTensor:
    """One element of a word, shape (1,): a tree of choices, a level for each bit of its number."""
    for bit in lane:
        pairs = len(word) // 2 * 2
        if pairs:
            chosen = HDLTensor.where(bit, word[1:pairs:2], word[:pairs:2])
            word = HDLTensor.concat([chosen, word[pairs:]])
    return word


def delayed(name: str, wire: pyrtl.WireVector, cycles: int) -> pyrtl.WireVector:
    """A number that travels beside the data."""
    for cycle in range(cycles):
        register = pyrtl.Register(len(wire), f"{name}{cycle + 1}")
        register.next <<= wire
        wire = register
    return wire
