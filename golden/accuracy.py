"""How often a classifier is right."""

from __future__ import annotations

import numpy as np

from golden.graph import Graph
from golden.model import Sequential
from golden.network import Network
from golden.training import Samples
from golden.types import FloatArray, IntArray

_PIECE = 250
"""Samples at a time: the tensors inside a network with convolutions are much larger than its input."""


def predict(classifier: Sequential | Network | Graph, split: Samples) -> IntArray:
    """The class of every sample, shape (samples,): the first largest logit of a model or graph, or a graph's Argmax."""
    x = np.asarray(split.x)
    pieces = [_predict(classifier, x[start : start + _PIECE]) for start in range(0, len(x), _PIECE)]
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)


def _predict(classifier: Sequential | Network | Graph, x: FloatArray) -> IntArray:
    if isinstance(classifier, Sequential | Network):
        result = classifier.logits(x)
    else:
        result = np.asarray(classifier(classifier.encode(x)))
    return np.asarray(result.argmax(axis=1) if result.ndim == 2 else result, dtype=np.int64)


def accuracy(classifier: Sequential | Network | Graph, split: Samples) -> float:
    """Fraction of the samples whose class ``classifier`` names, 0 to 1.

    Raises:
        ValueError: for a split without samples or without integer labels.
    """
    y = np.asarray(split.y)
    if y.ndim != 1 or not len(y) or y.dtype.kind not in "iub":
        raise ValueError(f"accuracy needs integer labels of shape (samples,), not {y.dtype} of {y.shape}")
    return float((predict(classifier, split) == y).mean())
