"""Convolution over rows and columns: full, grouped, depthwise, and with one row in one dimension."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.layers.windows import border, padding_of, pair, same_or, windows
from golden.types import FloatArray
from golden.window import Padding, Pair, padded, taps

_ELEMENTS_AT_A_TIME = 1 << 22
"""Of the matrix of windows, which is kernel times as large as the input: 32 MB."""


class Conv2d:
    """``y[i, j, o] = bias[o] + sum_{u, v, c} weight[o, u, v, c] * x[i*s - top + u*d, j*s - left + v*d, g*C + c]``

    ``weight`` has shape (out_channels, rows, columns, C) with ``C = in_channels / groups``, ``bias`` (out_channels,);
    output ``o`` belongs to the group ``g = o // (out_channels / groups)``. Outside of ``x`` there are zeros. Weights
    start as He et al. (2015) propose, normal with variance ``2 / (rows * columns * C)``, drawn from ``seed``.

    Args:
        in_channels: channels of the input, the innermost dimension.
        out_channels: channels of the result.
        kernel_size: rows and columns of the window, or one int for both; as are ``stride`` and ``dilation``.
        stride: step from window to window, s.
        padding: one int, (rows, columns), ((top, bottom), (left, right)), or ``"same"``: ``ceil(size / stride)``
            windows, the larger half of an odd padding at the end.
        dilation: step from place to place in a window, d.
        groups: the channels of input and output are split into as many parts, and each output sees its part only.
        bias: whether there is one; without, ``bias`` is zero.
        seed: of the initial weights.

    Raises:
        ValueError: for sizes that are not positive, or channels that are no multiple of ``groups``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: Any = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        seed: int = 0,
    ) -> None:
        for what, value in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{what} of Conv2d must be a positive int, not {value!r}")
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"in_channels and out_channels of Conv2d must be multiples of groups, not {in_channels} and "
                f"{out_channels} of {groups}"
            )
        self.in_channels, self.out_channels, self.groups = int(in_channels), int(out_channels), int(groups)
        self.kernel_size = pair(kernel_size, "kernel_size of Conv2d")
        self.stride = pair(stride, "stride of Conv2d")
        self.padding: Padding | str = border(padding, "padding of Conv2d")
        self.dilation = pair(dilation, "dilation of Conv2d")
        self.has_bias = bool(bias)
        self.seed = seed
        self.reset()

    @classmethod
    def from_weights(
        cls,
        weight: npt.ArrayLike,
        bias: npt.ArrayLike | None = None,
        stride: int | Pair = 1,
        padding: Any = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> Conv2d:
        """A layer with these weights, (out_channels, rows, columns, in_channels / groups), and bias, (out_channels,).

        PyTorch has (out_channels, in_channels / groups, rows, columns): ``weight.transpose(0, 2, 3, 1)``.
        """
        w = np.array(weight, dtype=np.float64)
        b = np.zeros(w.shape[:1]) if bias is None else np.array(bias, dtype=np.float64)
        if w.ndim != 4 or 0 in w.shape or b.shape != w.shape[:1]:
            raise ValueError(
                "Conv2d needs a weight of shape (out_channels, rows, columns, in_channels / groups) and a bias "
                f"(out_channels,), not {w.shape} and {b.shape}"
            )
        outputs, rows, columns, inner = w.shape
        kernel = (rows, columns)
        layer = cls(inner * groups, outputs, kernel, stride, padding, dilation, groups, bias is not None)
        layer.weight, layer.bias = w, b
        return layer

    def reset(self) -> None:
        """Back to the initial weights."""
        shape = (self.out_channels, *self.kernel_size, self.in_channels // self.groups)
        rng = np.random.default_rng([self.seed, *shape])
        self.weight: FloatArray = rng.normal(0.0, sqrt(2.0 / np.prod(shape[1:])), shape)
        self.bias: FloatArray = np.zeros(self.out_channels)

    def parameters(self) -> list[FloatArray]:
        """Weight, and bias if there is one; the arrays themselves, not copies."""
        return [self.weight, self.bias] if self.has_bias else [self.weight]

    def padding_of(self, size: Pair) -> Padding:
        """((top, bottom), (left, right)) on an image of ``size`` (rows, columns)."""
        return padding_of(self.padding, size, self.kernel_size, self.stride, self.dilation)

    def __call__(self, x: FloatArray) -> FloatArray:
        padding = self.padding_of((x.shape[1], x.shape[2])) if x.ndim == 4 else ((0, 0), (0, 0))
        out = windows(x, self.kernel_size, self.stride, padding, self.dilation, "Conv2d")
        if x.shape[3] != self.in_channels:
            raise ValueError(f"{self} needs {self.in_channels} channels, the innermost dimension, not {x.shape}")
        per_sample = out[0] * out[1] * self.kernel_size[0] * self.kernel_size[1] * self.in_channels
        piece = max(1, _ELEMENTS_AT_A_TIME // per_sample)
        y = np.empty((len(x), *out, self.out_channels))
        for start in range(0, len(x), piece):
            whole = padded(x[start : start + piece], padding, 0, np.float64)
            y[start : start + piece] = self._sums(whole, out)
        y += self.bias
        return y

    def _sums(self, x: FloatArray, out: Pair) -> FloatArray:
        """The products of a padded batch with the weights, all windows side by side, group by group."""
        inner, share = self.in_channels // self.groups, self.out_channels // self.groups
        count = len(x) * out[0] * out[1]
        seen = np.stack([view for _, _, view in taps(x, out, self.kernel_size, self.stride, self.dilation)], axis=3)
        grouped = seen.reshape(count, -1, self.groups, inner)
        weight = self.weight.reshape(self.groups, share, -1, inner)
        if inner == 1:
            y = np.einsum("ntg,gst->ngs", grouped[..., 0], weight[..., 0])
        elif self.groups == 1:
            y = (grouped.reshape(count, -1) @ weight.reshape(share, -1).T)[:, None]
        else:
            y = np.stack([np.tensordot(grouped[:, :, g], weight[g], ([1, 2], [1, 2])) for g in range(self.groups)], 1)
        return np.asarray(y.reshape(len(x), *out, self.out_channels), dtype=np.float64)

    def __repr__(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, {self.kernel_size}"]
        parts += [f"stride={self.stride}"] if self.stride != (1, 1) else []
        parts += [f"padding={same_or(self.padding)}"] if self.padding != ((0, 0), (0, 0)) else []
        parts += [f"dilation={self.dilation}"] if self.dilation != (1, 1) else []
        parts += [f"groups={self.groups}"] if self.groups != 1 else []
        return f"Conv2d({', '.join(parts)})"
