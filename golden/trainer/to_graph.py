"""The trained network as an ordinary graph: the upper bytes of the weights, every scale a shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from golden.encoding import Encoding
from golden.graph import Graph, Node
from golden.ops import Argmax, Dense, Op, Relu, Requantize
from golden.trainer.arithmetic import LOGIT_FRACTION_BITS
from golden.trainer.dense import TrainedDense
from golden.types import IntType, TensorType

INPUT_TYPE = IntType(8, True)
LOGIT_TYPE = IntType(16, True)


def requantize_of(layer: TrainedDense) -> Requantize:
    """From the accumulator to logits, or to activations, which are 0..127 of int8 behind a rectifier."""
    shift = layer.output_shift
    multiplier, shift = (1, shift) if shift > 0 else (1 << -shift, 0)
    dtype = LOGIT_TYPE if layer.is_last else INPUT_TYPE
    return Requantize(np.array(multiplier), np.array(shift), 0, dtype)


def to_graph(
    layers: Sequence[TrainedDense], encoding: Encoding | None, classes: Sequence[str] = (), argmax: bool = True
) -> Graph:
    """What an evaluation step of the trainer computes.

    Args:
        layers: with their weights.
        encoding: of the features, if there is one.
        classes: names.
        argmax: end with the class instead of the logits.
    """
    nodes: list[Node] = []

    def add(name: str, op: Op) -> None:
        nodes.append(Node(name, op, (nodes[-1].name if nodes else "x",)))

    for place, layer in enumerate(layers, 1):
        weight = layer.inference_weight
        add(layer.name, Dense(weight[:, :-1], weight[:, -1] * layer.bias_input))
        if not layer.is_last:
            add(f"relu{place}", Relu())
        add(f"requantize{place}", requantize_of(layer))
    encodings = {nodes[-1].name: Encoding(np.array(2.0**-LOGIT_FRACTION_BITS), np.array(0))}
    if encoding:
        encodings["x"] = encoding
    if argmax:
        add("argmax1", Argmax())
    types = {"x": TensorType((layers[0].weight.shape[1] - 1,), INPUT_TYPE)}
    return Graph(types, tuple(nodes), (nodes[-1].name,), encodings, tuple(classes))
