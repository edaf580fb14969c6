"""Largest element of each window of rows and columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import checked_pool
from golden.types import IntArray, IntType, TensorType
from golden.window import NO_PADDING, Padding, Pair, out_shape, padded, taps


@dataclass(frozen=True)
class MaxPool:
    """``y[i, j, c] = max_{u, v} x[i*s - top + u, j*s - left + v, c]``, over the places that lie in ``x``.

    ``kernel`` and ``stride`` s are (rows, columns), ``padding`` is ((top, bottom), (left, right)) and never wins: it
    must be smaller than the kernel, so that every window has an element.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING

    def __post_init__(self) -> None:
        kernel, stride, padding = checked_pool(self.kernel, self.stride, self.padding, "MaxPool")
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "padding", padding)

    def out_type(self, x: TensorType) -> TensorType:
        """The element type of ``x``, shape (rows, columns, channels)."""
        shape = out_shape(x, self.kernel, self.stride, self.padding, (1, 1), "MaxPool")
        return TensorType((*shape, x.shape[2]), x.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        out = out_shape(TensorType(x.shape[1:], IntType(1, False)), self.kernel, self.stride, self.padding, (1, 1), "")
        whole = padded(x, self.padding, np.iinfo(np.int64).min, np.int64)
        y = np.full((len(x), *out, x.shape[3]), np.iinfo(np.int64).min, dtype=np.int64)
        for _, _, seen in taps(whole, out, self.kernel, self.stride):
            np.maximum(y, seen, out=y)
        return y
