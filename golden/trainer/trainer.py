"""The golden trainer: integer backpropagation, one sample a step, every intermediate by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.encoding import Encoding
from golden.graph import Graph
from golden.model import Sequential
from golden.trainer.arithmetic import output_error, xorshift32
from golden.trainer.features import SCALINGS, features_encoding
from golden.trainer.from_graph import from_graph
from golden.trainer.from_scratch import from_scratch
from golden.trainer.to_graph import to_graph
from golden.training import Samples
from golden.types import IntArray

LEARNING_RATE_SHIFTS = range(2, 12)
DEFAULT_LEARNING_RATE_SHIFT = 5

Schedule = int | Sequence[int] | Callable[[int], int]
"""The learning rate's shift: for all epochs, of each epoch, or by the number of the epoch from 0 on."""


@dataclass(frozen=True)
class Step:
    """What one step computed.

    Args:
        tensors: by name: ``x``; the result of each layer, ``dense1``, ...; of a convolution with pools which place of
            each was the largest, ``conv1_winners``; of a training step the error of each layer, ``dense1_error``, and
            its master weights after the step, ``dense1_weight``; all of them integers.
        logits: shape (classes,).
        loss: sum of the sizes of the errors of the outputs, in 128ths; None without a label.
        random_state: of the dither after the step; None without one.
    """

    tensors: Mapping[str, IntArray]
    logits: IntArray
    loss: int | None
    random_state: int | None

    @property
    def predicted(self) -> int:
        """The first largest logit."""
        return int(self.logits.argmax())


@dataclass(frozen=True)
class Epoch:
    """One pass over the samples: mean loss and accuracy of its steps, and accuracy on a validation split after it."""

    learning_rate_shift: int
    loss: float
    accuracy: float
    validation_accuracy: float | None


