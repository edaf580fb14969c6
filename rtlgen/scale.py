"""The constants of a requantiser as its hardware has them: narrow, and on one shift for all channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from golden.ops import Requantize
from golden.types import IntType
from rtlgen.intervals import Interval
from rtlgen.multiply import LIMB_BITS
from rtlgen.serial import Phases
from rtlgen.staircase import Staircase, narrowed


@dataclass(frozen=True)
class Scale:
    """``y = clamp((clip(x) * multipliers[c] + offsets[c]) >> shift)``, with ``negative_offsets[c]`` for ``x < 0``.

    One shift for all channels, so that no barrel shifter is needed: every channel is brought to the largest one.

    Args:
        x: type of what is multiplied, the input without its zero point; it is clipped to that, which changes nothing.
        multipliers, offsets, negative_offsets: one per channel, or one for all; the latter is for negative inputs.
    """

    x: IntType
    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    negative_offsets: tuple[int, ...]
    shift: int

    @property
    def per_channel(self) -> bool:
        """Whether lanes need to know which channel comes along."""
        return any(len(set(values)) > 1 for values in (self.multipliers, self.offsets, self.negative_offsets))

    def groups(self, inner: int, lanes: int) -> int:
        """Beats that differ in their constants; 1 where every beat has the same ones."""
        return ceil(inner / lanes) if self.per_channel else 1

    @property
    def multiplier_type(self) -> IntType:
        """Of a multiplier."""
        return IntType.holding(0, max(self.multipliers))

    @property
    def powers_of_two(self) -> bool:
        """Whether every multiplier is a power of two, or 0."""
        return all(m & (m - 1) == 0 for m in self.multipliers)

    @property
    def signs(self) -> dict[str, tuple[int, ...]]:
        """The offsets by name: one of each channel, or one for each sign of the input."""
        if self.offsets == self.negative_offsets:
            return {"offset": self.offsets}
        return {"offset": self.offsets, "negative_offset": self.negative_offsets}

    @property
    def offset_type(self) -> IntType:
        """Of an offset of any sign."""
        every = (*self.offsets, *self.negative_offsets)
        return IntType.holding(min(every), max(every))

    @property
    def offset_bits(self) -> int:
        """Bits that the store holds of the offsets of one channel."""
        return sum(stored_bits(values) for values in self.signs.values())

    @property
    def phases(self) -> dict[str, Phases]:
        """The ways to multiply over several cycles, by name."""
        limbs = {"phases": LIMB_BITS, "bits": 1}
        found = {form: Phases(self.x, self.multiplier_type, self.offset_type, bits) for form, bits in limbs.items()}
        return {
            form: phases for form, phases in found.items() if phases.count > 1 and phases.dropped_bits <= self.shift
        }


def stored_bits(values: Sequence[int]) -> int:
    """None for a constant, one to choose between two, else the values themselves."""
    different = set(values)
    return len(different) - 1 if len(different) <= 2 else IntType.holding(min(values), max(values)).bits


@lru_cache(maxsize=1024)
def scale_of(op: Requantize, x: Interval) -> Scale:
    """The narrower one of the literal product and the narrowed one; for arithmetics of two roundings the latter.

    Raises:
        NotImplementedError: if there is none, see ``rtlgen/staircase.py``.
    """
    if op.arithmetic != "half_up":
        return _of_staircase(narrowed(op, *x.arrays))
    literal = _literal(op, x)
    if literal.powers_of_two:
        return literal
    try:
        short = _of_staircase(narrowed(op, *x.arrays))
    except NotImplementedError:
        return literal
    return min(short, literal, key=lambda scale: scale.multiplier_type.bits + scale.x.bits)


def _of_staircase(staircase: Staircase) -> Scale:
    offsets = staircase.offsets, staircase.negative_offsets
    return Scale(staircase.window, staircase.multipliers, *offsets, staircase.shift)


def _literal(op: Requantize, x: Interval) -> Scale:
    """``((x * m + 2**(s - 1)) >> s) == ((x * (m << k) + 2**(s + k - 1)) >> (s + k))``."""
    centred = IntType.holding(min(x.low) - op.x_zero_point, max(x.high) - op.x_zero_point)
    pairs = list(zip(op.multiplier.reshape(-1).tolist(), op.shift.reshape(-1).tolist(), strict=True))
    shift = max(s for _, s in pairs)
    multipliers = tuple(m << (shift - s) for m, s in pairs)
    offsets = tuple(((1 << shift - 1) if s else 0) + (op.zero_point << shift) for _, s in pairs)
    return Scale(centred, multipliers, offsets, offsets, shift)
