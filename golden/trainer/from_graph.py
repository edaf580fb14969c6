"""Where fine-tuning starts: the weights of an int8 network that has been trained before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from golden.graph import Graph, Node
from golden.ops import Argmax, Dense, Relu, Requantize, Reshape, Softmax
from golden.ops.op import same_op
from golden.trainer.arithmetic import (
    HIDDEN_FRACTION_BITS,
    LOW_BITS,
    MASTER_BITS,
    MOST_ACTIVATION,
    bias_input,
    saturated,
)
from golden.trainer.dense import TrainedDense
from golden.trainer.from_scratch import WEIGHT_FRACTION_BITS, weight_fraction_bits
from golden.trainer.to_graph import requantize_of

_HALF = 1 << (LOW_BITS - 1)
_FEWEST_FRACTION_BITS = 4
"""Of a weight of 8 bits: with fewer, the network would no longer be as good as it was."""
_MOST_MASTER = (1 << (MASTER_BITS - 1)) - 1


def from_graph(graph: Graph, input_fraction_bits: int) -> list[TrainedDense]:
    """The layers of an int8 network, to be tuned; its inputs stay the integers that they are.

    A network that ``to_graph`` made comes back with the upper bytes that it has, and the lower ones in the middle. Of
    any other one the real weights are found, up to a factor for each layer, which a rectifier lets through, and
    rounded to master weights: it starts about as good as it was.

    Raises:
        NotImplementedError: for ops that cannot be trained, all of them named.
        ValueError: if a weight or bias is too large for a master weight; the layer is named.
    """
    stages = _stages(graph)
    exact = [_exact(place, stages, input_fraction_bits) for place in range(len(stages))]
    if all(exact):
        return [layer for layer in exact if layer]
    return [_rescaled(graph, place, stages, input_fraction_bits) for place in range(len(stages))]


def _stages(graph: Graph) -> list[tuple[Node, Requantize]]:
    """Each Dense with the Requantize that follows it."""
    nodes = [node for node in graph.nodes if not isinstance(node.op, Reshape)]
    if nodes and isinstance(nodes[-1].op, Argmax | Softmax):
        nodes.pop()
    wrong = [f"{n.name!r} ({type(n.op).__name__})" for n in nodes if not isinstance(n.op, Dense | Relu | Requantize)]
    kinds = [type(node.op) for node in nodes if not isinstance(node.op, Relu)]
    if not wrong and (not kinds or kinds != [Dense, Requantize] * (len(kinds) // 2)):
        wrong = [f"the order {' -> '.join(kind.__name__ for kind in kinds)}"]
    if wrong:
        what = "a chain of Dense, Relu and Requantize"
        raise NotImplementedError(f"cannot be trained: {', '.join(wrong)}; what can is {what}")
    dense = [node for node in nodes if isinstance(node.op, Dense)]
    return list(zip(dense, (node.op for node in nodes if isinstance(node.op, Requantize)), strict=True))


def _exact(place: int, stages: Sequence[tuple[Node, Requantize]], input_fraction_bits: int) -> TrainedDense | None:
    """The layer of a network that ``to_graph`` made; None for any other one."""
    node, requantize = stages[place]
    op = node.op
    assert isinstance(op, Dense)
    fraction_bits = HIDDEN_FRACTION_BITS if place else input_fraction_bits
    bias, one = np.asarray(op.bias), bias_input(fraction_bits)
    columns = np.column_stack([op.weight, bias // one])
    if np.any(bias % one) or np.any(saturated(columns, 8) != columns):
        return None
    for bits in (WEIGHT_FRACTION_BITS, WEIGHT_FRACTION_BITS + 1):
        is_last = place == len(stages) - 1
        layer = TrainedDense(node.name, (columns << LOW_BITS) | _HALF, bits, fraction_bits, is_last)
        if same_op(requantize_of(layer), requantize):
            return layer
    return None


def _rescaled(
    graph: Graph, place: int, stages: Sequence[tuple[Node, Requantize]], input_fraction_bits: int
) -> TrainedDense:
    """The layer with the real weights that ``w_int s_out m / s_in`` are, ``m`` its requantiser's scale."""
    node, requantize = stages[place]
    op, is_last = node.op, place == len(stages) - 1
    assert isinstance(op, Dense)
    fraction_bits = HIDDEN_FRACTION_BITS if place else input_fraction_bits
    before = stages[place - 1][1] if place else None
    x_scale = _step(before) if before else 2.0**-input_fraction_bits
    y_scale = _logit_step(graph) if is_last else _step(requantize)
    scale = np.asarray(requantize.multiplier * 2.0 ** -requantize.shift.astype(float))
    # Hidden integers count from their zero point on; those of the input are taken as they are.
    bias = op.bias + op.weight.sum(axis=1) * (before.zero_point if before else 0) - requantize.x_zero_point
    weight = op.weight * np.reshape(scale, (-1, 1)) * y_scale / x_scale
    offset = bias * scale * y_scale * 2.0**fraction_bits / bias_input(fraction_bits)
    real = np.column_stack([weight, offset])
    bits = weight_fraction_bits(op.weight.shape[1])
    while bits > _FEWEST_FRACTION_BITS and np.abs(real).max() * 2.0 ** (bits + LOW_BITS) > _MOST_MASTER:
        bits -= 1
    master = np.rint(real * 2.0 ** (bits + LOW_BITS)).astype(np.int64)
    if np.abs(master).max() > _MOST_MASTER:
        row, column = np.unravel_index(np.abs(real).argmax(), real.shape)
        what = "bias" if column == real.shape[1] - 1 else "weight"
        raise ValueError(
            f"layer {node.name!r} cannot be trained: the {what} of output {row} is {real[row, column]:.3g} in units of "
            f"its inputs, and must be within {_MOST_MASTER / 2.0 ** (bits + LOW_BITS):.3g}, or the others lose too "
            "many bits; a network without zero points has smaller ones: quantize with symmetric=True"
        )
    return TrainedDense(node.name, master, bits, fraction_bits, is_last)


def _step(requantize: Requantize) -> float:
    """What one step of a hidden integer stands for, if the largest stands for the largest activation."""
    largest = requantize.limits[1] - requantize.zero_point
    return MOST_ACTIVATION / largest * 2.0**-HIDDEN_FRACTION_BITS


def _logit_step(graph: Graph) -> float:
    """What one step of a logit stands for: what the network says, or a thirty-second."""
    (output,) = graph.outputs
    encoding = graph.encodings.get(output)
    return float(np.mean(encoding.scale)) if encoding else 2.0**-5
