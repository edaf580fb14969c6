"""Products over several cycles: a multiplier, or none, that takes one part of its wide operand after the other.

Where a beat comes every few cycles only, a requantiser need not multiply in one. The constant is cut into limbs, and
each phase adds the product with one of them to what the phases before have found, shifted by a limb (Horner's rule)::

    phase      0               1                           n - 1
    total      x * m[n-1]      total << b  +  x * m[n-2]   ...   total << b  +  x * m[0]

Limbs of 17 bits take a multiplier for each limb of x; limbs of one bit take none.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl

from golden.types import IntType
from rtlgen.multiply import LIMB_BITS, limbs
from rtlgen.state import Flags, held_tensor
from rtlgen.tensor import HDLTensor


@dataclass(frozen=True)
class Phases:
    """How a product is cut.

    Args:
        x, m: types of the operands; ``m`` is unsigned.
        limb_bits: of ``m`` that a phase takes.
    """

    x: IntType
    m: IntType
    limb_bits: int

    @property
    def count(self) -> int:
        """Phases, a cycle each: beats must not come faster."""
        return -(-self.m.bits // self.limb_bits)

    @property
    def multipliers(self) -> int:
        """Multipliers of a lane."""
        return 0 if self.limb_bits == 1 else -(-max(self.x.bits - 1, 1) // LIMB_BITS)

    @property
    def cycles(self) -> int:
        """From the cycle on which both operands are there to the one on which the product is."""
        return 1 + self.count + 1


def serial_product(
    name: str, phases: Phases, x: HDLTensor, m: HDLTensor, valid: pyrtl.WireVector, reset: pyrtl.WireVector
) -> tuple[HDLTensor, pyrtl.WireVector]:
    """``x * m`` elementwise, shape (n,), ``phases.cycles`` later; and a wire that is high on the last phase.

    Both operands are looked at on the cycle on which ``valid`` is high.
    """
    count, bits, lanes = phases.count, phases.limb_bits, x.size
    running = [valid]
    for phase in range(count + 1):
        running.append(Flags({"valid": running[-1]}, reset).after(f"{name}_phase{phase}_", 1)["valid"])
    held = x.register(f"{name}_x", enable=valid)
    width = count * bits
    parts = []
    for lane in range(lanes):
        word = m[lane : lane + 1].cast(IntType(phases.m.bits, False)).pack(IntType(phases.m.bits, False))
        rest = pyrtl.Register(width, f"{name}_m{lane}")
        shifted = pyrtl.concat(rest[: width - bits], pyrtl.Const(0, bits)) if count > 1 else rest
        rest.next <<= pyrtl.select(valid, word.zero_extended(width), shifted)
        limb = IntType(bits, False)
        parts.append(HDLTensor.of([rest[width - bits :]], limb.min, limb.max))
    limb_of_m = HDLTensor.concat(parts)
    if bits == 1:
        product = HDLTensor.where(limb_of_m, held, 0).register(f"{name}_part")
    else:
        pieces = limbs(held)
        product = HDLTensor.concat([piece * limb_of_m for piece in pieces]).register(f"{name}_part")
    ends = [a * b for a in (phases.x.min, phases.x.max) for b in (0, phases.m.max)]
    whole = IntType.holding(min(ends), max(ends))
    by_limb = product.reshape(-1, lanes)
    term = by_limb[0]
    for place in range(1, len(by_limb)):
        term = term + (by_limb[place] << (place * LIMB_BITS))
    total = held_tensor(f"{name}_total", lanes, whole)
    first = running[2]
    following = HDLTensor.where(first, term, (total.value << bits) + term)
    total.drive(following.known_range(whole.min, whole.max), pyrtl.Const(1, 1))
    return total.value, running[count]