class IntegerTrainer:
    """A network that learns in integers, bit for bit what a trainer in hardware does.

    The arithmetic is at the top of ``golden/trainer/arithmetic.py``. Forward through all layers, then the error of
    every layer with the weights from before the step, then all updates; nothing is updated where all errors of the
    outputs are 0.

    Args:
        model: a ``Sequential`` of Linear and ReLU layers, trained from random weights, and before them Reshape, Conv2d,
            ReLU, MaxPool2d and Flatten; or an int8 ``Graph`` of such layers, whose weights are tuned.
        calibration: floats like those that will be encoded, shape (samples, features); without them only integers are
            taken. A graph has its own encoding.
        scaling: how they are encoded: ``standardise`` or ``pixels``; also says what a graph's integers stand for.
        trainable: per layer whether its weights change; all of them by default.
        dither_seed: of a random number that rounds the updates, 1 to 2**32 - 1; rounded to nearest without one.
        seed: of the first weights.

    Raises:
        TypeError: for another kind of model.
        NotImplementedError: for layers or ops that cannot be trained, all of them named.
        ValueError: for features, settings or weights that do not fit.
    """

    def __init__(
        self,
        model: Sequential | Graph,
        calibration: npt.ArrayLike | None = None,
        *,
        scaling: str = "standardise",
        trainable: Sequence[bool] | None = None,
        dither_seed: int | None = None,
        seed: int = 0,
    ) -> None:
        if scaling not in SCALINGS:
            raise ValueError(f"scaling must be one of {', '.join(SCALINGS)}, not {scaling!r}")
        if dither_seed is not None and not 0 < dither_seed < 1 << 32:
            raise ValueError(f"dither_seed must be 1 to 2**32 - 1, not {dither_seed!r}")
        self.encoding: Encoding | None = None if calibration is None else features_encoding(calibration, scaling)
        if isinstance(model, Sequential):
            self.layers = from_scratch(model, SCALINGS[scaling], seed)
            self.classes = tuple(model.classes)
            self.input_shape: tuple[int, ...] = (self.inputs,)
        elif isinstance(model, Graph):
            self.layers = from_graph(model, SCALINGS[scaling])
            self.classes = tuple(model.classes)
            (source,) = model.inputs
            self.input_shape = model.inputs[source].shape
            self.encoding = model.encodings.get(source, self.encoding)
        else:
            raise TypeError(f"a model to train must be a Sequential or a Graph, not {type(model).__name__}")
        mask = [True] * len(self.layers) if trainable is None else list(trainable)
        if len(mask) != len(self.layers):
            raise ValueError(f"trainable must say yes or no for {len(self.layers)} layers, not for {len(mask)}")
        for layer, may_change in zip(self.layers, mask, strict=True):
            layer.trainable = bool(may_change)
        if calibration is not None and isinstance(model, Sequential):
            _check_features(np.asarray(calibration).shape[1:], self.inputs)
        self.random_state = dither_seed

    @property
    def inputs(self) -> int:
        """Features of a sample."""
        return self.layers[0].features

    @property
    def outputs(self) -> int:
        """Classes."""
        return self.layers[-1].outputs

    def encode(self, x: npt.ArrayLike) -> IntArray:
        """Floats, shape (samples, features), to the integers that ``step`` takes.

        Raises:
            ValueError: without an encoding, or for floats that do not fit it.
        """
        if self.encoding is None:
            raise ValueError("there is no encoding for floats: give calibration, samples to scale the features by")
        return self.to_graph().encode(x)

    def step(
        self, x: npt.ArrayLike, label: int | None = None, learning_rate_shift: int = DEFAULT_LEARNING_RATE_SHIFT
    ) -> Step:
        """One sample: learn from it, or without a label only evaluate it.

        Args:
            x: integers from -128 to 127, in ``input_shape``: (features,), or as the graph has it that is tuned.
            label: the class.
            learning_rate_shift: the learning rate is ``2**-learning_rate_shift``, 2 to 11.

        Raises:
            ValueError: for a wrong shape or range of any of them.
        """
        a = self._checked(x)
        if learning_rate_shift not in LEARNING_RATE_SHIFTS:
            raise ValueError(f"learning_rate_shift must be 2 to 11, not {learning_rate_shift!r}")
        if label is not None and not 0 <= label < self.outputs:
            raise ValueError(f"a label must be 0 to {self.outputs - 1}, one of the network's outputs, not {label!r}")
        tensors = {"x": a}
        inputs = []
        for layer in self.layers:
            inputs.append(a)
            a = tensors[layer.name] = layer.forward(a)
            tensors |= layer.tensors
        if label is None:
            return Step(tensors, a, None, self.random_state)
        if self.random_state is not None:
            self.random_state = xorshift32(self.random_state)
        error = output_error(a, label)
        loss = int(np.abs(error).sum())
        self._learn(inputs, error, learning_rate_shift, tensors)
        return Step(tensors, a, loss, self.random_state)

    def _learn(self, inputs: list[IntArray], error: IntArray, shift: int, tensors: dict[str, IntArray]) -> None:
        errors = [error]
        for layer, a in zip(self.layers[:0:-1], inputs[:0:-1], strict=True):
            errors.insert(0, layer.error_back(errors[0], a))
        learns = bool(error.any())
        for layer, a, own in zip(self.layers, inputs, errors, strict=True):
            tensors[f"{layer.name}_error"] = own
            if learns and layer.trainable:
                layer.update(own, a, shift, self.random_state)
            tensors[f"{layer.name}_weight"] = layer.weight

    def fit(
        self,
        split: Samples,
        epochs: int = 10,
        schedule: Schedule = DEFAULT_LEARNING_RATE_SHIFT,
        *,
        seed: int = 0,
        validation: Samples | None = None,
    ) -> list[Epoch]:
        """Learn from all samples ``epochs`` times, each time in another order.

        Args:
            split: floats ``x`` (samples, features), and labels ``y`` (samples,).
            epochs: passes.
            schedule: the learning rate.
            seed: of the order.
            validation: a split to measure after every epoch.

        Raises:
            ValueError: for labels or features that do not fit, or a schedule that does not.
        """
        if epochs < 1:
            raise ValueError(f"epochs must be positive, not {epochs!r}")
        shifts = _shifts(schedule, epochs)
        x, y = self.encode(split.x), self._labels(split)
        held_out = None if validation is None else (self.encode(validation.x), self._labels(validation))
        history = []
        for shift, order in zip(shifts, orders(len(x), epochs, seed), strict=True):
            steps = [self.step(x[sample], int(y[sample]), shift) for sample in order]
            right = float(np.mean([step.predicted == y[sample] for step, sample in zip(steps, order, strict=True)]))
            loss = float(np.mean([step.loss for step in steps]))
            held = None if held_out is None else float((self.predict(held_out[0]) == held_out[1]).mean())
            history.append(Epoch(shift, loss, right, held))
        return history

    def predict(self, x: npt.ArrayLike) -> IntArray:
        """The class of each of the integer samples, shape (samples, features)."""
        return np.asarray(self.to_graph()(x), dtype=np.int64).reshape(-1)

    def to_graph(self, argmax: bool = True) -> Graph:
        """The network with the weights that it has now, as an ordinary graph: what hardware for inference is made of.

        Args:
            argmax: end with the class instead of the logits.
        """
        return to_graph(self.layers, self.input_shape, self.encoding, self.classes, argmax)

    def _checked(self, x: npt.ArrayLike) -> IntArray:
        a: Any = np.asarray(x)
        if a.shape != self.input_shape:
            raise ValueError(f"a sample must have shape {self.input_shape}, not {a.shape}")
        if a.dtype.kind not in "iu" or a.min() < -128 or a.max() > 127:
            raise ValueError(
                f"a sample must be integers from -128 to 127, not {a.dtype} from {a.min()} to {a.max()}: "
                "encode it first"
            )
        return np.asarray(a, dtype=np.int64)

    def _labels(self, split: Samples) -> IntArray:
        y = np.asarray(split.y)
        if y.ndim != 1 or y.dtype.kind not in "iu" or not len(y) or y.min() < 0 or y.max() >= self.outputs:
            found = f"{y.min()} to {y.max()}" if y.size and y.dtype.kind in "iuf" else "none"
            raise ValueError(
                f"labels must be integers of shape (samples,) from 0 to {self.outputs - 1}, one of the network's "
                f"outputs, not {y.dtype} of shape {y.shape}, {found}"
            )
        return y.astype(np.int64)


def orders(samples: int, epochs: int, seed: int) -> Iterator[IntArray]:
    """The order of the samples in each epoch, each another one."""
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        yield random.permutation(samples)


def _shifts(schedule: Schedule, epochs: int) -> list[int]:
    if callable(schedule):
        shifts = [schedule(epoch) for epoch in range(epochs)]
    elif isinstance(schedule, int):
        shifts = [schedule] * epochs
    else:
        shifts = list(schedule)
    if len(shifts) != epochs or any(shift not in LEARNING_RATE_SHIFTS for shift in shifts):
        raise ValueError(f"a schedule must have a shift from 2 to 11 for each of {epochs} epochs, not {shifts}")
    return shifts


def _check_features(shape: tuple[int, ...], inputs: int) -> None:
    if shape != (inputs,):
        raise ValueError(f"the first layer takes {inputs} features, calibration has samples of shape {shape}")
