"""Tensors side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import plain_int
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Concat:
    """``y = x_1, x_2, ...`` along ``axis``; axis 0 is the first dimension behind the batch."""

    axis: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", plain_int(self.axis, "the axis of Concat", 0))

    def out_type(self, *x: TensorType) -> TensorType:
        """The narrowest type that holds all elements."""
        if not x:
            raise ValueError("Concat needs at least one tensor")
        if any(
            len(other.shape) != len(x[0].shape)
            or self.axis >= len(other.shape)
            or self._rest(other.shape) != self._rest(x[0].shape)
            for other in x
        ):
            raise ValueError(f"Concat along axis {self.axis} cannot take {', '.join(map(str, x))}")
        shape = list(x[0].shape)
        shape[self.axis] = sum(other.shape[self.axis] for other in x)
        low, high = min(other.dtype.min for other in x), max(other.dtype.max for other in x)
        return TensorType(tuple(shape), IntType.holding(low, high))

    def __call__(self, *x: IntArray) -> IntArray:
        return np.concatenate(x, axis=self.axis + 1)

    def _rest(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[: self.axis] + shape[self.axis + 1 :]
