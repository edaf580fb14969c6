"""What layers in training have in common: master weights, their scales, and how they change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from golden.trainer.arithmetic import (
    DITHER_BITS,
    HIDDEN_FRACTION_BITS,
    LOGIT_FRACTION_BITS,
    LOW_BITS,
    MASTER_BITS,
    bias_input,
    rounded,
    saturated,
    update_shift,
)
from golden.types import IntArray


@dataclass(eq=False)
class TrainedLayer(ABC):
    """Weighted sums.

    Args:
        name: of the layer.
        weight: master weights, int16 values, shape (outputs, inputs of a sum + 1); the last column is the bias.
        weight_fraction_bits: of ``w8 = weight >> 8``.
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
    @abstractmethod
    def features(self) -> int:
        """Elements of an input."""

    @property
    @abstractmethod
    def slower(self) -> int:
        """What is added to the learning rate's shift."""

    @abstractmethod
    def forward(self, a: IntArray) -> IntArray:
        """Logits, or hidden activations: rectified and saturated in one."""

    @abstractmethod
    def error_back(self, error: IntArray, a: IntArray) -> IntArray:
        """The error of this layer's inputs ``a``, hidden activations: nothing where one of them was 0."""

    @abstractmethod
    def gradient(self, error: IntArray, a: IntArray) -> IntArray:
        """``e a``, summed up exactly where a weight has several; the shape of ``weight``."""

    @property
    def tensors(self) -> Mapping[str, IntArray]:
        """What else ``forward`` has found, by name."""
        return {}

    @property
    def inference_weight(self) -> IntArray:
        """The upper bytes, int8 values."""
        return self.weight >> LOW_BITS

    @property
    def outputs(self) -> int:
        """Of a sum: outputs, or channels."""
        return int(self.weight.shape[0])

    @property
    def output_shift(self) -> int:
        """From the fraction bits of the accumulator to those of the result."""
        made = LOGIT_FRACTION_BITS if self.is_last else HIDDEN_FRACTION_BITS
        return self.input_fraction_bits + self.weight_fraction_bits - made

    @property
    def bias_input(self) -> int:
        """What the bias is multiplied by."""
        return bias_input(self.input_fraction_bits)

    def update(self, error: IntArray, a: IntArray, learning_rate_shift: int, dither: int | None) -> None:
        """``W -= (g + R) >> s``, saturated; ``R`` rounds to nearest, or is the upper bits of a random word.

        Args:
            error: of the results, before the activation.
            a: the layer's inputs.
            learning_rate_shift: ``k``.
            dither: a word of 32 random bits, or None to round to nearest.
        """
        shift = update_shift(self.input_fraction_bits, self.weight_fraction_bits, learning_rate_shift + self.slower)
        gradient = self.gradient(error, a)
        if shift > 0 and dither is not None:
            change: IntArray = (gradient + (dither >> (DITHER_BITS - shift))) >> shift
        else:
            change = rounded(gradient, shift)
        self.weight = saturated(self.weight - change, MASTER_BITS)
