"""Layers that compute nothing: they read the words of a buffer in another order, or some of them, or padding between.

Where a row of the result is made of whole words of the input, a word has all lanes of the input, and a beat of the
result is such a word. Otherwise there is one lane, and each element is a word of its own. ::

    x --> buffer --> word --> y
            ^
          walker

    cycle (from the one on which a position starts)
    1         first address
    3         its word
    4         the first beat of the result; the others follow without any gap
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import pyrtl

from golden.types import TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.lowering import Goal, Incoming, LayerPlan
from rtlgen.state import Flags
from rtlgen.stream import Stream, beats_of, stream
from rtlgen.walk import Loop, Walk
from rtlgen.walker import walker

RESULT_CYCLES = 1


def word_by_word(x: Incoming, y: TensorType, goal: Goal, *, whole_words: bool) -> Iterator[LayerPlan]:
    """The hardware for a result ``y``, if there is one lane, or ``whole_words`` become beats of the result."""
    cycles = max(beats_of(x.type, x.lanes), beats_of(y, x.lanes))
    if cycles <= goal.ii_cycles and (whole_words or x.lanes == 1):
        yield LayerPlan("buffered", x.lanes, x.lanes, cycles)


def split(loops: Sequence[Loop], buffers: int = 1) -> tuple[tuple[Loop, Loop], tuple[Loop, ...]]:
    """Loops over the dimensions of a result as positions and the steps within them, which end with a row."""
    still = Loop(1, (0,) * buffers)
    outer, inner = [*loops[:-1]], loops[-1] if loops else still
    first, second, *rest = [*outer, still, still][: max(2, len(outer))]
    return (first, second), (*rest, inner)


def stride_of(counts: Sequence[int], axis: int) -> int:
    """Words from one index of a dimension to the next."""
    return prod(counts[axis + 1 :])


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
    buffer = buffered(name, x, layer.lanes_in, layer.buffer_words[0])
    steps = walker(name, path, [buffer], room, x.reset)
    word = buffer.read(steps.addresses[0], steps.outside, padding)
    flags = Flags({"valid": steps.valid, "last": steps.closes & steps.ends}, x.reset).after(f"{name}_read", READ_CYCLES)
    data = word.register(f"{name}_result", enable=flags["valid"], reset=x.reset)
    out = flags.after(f"{name}_result", RESULT_CYCLES)
    rows = token_rows(path)
    return stream(name, type, data, out["valid"], out["last"], steps.starts, x.reset, room=room, token_rows=rows)
