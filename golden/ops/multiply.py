"""Product of two tensors that have different scales and zero points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.arithmetic import ARITHMETICS, check_arithmetic, check_scale, scaled_interval
from golden.broadcast import broadcast_shape, matched
from golden.ops.op import checked_clamp, frozen_ints, plain_int, plain_ints, value_of
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Multiply:
    """``y = clip(A((a - za) * (b - zb), m, s) + zero_point)``

    ``A(x, m, s)`` is ``x * m / 2**s`` rounded as ``arithmetic`` says (``golden/arithmetic.py``); ``x_zero_points`` are
    (za, zb). Shapes broadcast from the innermost dimension, as in numpy. The result saturates to ``clamp``, two values
    of ``dtype``, or to all of ``dtype``.
    """

    x_zero_points: tuple[int, int]
    multiplier: int
    shift: int
    zero_point: int
    dtype: IntType
    arithmetic: str = "half_up"
    clamp: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        set_field: Any = object.__setattr__
        set_field(self, "x_zero_points", plain_ints(self.x_zero_points, 2, "x_zero_points of Multiply"))
        for name in ("multiplier", "shift"):
            set_field(self, name, plain_int(getattr(self, name), f"the {name} of Multiply"))
        check_arithmetic(self.arithmetic, "Multiply")
        check_scale(*self._scale, self.arithmetic, "Multiply")
        set_field(self, "zero_point", value_of(self.zero_point, self.dtype, "the zero point of Multiply"))
        set_field(self, "clamp", checked_clamp(self.clamp, self.dtype, "Multiply"))

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest result."""
        return self.clamp or (self.dtype.min, self.dtype.max)

    @property
    def _scale(self) -> tuple[IntArray, IntArray]:
        return frozen_ints(self.multiplier, "a multiplier"), frozen_ints(self.shift, "a shift")

    def out_type(self, a: TensorType, b: TensorType) -> TensorType:
        """``dtype`` in the broadcast shape; refuses what could leave int64 or int32 on the way."""
        shape = broadcast_shape(a, b, "Multiply")
        (a_low, a_high), (b_low, b_high) = (
            (x.dtype.min - zero_point, x.dtype.max - zero_point)
            for x, zero_point in zip((a, b), self.x_zero_points, strict=True)
        )
        ends = [first * second for first in (a_low, a_high) for second in (b_low, b_high)]
        what = f"Multiply of {a} and {b}"
        scaled_interval(min(ends), max(ends), *self._scale, self.arithmetic, what, self.zero_point)
        return TensorType(shape, self.dtype)

    def __call__(self, a: IntArray, b: IntArray) -> IntArray:
        first, second = (x - zero_point for x, zero_point in zip(matched(a, b), self.x_zero_points, strict=True))
        y = ARITHMETICS[self.arithmetic](first * second, *self._scale)
        y += self.zero_point
        return np.clip(y, *self.limits, out=y)
