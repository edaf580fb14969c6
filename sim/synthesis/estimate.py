"""What a design needs on a device before anything is synthesized: block RAMs and multipliers, exactly.

Synthesis has to meet these numbers. A memory that became LUTs or flip-flops unnoticed, or a multiplication that became
adders, is found by comparing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil

import pyrtl

from rtlgen import Design
from rtlgen.memories import Memory, memories_of
from sim.synthesis.targets import Family, Shape

MUX_COST = 0.4
"""Of choosing between two bits of two block RAMs, where one block RAM bit column in use is part of its cell's cost."""
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


def estimate(design: Design, family: Family) -> Estimate:
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

    Each read port has a copy of the memory, as a block RAM has one of each kind.
    """
    if kind_of(memory, family) != "block":
        return 0
    return memory.reads * _cells(memory.words, memory.varying_bits, family.name)


@cache
def _cells(words: int, bits: int, family: str) -> int:
    from sim.synthesis.targets import ECP5, ICE40, XILINX

    chosen = next(known for known in (ECP5, ICE40, XILINX) if known.name == family)
    options = [
        (_grid(words, bits, shape), 2 if cell == "RAMB36E1" else 1)
        for cell, shapes in chosen.block_shapes.items()
        for shape in shapes
    ]
    return min(cells * weight for cells, weight in options) if bits else 0


def _grid(words: int, bits: int, shape: Shape) -> int:
    return ceil(words / shape.words) * ceil(bits / shape.bits)


def multipliers(block: pyrtl.Block, family: Family) -> int:
    """Multiplications of ``block`` that a hardware multiplier takes; ``rtlgen`` makes none wider than one of them."""
    return sum(_is_hardware(*widths, family) for widths in product_bits(block))


def product_bits(block: pyrtl.Block) -> list[tuple[int, int]]:
    """The bits of both operands of every multiplication, repeated sign bits and leading zeros left out."""
    driver = {net.dests[0].name: net for net in block.logic if net.dests}
    return [
        (_bits(net.args[0], driver), _bits(net.args[1], driver))
        for net in sorted(block.logic_subset("*"), key=lambda net: str(net.dests[0].name))
    ]


def _is_hardware(a: int, b: int, family: Family) -> bool:
    return min(a, b) >= family.operand_bits and a + b >= family.product_bits


def _bits(wire: pyrtl.WireVector, driver: dict[str, pyrtl.LogicNet]) -> int:
    """Bits of a wire that are not repetitions of the one below, nor zeros above an unsigned number."""
    net = driver.get(wire.name)
    while net is not None and net.op == "w":
        wire = net.args[0]
        net = driver.get(wire.name)
    if net is None or net.op != "c":
        return len(wire)
    repeated = 0
    for part in net.args[:-1]:
        if len(part) != 1 or part is not net.args[0]:
            break
        repeated += 1
    zeros = repeated and isinstance(net.args[0], pyrtl.Const) and net.args[0].val == 0
    return len(wire) - repeated + (1 if zeros and repeated > 1 else 0) if repeated else len(wire)
