"""The memories of a design, and the one rule that says which of them belong into block RAM.

A memory is **small**, and made of LUTs (a RAM of LUT RAM, where the device has it), if it has at most
``SMALL_WORDS`` words or ``SMALL_BITS`` bits; every other one is a block RAM. A LUT4 stores 16 bits, and a LUT RAM has
16 words: a small ROM costs at most one LUT a bit of its word, or, with what chooses among them, about a hundred in all,
while a device has 180 (iCE40) to 400 (ECP5) LUTs for each block.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyrtl

SMALL_WORDS = 16
SMALL_BITS = 1024


@dataclass(frozen=True)
class Memory:
    """A memory as synthesis finds it in the Verilog.

    Args:
        name: as in the Verilog.
        layer: that it belongs to; empty if it is none's.
        words: addresses, a power of two.
        bits: of a word.
        varying_bits: of them, those that are not the same in all words of a ROM: the others become constants.
        is_rom: whether its contents are fixed.
        reads: read ports.
    """

    name: str
    layer: str
    words: int
    bits: int
    varying_bits: int
    is_rom: bool
    reads: int = 1

    @property
    def is_block(self) -> bool:
        """Whether it is to be made of block RAM."""
        return self.words > SMALL_WORDS and self.words * self.bits > SMALL_BITS

    @property
    def style(self) -> str:
        """The attribute of its kind: ``rom_style`` or ``ram_style``."""
        return "rom_style" if self.is_rom else "ram_style"


def memories_of(block: pyrtl.Block, layers: Iterable[str]) -> tuple[Memory, ...]:
    """Every memory of ``block``, by name; the layer of each is the longest of ``layers`` that its name starts with."""
    known = tuple(layers)
    found = {net.op_param[1] for net in block.logic if net.op in "m@"}
    return tuple(_described(memory, known) for memory in sorted(found, key=lambda memory: str(memory.name)))


def layer_of_memory(name: str, layers: Iterable[str]) -> str:
    """The longest of ``layers`` that the name of a memory starts with."""
    return max((layer for layer in layers if name.startswith(f"{layer}_")), key=len, default="")


def _described(memory: pyrtl.MemBlock, layers: tuple[str, ...]) -> Memory:
    is_rom = isinstance(memory, pyrtl.RomBlock)
    words, bits = 1 << memory.addrwidth, memory.bitwidth
    return Memory(
        name=memory.name,
        layer=layer_of_memory(memory.name, layers),
        words=words,
        bits=bits,
        varying_bits=_varying_bits(memory, words) if is_rom else bits,
        is_rom=is_rom,
        reads=len(memory.readport_nets),
    )


def _varying_bits(rom: pyrtl.RomBlock, words: int) -> int:
    ones, zeros = 0, 0
    for address in range(words):
        word = int(rom._get_read_data(address))  # PyRTL prints the contents by it, too
        ones, zeros = ones | word, zeros | ~word
    return (ones & zeros & ((1 << int(rom.bitwidth)) - 1)).bit_count()
