"""A border of one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import pairs_of_ints, plain_int
from golden.types import IntArray, TensorType


@dataclass(frozen=True)
class Pad:
    """``y`` is ``x`` with ``padding``, one (before, after) per dimension, of ``value`` around it."""

    padding: tuple[tuple[int, int], ...]
    value: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "padding", pairs_of_ints(self.padding, None, "the padding of Pad"))
        object.__setattr__(self, "value", plain_int(self.value, "the value of Pad"))

    def out_type(self, x: TensorType) -> TensorType:
        """The element type of ``x``, which must have the value."""
        if len(self.padding) != len(x.shape):
            raise ValueError(f"Pad of {len(self.padding)} dimensions cannot take {x}")
        if not x.dtype.min <= self.value <= x.dtype.max:
            raise ValueError(f"the value {self.value} of Pad must be one of {x.dtype}")
        shape = (size + before + after for size, (before, after) in zip(x.shape, self.padding, strict=True))
        return TensorType(tuple(shape), x.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        return np.pad(x, ((0, 0), *self.padding), constant_values=self.value)
