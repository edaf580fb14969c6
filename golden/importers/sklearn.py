"""scikit-learn's multi-layer perceptrons, recognised by their class names: scikit-learn is never imported here."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.model import Layer, Linear, ReLU, Sequential, SoftMax

_SUPPORTED = "relu or identity between the layers"


def from_sklearn(mlp: Any) -> Sequential:
    """The layers of a trained ``MLPClassifier`` or ``MLPRegressor``.

    A classifier ends in a SoftMax, and its indices are those of ``mlp.classes_``, kept as text in ``classes``. One with
    two classes has one logistic output ``z`` in scikit-learn and says the second class where ``z > 0``; it gets the two
    outputs ``(0, z)``, whose first largest is the same answer.

    Raises:
        TypeError: for anything else than these two.
        ValueError: where it is not trained, has several labels per sample, or an activation without hardware.
    """
    kind = type(mlp).__name__
    if kind not in ("MLPClassifier", "MLPRegressor") or isinstance(mlp, type):
        raise TypeError(f"from_sklearn takes a trained MLPClassifier or MLPRegressor, not {mlp!r}")
    if not hasattr(mlp, "coefs_"):
        raise ValueError(f"this {kind} is not trained yet: call its fit first")
    weights = [np.asarray(coefficients, dtype=np.float64).T for coefficients in mlp.coefs_]
    biases = [np.asarray(intercepts, dtype=np.float64) for intercepts in mlp.intercepts_]
    if mlp.activation not in ("relu", "identity") and len(weights) > 1:
        error = ValueError(f"{kind} has the activation {mlp.activation!r}, supported is {_SUPPORTED}")
        error.add_note(f"in layer 1 of {len(weights)}")
        raise error

    classes: tuple[str, ...] = ()
    if kind == "MLPClassifier":
        if mlp.out_activation_ == "logistic":
            if mlp.n_outputs_ != 1:
                error = ValueError(f"{kind} gives several labels per sample, supported is one class per sample")
                error.add_note(f"in layer {len(weights)} of {len(weights)}")
                raise error
            weights[-1] = np.vstack([np.zeros_like(weights[-1]), weights[-1]])
            biases[-1] = np.concatenate([[0.0], biases[-1]])
        classes = tuple(str(label) for label in mlp.classes_)
    elif mlp.out_activation_ != "identity":
        error = ValueError(f"{kind} has the output activation {mlp.out_activation_!r}, supported is identity")
        error.add_note(f"in layer {len(weights)} of {len(weights)}")
        raise error

    layers: list[Layer] = []
    for position, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        layers.append(Linear.from_weights(weight, bias))
        if position < len(weights) - 1 and mlp.activation == "relu":
            layers.append(ReLU())
    if kind == "MLPClassifier":
        layers.append(SoftMax())
    return Sequential(layers, classes)
