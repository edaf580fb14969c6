"""Products over several cycles: a multiplier, or none, that takes one part of its wide operand after the other.

Where a beat comes every few cycles only, a requantiser need not multiply in one. The constant is cut into limbs, the
lowest first, and what falls below the result is dropped on the way, which changes nothing: ``floor((floor(a / 2) + b)
/ 2)`` is ``floor((a + 2 b) / 4)``. With limbs of ``b`` bits ::

    phase      0                1                                     n - 1
    total      r + x * m[0]     (total >> b) + x * m[1]     ...       (total >> b) + x * m[n - 1]

A limb of 17 bits takes a multiplier for each limb of ``x``. A limb of one bit takes none: ``x`` is added or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl

from golden.types import IntType
from rtlgen.multiply import LIMB_BITS, multipliers_for, partial_products, sum_of_partials
from rtlgen.state import Flags, held_tensor
from rtlgen.tensor import HDLTensor


@dataclass(frozen=True)
class Phases:
    """How a product is cut.

    Args:
        x, m, offset: types of the operands; ``m`` is unsigned.
        limb_bits: of ``m`` that a phase takes, 17 or 1.
    """

    x: IntType
    m: IntType
    offset: IntType
    limb_bits: int

    @property
    def count(self) -> int:
        """Phases, a cycle each."""
        return -(-self.m.bits // self.limb_bits)

    @property
    def spacing_cycles(self) -> int:
        """From one beat to the next, at least."""
        return self.count + (self.limb_bits == 1)

    @property
    def multipliers(self) -> int:
        """Multipliers of a lane."""
        return 0 if self.limb_bits == 1 else multipliers_for(self.x, self.limb)

    @property
    def limb(self) -> IntType:
        """Of ``m``."""
        return IntType(self.limb_bits, False)

    @property
    def cycles(self) -> int:
        """From the cycle on which the operands are there to the one on which the result is."""
        return 1 + self.count + (self.limb_bits > 1)

    @property
    def dropped_bits(self) -> int:
        """The result is ``(x * m + offset) >> dropped_bits``."""
        return self.limb_bits * (self.count - (self.limb_bits > 1))


def affine_in_phases(
    name: str,
    phases: Phases,
    x: HDLTensor,
    m: HDLTensor,
    offset: HDLTensor,
    valid: pyrtl.WireVector,
    reset: pyrtl.WireVector,
) -> HDLTensor:
    """``(x * m + offset) >> phases.dropped_bits`` elementwise, shape (n,), ``phases.cycles`` later.

    The operands are looked at on the cycle on which ``valid`` is high.
    """
    held = x.register(f"{name}_x", enable=valid)
    limb = HDLTensor.concat(
        [_limbs_in_turn(f"{name}_m{lane}", phases, m[lane : lane + 1], valid) for lane in range(x.size)]
    )
    if phases.limb_bits == 1:
        low, high = min(0, phases.offset.min, phases.x.min), max(0, phases.offset.max, phases.x.max)
        total = held_tensor(f"{name}_total", x.size, IntType.holding(low, high))
        following = (total.value + HDLTensor.where(limb, held, 0)) >> 1
        total.drive(HDLTensor.where(valid, offset, following.known_range(low, high)), pyrtl.Const(1, 1))
        return total.value
    first = Flags({"valid": valid}, reset).after(f"{name}_phase", 2)["valid"]
    kept = offset.register(f"{name}_offset", enable=valid)
    types = phases.x, phases.limb
    part = sum_of_partials(partial_products(held, limb, types).register(f"{name}_part"), types)
    low = min(0, phases.x.min * phases.limb.max) + min(0, phases.offset.min) - 1
    high = max(0, phases.x.max * phases.limb.max) + max(0, phases.offset.max) + 1
    total = held_tensor(f"{name}_total", x.size, IntType.holding(low, high))
    before = HDLTensor.where(first, kept, total.value >> LIMB_BITS)
    total.drive((before + part).known_range(low, high), pyrtl.Const(1, 1))
    return total.value


def _limbs_in_turn(name: str, phases: Phases, m: HDLTensor, valid: pyrtl.WireVector) -> HDLTensor:
    """The limbs of ``m``, shape (1,), the lowest one on the cycle after ``valid``."""
    bits, width = phases.limb_bits, phases.count * phases.limb_bits
    word = m.cast(phases.m).pack(phases.m)
    rest = pyrtl.Register(width, name)
    shifted = pyrtl.concat(pyrtl.Const(0, bits), rest[bits:])
    rest.next <<= pyrtl.select(valid, word.zero_extended(width), shifted)
    return HDLTensor.of([rest[:bits]], phases.limb.min, phases.limb.max)
