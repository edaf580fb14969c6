"""Convolution over rows and columns, up to and with the bias: full, grouped, depthwise, and in one dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.exact import exact_dtype, largest_sum, reach
from golden.ops.op import frozen_ints, pairs_of_ints, plain_int, plain_ints
from golden.types import IntArray, IntType, TensorType
from golden.window import NO_PADDING, Padding, Pair, out_shape, padded, taps

_COLUMNS_AT_A_TIME = 1 << 21
"""Elements of the matrix of windows that is built at a time: what a cache holds, and memory in any case."""


@dataclass(frozen=True, eq=False)
class Conv:
    """``y[i, j, o] = bias[o] + sum_{u, v, c} weight[o, u, v, c] * x[i*s - top + u*d, j*s - left + v*d, g*C + c]``

    ``weight`` has shape (outputs, rows, columns, C), where ``C = channels / groups``; output ``o`` belongs to the group
    ``g = o // (outputs / groups)``. With as many groups as channels it is a depthwise convolution, with one row of
    input and of weights a convolution in one dimension. ``stride`` s and ``dilation`` d are (rows, columns),
    ``padding`` is ((top, bottom), (left, right)). Outside of ``x`` there is ``padding_value``, which has to be a value
    of its type: the zero point of ``x``, which is already folded into the bias. The result type is the narrowest that
    holds every reachable sum.
    """

    weight: IntArray
    bias: IntArray
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    groups: int = 1
    padding_value: int = 0

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "weight", frozen_ints(self.weight, "the weights of Conv"))
        set_field(self, "bias", frozen_ints(self.bias, "the bias of Conv"))
        if self.weight.ndim != 4 or 0 in self.weight.shape:
            raise ValueError(
                f"the weights of Conv must have shape (outputs, rows, columns, channels), not {self.weight.shape}"
            )
        if self.bias.shape != (self.outputs,):
            raise ValueError(
                f"the bias of Conv must have shape ({self.outputs},), one per output, not {self.bias.shape}"
            )
        set_field(self, "stride", plain_ints(self.stride, 2, "the stride of Conv", 1))
        set_field(self, "dilation", plain_ints(self.dilation, 2, "the dilation of Conv", 1))
        set_field(self, "padding", pairs_of_ints(self.padding, 2, "the padding of Conv"))
        set_field(self, "groups", plain_int(self.groups, "the groups of Conv", 1))
        set_field(self, "padding_value", plain_int(self.padding_value, "the padding value of Conv"))
        if self.outputs % self.groups:
            raise ValueError(f"the {self.outputs} outputs of Conv must be a multiple of its {self.groups} groups")

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return int(self.weight.shape[0])

    @property
    def kernel(self) -> Pair:
        """Rows and columns of the window."""
        return int(self.weight.shape[1]), int(self.weight.shape[2])

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return int(self.weight.shape[3]) * self.groups

    @property
    def depthwise(self) -> bool:
        """Whether every output looks at one channel only."""
        return self.groups == self.channels

    @property
    def weight_type(self) -> IntType:
        """The narrowest signed type that holds every weight."""
        return IntType.signed_holding(int(self.weight.min()), int(self.weight.max()))

    def macs(self, x: TensorType) -> int:
        """Multiplications of one sample of type ``x``, those with padding included."""
        rows, columns = self._out_shape(x)
        return rows * columns * self.weight.size

    def reach(self, x: TensorType) -> tuple[list[int], list[int]]:
        """Smallest and largest result of every output, over all inputs of type ``x``."""
        return reach(self.weight.reshape(self.outputs, -1), self.bias, x.dtype.min, x.dtype.max)

    def out_type(self, x: TensorType) -> TensorType:
        """Accumulators of shape (rows, columns, outputs)."""
        shape = self._out_shape(x)
        if x.shape[2] != self.channels:
            raise ValueError(f"Conv with {self.channels} channels cannot take {x}")
        if self.padding != NO_PADDING and not x.dtype.min <= self.padding_value <= x.dtype.max:
            raise ValueError(f"the padding value {self.padding_value} of Conv must be a value of {x.dtype}")
        lows, highs = self.reach(x)
        return TensorType((*shape, self.outputs), IntType.holding(min(lows), max(highs)))

    def __call__(self, x: IntArray) -> IntArray:
        out = self._out_shape(TensorType(x.shape[1:], IntType(1, False)))
        rows = self.weight.reshape(self.outputs, -1)
        bound = max(largest_sum(x, rows), largest_sum(np.array([self.padding_value]), rows))
        dtype = exact_dtype(bound)
        piece = max(1, _COLUMNS_AT_A_TIME // (out[0] * out[1] * max(rows.shape[1], self.outputs)))
        y = np.empty((len(x), *out, self.outputs), dtype=np.int64)
        convolve = self._depthwise if self.depthwise else self._full
        for start in range(0, len(x), piece):
            whole = padded(x[start : start + piece], self.padding, self.padding_value, dtype)
            y[start : start + piece] = convolve(whole, out)
        y += self.bias
        return y

    def _full(self, x: npt.NDArray[Any], out: Pair) -> npt.NDArray[Any]:
        """One matrix product a group, of all windows side by side."""
        inner, share = self.channels // self.groups, self.outputs // self.groups
        y = np.empty((len(x), *out, self.outputs), dtype=x.dtype)
        for group in range(self.groups):
            own = x[..., group * inner : (group + 1) * inner]
            if self.kernel == (1, 1) and self.stride == (1, 1):
                windows = own
            else:
                windows = np.empty((len(x), *out, *self.kernel, inner), dtype=x.dtype)
                for row, column, seen in taps(own, out, self.kernel, self.stride, self.dilation):
                    windows[:, :, :, row, column] = seen
            weight = self.weight[group * share : (group + 1) * share].reshape(share, -1).astype(x.dtype)
            product = windows.reshape(-1, weight.shape[1]) @ weight.T
            y[..., group * share : (group + 1) * share] = product.reshape(len(x), *out, share)
        return y

    def _depthwise(self, x: npt.NDArray[Any], out: Pair) -> npt.NDArray[Any]:
        """One product of all windows for each place in the window; output ``c * times + t`` sees channel ``c``."""
        times = self.outputs // self.groups
        weight = self.weight[..., 0].reshape(self.channels, times, *self.kernel).astype(x.dtype)
        # Repeated for every column of the result, so that numpy's inner loop is as long as a row.
        repeated = np.repeat(weight.transpose(1, 2, 3, 0)[..., None, :], out[1], axis=3)
        y = np.zeros((times, len(x), *out, self.channels), dtype=x.dtype)
        product = np.empty_like(y[0])
        for row, column, seen in taps(x, out, self.kernel, self.stride, self.dilation):
            for time in range(times):
                y[time] += np.multiply(seen, repeated[time, row, column], out=product)
        return np.moveaxis(y, 0, -1).reshape(len(x), *out, self.outputs)

    def _out_shape(self, x: TensorType) -> Pair:
        return out_shape(x, self.kernel, self.stride, self.padding, self.dilation, "Conv")
