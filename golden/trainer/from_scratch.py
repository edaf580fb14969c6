"""Where training from scratch starts: random weights for the layers of a model."""

from __future__ import annotations

from math import sqrt

import numpy as np

from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.trainer.arithmetic import HIDDEN_FRACTION_BITS, LOW_BITS, MASTER_BITS, saturated
from golden.trainer.dense import TrainedDense

WEIGHT_FRACTION_BITS = 6
"""Weights within about two; one bit more where a sum has many terms, and each is the smaller for it."""
_MANY_INPUTS = 256
TRAINABLE = "Linear layers with a ReLU between any two, and at the end a SoftMax or nothing"


def weight_fraction_bits(inputs: int) -> int:
    """What suits a layer with so many inputs."""
    return WEIGHT_FRACTION_BITS + (inputs >= _MANY_INPUTS)


def from_scratch(model: Sequential, input_fraction_bits: int, seed: int) -> list[TrainedDense]:
    """Random weights for the layers of ``model``: ``U(-1, 1) sqrt(6 / n)``, the last one ``sqrt(3 / n)``; no bias.

    Raises:
        NotImplementedError: for layers that cannot be trained, all of them named.
    """
    linears = linears_of(model)
    random = np.random.default_rng(seed)
    layers = []
    for place, linear in enumerate(linears):
        is_last = place == len(linears) - 1
        bits = weight_fraction_bits(linear.in_features)
        size = sqrt((3 if is_last else 6) / linear.in_features) * 2.0 ** (bits + LOW_BITS)
        weight = np.zeros((linear.out_features, linear.in_features + 1), dtype=np.int64)
        weight[:, :-1] = saturated(np.rint(random.uniform(-1, 1, weight[:, :-1].shape) * size).astype(int), MASTER_BITS)
        fraction_bits = HIDDEN_FRACTION_BITS if place else input_fraction_bits
        layers.append(TrainedDense(f"dense{place + 1}", weight, bits, fraction_bits, is_last))
    return layers


def linears_of(model: Sequential) -> list[Linear]:
    """The layers with weights of a model that can be trained.

    Raises:
        NotImplementedError: as of ``from_scratch``.
    """
    layers = model.layers[:-1] if isinstance(model.layers[-1], SoftMax) else list(model.layers)
    wrong = [
        f"layer {place + 1} ({layer!r})"
        for place, layer in enumerate(layers)
        if not isinstance(layer, ReLU if place % 2 else Linear)
    ]
    if not wrong and len(layers) % 2 == 0:
        wrong = [f"layer {len(layers)} ({layers[-1]!r})"]
    if wrong:
        raise NotImplementedError(f"cannot be trained: {', '.join(wrong)}; what can are {TRAINABLE}")
    return [layer for layer in layers if isinstance(layer, Linear)]
