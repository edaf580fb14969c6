"""What a design needs on a device before anything is synthesized: block RAMs and multipliers, exactly.

Synthesis has to meet these numbers. A memory that became LUTs or flip-flops unnoticed, or a multiplication that became
adders, is found by comparing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import pyrtl

from rtlgen.memories import Memory, memories_of
from rtlgen.verilog import is_signed
from sim.synthesis.subject import Subject
from sim.synthesis.targets import Family

SMALLEST_ON_A_BLOCK = 4
"""Words above which a small RAM is made of block RAM on a device without LUT RAM; at most so many are flip-flops."""


@dataclass(frozen=True)
class Estimate:
    """Block RAM cells of each memory by its name, and multipliers of the whole design."""

    block_rams: dict[str, int]
    multipliers: int

    @property
    def counts(self) -> dict[str, int]:
        """By resource."""
        return {"block_ram": sum(self.block_rams.values()), "multiplier": self.multipliers}


def estimate(design: Subject, family: Family) -> Estimate:
    """What ``design`` needs on a device of ``family``."""
    memories = memories_of(design.block, design.plan.layers)
    blocks = {memory.name: block_rams(memory, family) for memory in memories}
    return Estimate(blocks, multipliers(design.block, family))


def kind_of(memory: Memory, family: Family) -> str:
    """What ``memory`` is to become, as the attribute's value: ``block``, ``distributed`` (LUT RAM) or ``logic``."""
    if memory.is_block:
        return "block"
    if memory.is_rom or (not family.has_lut_ram and memory.words <= SMALLEST_ON_A_BLOCK):
        return "logic"
    return "distributed" if family.has_lut_ram else "block"


def block_rams(memory: Memory, family: Family) -> int:
    """Block RAM cells of ``memory``; a RAMB36E1 counts as the two RAMB18E1 that it is.

    This is what yosys' memory_libmap chooses: the shape that takes the fewest cells. Each read port has a copy of the
    memory, as a block RAM has one of each kind.
    """
    if kind_of(memory, family) != "block":
        return 0
    words, bits, cells = memory.words, memory.varying_bits, []
    for shape in family.block_shapes:
        if memory.is_rom or shape.bit_writable:
            # Address bits beyond those of the cell choose within one wide word, which is cut to cells as a whole.
            needed = ceil(bits * max(1, words // shape.words) / shape.bits)
        else:
            needed = ceil(words / shape.words) * ceil(bits / shape.bits)
        cells.append(needed * shape.cells)
    return memory.reads * min(cells)


def multipliers(block: pyrtl.Block, family: Family) -> int:
    """Hardware multipliers of all multiplications of ``block``: one each, or several where operands are too wide."""
    count = 0
    for bits in product_bits(block):
        # The wider operand comes first.
        parts = [_parts(*sizes) for sizes in zip(sorted(bits)[::-1], family.multiplier_bits, strict=True)]
        count += sum(min(a, b) > family.narrow_bits for a in parts[0] for b in parts[1])
    return count


def product_bits(block: pyrtl.Block) -> list[tuple[int, int]]:
    """The bits of both operands of every multiplication: signed ones, or both unsigned ones."""
    driver = {net.dests[0].name: net for net in block.logic if net.dests}
    return [
        (_bits(net.args[0], driver, is_signed(net)), _bits(net.args[1], driver, is_signed(net)))
        for net in sorted(block.logic_subset("*"), key=lambda net: str(net.dests[0].name))
    ]


def _parts(bits: int, most: int) -> list[int]:
    """Bits of the parts of an operand that is too wide for a multiplier of ``most`` bits."""
    partial = min(most, 18)
    parts = []
    while bits > most:
        parts.append(partial)
        bits -= partial
    return [*parts, bits]


def _bits(wire: pyrtl.WireVector, driver: dict[str, pyrtl.LogicNet], signed: bool) -> int:
    """Bits of a wire without its extension to a wider one."""
    net = driver.get(wire.name)
    while net is not None and net.op == "w":
        wire = net.args[0]
        net = driver.get(wire.name)
    if net is None or net.op != "c":
        return len(wire)
    # A sign that is repeated above itself, or zeros above a number without sign.
    first = net.args[0]
    if isinstance(first, pyrtl.Const) and first.val == 0:
        return len(wire) - len(first) + signed
    repeated = 0
    for part in net.args[:-1]:
        if len(part) != 1 or part is not first:
            break
        repeated += 1
    return len(wire) - repeated
