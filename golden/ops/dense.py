"""Fully connected layer, up to and with the bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.exact import exact_dtype, largest_sum, reach
from golden.ops.op import frozen_ints
from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True, eq=False)
class Dense:
    """``y[o] = bias[o] + sum_i weight[o, i] * x[i]``

    ``weight`` has shape (outputs, inputs), ``bias`` (outputs,). A zero point of the input is already folded into the
    bias. The result type is the narrowest that holds every reachable sum, so that no accumulator can overflow.
    """

    weight: IntArray
    bias: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen_ints(self.weight, "the weights of Dense"))
        object.__setattr__(self, "bias", frozen_ints(self.bias, "the bias of Dense"))
        if self.weight.ndim != 2 or 0 in self.weight.shape:
            raise ValueError(f"the weights of Dense must have shape (outputs, inputs), not {self.weight.shape}")
        if self.bias.shape != (self.outputs,):
            raise ValueError(
                f"the bias of Dense must have shape ({self.outputs},), one per output, not {self.bias.shape}"
            )

    @property
    def outputs(self) -> int:
        """Number of output features."""
        return int(self.weight.shape[0])

    @property
    def inputs(self) -> int:
        """Number of input features."""
        return int(self.weight.shape[1])

    @property
    def weight_type(self) -> IntType:
        """The narrowest signed type that holds every weight."""
        return IntType.signed_holding(int(self.weight.min()), int(self.weight.max()))

    def macs(self, x: TensorType) -> int:
        """Multiplications of one sample of type ``x``."""
        return self.weight.size * (x.size // self.inputs)

    def reach(self, x: TensorType) -> tuple[list[int], list[int]]:
        """Smallest and largest result of every output, over all inputs of type ``x``."""
        return reach(self.weight, self.bias, x.dtype.min, x.dtype.max)

    def out_type(self, x: TensorType) -> TensorType:
        """Accumulators of the last dimension."""
        if not x.shape or x.shape[-1] != self.inputs:
            raise ValueError(f"Dense with {self.inputs} inputs cannot take {x}")
        lows, highs = self.reach(x)
        return TensorType((*x.shape[:-1], self.outputs), IntType.holding(min(lows), max(highs)))

    def __call__(self, x: IntArray) -> IntArray:
        dtype = exact_dtype(largest_sum(x, self.weight))
        y: IntArray = (x.astype(dtype) @ self.weight.T.astype(dtype)).astype(np.int64)
        y += self.bias
        return y
