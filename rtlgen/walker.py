"""The hardware of a walk: it begins with a position when it may, and gives an address for every step."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import numpy as np
import pyrtl

from golden.types import IntArray, IntType
from rtlgen.buffer import Buffer
from rtlgen.element import net
from rtlgen.room import keep_room
from rtlgen.state import Counter, State, counter, state
from rtlgen.walk import Loop, Reach, Walk


@dataclass
class Steps:
    """What goes on in a cycle.

    Args:
        starts: a position is begun with; its first step is on the next cycle.
        valid: there is a step.
        loops: the counters of the steps' loops, the outermost first.
        ends: this step is the last one of its position.
        closes: this position is the last one of its sample.
        addresses: which word to read, for each buffer.
        outside: the word is padding; None if there is none.
    """

    starts: pyrtl.WireVector
    valid: pyrtl.WireVector
    loops: tuple[Counter, ...]
    ends: pyrtl.WireVector
    closes: pyrtl.WireVector
    addresses: tuple[pyrtl.WireVector, ...]
    outside: pyrtl.WireVector | None


def walker(name: str, walk: Walk, buffers: Sequence[Buffer], room: pyrtl.WireVector, reset: pyrtl.WireVector) -> Steps:
    """Walks through ``buffers``; it begins with a position where their words are there, and ``room`` is for its result.

    ::

        cycle      0       1       2      ...     n + 1
        starts     ~~~~____________________________     a position of n steps
        valid      ____~~~~~~~~~~~~~~~~~~~~~~~~____     without any gap to the next one that starts at cycle n
    """
    starts = pyrtl.WireVector(1, f"{name}_starts")
    # The position to be begun with next.
    column = counter(f"{name}_column", walk.positions[1].count, starts, reset)
    row = counter(f"{name}_row", walk.positions[0].count, starts & column.ends, reset)
    at_hand = [
        _words_at_hand(f"{name}_{buffer.label}", reach, buffer, starts, row, column, reset)
        for reach, buffer in zip(walk.buffers, buffers, strict=True)
    ]
    busy = state(f"{name}_busy", 1)
    step: pyrtl.WireVector = busy.value
    loops: list[Counter] = []
    for place, loop in reversed(list(enumerate(walk.steps))):
        loops.insert(0, counter(f"{name}_loop{place + 1}", loop.count, step, reset))
        step = step & loops[0].ends
    ends = pyrtl.WireVector(1, f"{name}_ends")
    ends <<= step
    starts <<= reduce(and_, at_hand, room) & ((busy.value ^ 1) | ends)
    busy.drive(starts | (busy.value & (ends ^ 1)), reset)

    one_column, one_row = (loop.count == 1 for loop in reversed(walk.positions))
    first_column, first_row = column.value == 0, row.value == 0
    flags = _Ends(
        tuple(None if loop.count == 1 else made.ends for loop, made in zip(walk.steps, loops, strict=True)),
        None if one_column else first_column,
        None if one_row else first_row,
    )
    addresses = []
    for place, (reach, buffer) in enumerate(zip(walk.buffers, buffers, strict=True)):
        strides = [loop.strides[place] for loop in (*walk.positions, *walk.steps)]
        deltas = _deltas(walk, strides, reach.words)
        address = state(f"{name}_{buffer.label}_address", buffer.address_bits, reach.base)
        _move(address, deltas, flags, busy.value, reset)
        addresses.append(address.value)
        freed = pyrtl.select(ends & first_column, _after_row(row, reach.freed), 0)
        keep_room(f"{name}_{buffer.label}", buffer.x, buffer.rows, freed)
    return Steps(
        starts,
        busy.value,
        tuple(loops),
        ends,
        first_column & first_row,
        tuple(addresses),
        _outside(name, walk, flags, busy.value, reset),
    )


@dataclass
class _Ends:
    """Which loops end with a step, and whether the next position is in another row or sample; None for always."""

    loops: tuple[pyrtl.WireVector | None, ...]
    row: pyrtl.WireVector | None
    sample: pyrtl.WireVector | None


def _words_at_hand(
    name: str,
    reach: Reach,
    buffer: Buffer,
    starts: pyrtl.WireVector,
    row: Counter,
    column: Counter,
    reset: pyrtl.WireVector,
) -> pyrtl.WireVector:
    """Whether the words for the next position are there: the sign of what is there beyond its need."""
    # A buffer may hold many samples, and one more that is done with before it comes.
    most = (1 << buffer.address_bits) + 2 * reach.words + int(reach.needs.max()) + 1
    bits = most.bit_length() + 1
    beyond = state(f"{name}_beyond", bits, -int(reach.needs[0]))
    need = _by_position(reach.increments.reshape(len(reach.frees), -1), row, column, bits)
    change = pyrtl.select(starts, need, pyrtl.Const(0, bits))
    more = net("+", (beyond.value, buffer.written.zero_extended(bits)), bits)
    beyond.drive(net("-", (more, change), bits), reset)
    return beyond.value[-1] ^ 1


def _by_position(values: IntArray, row: Counter, column: Counter, bits: int) -> pyrtl.WireVector:
    """``values[row, column]``, where all rows are alike but in their last column."""
    table = values
    assert (table[:, :-1] == table[:1, :-1]).all(), "positions differ in their last column only"
    at_end = _choose(row, table[:, -1].tolist(), bits)
    if table.shape[1] == 1:
        return at_end
    return pyrtl.select(column.ends, at_end, _choose(column, table[0, :-1].tolist(), bits))


def _choose(index: Counter, values: Sequence[int], bits: int) -> pyrtl.WireVector:
    """``values[index]`` in two's complement: the most frequent one, and comparisons for the others."""
    tally = Tally(values)
    usual = tally.most_common(1)[0][0]
    chosen: pyrtl.WireVector = pyrtl.Const(usual & ((1 << bits) - 1), bits)
    for value in tally:
        if value != usual:
            here = reduce(or_, [index.value == place for place, other in enumerate(values) if other == value])
            chosen = pyrtl.select(here, pyrtl.Const(value & ((1 << bits) - 1), bits), chosen)
    return chosen


