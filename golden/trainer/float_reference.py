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
from golden.trainer.dense import TrainedDense
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


class FloatTrainer:
    """Layers like those of an integer trainer, in float64; they start from its present weights.

    Args:
        layers: of an ``IntegerTrainer``.
    """

    def __init__(self, layers: Sequence[TrainedDense]) -> None:
        self.scale = 2.0 ** -layers[0].input_fraction_bits
        self.trainable = [layer.trainable for layer in layers]
        self.weights = [layer.weight[:, :-1] * _unit(layer) for layer in layers]
        self.biases = [
            layer.weight[:, -1] * _unit(layer) * layer.bias_input * 2.0**-layer.input_fraction_bits for layer in layers
        ]

    def step(self, x: IntArray, label: int, learning_rate: float) -> None:
        """Learn from one sample of integers, shape (features,)."""
        a: FloatArray = np.asarray(x * self.scale, dtype=np.float64)
        inputs = []
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            inputs.append(a)
            a = np.asarray(weight @ a + bias, dtype=np.float64)
            if place < len(self.weights) - 1:
                a = np.asarray(np.maximum(a, 0.0), dtype=np.float64)
        error: FloatArray = np.exp(a - a.max())
        error /= error.sum()
        error[label] -= 1.0
        for place in reversed(range(len(self.weights))):
            before = (error @ self.weights[place]) * (inputs[place] > 0) if place else error
            if self.trainable[place]:
                self.weights[place] -= learning_rate * np.multiply.outer(error, inputs[place])
                self.biases[place] -= learning_rate * error
            error = before

    def logits(self, x: IntArray) -> FloatArray:
        """Of integer samples, shape (samples, features)."""
        a: FloatArray = np.asarray(x * self.scale, dtype=np.float64)
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            a = a @ weight.T + bias
            if place < len(self.weights) - 1:
                a = np.asarray(np.maximum(a, 0.0), dtype=np.float64)
        return a


def float_curve(
    layers: Sequence[TrainedDense],
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


def _unit(layer: TrainedDense) -> float:
    """What one step of a master weight stands for."""
    return float(2.0 ** -(layer.weight_fraction_bits + LOW_BITS))
