"""The trained network as an ordinary graph: the upper bytes of the weights, every scale a shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from golden.encoding import Encoding
from golden.graph import Graph, Node
from golden.ops import Argmax, Conv, Dense, MaxPool, Op, Relu, Requantize, Reshape
from golden.trainer.arithmetic import LOGIT_FRACTION_BITS
from golden.trainer.conv import TrainedConv
from golden.trainer.layer import TrainedLayer
from golden.types import IntArray, IntType, TensorType

INPUT_TYPE = IntType(8, True)
LOGIT_TYPE = IntType(16, True)


def requantize_of(layer: TrainedLayer) -> Requantize:
    """From the accumulator to logits, or to activations, which are 0..127 of int8 behind a rectifier."""
    shift = layer.output_shift
    multiplier, shift = (1, shift) if shift > 0 else (1 << -shift, 0)
    dtype = LOGIT_TYPE if layer.is_last else INPUT_TYPE
    return Requantize(np.array(multiplier), np.array(shift), 0, dtype)


def to_graph(
    layers: Sequence[TrainedLayer],
    input_shape: tuple[int, ...],
    encoding: Encoding | None,
    classes: Sequence[str] = (),
    argmax: bool = True,
) -> Graph:
    """What an evaluation step of the trainer computes.

    Args:
        layers: with their weights.
        input_shape: of a sample.
        encoding: of the features, if there is one.
        classes: names.
        argmax: end with the class instead of the logits.
    """
    nodes: list[Node] = []
    shape = input_shape

    def add(name: str, op: Op) -> None:
        nodes.append(Node(name, op, (nodes[-1].name if nodes else "x",)))

    for place, layer in enumerate(layers, 1):
        weight, offset = layer.inference_weight[:, :-1], layer.inference_weight[:, -1] * layer.bias_input
        needed = _image(layer) if isinstance(layer, TrainedConv) else (layer.features,)
        if shape != needed:
            add(f"reshape{place}", Reshape(needed))
        add(layer.name, _conv(layer, weight, offset) if isinstance(layer, TrainedConv) else Dense(weight, offset))
        if not layer.is_last:
            add(f"relu{place}", Relu())
        add(f"requantize{place}", requantize_of(layer))
        shape = (layer.outputs,)
        if isinstance(layer, TrainedConv):
            geometry = layer.geometry
            if geometry.pool != (1, 1):
                add(f"maxpool{place}", MaxPool(geometry.pool, geometry.pool))
            shape = (*geometry.pooled, layer.outputs)
    encodings = {nodes[-1].name: Encoding(np.array(2.0**-LOGIT_FRACTION_BITS), np.array(0))}
    if encoding:
        encodings["x"] = encoding
    if argmax:
        add("argmax1", Argmax())
    types = {"x": TensorType(input_shape, INPUT_TYPE)}
    return Graph(types, tuple(nodes), (nodes[-1].name,), encodings, tuple(classes))


def _image(layer: TrainedConv) -> tuple[int, ...]:
    return (*layer.geometry.image, layer.geometry.channels)


def _conv(layer: TrainedConv, weight: IntArray, offset: IntArray) -> Conv:
    """Padded at the end as far as the last result reaches: there are no others than the trainer computes."""
    g = layer.geometry
    after = (
        max(0, (out - 1) * stride + kernel - before - size)
        for out, stride, kernel, before, size in zip(g.out, g.stride, g.kernel, g.before, g.image, strict=True)
    )
    top_left = zip(g.before, after, strict=True)
    padding: Any = tuple(top_left)
    return Conv(weight.reshape(layer.outputs, *g.kernel, g.channels), offset, g.stride, padding)
