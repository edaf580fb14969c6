"""Streams: how a tensor travels between two layers, and the five rules that every stream obeys.

1. Data moves on the cycles where ``valid`` and ``ready`` are both high.
2. Once ``valid`` is high it stays high, and the data stays, until the data moves.
3. ``valid`` never waits for ``ready``.
4. No combinational path runs through a layer from the ``ready`` of its output to the ``ready`` of its input, nor from
   its input's data to its output's data, unless the layer is declared combinational (the engine ``wires`` in its plan)
   and is registered right after: the clock must not depend on the depth of the network.
5. Room comes before work: whoever makes a tensor raises ``starts`` for a cycle before it begins with a token of it, and
   only while ``room`` is high; then there is room for the whole token, wherever it ends up. So what has been started
   arrives in a number of cycles that nothing can change: between the layers ``ready`` is always high, and no register
   behind a start ever stands still.

A stream carries a tensor in row-major order, ``lanes`` elements of the innermost dimension a beat, and marks the last
beat. Lanes past the end of the innermost dimension carry no meaning. A token is what its maker makes at a time, mostly
a row of the tensor: its innermost dimension. ::

    cycle     0    1    2    3    4    5    6     a tensor of shape (6,) over 2 lanes: a token of 3 beats,
    room      |~~~~|~~~~|____|____|____|____|~~~~|  and no room for a second one until somebody has taken it
    starts    |____|~~~~|____|____|____|____|____|
    data      |    |    |    |x0x1|x2x3|x4x5|    |
    valid     |____|____|____|~~~~|~~~~|~~~~|____|
    last      |____|____|____|____|____|~~~~|____|
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from math import ceil, prod
from operator import and_

import pyrtl

from golden.types import TensorType
from rtlgen.intervals import Interval
from rtlgen.tensor import HDLTensor


@dataclass
class Stream:
    """One tensor on its way; ``room`` is driven by whoever takes it.

    Args:
        name: of the tensor; the wires are called ``{name}_out_data`` and so on.
        type: of the whole tensor.
        lanes: elements a beat.
        data: shape (lanes,), the beat.
        valid, last: one bit each.
        starts: one bit, a token is begun with (rule 5).
        room: one bit, there is room for one more token; it has no driver yet.
        token_rows: rows of the tensor, its innermost dimension, in a token.
        reset: synchronous reset, for whoever needs state.
        reach: values that its channels can have; all of the type's, if nothing better is known.
    """

    name: str
    type: TensorType
    lanes: int
    data: HDLTensor
    valid: pyrtl.WireVector
    last: pyrtl.WireVector
    starts: pyrtl.WireVector
    room: pyrtl.WireVector
    token_rows: Fraction
    reset: pyrtl.WireVector
    reach: Interval = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Interval.of_type(self.type)

    @property
    def row_beats(self) -> int:
        """Beats of a row."""
        return ceil(self.type.inner / self.lanes)


def rows_of(type: TensorType) -> int:
    """Rows of a tensor: how often its innermost dimension comes."""
    return prod(type.shape[:-1])


def beats_of(type: TensorType, lanes: int) -> int:
    """Beats that a tensor takes over a stream of ``lanes``."""
    return rows_of(type) * ceil(type.inner / lanes)


def stream(
    name: str,
    type: TensorType,
    data: HDLTensor,
    valid: pyrtl.WireVector,
    last: pyrtl.WireVector,
    starts: pyrtl.WireVector,
    reset: pyrtl.WireVector,
    *,
    room: pyrtl.WireVector | None = None,
    token_rows: Fraction = Fraction(1),
) -> Stream:
    """A stream whose wires have the names that testbenches and waveforms look for."""
    bus = pyrtl.WireVector(data.size * type.dtype.bits, f"{name}_out_data")
    bus <<= data.pack(type.dtype)
    # Whoever takes the stream reads the named wires: what a testbench sees is what the next layer gets.
    lanes = HDLTensor.unpack(bus, (data.size,), type.dtype).known_range(data.low, data.high)
    named_valid = pyrtl.WireVector(1, f"{name}_out_valid")
    named_valid <<= valid
    named_last = pyrtl.WireVector(1, f"{name}_out_last")
    named_last <<= last
    ready = pyrtl.WireVector(1, f"{name}_out_ready")
    ready <<= pyrtl.Const(1, 1)
    room = pyrtl.WireVector(1, f"{name}_room") if room is None else room
    return Stream(name, type, data.size, lanes, named_valid, named_last, starts, room, token_rows, reset)


def passed_on(
    x: Stream,
    name: str,
    type: TensorType,
    data: HDLTensor,
    valid: pyrtl.WireVector,
    last: pyrtl.WireVector,
    rows: Fraction = Fraction(1),
) -> Stream:
    """The stream of a layer that computes on the way: what starts in ``x`` arrives, ``rows`` times as many rows."""
    return stream(name, type, data, valid, last, x.starts, x.reset, room=x.room, token_rows=x.token_rows * rows)


def fork(x: Stream, count: int) -> Sequence[Stream]:
    """The same stream for ``count`` takers: there is room where all of them have it."""
    if count == 1:
        return [x]
    branches = [replace(x, room=pyrtl.WireVector(1, f"{x.name}_room{place + 1}")) for place in range(count)]
    for branch in branches:
        branch.reach = x.reach
    x.room <<= reduce(and_, (branch.room for branch in branches))
    return branches
