"""Rounded mean of each window of rows and columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import checked_pool
from golden.types import IntArray, IntType, TensorType
from golden.window import NO_PADDING, Padding, Pair, out_shape, padded, taps


@dataclass(frozen=True)
class AveragePool:
    """``y[i, j, c] = round(mean_{u, v} x[i*s - top + u, j*s - left + v, c])``, over the places that lie in ``x``.

    Ties are rounded away from zero, as TensorFlow Lite does: with ``n`` places in ``x``, ``(sum + n // 2) // n`` for a
    positive sum, ``-((n // 2 - sum) // n)`` else. ``kernel`` and ``stride`` s are (rows, columns), ``padding`` is
    ((top, bottom), (left, right)), is not counted, and must be smaller than the kernel.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING

    def __post_init__(self) -> None:
        kernel, stride, padding = checked_pool(self.kernel, self.stride, self.padding, "AveragePool")
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "padding", padding)

    def out_type(self, x: TensorType) -> TensorType:
        """The element type of ``x``, shape (rows, columns, channels)."""
        shape = out_shape(x, self.kernel, self.stride, self.padding, (1, 1), "AveragePool")
        places = self.kernel[0] * self.kernel[1]
        half = places // 2
        TensorType((), IntType.holding(x.dtype.min * places - half, x.dtype.max * places + half))  # the sums fit
        return TensorType((*shape, x.shape[2]), x.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        out = out_shape(TensorType(x.shape[1:], IntType(1, False)), self.kernel, self.stride, self.padding, (1, 1), "")
        ones = np.ones((1, *x.shape[1:3], 1), dtype=np.int64)
        total, count = (
            sum(seen for _, _, seen in taps(padded(values, self.padding, 0, np.int64), out, self.kernel, self.stride))
            for values in (x, ones)
        )
        half = count // 2
        return np.where(total > 0, (total + half) // count, -((half - total) // count))
