"""Where training from scratch starts: random weights for the layers of a model."""

from __future__ import annotations

import re
from math import prod, sqrt
from typing import Any

import numpy as np

from golden.layers import Conv2d, Flatten, MaxPool2d, Reshape
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.trainer.arithmetic import HIDDEN_FRACTION_BITS, LOW_BITS, MASTER_BITS, saturated
from golden.trainer.conv import TrainedConv
from golden.trainer.dense import TrainedDense
from golden.trainer.geometry import Geometry
from golden.trainer.layer import TrainedLayer
from golden.types import IntArray, IntType, TensorType
from golden.window import NO_PADDING, out_shape

WEIGHT_FRACTION_BITS = 6
"""Weights within about two; one bit more where a sum has many terms, and each is the smaller for it."""
_MANY_INPUTS = 256
TRAINABLE = (
    "Linear layers with a ReLU between any two, and at the end a SoftMax or nothing; before them Reshape to an image, "
    "Conv2d with ReLU and perhaps MaxPool2d as often as you like, and Flatten"
)
_LETTERS = {Reshape: "R", Conv2d: "C", ReLU: "A", MaxPool2d: "P", Flatten: "F", Linear: "L"}
_ORDER = re.compile("(R(C(AP?|PA))+F)?L(AL)*")


def weight_fraction_bits(inputs: int) -> int:
    """What suits a layer with so many inputs."""
    return WEIGHT_FRACTION_BITS + (inputs >= _MANY_INPUTS)


def from_scratch(model: Sequential, input_fraction_bits: int, seed: int) -> list[TrainedLayer]:
    """Random weights for the layers of ``model``: ``U(-1, 1) sqrt(6 / n)``, the last one ``sqrt(3 / n)``; no bias.

    ``n`` is the number of inputs of a sum.

    Raises:
        NotImplementedError: for layers that cannot be trained, all of them named.
        ValueError: for layers that do not fit together.
    """
    convolutions, linears = _layers_of(model)
    random = np.random.default_rng(seed)
    made: list[TrainedLayer] = []

    def start(outputs: int, inputs: int, bits: int, is_last: bool) -> IntArray:
        size = sqrt((3 if is_last else 6) / inputs) * 2.0 ** (bits + LOW_BITS)
        weight = np.zeros((outputs, inputs + 1), dtype=np.int64)
        drawn = random.uniform(-1, 1, (outputs, inputs))
        weight[:, :-1] = saturated(np.rint(drawn * size).astype(int), MASTER_BITS)
        return weight

    def fraction_bits() -> int:
        return HIDDEN_FRACTION_BITS if made else input_fraction_bits

    for place, (conv, geometry) in enumerate(convolutions, 1):
        bits = weight_fraction_bits(geometry.taps)
        weight = start(conv.out_channels, geometry.taps, bits, False)
        made.append(TrainedConv(f"conv{place}", weight, bits, fraction_bits(), False, geometry=geometry))
    for place, linear in enumerate(linears, 1):
        is_last = place == len(linears)
        bits = weight_fraction_bits(linear.in_features)
        weight = start(linear.out_features, linear.in_features, bits, is_last)
        made.append(TrainedDense(f"dense{place}", weight, bits, fraction_bits(), is_last))
    return made


def _layers_of(model: Sequential) -> tuple[list[tuple[Conv2d, Geometry]], list[Linear]]:
    """The layers with weights of a model that can be trained."""
    layers: list[Any] = list(model.layers[:-1] if isinstance(model.layers[-1], SoftMax) else model.layers)
    wrong = [
        f"layer {place} ({layer!r}){_unusual(layer)}"
        for place, layer in enumerate(layers, 1)
        if type(layer) not in _LETTERS or _unusual(layer)
    ]
    if not wrong and not _ORDER.fullmatch("".join(_LETTERS[type(layer)] for layer in layers)):
        wrong = [f"the order {' -> '.join(type(layer).__name__ for layer in layers)}"]
    if wrong:
        raise NotImplementedError(f"cannot be trained: {', '.join(wrong)}; what can are {TRAINABLE}")
    convolutions = []
    shape = layers[0].shape if isinstance(layers[0], Reshape) else ()
    for place, layer in enumerate(layers):
        if isinstance(layer, Conv2d):
            pools = [pool for pool in layers[place + 1 : place + 3] if isinstance(pool, MaxPool2d)]
            geometry = _geometry(f"layer {place + 1} ({layer!r})", layer, shape, pools)
            convolutions.append((layer, geometry))
            shape = (*geometry.pooled, layer.out_channels)
    linears = [layer for layer in layers if isinstance(layer, Linear)]
    if shape and linears[0].in_features != prod(shape):
        raise ValueError(f"{linears[0]!r} takes {linears[0].in_features} features, what comes has {prod(shape)}")
    return convolutions, linears


def _unusual(layer: Any) -> str:
    """What of the layer's options no trainer has."""
    found = []
    if isinstance(layer, Conv2d):
        found += ["groups"] if layer.groups != 1 else []
        found += ["dilation"] if layer.dilation != (1, 1) else []
        found += ["no bias"] if not layer.has_bias else []
    elif isinstance(layer, MaxPool2d):
        found += ["a stride of its own"] if layer.stride != layer.kernel_size else []
        found += ["padding"] if layer.padding != NO_PADDING or layer.ceil else []
    elif isinstance(layer, Reshape):
        found += ["no shape of (rows, columns, channels)"] if len(layer.shape) != 3 else []
    return f" with {' and '.join(found)}" if found else ""


def _geometry(name: str, conv: Conv2d, shape: tuple[int, ...], pools: list[MaxPool2d]) -> Geometry:
    rows, columns, channels = shape
    if channels != conv.in_channels:
        raise ValueError(f"{name} takes {conv.in_channels} channels, what comes has {channels}")
    padding = conv.padding_of((rows, columns))
    image = TensorType((rows, columns, channels), IntType(8, True))
    out = out_shape(image, conv.kernel_size, conv.stride, padding, (1, 1), name)
    try:
        pool = pools[0].kernel_size if pools else (1, 1)
        before = (padding[0][0], padding[1][0])
        return Geometry.of((rows, columns), channels, conv.kernel_size, conv.stride, before, out, pool)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
