"""Requantisers that divide: nine subtractions, a cycle each, in place of a product. For beats that come no faster.

``y = low + q`` where ``q = clamp(floor(N / D))`` and ``N = (x + Rh) * 2**t + Rl``, see ``rtlgen/quotients.py``. The
smallest result is taken out of the offset, so that ``q`` is not negative; a negative ``N`` becomes 0. The first
subtraction tells whether ``q`` goes beyond eight bits, the others find a bit each::

    cycle       0            1              2                       9           10
    remainder   N is loaded  >= D << 8 ?    less D << 7, or not     ...
    q                                       bit 8                   bit 1       bit 0
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pyrtl

from golden.ops import Requantize
from golden.types import IntType
from rtlgen.intervals import Interval
from rtlgen.quotients import Quotients, quotients
from rtlgen.tensor import HDLTensor

STEPS = 9
"""Cycles of a division: beats must not come faster."""
DIVIDER_CYCLES = STEPS + 1
"""From the cycle on which the operands are there to the one on which the quotient is."""
_QUOTIENT_BITS = STEPS - 1


@dataclass(frozen=True)
class Division:
    """The constants of a layer, per channel.

    Args:
        found: what was found.
    """

    found: Quotients

    @property
    def low(self) -> int:
        """The smallest result."""
        return self.found.limits[0]

    @property
    def live(self) -> tuple[int, ...]:
        """Whether a channel depends on its input."""
        return tuple(int(constant is None) for constant in self.found.constants)

    @property
    def divisor_type(self) -> IntType:
        """Of a divisor."""
        return IntType.holding(0, max(self.found.divisors))

    def split(self, offsets: tuple[int, ...]) -> tuple[list[int], list[int]]:
        """(Rh, Rl) of every channel, without the smallest result."""
        base = [r - self.low * d for r, d in zip(offsets, self.found.divisors, strict=True)]
        return [r >> self.found.shift for r in base], [r & ((1 << self.found.shift) - 1) for r in base]

    @property
    def signs(self) -> list[tuple[int, ...]]:
        """Offsets for all inputs, or for those that are not negative and for those that are."""
        return [self.found.offsets, self.found.negative_offsets] if self.found.signed else [self.found.offsets]

    @property
    def stored_bits(self) -> int:
        """Bits of the constants of a channel."""
        bits = self.divisor_type.bits + (0 in self.live)
        for offsets in self.signs:
            bits += sum(IntType.holding(min(values), max(values)).bits for values in self.split(offsets))
        return bits


@lru_cache(maxsize=1024)
def division_of(op: Requantize, x: Interval) -> Division | None:
    """The division that equals ``op``; None if there is none, or if its results have more than eight bits."""
    low, high = op.limits
    if high - low >= 1 << _QUOTIENT_BITS:
        return None
    try:
        found = quotients(op, *x.arrays)
    except NotImplementedError:
        return None
    return None if found is None or not any(Division(found).live) else Division(found)


def divided(
    name: str,
    division: Division,
    x: HDLTensor,
    divisor: HDLTensor,
    high: HDLTensor,
    low_bits: HDLTensor,
    valid: pyrtl.WireVector,
) -> HDLTensor:
    """``y`` elementwise, shape (n,), ``DIVIDER_CYCLES`` later; nothing but the clamp to the layer's limits is missing.

    Args:
        x: without its zero point, within the window.
        divisor, high, low_bits: ``D``, ``Rh`` and ``Rl`` of the channel, shape (n,).
        valid: high on the cycle on which all of these are there.
    """
    shift = division.found.shift
    numerator = ((x + high) << shift) + low_bits
    results = []
    for lane in range(x.size):
        n = numerator[lane : lane + 1].maximum(0)
        bits = max(n.dtype.bits, division.divisor_type.bits + STEPS + 1)
        remainder = pyrtl.Register(bits, f"{name}_remainder{lane}")
        d = pyrtl.Register(division.divisor_type.bits, f"{name}_divisor{lane}")
        quotient = pyrtl.Register(STEPS, f"{name}_quotient{lane}")
        d.next <<= pyrtl.select(valid, divisor[lane : lane + 1].pack(division.divisor_type), d)
        top = remainder[_QUOTIENT_BITS:]
        difference = pyrtl.WireVector(len(top) + 1, f"{name}_difference{lane}")
        difference <<= top - d.zero_extended(len(top))
        fits = difference[-1] ^ 1
        left = pyrtl.concat(pyrtl.select(fits, difference[:-1], top), remainder[:_QUOTIENT_BITS])
        loaded = n.pack(IntType(max(n.dtype.bits, 1), False)).zero_extended(bits)
        remainder.next <<= pyrtl.select(valid, loaded, pyrtl.concat(left[:-1], pyrtl.Const(0, 1)))
        quotient.next <<= pyrtl.concat(quotient[:-1], fits)
        most = (1 << _QUOTIENT_BITS) - 1
        whole = HDLTensor.of([quotient[:-1]], 0, most)
        beyond = HDLTensor.of([quotient[-1]], [0], [1])
        results.append(HDLTensor.where(beyond, most, whole).reshape(1))
    return HDLTensor.concat(results) + division.low
