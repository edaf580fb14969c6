"""From wide accumulators back to few bits: scale by a fixed-point number, round, add the zero point, saturate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.arithmetic import (
    ARITHMETICS,
    check_arithmetic,
    check_scale,
    check_shape_of_scale,
    same_channels,
    scaled_interval,
)
from golden.ops.op import checked_clamp, frozen_ints, plain_int, value_of
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True, eq=False)
class Requantize:
    """``y = clip(round((x - x_zero_point) * multiplier / 2**shift) + zero_point)``, rounded as ``arithmetic`` says.

    ``half_up``: ``y = clip((((x - zx) * m + 2**(s - 1)) >> s) + zero_point)``; for ``s = 0`` nothing is rounded. A
    power-of-two scale is ``m = 1`` (or ``m = 2**k, s = 0`` where it is above one). The other arithmetics, ``tflm``,
    ``single`` and ``float32``, are defined in ``golden/arithmetic.py``.

    ``multiplier`` and ``shift`` are scalars, or have shape (channels,) for a scale per channel of the innermost
    dimension. The result saturates to ``clamp``, two values of ``dtype``, or to all of ``dtype``.
    """

    multiplier: IntArray
    shift: IntArray
    zero_point: int
    dtype: IntType
    arithmetic: str = "half_up"
    x_zero_point: int = 0
    clamp: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "multiplier", frozen_ints(self.multiplier, "the multiplier of Requantize"))
        object.__setattr__(self, "shift", frozen_ints(self.shift, "the shift of Requantize"))
        check_shape_of_scale(self.multiplier, self.shift, "Requantize")
        check_arithmetic(self.arithmetic, "Requantize")
        check_scale(self.multiplier, self.shift, self.arithmetic, "Requantize")
        object.__setattr__(self, "zero_point", value_of(self.zero_point, self.dtype, "the zero point of Requantize"))
        object.__setattr__(self, "x_zero_point", plain_int(self.x_zero_point, "the input's zero point of Requantize"))
        object.__setattr__(self, "clamp", checked_clamp(self.clamp, self.dtype, "Requantize"))

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest result."""
        return self.clamp or (self.dtype.min, self.dtype.max)

    def out_type(self, x: TensorType) -> TensorType:
        """``dtype``; refuses what could leave int64 (or int32, where the arithmetic has that) on the way."""
        same_channels(self.multiplier, x, "Requantize")
        ends = (x.dtype.min - self.x_zero_point, x.dtype.max - self.x_zero_point)
        what = f"Requantize of {x}"
        scaled_interval(*ends, self.multiplier, self.shift, self.arithmetic, what, self.zero_point)
        return TensorType(x.shape, self.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        centred = x - self.x_zero_point if self.x_zero_point else x
        y = ARITHMETICS[self.arithmetic](centred, self.multiplier, self.shift)
        y += self.zero_point
        return np.clip(y, *self.limits, out=y)
