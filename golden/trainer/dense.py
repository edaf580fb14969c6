"""A dense layer in training: forward, error back, update."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.trainer.arithmetic import (
    DITHER_BITS,
    HIDDEN_FRACTION_BITS,
    LOGIT_FRACTION_BITS,
    LOW_BITS,
    MASTER_BITS,
    MOST_ACTIVATION,
    bias_input,
    rounded,
    saturated,
    symmetric,
    update_shift,
)
from golden.types import IntArray


@dataclass(eq=False)
class TrainedDense:
    """``acc = sum_j w8[i, j] a[j] + w8[i, -1] one``, with ``w8 = weight >> 8``.

    Args:
        name: of the layer.
        weight: master weights, int16 values, shape (outputs, inputs + 1); the last column is the bias.
        weight_fraction_bits: of ``w8``.
        input_fraction_bits: of ``a``.
        is_last: its results are logits; otherwise they are rectified.
        trainable: whether its weights change.
    """

    name: str
    weight: IntArray
    weight_fraction_bits: int
    input_fraction_bits: int
    is_last: bool
    trainable: bool = True

    @property
    def inference_weight(self) -> IntArray:
        """The upper bytes, int8 values."""
        return self.weight >> LOW_BITS

    @property
    def output_shift(self) -> int:
        """From the fraction bits of the accumulator to those of the result."""
        made = LOGIT_FRACTION_BITS if self.is_last else HIDDEN_FRACTION_BITS
        return self.input_fraction_bits + self.weight_fraction_bits - made

    @property
    def bias_input(self) -> int:
        """What the bias is multiplied by."""
        return bias_input(self.input_fraction_bits)

    def forward(self, a: IntArray) -> IntArray:
        """Logits, or hidden activations: rectified and saturated in one."""
        accumulator = self.inference_weight @ np.append(a, self.bias_input)
        y: IntArray = rounded(accumulator, self.output_shift)
        return saturated(y, 16) if self.is_last else np.clip(y, 0, MOST_ACTIVATION)

    def error_back(self, error: IntArray, a: IntArray) -> IntArray:
        """The error of this layer's inputs ``a``, hidden activations: nothing where one of them was 0."""
        sums: IntArray = error @ self.inference_weight[:, :-1]
        return np.where(a > 0, symmetric(rounded(sums, self.weight_fraction_bits)), 0)

    def update(self, error: IntArray, a: IntArray, learning_rate_shift: int, dither: int | None) -> None:
        """``W -= (e a + R) >> s``, saturated; ``R`` rounds to nearest, or is the upper bits of a random word.

        Args:
            error: of the results, before the activation, shape (outputs,).
            a: the layer's inputs, shape (inputs,).
            learning_rate_shift: ``k``.
            dither: a word of 32 random bits, or None to round to nearest.
        """
        shift = update_shift(self.input_fraction_bits, self.weight_fraction_bits, learning_rate_shift)
        product = np.multiply.outer(error, np.append(a, self.bias_input))
        if shift > 0 and dither is not None:
            change: IntArray = (product + (dither >> (DITHER_BITS - shift))) >> shift
        else:
            change = rounded(product, shift)
        self.weight = saturated(self.weight - change, MASTER_BITS)