def _after_row(row: Counter, freed: IntArray) -> pyrtl.WireVector:
    """``freed[row - 1]``: the counter is one row ahead of the row that ends."""
    values = np.roll(freed, 1).tolist()
    return _choose(row, values, max(max(values).bit_length(), 1))


def _deltas(walk: Walk, strides: Sequence[int], sample: int) -> list[int]:
    """By how much a coordinate moves when a loop goes round, the innermost first, and then from sample to sample."""
    counts = [loop.count for loop in (*walk.positions, *walk.steps)]
    deltas, back = [], 0
    for count, stride in zip(reversed(counts), reversed(strides), strict=True):
        deltas.append(stride - back)
        back += (count - 1) * stride
    return [*deltas, sample - back]


def _move(
    coordinate: State, deltas: Sequence[int], ends: _Ends, step: pyrtl.WireVector, reset: pyrtl.WireVector
) -> None:
    """Lets a coordinate follow the walk."""
    bits = len(coordinate.value)

    def otherwise(outer: pyrtl.WireVector, end: pyrtl.WireVector | None, inner: int) -> pyrtl.WireVector:
        return outer if end is None else pyrtl.select(end, outer, pyrtl.Const(inner & ((1 << bits) - 1), bits))

    *inner, column, row, sample = deltas
    delta: pyrtl.WireVector = pyrtl.Const(sample & ((1 << bits) - 1), bits)
    # From the outermost loop to the innermost: the innermost one that does not end is the one that goes round.
    of_loops = zip(ends.loops, reversed(inner), strict=True)
    for end, value in ((ends.sample, row), (ends.row, column), *of_loops):
        delta = otherwise(delta, end, value)
    coordinate.drive(net("+", (coordinate.value, delta), bits), reset, enable=step)


def _outside(
    name: str, walk: Walk, ends: _Ends, step: pyrtl.WireVector, reset: pyrtl.WireVector
) -> pyrtl.WireVector | None:
    """Whether the step is in the padding: one of its coordinates is negative, or beyond the tensor."""
    if walk.grid is None:
        return None
    beyond = []
    loops: tuple[Loop, ...] = (*walk.positions, *walk.steps)
    for place, (size, origin) in enumerate(zip(walk.grid.size, walk.grid.origin, strict=True)):
        strides = [loop.moves[place] if loop.moves else 0 for loop in loops]
        highest = origin + sum((loop.count - 1) * stride for loop, stride in zip(loops, strides, strict=True))
        if origin >= 0 and highest < size:
            continue
        bits = IntType.holding(min(origin, -1), max(highest, size)).bits
        coordinate = state(f"{name}_coordinate{place + 1}", bits, origin)
        _move(coordinate, _deltas(walk, strides, 0), ends, step, reset)
        beyond.append(coordinate.value[-1] | ((coordinate.value[:-1] >= size) & (coordinate.value[-1] ^ 1)))
    return reduce(or_, beyond) if beyond else None
