"""Saturation to an interval, such as ReLU6 in integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import plain_int
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Clamp:
    """``y = min(max(x, low), high)``"""

    low: int
    high: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", plain_int(self.low, "the low end of Clamp"))
        object.__setattr__(self, "high", plain_int(self.high, "the high end of Clamp", self.low))

    def out_type(self, x: TensorType) -> TensorType:
        """The narrowest type of what is left of ``x``."""
        ends = (min(max(end, self.low), self.high) for end in (x.dtype.min, x.dtype.max))
        return TensorType(x.shape, IntType.holding(*ends))

    def __call__(self, x: IntArray) -> IntArray:
        return np.clip(x, self.low, self.high)
