"""Sum of two tensors that have different scales and zero points, as in a residual connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.arithmetic import ARITHMETICS, check_arithmetic, check_scale, scaled_interval
from golden.broadcast import broadcast_shape, matched
from golden.ops.op import checked_clamp, frozen_ints, plain_int, plain_ints, value_of
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Add:
    """``y = clip(A(A((a - za) << L, ma, sa) + A((b - zb) << L, mb, sb), m, s) + zero_point)``

    ``A(x, m, s)`` is ``x * m / 2**s`` rounded as ``arithmetic`` says (``golden/arithmetic.py``). ``x_zero_points`` are
    (za, zb), ``x_multipliers`` (ma, mb), ``x_shifts`` (sa, sb), ``left_shift`` L; ``multiplier`` m and ``shift`` s give
    the sum the scale of the result. TensorFlow Lite shifts left by 20 and has both inputs scaled to at most a half.
    With ``subtract`` the second term is subtracted. Shapes broadcast from the innermost dimension, as in numpy. The
    result saturates to ``clamp``, two values of ``dtype``, or to all of ``dtype``.
    """

    x_zero_points: tuple[int, int]
    x_multipliers: tuple[int, int]
    x_shifts: tuple[int, int]
    left_shift: int
    multiplier: int
    shift: int
    zero_point: int
    dtype: IntType
    arithmetic: str = "half_up"
    clamp: tuple[int, int] | None = None
    subtract: bool = False

    def __post_init__(self) -> None:
        set_field: Any = object.__setattr__
        for name in ("x_zero_points", "x_multipliers", "x_shifts"):
            set_field(self, name, plain_ints(getattr(self, name), 2, f"{name} of Add"))
        for name in ("multiplier", "shift"):
            set_field(self, name, plain_int(getattr(self, name), f"the {name} of Add"))
        set_field(self, "left_shift", plain_int(self.left_shift, "the left shift of Add", 0, 31))
        check_arithmetic(self.arithmetic, "Add")
        for multiplier, shift in self._scales:
            check_scale(multiplier, shift, self.arithmetic, "Add")
        set_field(self, "zero_point", value_of(self.zero_point, self.dtype, "the zero point of Add"))
        set_field(self, "clamp", checked_clamp(self.clamp, self.dtype, "Add"))

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest result."""
        return self.clamp or (self.dtype.min, self.dtype.max)

    @property
    def _scales(self) -> list[tuple[IntArray, IntArray]]:
        """(multiplier, shift) of a, of b and of the sum."""
        pairs = zip((*self.x_multipliers, self.multiplier), (*self.x_shifts, self.shift), strict=True)
        return [(frozen_ints(m, "a multiplier"), frozen_ints(s, "a shift")) for m, s in pairs]

    def out_type(self, a: TensorType, b: TensorType) -> TensorType:
        """``dtype`` in the broadcast shape; refuses what could leave int64 or int32 on the way."""
        shape = broadcast_shape(a, b, "Add")
        low = high = 0
        scales = self._scales
        for x, zero_point, (multiplier, shift), place in zip((a, b), self.x_zero_points, scales, (0, 1), strict=False):
            ends = ((x.dtype.min - zero_point) << self.left_shift, (x.dtype.max - zero_point) << self.left_shift)
            term = scaled_interval(*ends, multiplier, shift, self.arithmetic, f"Add of {x}")
            if place and self.subtract:
                term = (-term[1], -term[0])
            low, high = low + term[0], high + term[1]
        scaled_interval(low, high, *scales[2], self.arithmetic, f"the sum of Add of {a} and {b}", self.zero_point)
        return TensorType(shape, self.dtype)

    def __call__(self, a: IntArray, b: IntArray) -> IntArray:
        scale, scales = ARITHMETICS[self.arithmetic], self._scales
        first, second = (
            scale((x - zero_point) << self.left_shift, *of_input)
            for x, zero_point, of_input in zip(matched(a, b), self.x_zero_points, scales, strict=False)
        )
        y = scale(first - second if self.subtract else first + second, *scales[2])
        y += self.zero_point
        return np.clip(y, *self.limits, out=y)
