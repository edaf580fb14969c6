"""Windows of rows and columns brought to one element: the largest, or the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.layers.windows import border, padding_of, pair, windows
from golden.types import FloatArray
from golden.window import NO_PADDING, Padding, Pair, padded, taps


def _check(layer: Any, what: str) -> None:
    """Brings kernel, stride and padding of a frozen layer to pairs; the stride is the kernel's unless given."""
    kernel = pair(layer.kernel_size, f"kernel_size of {what}")
    stride = kernel if layer.stride is None else pair(layer.stride, f"stride of {what}")
    padding = border(layer.padding, f"padding of {what}")
    if not isinstance(padding, str) and any(max(sides) >= k for sides, k in zip(padding, kernel, strict=True)):
        raise ValueError(f"the padding of {what} must be smaller than its kernel {kernel}, not {padding}")
    for name, value in (("kernel_size", kernel), ("stride", stride), ("padding", padding)):
        object.__setattr__(layer, name, value)


def _ceiled(size: Pair, kernel: Pair, stride: Pair, padding: Padding) -> Padding:
    """More padding at the end, for one more window where some elements are left, unless it would begin behind them."""
    sides = []
    for n, k, s, (before, after) in zip(size, kernel, stride, padding, strict=True):
        count = -(-(n + before + after - k) // s) + 1
        count -= (count - 1) * s >= n + before
        sides.append((before, max(after, (count - 1) * s + k - n - before)))
    return sides[0], sides[1]


@dataclass(frozen=True)
class MaxPool2d:
    """``y[i, j, c] = max_{u, v} x[i*s - top + u, j*s - left + v, c]``, over the places that lie in ``x``.

    ``kernel_size``, ``stride`` s (the kernel's size, if None) and ``padding`` are given as to ``Conv2d``. With ``ceil``
    elements that are left at the end get a window of their own, as with PyTorch's ``ceil_mode``.
    """

    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    ceil: bool = False

    def __post_init__(self) -> None:
        _check(self, "MaxPool2d")

    def padding_of(self, size: Pair) -> Padding:
        """((top, bottom), (left, right)) on an image of ``size`` (rows, columns), that of ``ceil`` included."""
        padding = padding_of(self.padding, size, self.kernel_size, self.stride)
        return _ceiled(size, self.kernel_size, self.stride, padding) if self.ceil else padding

    def __call__(self, x: FloatArray) -> FloatArray:
        padding = self.padding_of((x.shape[1], x.shape[2])) if x.ndim == 4 else NO_PADDING
        out = windows(x, self.kernel_size, self.stride, padding, (1, 1), "MaxPool2d")
        y = np.full((len(x), *out, x.shape[3]), -np.inf)
        for _, _, seen in taps(padded(x, padding, -np.inf, np.float64), out, self.kernel_size, self.stride):
            np.maximum(y, seen, out=y)
        return y


@dataclass(frozen=True)
class AvgPool2d:
    """``y[i, j, c] = mean_{u, v} x[i*s - top + u, j*s - left + v, c]``

    Arguments as of ``MaxPool2d``. With ``count_include_pad``, PyTorch's default, the zeros of ``padding`` count as
    elements; without, and always for what ``ceil`` adds, the mean is over the places that lie in ``x``.
    """

    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    count_include_pad: bool = True
    ceil: bool = False

    def __post_init__(self) -> None:
        _check(self, "AvgPool2d")

    def paddings_of(self, size: Pair) -> tuple[Padding, Padding]:
        """On an image of ``size`` (rows, columns): the padding that counts as zeros, and what comes around it."""
        padding = padding_of(self.padding, size, self.kernel_size, self.stride)
        whole = _ceiled(size, self.kernel_size, self.stride, padding) if self.ceil else padding
        if not self.count_include_pad:
            return NO_PADDING, whole
        (top, bottom), (left, right) = (
            (all_before - before, all_after - after)
            for (all_before, all_after), (before, after) in zip(whole, padding, strict=True)
        )
        return padding, ((top, bottom), (left, right))

    def __call__(self, x: FloatArray) -> FloatArray:
        counted, around = self.paddings_of((x.shape[1], x.shape[2])) if x.ndim == 4 else (NO_PADDING, NO_PADDING)
        (top, bottom), (left, right) = (
            (before + more_before, after + more_after)
            for (before, after), (more_before, more_after) in zip(counted, around, strict=True)
        )
        out = windows(x, self.kernel_size, self.stride, ((top, bottom), (left, right)), (1, 1), "AvgPool2d")
        ones = padded(np.ones((1, *x.shape[1:3], 1)), counted, 1, np.float64)
        total, count = (
            sum(seen for _, _, seen in taps(padded(values, around, 0, np.float64), out, self.kernel_size, self.stride))
            for values in (padded(x, counted, 0, np.float64), ones)
        )
        return np.asarray(total / count, dtype=np.float64)


@dataclass(frozen=True)
class GlobalAvgPool2d:
    """``y[c] = mean_{i, j} x[i, j, c]``; with ``keep`` of shape (1, 1, channels) rather than (channels,)."""

    keep: bool = False

    def __call__(self, x: FloatArray) -> FloatArray:
        if x.ndim != 4:
            raise ValueError(f"GlobalAvgPool2d needs floats of shape (batch, rows, columns, channels), not {x.shape}")
        return np.asarray(x.mean(axis=(1, 2), keepdims=self.keep), dtype=np.float64)
