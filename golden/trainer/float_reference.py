"""What integers are measured against: the same network in floats, from the same weights, the samples in the same order.

Stochastic gradient descent, one sample a step, on the cross entropy of a softmax; features as the integer trainer takes
them, times what one step of theirs stands for. Of several learning rates the best one counts, chosen on the very split
that is reported: this favours floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.trainer.arithmetic import LOW_BITS
from golden.trainer.conv import TrainedConv
from golden.trainer.geometry import Geometry
from golden.trainer.layer import TrainedLayer
from golden.trainer.trainer import orders
from golden.types import FloatArray, IntArray

LEARNING_RATES = (0.003, 0.01, 0.03, 0.1)


@dataclass(frozen=True)
class FloatCurve:
    """A run of training.

    Args:
        learning_rate: the best one.
        accuracy: after each epoch, on the split that is measured.
    """

    learning_rate: float
    accuracy: tuple[float, ...]


@dataclass
class _FloatLayer:
    """Sums of ``weight``, shape (outputs, inputs of a sum), and ``bias``; of a convolution where ``geometry`` says."""

    weight: FloatArray
    bias: FloatArray
    geometry: Geometry | None
    is_last: bool
    trainable: bool

    @classmethod
    def of(cls, layer: TrainedLayer) -> _FloatLayer:
        weight: FloatArray = layer.weight.astype(np.float64) * 2.0 ** -(layer.weight_fraction_bits + LOW_BITS)
        bias: FloatArray = weight[:, -1] * (layer.bias_input * 2.0**-layer.input_fraction_bits)
        geometry = layer.geometry if isinstance(layer, TrainedConv) else None
        return cls(weight[:, :-1], bias, geometry, layer.is_last, layer.trainable)

    def forward(self, a: FloatArray) -> tuple[FloatArray, IntArray | None]:
        """Of a batch, shape (batch, inputs), and which places won in the pools."""
        seen = a[:, None] if self.geometry is None else self.geometry.patches(a)
        y: FloatArray = seen @ self.weight.T + self.bias
        if not self.is_last:
            np.maximum(y, 0.0, out=y)
        if self.geometry is None:
            return y[:, 0], None
        largest, winners = self.geometry.largest(y)
        return largest.reshape(len(a), -1), winners

    def learn(
        self, error: FloatArray, a: FloatArray, winners: IntArray | None, rate: float, needs_error: bool
    ) -> FloatArray:
        """From one sample; returns the error of its inputs ``a``, with the weights from before."""
        if self.geometry is None or winners is None:
            errors, seen = error, a
        else:
            errors = self.geometry.scattered(error.reshape(winners.shape), winners)[0]
            seen = self.geometry.patches(a)[0]
        before = error
        if needs_error:
            back = errors @ self.weight
            before = (back if self.geometry is None else self.geometry.images(back[None])) * (a > 0)
        if self.trainable:
            self.weight -= rate * (errors.T @ seen)
            self.bias -= rate * errors.sum(axis=0)
        return before


class FloatTrainer:
    """Layers like those of an integer trainer, in float64; they start from its present weights.

    Args:
        layers: of an ``IntegerTrainer``.
    """

    def __init__(self, layers: Sequence[TrainedLayer]) -> None:
        self.scale = 2.0 ** -layers[0].input_fraction_bits
        self._layers = [_FloatLayer.of(layer) for layer in layers]

    @property
    def weights(self) -> list[FloatArray]:
        """Of each layer, without the bias: the arrays themselves, shape (outputs, inputs of a sum)."""
        return [layer.weight for layer in self._layers]

    def step(self, x: IntArray, label: int, learning_rate: float) -> None:
        """Learn from one sample of integers, shape (features,)."""
        a: FloatArray = np.asarray(x.reshape(1, -1) * self.scale, dtype=np.float64)
        passed = []
        for layer in self._layers:
            y, winners = layer.forward(a)
            passed.append((a, winners))
            a = y
        error: FloatArray = np.exp(a - a.max())
        error /= error.sum()
        error[0, label] -= 1.0
        for place in reversed(range(len(self._layers))):
            error = self._layers[place].learn(error, *passed[place], learning_rate, place > 0)

    def logits(self, x: IntArray) -> FloatArray:
        """Of integer samples, shape (samples, features)."""
        a: FloatArray = np.asarray(x.reshape(len(x), -1) * self.scale, dtype=np.float64)
        for layer in self._layers:
            a, _ = layer.forward(a)
        return a


def float_curve(
    layers: Sequence[TrainedLayer],
    train: tuple[IntArray, IntArray],
    test: tuple[IntArray, IntArray],
    epochs: int,
    seed: int,
    learning_rates: Sequence[float] = LEARNING_RATES,
) -> FloatCurve:
    """Train in floats; of all learning rates the one whose second half is best on average.

    Args:
        layers: where it starts; they are not changed.
        train, test: integer samples and labels.
        epochs: passes over ``train``.
        seed: of the order, as of ``IntegerTrainer.fit``.
        learning_rates: to try.
    """
    curves = []
    for rate in learning_rates:
        trainer, accuracy = FloatTrainer(layers), []
        for order in orders(len(train[0]), epochs, seed):
            for sample in order:
                trainer.step(train[0][sample], int(train[1][sample]), rate)
            accuracy.append(float((trainer.logits(test[0]).argmax(axis=1) == test[1]).mean()))
        curves.append(FloatCurve(rate, tuple(accuracy)))
    return max(curves, key=lambda curve: float(np.mean(curve.accuracy[len(curve.accuracy) // 2 :])))
