"""From wide accumulators back to few bits: scale by a fixed-point number, round, add the zero point, saturate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.ops.op import frozen_ints
from golden.types import MAX_BITS, IntArray, IntType, TensorType


@dataclass(frozen=True, eq=False)
class Requantize:
    """``y = clip(round(x * multiplier / 2**shift) + zero_point)``, the rounding as ``arithmetic`` says.

    ``half_up``: ``y = clip(((x * m + 2**(s - 1)) >> s) + zero_point)``; for ``s = 0`` nothing is rounded. A
    power-of-two scale is ``m = 1`` (or ``m = 2**k, s = 0`` where it is above one).

    ``multiplier`` and ``shift`` are scalars, or have shape (channels,) for a scale per channel of the innermost
    dimension. The result saturates to ``dtype``.
    """

    multiplier: IntArray
    shift: IntArray
    zero_point: int
    dtype: IntType
    arithmetic: str = "half_up"

    def __post_init__(self) -> None:
        object.__setattr__(self, "multiplier", frozen_ints(self.multiplier, "the multiplier of Requantize"))
        object.__setattr__(self, "shift", frozen_ints(self.shift, "the shift of Requantize"))
        if self.multiplier.shape != self.shift.shape or self.multiplier.ndim > 1:
            raise ValueError(
                "multiplier and shift of Requantize must both be scalars or both have shape (channels,), "
                f"not {self.multiplier.shape} and {self.shift.shape}"
            )
        if not self.multiplier.size:
            raise ValueError("multiplier and shift of Requantize must have at least one channel, not shape (0,)")
        if int(self.multiplier.min()) < 0:
            raise ValueError(f"the multiplier of Requantize must not be negative, not {int(self.multiplier.min())}")
        if int(self.shift.min()) < 0 or int(self.shift.max()) >= MAX_BITS:
            raise ValueError(
                f"the shift of Requantize must lie in 0..{MAX_BITS - 1}, not {self.shift.min()}..{self.shift.max()}"
            )
        if isinstance(self.zero_point, bool) or not isinstance(self.zero_point, (int, np.integer)):
            raise TypeError(f"the zero point of Requantize must be an int, not {self.zero_point!r}")
        object.__setattr__(self, "zero_point", int(self.zero_point))
        if not self.dtype.min <= self.zero_point <= self.dtype.max:
            raise ValueError(f"the zero point of Requantize must be a value of {self.dtype}, not {self.zero_point}")
        if self.arithmetic not in ARITHMETICS:
            raise NotImplementedError(
                f"Requantize has no arithmetic {self.arithmetic!r} yet: there is {', '.join(ARITHMETICS)}"
            )

    def out_type(self, x: TensorType) -> TensorType:
        """``dtype``; refuses what could leave int64 on the way."""
        channels = self.multiplier.shape
        if channels and channels[0] != x.inner:
            raise ValueError(f"Requantize with {channels[0]} channels cannot take {x}")
        product = max(abs(x.dtype.min), x.dtype.max) * int(self.multiplier.max())
        widest = product + (1 << int(self.shift.max()) >> 1) + abs(self.zero_point)
        if widest.bit_length() > MAX_BITS:
            raise ValueError(
                f"Requantize of {x} by a multiplier of {int(self.multiplier.max()).bit_length()} bits with the zero "
                f"point {self.zero_point} needs {widest.bit_length() + 1} bits, the golden model has {MAX_BITS + 1}"
            )
        return TensorType(x.shape, self.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        scaled = ARITHMETICS[self.arithmetic](x, self.multiplier, self.shift)
        return np.clip(scaled + self.zero_point, self.dtype.min, self.dtype.max)


def _half_up(x: IntArray, multiplier: IntArray, shift: IntArray) -> IntArray:
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    return np.asarray((x * multiplier + half) >> shift, dtype=np.int64)


ARITHMETICS: dict[str, Callable[[IntArray, IntArray, IntArray], IntArray]] = {"half_up": _half_up}
"""Rounding of each arithmetic: ``(x, multiplier, shift) -> scaled x``, before the zero point and the clamp."""
