"""From narrow beats to wide words: collects the beats of a tensor until a word is full."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import pyrtl

from rtlgen.state import Counter, counter, state
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor


@dataclass
class Gathered:
    """Words of a vector.

    Args:
        word: shape (width,); complete on the cycles on which ``full`` is high.
        full: the word is complete: a beat comes, and it is the last one of the word.
        place: which word of the vector it is.
    """

    word: HDLTensor
    full: pyrtl.WireVector
    place: Counter


def gather(name: str, x: Stream, width: int) -> Gathered:
    """Words of ``width`` elements, a multiple of the lanes of ``x``; the beat that fills a word is part of it already.

    The last word of a vector may be short: what lies past its end is defined, but carries no meaning. ::

        beat --+--> slot 0 --> |
               +--> slot 1 --> | word
               +-------------> |
    """
    slots = width // x.lanes
    beats = ceil(x.type.inner / x.lanes)
    words = ceil(beats / slots)
    tail = beats - (words - 1) * slots
    moves = x.valid
    if slots == 1:
        return Gathered(x.data, moves, counter(f"{name}_word", words, moves, x.reset))

    slot = _slot_counter(name, slots, beats, moves, x.reset)
    parts = []
    for index in range(slots):
        if index >= beats:
            parts.append(HDLTensor.constant([0] * x.lanes))
        elif index == (slots if words > 1 else tail) - 1:
            parts.append(x.data)
        else:
            # Reset, because a slot that has never been filled would be undefined, and undefined times 0 is undefined.
            here = slot.value == index
            held = x.data.register(f"{name}_slot{index}", enable=moves & here, reset=x.reset)
            parts.append(HDLTensor.where(here, x.data, held) if index == tail - 1 else held)
    full = pyrtl.WireVector(1, f"{name}_full")
    full <<= moves & slot.ends
    return Gathered(HDLTensor.concat(parts), full, counter(f"{name}_word", words, full, x.reset))


def _slot_counter(name: str, slots: int, beats: int, moves: pyrtl.WireVector, reset: pyrtl.WireVector) -> Counter:
    """Which slot the next beat goes to; its end is a full word, or the end of the vector."""
    if beats <= slots or beats % slots == 0:
        return counter(f"{name}_slot", min(slots, beats), moves, reset)
    beat = counter(f"{name}_beat", beats, moves, reset)
    slot = state(f"{name}_slot", (slots - 1).bit_length())
    ends = pyrtl.WireVector(1, f"{name}_slot_ends")
    ends <<= (slot.value == slots - 1) | beat.ends
    following = pyrtl.select(ends, pyrtl.Const(0, len(slot.value)), (slot.value + 1)[: len(slot.value)])
    slot.drive(following, reset, enable=moves)
    return Counter(slot.value, ends)
