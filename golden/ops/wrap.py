"""What an accumulator of few bits keeps of a number that does not fit it."""

from __future__ import annotations

from dataclasses import dataclass

from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Wrap:
    """``y = x mod 2**bits``, as a value of ``dtype``: two's complement overflow.

    Networks whose reference overflows its 32-bit accumulators keep doing so.
    """

    dtype: IntType

    def out_type(self, x: TensorType) -> TensorType:
        """``dtype``."""
        return TensorType(x.shape, self.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        return ((x - self.dtype.min) & ((1 << self.dtype.bits) - 1)) + self.dtype.min
