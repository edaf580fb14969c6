"""Functions of one element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.types import FloatArray


@dataclass(frozen=True)
class ReLU6:
    """``y = min(max(x, 0), 6)``"""

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.clip(x, 0.0, 6.0)


@dataclass(frozen=True)
class Sigmoid:
    """``y = 1 / (1 + exp(-x))``"""

    def __call__(self, x: FloatArray) -> FloatArray:
        small = np.exp(-np.abs(x))  # of a negative number, so that nothing overflows
        return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small), dtype=np.float64)


@dataclass(frozen=True)
class Tanh:
    """``y = tanh(x)``"""

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.tanh(x)


@dataclass(frozen=True)
class LeakyReLU:
    """``y = x`` for ``x >= 0``, ``y = slope * x`` else."""

    slope: float = 0.01

    def __post_init__(self) -> None:
        if isinstance(self.slope, bool) or not np.isfinite(self.slope):
            raise ValueError(f"the slope of LeakyReLU must be a finite number, not {self.slope!r}")

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.where(x >= 0, x, self.slope * x)
