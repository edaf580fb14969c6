"""Rectifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Relu:
    """``y = max(x, 0)``"""

    def out_type(self, x: TensorType) -> TensorType:
        """The non-negative part of the type of ``x``."""
        return TensorType(x.shape, IntType.holding(0, max(x.dtype.max, 0)))

    def __call__(self, x: IntArray) -> IntArray:
        return np.maximum(x, 0)
