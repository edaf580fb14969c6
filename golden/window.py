"""Sliding windows over rows and columns: what convolution and pooling have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import TensorType

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]

NO_PADDING: Padding = ((0, 0), (0, 0))


def out_shape(x: TensorType, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair, what: str) -> Pair:
    """Rows and columns of the result: ``(size + before + after - (kernel - 1) * dilation - 1) // stride + 1``.

    Raises:
        ValueError: where ``x`` is not (rows, columns, channels), or smaller than one window.
    """
    if len(x.shape) != 3:
        raise ValueError(f"{what} needs an input of shape (rows, columns, channels), it cannot take {x}")
    sizes = []
    for size, k, s, (before, after), d in zip(x.shape[:2], kernel, stride, padding, dilation, strict=True):
        spare = size + before + after - (k - 1) * d - 1
        if spare < 0:
            raise ValueError(
                f"{what} with a window of {kernel}, dilation {dilation} and padding {padding} cannot take {x}: "
                "it is smaller than one window"
            )
        sizes.append(spare // s + 1)
    return sizes[0], sizes[1]


def same_padding(size: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Padding:
    """TensorFlow's ``SAME``: ``ceil(size / stride)`` windows; of an odd padding the larger half comes last."""
    pairs = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        pairs.append((total // 2, total - total // 2))
    return pairs[0], pairs[1]


def padded(x: npt.NDArray[Any], padding: Padding, value: float, dtype: Any) -> npt.NDArray[Any]:
    """A batch (batch, rows, columns, channels) as ``dtype`` with a border of ``value``."""
    (top, bottom), (left, right) = padding
    batch, rows, columns, channels = x.shape
    if not any((top, bottom, left, right)):
        return x.astype(dtype)
    whole = np.full((batch, rows + top + bottom, columns + left + right, channels), value, dtype=dtype)
    whole[:, top : top + rows, left : left + columns] = x
    return whole


def taps(
    x: npt.NDArray[Any], out: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
    """For each place in the window what all windows see there: (row, column, view (batch, \\*out, channels))."""
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            top, left = row * dilation[0], column * dilation[1]
            yield (
                row,
                column,
                x[
                    :,
                    top : top + (out[0] - 1) * stride[0] + 1 : stride[0],
                    left : left + (out[1] - 1) * stride[1] + 1 : stride[1],
                ],
            )
