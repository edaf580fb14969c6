"""How real numbers and the integers of a tensor correspond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.types import FloatArray, IntArray, TensorType


@dataclass(frozen=True, eq=False)
class Encoding:
    """``real = scale * (integer - zero_point)``; both are scalars or per element of the innermost dimension.

    Encodings are equal by value.
    """

    scale: FloatArray
    zero_point: IntArray

    def __post_init__(self) -> None:
        scale = np.asarray(self.scale, dtype=np.float64)
        if not np.all(np.isfinite(scale)) or not np.all(scale > 0):
            raise ValueError(f"a scale must be positive and finite, not {scale}")
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "zero_point", np.asarray(self.zero_point, dtype=np.int64))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Encoding):
            return NotImplemented
        return np.array_equal(self.scale, other.scale) and np.array_equal(self.zero_point, other.zero_point)

    def __hash__(self) -> int:
        return hash((self.scale.shape, self.zero_point.shape))

    def encode(self, x: npt.ArrayLike, type: TensorType) -> IntArray:
        """Floats, shape (batch, \\*shape), to integers of ``type``: rounded half up, then saturated.

        Raises:
            ValueError: for a wrong shape, or values that are not finite.
        """
        real = np.asarray(x, dtype=np.float64)
        if real.shape[1:] != type.shape or real.ndim != len(type.shape) + 1:
            expected = "(" + ", ".join(["batch", *map(str, type.shape)]) + ")"
            raise ValueError(f"floats to encode must have shape {expected}, not {real.shape}")
        if not np.all(np.isfinite(real)):
            raise ValueError("floats to encode must be finite, there is a NaN or an infinity among them")
        scaled = np.clip(np.floor(real / self.scale + 0.5) + self.zero_point, type.dtype.min, type.dtype.max)
        return scaled.astype(np.int64)

    def decode(self, y: npt.ArrayLike) -> FloatArray:
        """Integers to the real numbers that they stand for."""
        return np.asarray(self.scale * (np.asarray(y) - self.zero_point), dtype=np.float64)
