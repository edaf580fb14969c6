"""Sum over some dimensions; with a Requantize behind it, a mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import plain_ints
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Sum:
    """``y = sum of x over axes``; axis 0 is the first dimension behind the batch. ``keep`` leaves them with size 1."""

    axes: tuple[int, ...]
    keep: bool = False

    def __post_init__(self) -> None:
        axes = plain_ints(self.axes, None, "the axes of Sum", 0)
        if not axes or len(set(axes)) < len(axes):
            raise ValueError(f"the axes of Sum must be distinct and at least one, not {self.axes}")
        object.__setattr__(self, "axes", tuple(sorted(axes)))

    def terms(self, x: TensorType) -> int:
        """How many elements make one sum."""
        return int(np.prod([x.shape[axis] for axis in self.axes]))

    def out_type(self, x: TensorType) -> TensorType:
        """The narrowest type that holds every sum."""
        if self.axes[-1] >= len(x.shape):
            raise ValueError(f"Sum over the axes {self.axes} cannot take {x}")
        terms = self.terms(x)
        shape = [1 if i in self.axes else size for i, size in enumerate(x.shape) if self.keep or i not in self.axes]
        return TensorType(tuple(shape), IntType.holding(x.dtype.min * terms, x.dtype.max * terms))

    def __call__(self, x: IntArray) -> IntArray:
        return np.asarray(x.sum(axis=tuple(axis + 1 for axis in self.axes), keepdims=self.keep), dtype=np.int64)
