"""scikit-learn's multi-layer perceptrons, recognised by their class names: scikit-learn is never imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from golden.layers import Sigmoid, Tanh
from golden.model import Layer, Linear, ReLU, Sequential, SoftMax

_ACTIVATIONS: dict[str, Callable[[], Layer] | None] = {
    "identity": None,
    "logistic": Sigmoid,
    "relu": ReLU,
    "tanh": Tanh,
}
"""What stands between two layers, by scikit-learn's word for it."""


def from_sklearn(mlp: Any) -> Sequential:
    """The layers of a trained ``MLPClassifier`` or ``MLPRegressor``.

    A classifier ends in a SoftMax, and its indices are those of ``mlp.classes_``, kept as text in ``classes``. One with
    two classes has one logistic output ``z`` in scikit-learn and says the second class where ``z > 0``; it gets the two
    outputs ``(0, z)``, whose first largest is the same answer.

    Raises:
        TypeError: for anything else than these two.
        ValueError: where it is not trained, or for what cannot be represented: several labels per sample, another
            activation than those of scikit-learn's perceptrons, weights that are not finite. One error names all of it.
    """
    kind = type(mlp).__name__
    if kind not in ("MLPClassifier", "MLPRegressor") or isinstance(mlp, type):
        raise TypeError(f"from_sklearn takes a trained MLPClassifier or MLPRegressor, not {mlp!r}")
    if not hasattr(mlp, "coefs_"):
        raise ValueError(f"this {kind} is not trained yet: call its fit first")
    weights = [np.asarray(coefficients, dtype=np.float64).T for coefficients in mlp.coefs_]
    biases = [np.asarray(intercepts, dtype=np.float64) for intercepts in mlp.intercepts_]
    problems = [f"layer {layer + 1} of {len(weights)}: {told}" for layer, told in _problems(mlp, weights, biases)]
    if problems:
        raise ValueError(f"this {kind} cannot be imported: {'; '.join(problems)}")

    classes: tuple[str, ...] = ()
    if kind == "MLPClassifier":
        if mlp.out_activation_ == "logistic":
            weights[-1] = np.vstack([np.zeros_like(weights[-1]), weights[-1]])
            biases[-1] = np.concatenate([[0.0], biases[-1]])
        classes = tuple(str(label) for label in mlp.classes_)
    activation = _ACTIVATIONS.get(mlp.activation)
    layers: list[Layer] = []
    for position, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        layers.append(Linear.from_weights(weight, bias))
        if position < len(weights) - 1 and activation:
            layers.append(activation())
    if kind == "MLPClassifier":
        layers.append(SoftMax())
    return Sequential(layers, classes)


def _problems(mlp: Any, weights: list[Any], biases: list[Any]) -> list[tuple[int, str]]:
    """All that cannot be represented, each with the position of its layer."""
    last = len(weights) - 1
    found: list[tuple[int, str]] = []
    for position, arrays in enumerate(zip(weights, biases, strict=True)):
        if not all(np.isfinite(array).all() for array in arrays):
            found.append((position, "a weight or bias is NaN or infinite"))
        if position < last and mlp.activation not in _ACTIVATIONS:
            supported = ", ".join(_ACTIVATIONS)
            found.append((position, f"the activation {mlp.activation!r} is not supported, only {supported}"))
    ending = mlp.out_activation_
    if type(mlp).__name__ == "MLPRegressor":
        if ending != "identity":
            found.append((last, f"the output activation {ending!r} is not supported, only identity"))
    elif ending == "logistic" and mlp.n_outputs_ != 1:
        found.append((last, "several labels per sample are not supported, only one class per sample"))
    elif ending not in ("logistic", "softmax"):
        found.append((last, f"the output activation {ending!r} is not supported, only softmax and logistic"))
    return found
