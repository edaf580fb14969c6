"""Hardware of tensors side by side: a buffer for each, of which one after the other is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, lcm, prod
from operator import and_, or_

import numpy as np
import pyrtl

from golden.ops import Concat
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.buffer import READ_CYCLES, Buffer, buffered
from rtlgen.element import net
from rtlgen.foldings import widths_of
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.rearranged import RESULT_CYCLES, beat_by_beat
from rtlgen.room import keep_room
from rtlgen.state import Counter, Flags, counter, state
from rtlgen.stream import Stream, beats_of, rows_of, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Reach, Walk


@dataclass(frozen=True)
class _Turns:
    """Whose turn it is. All turns come again for each index of the dimensions before the axis.

    Args:
        outer: how often.
        positions: in one round.
        words: of a position.
        counts: for each tensor, its words of a position if all have words there, its positions of a round otherwise.
        within: whether all tensors have words in each position: the axis is the innermost one.
    """

    outer: int
    positions: int
    words: int
    counts: tuple[int, ...]
    within: bool

    def needs(self, place: int) -> int:
        """Words of a tensor in each of its positions."""
        return self.counts[place] if self.within else self.words

    def at(self, place: int, index: Counter) -> pyrtl.WireVector:
        """Whether it is the turn of a tensor, by the number of the position or of the word."""
        first, last = sum(self.counts[:place]), sum(self.counts[: place + 1])
        begun = pyrtl.Const(1, 1) if first == 0 else index.value >= first
        return begun if last == sum(self.counts) else begun & (index.value < last)


def _turns(op: Concat, width: int, xs: Sequence[TensorType]) -> _Turns:
    if op.axis == len(xs[0].shape) - 1:
        counts = tuple(ceil(x.inner / width) for x in xs)
        return _Turns(rows_of(xs[0]), 1, sum(counts), counts, within=True)
    outer = prod(xs[0].shape[: op.axis])
    counts = tuple(rows_of(x) // outer for x in xs)
    return _Turns(outer, sum(counts), ceil(xs[0].inner / width), counts, within=False)


@candidates.register
def _(op: Concat, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    types = [x.type for x in xs]
    y = op.out_type(*types)
    taken = max(beats_of(x.type, x.lanes) for x in xs)
    for width in widths_of(y.inner, lcm(*(x.lanes for x in xs))):
        turns = _turns(op, width, types)
        # A beat must not hold the end of one tensor and the start of the next.
        if turns.within and any(x.inner % width for x in types[:-1]):
            continue
        cycles = max(turns.outer * turns.positions * turns.words, taken)
        if cycles <= goal.ii_cycles:
            yield LayerPlan("buffered", width, min(width, y.inner), cycles)


@walk.register
def _(op: Concat, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    turns = _turns(op, layer.lanes_in, xs)
    reaches = []
    for place, x in enumerate(xs):
        done = 1 + np.arange(turns.outer)
        if not turns.within:
            of_round = np.arange(1, turns.positions + 1) - sum(turns.counts[:place])
            count = turns.counts[place]
            done = (np.arange(turns.outer)[:, None] * count + np.clip(of_round, 0, count)).reshape(-1)
        words = turns.needs(place)
        reaches.append(Reach(rows_of(x) * words, words, 0, done * words, done))
    still = (0,) * len(xs)
    positions = Loop(turns.outer * turns.positions, still), Loop(1, still)
    return Walk(positions, (Loop(turns.words, still),), tuple(reaches))


@widths.register
def _(op: Concat, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [layer.lanes_in for _ in xs]


@departures.register
def _(op: Concat, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    path = walk(op, layer, xs)
    assert path is not None
    return beat_by_beat(path)


@lower.register
def concat(op: Concat, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Each buffer is read word after word, whenever it is its turn: its address only ever counts on.

    ::

        x1 --> buffer --+
        x2 --> buffer --+--> the one whose turn it is --> y
        ...
                 ^ position, word: whose turn

    A position is a row of the result. It begins when the buffers whose turn it is have their words of it.
    """
    reset, types = xs[0].reset, [x.type for x in xs]
    turns, y = _turns(op, layer.lanes_in, types), op.out_type(*types)
    starts, room = pyrtl.WireVector(1, f"{name}_starts"), pyrtl.WireVector(1, f"{name}_room")
    buffers = [
        buffered(name, x, layer.lanes_in, words, f"x{place + 1}")
        for place, (x, words) in enumerate(zip(xs, layer.buffer_words, strict=True))
    ]
    busy = state(f"{name}_busy", 1)
    word = counter(f"{name}_word", turns.words, busy.value, reset)
    ends = busy.value & word.ends
    position = counter(f"{name}_position", turns.positions, starts, reset)
    outer = counter(f"{name}_outer", turns.outer, starts & position.ends, reset)
    closes = state(f"{name}_closes", 1)
    closes.drive(position.ends & outer.ends, reset, enable=starts)

    ready, words = [], []
    last = Flags({"valid": busy.value, "last": ends & closes.value}, reset)
    for place, buffer in enumerate(buffers):
        comes = pyrtl.Const(1, 1) if turns.within else turns.at(place, position)
        at_hand = _words_at_hand(buffer, turns.needs(place), rows_of(types[place]), starts & comes, reset)
        ready.append(at_hand if turns.within else comes & at_hand)
        turn = turns.at(place, word)
        if not turns.within:
            held = state(f"{buffer.name}_turn", 1)
            held.drive(comes, reset, enable=starts)
            turn = held.value
        address = state(f"{buffer.name}_address", buffer.address_bits)
        address.drive((address.value + 1)[: buffer.address_bits], reset, enable=busy.value & turn)
        words.append(buffer.read(address.value)[: layer.lanes_out])
        last.wires[f"turn{place + 1}"] = turn
        keep_room(buffer.name, buffer.x, buffer.rows, ends if turns.within else ends & turn)
    starts <<= reduce(and_ if turns.within else or_, ready) & room & ((busy.value ^ 1) | ends)
    busy.drive(starts | (busy.value & (ends ^ 1)), reset)

    flags = last.after(f"{name}_read", READ_CYCLES)
    data = words[-1]
    for place in reversed(range(len(words) - 1)):
        data = HDLTensor.where(flags[f"turn{place + 1}"], words[place], data)
    result = data.register(f"{name}_result", enable=flags["valid"], reset=reset)
    out = Flags({which: flags[which] for which in ("valid", "last")}, reset).after(f"{name}_result", RESULT_CYCLES)
    return stream(name, y, result, out["valid"], out["last"], starts, reset, room=room)


def _words_at_hand(
    buffer: Buffer, words: int, rows: int, taken: pyrtl.WireVector, reset: pyrtl.WireVector
) -> pyrtl.WireVector:
    """Whether the ``words`` of a buffer's next position are there: the sign of what is there beyond them."""
    bits = max(1 << buffer.address_bits, rows * words).bit_length() + 1
    beyond = state(f"{buffer.name}_beyond", bits, -words)
    more = net("+", (beyond.value, buffer.written.zero_extended(bits)), bits)
    change = pyrtl.select(taken, pyrtl.Const(words, bits), pyrtl.Const(0, bits))
    beyond.drive(net("-", (more, change), bits), reset)
    return beyond.value[-1] ^ 1
