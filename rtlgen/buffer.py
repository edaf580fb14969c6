"""The buffer in front of a layer: it takes a stream word by word, and holds the words until they are done with.

It is line buffer and double buffer in one. Words lie one behind the other, sample after sample, and start again at the
end of the memory; its depth is a power of two, so addresses do so by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import pyrtl

from rtlgen.gather import gather
from rtlgen.state import state
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor

READ_CYCLES = 2
"""From an address to its word: one register of the memory, and one because a block RAM takes most of a cycle."""


@dataclass
class Buffer:
    """A stream in a memory.

    Args:
        name: of the memory.
        label: what tells it from other buffers of the same layer.
        x: the stream; its ``room`` is still to be driven.
        width: elements a word.
        rows: of the tensor that it has place for.
        written: high on the cycles on which a word is written; it can be read from the next one on.
    """

    name: str
    label: str
    x: Stream
    width: int
    rows: int
    memory: pyrtl.MemBlock
    written: pyrtl.WireVector
    write_address: pyrtl.WireVector

    @property
    def address_bits(self) -> int:
        """Bits of an address."""
        return int(self.memory.addrwidth)

    def read(self, address: pyrtl.WireVector, outside: pyrtl.WireVector | None = None, padding: int = 0) -> HDLTensor:
        """The word at ``address``, shape (width,), ``READ_CYCLES`` later; all ``padding`` where ``outside`` is high."""
        dtype = self.x.type.dtype
        # A word is never read while it is written. Saying so spares the block RAM the logic for that case.
        apart = (self.written ^ 1) | (self.write_address != address)
        fetched = pyrtl.Register(self.memory.bitwidth, f"{self.name}_fetched")
        fetched.next <<= pyrtl.select(apart, self.memory[address], fetched)
        current = pyrtl.Register(len(fetched), f"{self.name}_current")
        if outside is None:
            current.next <<= fetched
        else:
            fetched_outside = pyrtl.Register(1, f"{self.name}_outside")
            fetched_outside.next <<= outside
            border = HDLTensor.constant([padding] * self.width).pack(dtype)
            current.next <<= pyrtl.select(fetched_outside, border, fetched)
        return HDLTensor.unpack(current, (self.width,), dtype)


def words_of_row(x_inner: int, lanes: int, width: int) -> int:
    """Words of a row in a buffer with words of ``width`` elements, filled by beats of ``lanes``."""
    return ceil(ceil(x_inner / lanes) / (width // lanes))


def buffered(name: str, x: Stream, width: int, depth: int, label: str = "x") -> Buffer:
    """Writes ``x`` into a memory of ``depth`` words, a power of two, of ``width`` elements, a multiple of its lanes."""
    assert depth >= 2, f"{name}: a buffer of {depth} words"
    assert depth & (depth - 1) == 0, f"{name}: a buffer of {depth} words"
    prefix = f"{name}_{label}"
    word = gather(prefix, x, width)
    bits = width * x.type.dtype.bits
    memory = pyrtl.MemBlock(bits, (depth - 1).bit_length(), f"{prefix}_buffer", max_read_ports=1, asynchronous=True)
    address = state(f"{prefix}_write_address", memory.addrwidth)
    address.drive((address.value + 1)[: memory.addrwidth], x.reset, enable=word.full)
    memory[address.value] <<= pyrtl.MemBlock.EnabledWrite(word.word.pack(x.type.dtype), word.full)
    rows = depth // words_of_row(x.type.inner, x.lanes, width)
    return Buffer(prefix, label, x, width, rows, memory, word.full, address.value)
