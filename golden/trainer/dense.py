"""A dense layer in training: forward, error back, gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.trainer.arithmetic import MOST_ACTIVATION, rounded, saturated, symmetric
from golden.trainer.layer import TrainedLayer
from golden.types import IntArray


@dataclass(eq=False)
class TrainedDense(TrainedLayer):
    """``acc = sum_j w8[i, j] a[j] + w8[i, -1] one``, with ``w8 = weight >> 8``; inputs of any shape are taken flat."""

    @property
    def features(self) -> int:
        """Inputs."""
        return int(self.weight.shape[1]) - 1

    @property
    def slower(self) -> int:
        """Nothing."""
        return 0

    def forward(self, a: IntArray) -> IntArray:
        """Logits, or hidden activations, shape (outputs,)."""
        accumulator = self.inference_weight @ np.append(a, self.bias_input)
        y: IntArray = rounded(accumulator, self.output_shift)
        return saturated(y, 16) if self.is_last else np.clip(y, 0, MOST_ACTIVATION)

    def error_back(self, error: IntArray, a: IntArray) -> IntArray:
        """The error of this layer's inputs ``a``, hidden activations: nothing where one of them was 0."""
        sums: IntArray = (error @ self.inference_weight[:, :-1]).reshape(a.shape)
        return np.where(a > 0, symmetric(rounded(sums, self.weight_fraction_bits)), 0)

    def gradient(self, error: IntArray, a: IntArray) -> IntArray:
        """``e[i] a[j]``"""
        outer: IntArray = np.multiply.outer(error, np.append(a, self.bias_input))
        return outer
