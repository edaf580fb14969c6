"""The FIFO at the end of a network: the only place where beats wait for somebody outside."""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl

from rtlgen.room import keep_room
from rtlgen.state import counter, state
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor

FIFO_CYCLES = 3
"""From a beat that comes to the first cycle on which it can move: memory, its register, and one that is reset."""
READ_AFTER_CYCLES = 1
"""From a beat that comes to the cycle on which it is read, and its place is free again, if nobody has to wait."""


@dataclass
class Queued:
    """The beats of a stream, each of which stays until ``taken`` is high.

    Args:
        data: shape (lanes,).
        valid, last: one bit each.
    """

    data: HDLTensor
    valid: pyrtl.WireVector
    last: pyrtl.WireVector


def queued(name: str, x: Stream, depth: int, ready: pyrtl.WireVector) -> Queued:
    """``x`` behind a FIFO of ``depth`` beats, a power of two; ``ready`` says that a beat is taken.

    ::

        x --> memory --> fetched --> out --> taken on the cycles on which valid and ready are high
    """
    dtype, bits = x.type.dtype, (depth - 1).bit_length()
    width = x.lanes * dtype.bits + 1
    memory = pyrtl.MemBlock(width, bits, f"{name}_memory", max_read_ports=1, asynchronous=True)
    writes, reads = x.valid, pyrtl.WireVector(1, f"{name}_reads")
    write_address, read_address = state(f"{name}_write_address", bits), state(f"{name}_read_address", bits)
    write_address.drive((write_address.value + 1)[:bits], x.reset, enable=writes)
    read_address.drive((read_address.value + 1)[:bits], x.reset, enable=reads)
    memory[write_address.value] <<= pyrtl.MemBlock.EnabledWrite(pyrtl.concat(x.last, x.data.pack(dtype)), writes)

    filled = state(f"{name}_filled", bits + 1)
    change = pyrtl.concat(pyrtl.concat_list([(writes ^ 1) & reads] * bits), writes ^ reads)  # -1, 0 or +1
    filled.drive((filled.value + change)[: bits + 1], x.reset)
    fetched_valid, out_valid = state(f"{name}_fetched_valid", 1), state(f"{name}_out_valid", 1)
    out_free = pyrtl.WireVector(1, f"{name}_out_free")
    out_free <<= (out_valid.value ^ 1) | ready
    fetched_free = (fetched_valid.value ^ 1) | out_free
    # What is being written is never read: then the FIFO would be empty. It spares a block RAM the logic for it.
    apart = (writes ^ 1) | (write_address.value != read_address.value)
    reads <<= (filled.value != 0) & fetched_free & apart
    fetched = pyrtl.Register(width, f"{name}_fetched")
    fetched.next <<= pyrtl.select(reads, memory[read_address.value], fetched)
    fetched_valid.drive(reads | (fetched_valid.value & (out_free ^ 1)), x.reset)
    out = state(f"{name}_out", width)
    moves_on = fetched_valid.value & out_free
    out.drive(fetched, x.reset, enable=moves_on)
    out_valid.drive(moves_on | (out_valid.value & (ready ^ 1)), x.reset)

    beat = counter(f"{name}_read_beat", x.row_beats, reads, x.reset)
    keep_room(name, x, depth // x.row_beats, reads & beat.ends)
    data = HDLTensor.unpack(out.value[:-1], (x.lanes,), dtype)
    return Queued(data, out_valid.value, out.value[-1])
