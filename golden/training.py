"""Training of float models on the host: mini-batch Adam with cosine decay, seeded, in numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, pi
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.types import FloatArray

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8
_WIDEST_SPREAD = 8.0


class Samples(Protocol):
    """Features ``x``, (samples, features), and labels or targets ``y``, (samples,) or (samples, outputs)."""

    @property
    def x(self) -> npt.NDArray[Any]: ...

    @property
    def y(self) -> npt.NDArray[Any] | None: ...


@dataclass
class History:
    """What happened, one number per epoch: mean loss, and accuracy (classification only) on the validation split."""

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Affine:
    """``x -> (x - mean) / std``, and back."""

    mean: FloatArray
    std: FloatArray

    @classmethod
    def of(cls, x: FloatArray) -> _Affine:
        """Mean and deviation over the samples; 1 for a constant feature.

        The deviation counts as an eighth of the range at least: one sample in a thousand where a pixel is lit would
        otherwise become a feature of weight 30.
        """
        std = np.maximum(x.std(axis=0), np.ptp(x, axis=0) / _WIDEST_SPREAD)
        return cls(x.mean(axis=0), np.where(std > 0, std, 1.0))

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray((x - self.mean) / self.std, dtype=np.float64)

    def fold_input(self, layer: Linear) -> None:
        """Let ``layer`` take raw values where it took standardised ones."""
        layer.weight = layer.weight / self.std
        layer.bias = layer.bias - layer.weight @ self.mean

    def unfold_input(self, layer: Linear) -> None:
        """The inverse of ``fold_input``."""
        layer.bias = layer.bias + layer.weight @ self.mean
        layer.weight = layer.weight * self.std

    def fold_output(self, layer: Linear) -> None:
        """Let ``layer`` give raw values where it gave standardised ones."""
        layer.weight = layer.weight * self.std[:, None]
        layer.bias = layer.bias * self.std + self.mean

    def unfold_output(self, layer: Linear) -> None:
        """The inverse of ``fold_output``."""
        layer.weight = layer.weight / self.std[:, None]
        layer.bias = (layer.bias - self.mean) / self.std


def fit(
    model: Sequential,
    split: Samples,
    epochs: int = 100,
    batch_size: int = 32,
    learning_rate: float = 0.01,
    seed: int = 0,
    validation: Samples | None = None,
    weight_decay: float = 0.0,
    resume: bool = False,
) -> History:
    """Train ``model`` in place: cross entropy on the logits for integer labels, mean squared error for float targets.

    Features (and float targets) are standardised by the split's mean and deviation while training, and that map is
    folded into the first (and last) Linear afterwards: the model takes and gives raw units. A feature that never
    varies gets the weight 0. Adam after Kingma & Ba (2015), the step falling along a cosine to zero, ``weight_decay``
    decoupled from the gradient after Loshchilov & Hutter (2019).

    Args:
        model: trained in place, from each Linear's initial weights; or from the present ones with ``resume``.
        split: ``x`` of shape (samples, features) and ``y``: integer labels (samples,), or float targets (samples,) or
            (samples, outputs).
        epochs: passes over the split.
        batch_size: samples per step.
        learning_rate: the first step size, in standardised units.
        seed: of the order of the samples.
        validation: a split to measure after every epoch.
        weight_decay: how fast weights decay, per unit of ``learning_rate``.
        resume: continue a training (or an import) instead of starting afresh.

    Raises:
        ValueError: for a setting out of range, an empty split, NaN, labels that are no output of the model, features
            that do not fit its first layer, layers that cannot be trained, or a loss that grows beyond all bounds.
    """
    first, last = _trainable(model)
    for what, value, least in (("epochs", epochs, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{what} must be {'positive' if least else 'non-negative'} and an int, not {value!r}")
    if not 0 < learning_rate < np.inf or not 0 <= weight_decay < np.inf:
        raise ValueError(
            f"learning_rate must be positive and weight_decay not negative, not {learning_rate} and {weight_decay}"
        )
    x, y = _checked(model, split, "the split")
    held_out = None if validation is None else _checked(model, validation, "the validation split")
    inputs, targets = _Affine.of(x), None
    if not resume:
        for layer in model.linears:
            layer.reset()
    else:
        inputs.unfold_input(first)
    first.weight[:, np.ptp(x, axis=0) == 0] = 0.0
    x = inputs(x)
    if y.dtype.kind == "f":
        targets = _Affine.of(y)
        if not isinstance(model.layers[-1], Linear):  # a ReLU at the end lets a scale through, but no offset
            targets = _Affine(np.zeros_like(targets.mean), targets.std)
        y = targets(y)
        if resume:
            targets.unfold_output(last)

    history = History()
    rng = np.random.default_rng(seed)
    optimizer = _Adam(model.linears, learning_rate, weight_decay)
    batches = -(-len(x) // batch_size)
    for epoch in range(epochs):
        order, total = rng.permutation(len(x)), 0.0
        for batch in range(batches):
            chosen = order[batch * batch_size : (batch + 1) * batch_size]
            loss, gradients = loss_and_gradients(model, x[chosen], y[chosen])
            total += loss * len(chosen)
            optimizer.step(gradients, 0.5 + 0.5 * cos(pi * (epoch + batch / batches) / epochs))
        if not np.isfinite(total):
            raise ValueError(f"the loss is not finite in epoch {epoch + 1} of {epochs}: learning_rate is too large")
        history.loss.append(total / len(x))
        if held_out is not None:
            held_y = held_out[1] if targets is None else targets(held_out[1])
            _validate(model, inputs(held_out[0]), held_y, history)
    inputs.fold_input(first)
    if targets is not None:
        targets.fold_output(last)
    return history


def loss_and_gradients(
    model: Sequential, x: FloatArray, y: npt.NDArray[Any]
) -> tuple[float, list[tuple[FloatArray, FloatArray]]]:
    """Mean loss of a batch and its gradient by weight and bias of every Linear, in order.

    Integer ``y``, shape (batch,): cross entropy. Float ``y``, shape (batch, outputs): squared error, summed over the
    outputs. A SoftMax at the end is part of the cross entropy.
    """
    layers = model.layers[:-1] if isinstance(model.layers[-1], SoftMax) else model.layers
    values = [x]
    for layer in layers:
        values.append(layer(values[-1]))
    loss, upstream = _loss(values[-1], y)
    gradients = []
    for layer, value in zip(reversed(layers), reversed(values[:-1]), strict=True):
        if isinstance(layer, Linear):
            gradients.append((upstream.T @ value, upstream.sum(axis=0)))
            upstream = upstream @ layer.weight
        else:
            upstream = upstream * (value > 0)
    return loss, gradients[::-1]


def _loss(result: FloatArray, y: npt.NDArray[Any]) -> tuple[float, FloatArray]:
    """Mean loss, and its derivative by the model's result."""
    if y.dtype.kind == "f":
        difference = result - y
        return float((difference**2).sum() / len(y)), 2.0 * difference / len(y)
    shifted = result - result.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    upstream = np.exp(log_probability)
    upstream[rows, y] -= 1.0
    return float(-log_probability[rows, y].mean()), upstream / len(y)


