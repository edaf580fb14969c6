"""The FIFO at the end of a network with a maker in front of it that obeys rule 5, and what has to hold of both.

The maker begins with a token whenever it likes and there is room; its beats come one behind the other, some cycles
later. Whoever takes the beats stalls whenever it likes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction

import pyrtl
from pyrtl import Const, Input, Output, Register, WireVector, select

from golden.types import IntType, TensorType
from rtlgen.fifo import FIFO_CYCLES, queued
from rtlgen.state import state
from rtlgen.stream import stream
from rtlgen.tensor import HDLTensor

_COUNT_BITS = 5


@dataclass(frozen=True)
class Harness:
    """A FIFO to be proven.

    Args:
        depth: beats, a power of two.
        row_beats: beats of a token.
        latency_cycles: from a start to the first beat.
    """

    depth: int
    row_beats: int
    latency_cycles: int

    def verilog(self, monitor: str) -> str:
        """The module ``harness`` whose output ``bad`` is high where what ``monitor`` watches is violated."""
        block = pyrtl.Block()
        with pyrtl.set_working_block(block, no_sanity_check=True):
            self._build(monitor)
        with io.StringIO() as text:
            pyrtl.output_to_verilog(text, add_reset=False, block=block, module_name="harness")
            # All else is unknown until the first reset.
            return text.getvalue().replace("endmodule", "    initial has_been_reset = 0;\nendmodule")

    def _build(self, monitor: str) -> None:
        reset, ready, data, wish = Input(1, "reset"), Input(1, "ready"), Input(2, "data"), Input(1, "wish")
        has_been_reset = Register(1, "has_been_reset")
        has_been_reset.next <<= has_been_reset | reset
        room = WireVector(1, "room")
        beats = self.row_beats
        # A maker with a beat a cycle: it cannot begin again before the row is through.
        row = state("row", max(1, beats.bit_length()))
        busy = row.value != 0
        starts = wish & room & (busy ^ 1) if beats > 1 else wish & room
        fewer = (row.value - 1)[: len(row.value)]
        row.drive(select(starts, Const(beats - 1, len(row.value)), select(busy, fewer, row.value)), reset)
        valid = starts | busy if beats > 1 else starts
        last = select(starts, Const(int(beats == 1), 1), row.value == 1)
        for stage in range(self.latency_cycles):
            valid_there, last_there = state(f"valid{stage}", 1), state(f"last{stage}", 1)
            valid_there.drive(valid, reset)
            last_there.drive(last, reset)
            valid, last = valid_there.value, last_there.value
        type = TensorType((beats,), IntType(2, True))
        lanes = HDLTensor.unpack(data, (1,), type.dtype)
        x = stream("x", type, lanes, valid, last, starts, reset, room=room, token_rows=Fraction(1))
        out = queued("fifo", x, self.depth, ready)
        wires = {"data": out.data.pack(type.dtype), "valid": out.valid, "last": out.last}
        watch = _Watch(self, reset, ready, x.valid, data, wires)
        bad = Output(1, "bad")
        bad <<= MONITORS[monitor](watch) & has_been_reset & (reset ^ 1)


@dataclass(frozen=True)
class _Watch:
    """What a monitor sees: ``came`` and ``data`` at the input, ``out`` at the output."""

    harness: Harness
    reset: WireVector
    ready: WireVector
    came: WireVector
    data: WireVector
    out: dict[str, WireVector]

    @property
    def taken(self) -> WireVector:
        return self.out["valid"] & self.ready

    def inside(self) -> WireVector:
        """Beats that have come and are not taken yet."""
        held = state("inside", _COUNT_BITS)
        held.drive(_moved(held.value, self.came, self.taken), self.reset)
        return held.value


def _stable(watch: _Watch) -> WireVector:
    """Rule 2: what is valid and was not taken is the same in the next cycle."""
    stalled = state("stalled", 1)
    stalled.drive(watch.out["valid"] & (watch.ready ^ 1), watch.reset)
    bundle = pyrtl.concat(watch.out["valid"], watch.out["last"], watch.out["data"])
    before = Register(len(bundle), "before")
    before.next <<= bundle
    return stalled.value & (bundle != before)


def _room(watch: _Watch) -> WireVector:
    """No beat comes to a FIFO that is full: memory, its register and the one behind it."""
    filled = pyrtl.working_block().wirevector_by_name["fifo_filled"]
    return (filled > watch.harness.depth) | (watch.came & (filled == watch.harness.depth))


def _lossless(watch: _Watch) -> WireVector:
    """Any one beat, chosen at will, comes out unchanged, after those before it and none else."""
    choose = Input(1, "choose")
    waiting, ahead = state("waiting", 1), state("ahead", _COUNT_BITS)
    marked = Register(len(watch.data), "marked")
    inside = watch.inside()
    chosen = choose & watch.came & (waiting.value ^ 1)
    marked.next <<= select(chosen, watch.data, marked)
    now = watch.taken & waiting.value & (ahead.value == 0)
    waiting.drive(chosen | (waiting.value & (now ^ 1)), watch.reset)
    behind = select(watch.taken, (inside - 1)[:_COUNT_BITS], inside)
    fewer = select(watch.taken & (ahead.value != 0), (ahead.value - 1)[:_COUNT_BITS], ahead.value)
    ahead.drive(select(chosen, behind, fewer), watch.reset)
    nothing = watch.out["valid"] & (inside == 0)
    return (now & (watch.out["data"] != marked)) | nothing


def _progress(watch: _Watch) -> WireVector:
    """What is inside shows at the output after ``FIFO_CYCLES``, however long nobody takes anything."""
    hidden = state("hidden", 3)
    there = (watch.inside() != 0) & (watch.out["valid"] ^ 1)
    more = select(there, (hidden.value + 1)[:3], Const(0, 3))
    hidden.drive(more, watch.reset)
    return hidden.value >= FIFO_CYCLES


def _last(watch: _Watch) -> WireVector:
    """The last beat of every row says so, and no other one."""
    beats = watch.harness.row_beats
    place = state("place", max(1, beats.bit_length()))
    ends = place.value == beats - 1
    following = select(ends, Const(0, len(place.value)), (place.value + 1)[: len(place.value)])
    place.drive(following, watch.reset, enable=watch.taken)
    return watch.out["valid"] & (watch.out["last"] != ends)


def _apart(watch: _Watch) -> WireVector:
    """The word that is written is never the one that a beat inside is read from: memories need no bypass."""
    wires = pyrtl.working_block().wirevector_by_name
    same = wires["fifo_write_address"] == wires["fifo_read_address"]
    return watch.came & same & (wires["fifo_filled"] != 0)


MONITORS = {
    "data is stable while nobody takes it": _stable,
    "no beat comes without room": _room,
    "no beat is lost, changed, doubled or out of order": _lossless,
    "a beat inside shows in bounded time": _progress,
    "last is in its place": _last,
    "the word being written is not read": _apart,
}
"""What has to hold, to the wire that is high where it does not."""


def _moved(number: WireVector, more: WireVector, less: WireVector) -> WireVector:
    bits = len(number)
    change = pyrtl.concat(pyrtl.concat_list([less & (more ^ 1)] * (bits - 1)), more ^ less)
    return (number + change)[:bits]
