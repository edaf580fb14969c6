"""Integer and tensor types: how many bits a value needs, derived from what the value can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_BITS = 63
"""Widest element of a tensor: the golden model computes in int64, and nothing may wrap."""


@dataclass(frozen=True, order=True)
class IntType:
    """Two's complement (``s8``) or unsigned (``u7``) integers of ``bits`` bits."""

    bits: int
    signed: bool

    def __post_init__(self) -> None:
        if isinstance(self.bits, bool) or not isinstance(self.bits, int) or self.bits < 1:
            raise ValueError(f"the bits of an IntType must be a positive int, not {self.bits!r}")

    @property
    def min(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest value."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @classmethod
    def holding(cls, low: int, high: int) -> IntType:
        """The narrowest type that holds every integer of ``[low, high]``; unsigned where ``low >= 0``."""
        low, high = int(low), int(high)
        if low > high:
            raise ValueError(f"the interval [{low}, {high}] is empty")
        if low >= 0:
            return cls(max(1, high.bit_length()), False)
        return cls(1 + max((~low).bit_length(), high.bit_length() if high > 0 else 0), True)

    @classmethod
    def signed_holding(cls, low: int, high: int) -> IntType:
        """The narrowest signed type that holds every integer of ``[low, high]``."""
        held = cls.holding(low, high)
        return held if held.signed else cls(held.bits + 1, True)

    def holds(self, other: IntType) -> bool:
        """Whether every value of ``other`` is a value of this type."""
        return self.min <= other.min and other.max <= self.max

    @classmethod
    def parse(cls, text: str) -> IntType:
        """``IntType.parse("s8")``: the inverse of ``str``."""
        if len(text) < 2 or text[0] not in "su" or not text[1:].isdecimal():
            raise ValueError(f"an integer type must look like s8 or u4, not {text!r}")
        return cls(int(text[1:]), text[0] == "s")

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}"


@dataclass(frozen=True)
class TensorType:
    """Shape (without the batch, channels last) and element type of a tensor; prints as ``s8[28, 28, 1]``."""

    shape: tuple[int, ...]
    dtype: IntType

    def __post_init__(self) -> None:
        if not isinstance(self.shape, tuple) or not all(isinstance(d, int) and d >= 1 for d in self.shape):
            raise ValueError(f"a shape must be a tuple of positive ints, not {self.shape!r}")
        if self.dtype.bits > MAX_BITS:
            raise ValueError(f"a tensor's elements must fit {MAX_BITS} bits, not the {self.dtype.bits} of {self.dtype}")

    @property
    def size(self) -> int:
        """Number of elements; 1 for a scalar."""
        size = 1
        for dimension in self.shape:
            size *= dimension
        return size

    @property
    def inner(self) -> int:
        """The innermost dimension; 1 for a scalar."""
        return self.shape[-1] if self.shape else 1

    def check(self, x: Any, what: str = "input") -> IntArray:
        """``x`` as an int64 batch of this type.

        Raises:
            TypeError: if ``x`` is not an array of integers.
            ValueError: if its shape is not ``(batch, *shape)`` or a value lies outside the type.
        """
        array = np.asarray(x)
        if array.dtype.kind not in "iu":
            raise TypeError(f"{what} must be integers of type {self}, not {array.dtype}")
        if array.shape[1:] != self.shape or array.ndim != len(self.shape) + 1:
            expected = "(" + ", ".join(["batch", *map(str, self.shape)]) + ")"
            raise ValueError(f"{what} must have shape {expected}, not {array.shape}")
        if array.size:
            low, high = int(array.min()), int(array.max())
            if low < self.dtype.min or high > self.dtype.max:
                raise ValueError(
                    f"{what} must lie in [{self.dtype.min}, {self.dtype.max}] ({self.dtype}), "
                    f"but its values span [{low}, {high}]"
                )
        return array.astype(np.int64)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"
