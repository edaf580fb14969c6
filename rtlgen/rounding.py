"""The arithmetics of scaling as functions of single integers, written after TensorFlow Lite's C++.

What hardware has to equal: golden has its own version of the same arithmetics, and the two share no code. All of them
are monotone in ``x``, because a multiplier is never negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_HIGH_BITS = 31
"""What a high multiply takes away."""


def _one_rounding(x: Ints, multiplier: Ints, shift: Ints) -> Ints:
    return (x * multiplier + ((np.int64(1) << shift) >> 1)) >> shift


def _two_roundings(x: Ints, multiplier: Ints, shift: Ints) -> Ints:
    """SaturatingRoundingDoublingHighMul and RoundingDivideByPOT, as gemmlowp spells them."""
    product = (x << np.maximum(_HIGH_BITS - shift, 0)) * multiplier
    half = 1 << (_HIGH_BITS - 1)
    nudged = product + np.where(product >= 0, half, 1 - half)
    # C's division rounds towards zero, a shift downwards.
    high = (nudged + np.where(nudged < 0, (1 << _HIGH_BITS) - 1, 0)) >> _HIGH_BITS
    right = np.maximum(shift - _HIGH_BITS, 0)
    mask = (np.int64(1) << right) - 1
    threshold = (mask >> 1) + (high < 0)
    rounded: Ints = (high >> right) + ((high & mask) > threshold)
    return rounded


def _single_precision(x: Ints, multiplier: Ints, shift: Ints) -> Ints:
    scale = np.ldexp(multiplier.astype(np.float64), -shift).astype(np.float32)
    return np.asarray(np.rint(x.astype(np.float32) * scale), dtype=np.int64)


_ARITHMETICS: dict[str, Callable[[Ints, Ints, Ints], Ints]] = {
    "half_up": _one_rounding,
    "single": _one_rounding,
    "tflm": _two_roundings,
    "float32": _single_precision,
}


def scaled(arithmetic: str, x: Ints, multiplier: Ints, shift: Ints) -> Ints:
    """``x * multiplier / 2**shift``, rounded as ``arithmetic`` says; shapes broadcast."""
    return _ARITHMETICS[arithmetic](np.asarray(x), np.asarray(multiplier), np.asarray(shift))


@dataclass(frozen=True, eq=False)
class Scaling:
    """Rows of monotone functions: ``y = clip(scaled(x) + zero_point)`` with constants of their own.

    Args:
        name: what errors call it.
        multiplier, shift: shape (rows,).
        limits: smallest and largest result.
    """

    name: str
    arithmetic: str
    multiplier: Ints
    shift: Ints
    zero_point: int
    limits: tuple[int, int]

    def __call__(self, x: Ints, row: Ints) -> Ints:
        """What the rows ``row`` give for ``x``; shapes broadcast."""
        y = scaled(self.arithmetic, x, self.multiplier[row], self.shift[row])
        return np.clip(y + self.zero_point, *self.limits)

    def guess(self, y: Ints, row: Ints) -> Floats:
        """About where the result becomes ``y``, in the rows ``row``; shapes broadcast."""
        multiplier = np.maximum(self.multiplier[row], 1)
        return np.asarray(np.ldexp((y - self.zero_point - 0.5) / multiplier, self.shift[row]), dtype=np.float64)

    def refusal(self, row: int) -> str:
        """The beginning of an error: what has no hardware, with which constants."""
        return f"{self.name} has no hardware for {self.arithmetic} by {self.multiplier[row]} / 2**{self.shift[row]}"

    def check(self, low: int, high: int) -> None:
        """Raises ValueError where an ``x`` of ``[low, high]`` could leave int64, or int32 before a high multiply."""
        largest = max(abs(low), abs(high))
        left = max(0, _HIGH_BITS - int(self.shift.min())) if self.arithmetic == "tflm" else 0
        wraps = (largest << left) > 1 << 31 and self.arithmetic == "tflm"
        if wraps or (largest * int(self.multiplier.max()) << left).bit_length() > 62:
            raise ValueError(f"{self.name} by {self.multiplier.max()} cannot take [{low}, {high}]: it overflows")
