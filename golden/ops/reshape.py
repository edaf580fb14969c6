"""The same elements in another shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from golden.types import IntArray, TensorType


@dataclass(frozen=True)
class Reshape:
    """``y`` has the elements of ``x`` in row-major order, in ``shape`` (which excludes the batch)."""

    shape: tuple[int, ...]

    def out_type(self, x: TensorType) -> TensorType:
        """``shape``, with the element type of ``x``."""
        if prod(self.shape) != x.size:
            raise ValueError(
                f"Reshape to {self.shape}, {prod(self.shape)} elements, cannot take {x}, which has {x.size}"
            )
        return TensorType(self.shape, x.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        return x.reshape(len(x), *self.shape)
