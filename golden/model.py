"""Float models in the manner of PyTorch: ``Sequential``, ``Linear``, ``ReLU``, ``SoftMax``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from golden.classes import checked_classes
from golden.types import FloatArray, IntArray


class Layer(Protocol):
    """One layer: a batch of floats in, (batch, features) or (batch, rows, columns, channels), and one out."""

    def __call__(self, x: FloatArray) -> Any:
        """The layer's result on a batch."""
        ...


class Linear:
    """``y = x @ weight.T + bias``, ``weight`` of shape (out_features, in_features), ``bias`` (out_features,).

    Weights start as He et al. (2015) propose, normal with variance ``2 / in_features``, drawn from ``seed``; the bias
    starts at zero.
    """

    def __init__(self, in_features: int, out_features: int, seed: int = 0) -> None:
        for what, value in (("in_features", in_features), ("out_features", out_features)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{what} of Linear must be a positive int, not {value!r}")
        self.in_features = in_features
        self.out_features = out_features
        self.seed = seed
        self.reset()

    @classmethod
    def from_weights(cls, weight: npt.ArrayLike, bias: npt.ArrayLike) -> Linear:
        """A layer with these weights, shape (out_features, in_features), and this bias, shape (out_features,)."""
        w, b = np.array(weight, dtype=np.float64), np.array(bias, dtype=np.float64)
        if w.ndim != 2 or 0 in w.shape or b.shape != w.shape[:1]:
            raise ValueError(
                f"Linear needs a weight of shape (out_features, in_features) and a bias (out_features,), "
                f"not {w.shape} and {b.shape}"
            )
        layer = cls(w.shape[1], w.shape[0])
        layer.weight, layer.bias = w, b
        return layer

    def reset(self) -> None:
        """Back to the initial weights."""
        rng = np.random.default_rng([self.seed, self.in_features, self.out_features])
        shape = (self.out_features, self.in_features)
        self.weight: FloatArray = rng.normal(0.0, sqrt(2.0 / self.in_features), shape)
        self.bias: FloatArray = np.zeros(self.out_features)

    def parameters(self) -> list[FloatArray]:
        """Weight and bias; the arrays themselves, not copies."""
        return [self.weight, self.bias]

    def __call__(self, x: FloatArray) -> FloatArray:
        if x.ndim != 2 or x.shape[1] != self.in_features:
            raise ValueError(f"{self} needs floats of shape (batch, {self.in_features}), not {x.shape}")
        return np.asarray(x @ self.weight.T + self.bias, dtype=np.float64)

    def __repr__(self) -> str:
        return f"Linear({self.in_features}, {self.out_features})"


class ReLU:
    """``y = max(x, 0)``"""

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.maximum(x, 0.0)

    def __repr__(self) -> str:
        return "ReLU()"


class SoftMax:
    """Probabilities ``exp(x) / sum(exp(x))`` in training mode; the index of the first largest in evaluation mode.

    The index of the largest is the same before and after the exponential, and hardware wants to compute only that.
    """

    def __init__(self) -> None:
        self.training = True

    def train(self) -> SoftMax:
        """Give probabilities from now on, shape (batch, features)."""
        self.training = True
        return self

    def eval(self) -> SoftMax:
        """Give indices from now on, shape (batch,)."""
        self.training = False
        return self

    def __call__(self, x: FloatArray) -> FloatArray | IntArray:
        if not self.training:
            return np.asarray(np.argmax(x, axis=-1), dtype=np.int64)
        exponentials = np.exp(x - x.max(axis=-1, keepdims=True))  # the shift cancels, and keeps exp from overflowing
        return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float64)

    def __repr__(self) -> str:
        return "SoftMax()"


class Sequential:
    """One layer after the other.

    Args:
        layers: ``Linear``, ``ReLU``, ``SoftMax`` and those of ``golden.layers``, in the order of computation.
        classes: what the indices of a classifier's outputs stand for, if anything: one name per output.

    Raises:
        ValueError: without layers, or where a ``Linear`` cannot take what comes before it; a note names the layer.
            Also for another number of classes than of outputs.
        TypeError: for a layer that is not callable, or classes that are not strings.
    """

    def __init__(self, layers: Iterable[Layer], classes: Iterable[str] = ()) -> None:
        self.layers: tuple[Layer, ...] = tuple(layers)
        self.classes = checked_classes(classes)
        self.training = True
        if not self.layers:
            raise ValueError("Sequential needs at least one layer")
        features: int | None = None
        for position, layer in enumerate(self.layers):
            if not callable(layer) or isinstance(layer, type):
                raise self.placed(TypeError(f"a layer must be a layer object such as ReLU(), not {layer!r}"), position)
            if isinstance(layer, Linear):
                if features is not None and layer.in_features != features:
                    error = ValueError(f"{layer} cannot take the {features} features of the Linear before it")
                    raise self.placed(error, position)
                features = layer.out_features
        known = all(isinstance(layer, Linear | ReLU | SoftMax) for layer in self.layers)
        if self.classes and known and features not in (None, len(self.classes)):
            raise ValueError(f"the {features} outputs of a Sequential need as many classes, not {len(self.classes)}")

    @property
    def linears(self) -> list[Linear]:
        """The Linear layers, in order."""
        return [layer for layer in self.layers if isinstance(layer, Linear)]

    def parameters(self) -> list[FloatArray]:
        """Weights, biases and statistics of every layer that has some, in order; the arrays themselves, not copies."""
        return [array for layer in self.layers if hasattr(layer, "parameters") for array in layer.parameters()]

    def train(self) -> Sequential:
        """Training mode: a SoftMax gives probabilities."""
        return self._switch(True)

    def eval(self) -> Sequential:
        """Evaluation mode: a SoftMax gives the index of the likeliest class."""
        return self._switch(False)

    def __call__(self, x: npt.ArrayLike) -> FloatArray | IntArray:
        """The result on a batch of floats, shape (batch, in_features) or what else the first layer takes."""
        return self.trace(x)[-1]

    def logits(self, x: npt.ArrayLike) -> FloatArray:
        """The result before a SoftMax at the end, in either mode; shape (batch, out_features)."""
        layers = self.layers[:-1] if isinstance(self.layers[-1], SoftMax) else self.layers
        return self._run(x, layers)[-1]

    def trace(self, x: npt.ArrayLike) -> list[FloatArray]:
        """The batch ``x`` and after it the result of every layer."""
        return self._run(x, self.layers)

    def placed(self, error: Exception, position: int) -> Exception:
        """``error`` with a note that says which layer it is about."""
        error.add_note(f"in layer {position + 1} of {len(self.layers)}: {self.layers[position]!r}")
        return error

    def _run(self, x: npt.ArrayLike, layers: Sequence[Layer]) -> list[FloatArray]:
        results = [np.asarray(x, dtype=np.float64)]
        for position, layer in enumerate(layers):
            try:
                results.append(layer(results[-1]))
            except (ValueError, TypeError) as error:
                self.placed(error, position)
                raise
        return results

    def _switch(self, training: bool) -> Sequential:
        self.training = training
        for layer in self.layers:
            if isinstance(layer, SoftMax):
                layer.training = training
        return self

    def __repr__(self) -> str:
        return f"Sequential([{', '.join(map(repr, self.layers))}])"