class _Adam:
    def __init__(self, layers: list[Linear], learning_rate: float, weight_decay: float) -> None:
        self.layers, self.learning_rate, self.weight_decay = layers, learning_rate, weight_decay
        self.moments = [np.zeros((2, *array.shape)) for layer in layers for array in (layer.weight, layer.bias)]
        self.steps = 0

    def step(self, gradients: list[tuple[FloatArray, FloatArray]], decay: float) -> None:
        self.steps += 1
        rate = self.learning_rate * decay
        moments = iter(self.moments)
        for layer, pair in zip(self.layers, gradients, strict=True):
            layer.weight *= 1.0 - rate * self.weight_decay
            for array, gradient in zip((layer.weight, layer.bias), pair, strict=True):
                moment = next(moments)
                moment[0] += (1.0 - _BETA1) * (gradient - moment[0])
                moment[1] += (1.0 - _BETA2) * (gradient**2 - moment[1])
                mean, power = moment[0] / (1.0 - _BETA1**self.steps), moment[1] / (1.0 - _BETA2**self.steps)
                array -= rate * mean / (np.sqrt(power) + _EPSILON)


def _validate(model: Sequential, x: FloatArray, y: npt.NDArray[Any], history: History) -> None:
    result = model.logits(x)
    history.validation_loss.append(_loss(result, y)[0])
    if y.dtype.kind != "f":
        history.validation_accuracy.append(float((result.argmax(axis=1) == y).mean()))


def _trainable(model: Sequential) -> tuple[Linear, Linear]:
    """First and last Linear of a model whose every layer has a gradient here."""
    for position, layer in enumerate(model.layers):
        if isinstance(layer, SoftMax) and position < len(model.layers) - 1:
            raise model.placed(ValueError("a SoftMax must be the last layer"), position)
        if not isinstance(layer, Linear | ReLU | SoftMax):
            supported = "Linear, ReLU and SoftMax can"
            raise model.placed(ValueError(f"a {type(layer).__name__} cannot be trained, {supported}"), position)
    if not isinstance(model.layers[0], Linear):
        raise model.placed(ValueError("the first layer of a model to train must be a Linear"), 0)
    return model.linears[0], model.linears[-1]


def _checked(model: Sequential, split: Samples, what: str) -> tuple[FloatArray, npt.NDArray[Any]]:
    """Features (samples, features); labels (samples,) as int64, or targets (samples, outputs) as float64."""
    inputs, outputs = model.linears[0].in_features, model.linears[-1].out_features
    if split.y is None:
        raise ValueError(f"{what} must have labels or targets in y, not None")
    x, y = np.asarray(split.x, dtype=np.float64), np.asarray(split.y)
    if x.ndim != 2 or x.shape[1] != inputs:
        raise model.placed(ValueError(f"{what} must have x of shape (samples, {inputs}), not {x.shape}"), 0)
    if not len(x) or len(y) != len(x):
        raise ValueError(f"{what} must have samples, and as many in y as in x, not {len(x)} and {len(y)}")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{what} has a NaN or an infinity in x, feature {int(np.argwhere(~np.isfinite(x))[0, 1])}")
    if y.dtype.kind in "iub":
        if y.ndim != 1 or y.min() < 0 or y.max() >= outputs:
            raise ValueError(
                f"{what} must have labels of shape (samples,) in 0..{outputs - 1}, one per output of the model, "
                f"not {y.shape} in {y.min()}..{y.max()}"
            )
        return x, y.astype(np.int64)
    if y.dtype.kind != "f" or isinstance(model.layers[-1], SoftMax):
        kind = "integer labels" if isinstance(model.layers[-1], SoftMax) else "integer labels or float targets"
        raise ValueError(f"{what} must have {kind} in y, not {y.dtype}")
    y = y.astype(np.float64).reshape(len(y), -1)
    if y.shape[1] != outputs or not np.all(np.isfinite(y)):
        raise ValueError(f"{what} must have finite targets of shape (samples, {outputs}), not {y.shape}")
    return x, y
