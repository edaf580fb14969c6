"""Where fine-tuning starts: the weights of an int8 network that has been trained before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from golden.graph import Graph, Node
from golden.ops import Argmax, Conv, Dense, MaxPool, Relu, Requantize, Reshape, Softmax
from golden.ops.op import same_op
from golden.trainer.arithmetic import (
    HIDDEN_FRACTION_BITS,
    LOW_BITS,
    MASTER_BITS,
    MOST_ACTIVATION,
    bias_input,
    saturated,
)
from golden.trainer.conv import TrainedConv
from golden.trainer.dense import TrainedDense
from golden.trainer.from_scratch import WEIGHT_FRACTION_BITS, weight_fraction_bits
from golden.trainer.geometry import Geometry
from golden.trainer.layer import TrainedLayer
from golden.trainer.to_graph import requantize_of
from golden.types import IntArray
from golden.window import NO_PADDING

_HALF = 1 << (LOW_BITS - 1)
_FEWEST_FRACTION_BITS = 4
"""Of a weight of 8 bits: with fewer, the network would no longer be as good as it was."""
_MOST_MASTER = (1 << (MASTER_BITS - 1)) - 1


_LETTERS = {Reshape: "R", Conv: "C", Dense: "D", Relu: "A", Requantize: "Q", MaxPool: "P", Argmax: "E", Softmax: "E"}
_ORDER = re.compile("R?(CA?QA?P?A?R?)*(DA?QA?R?)*DQ(R?E)?")
_WHAT_CAN = (
    "a chain of Dense, Relu and Requantize; before it Conv, Relu, Requantize and perhaps MaxPool, as often as you like"
)


@dataclass(frozen=True)
class _Stage:
    """A Dense or Conv, with the Requantize that follows it."""

    node: Node
    requantize: Requantize
    geometry: Geometry | None

    @property
    def op(self) -> Dense | Conv:
        assert isinstance(self.node.op, Dense | Conv)
        return self.node.op

    @property
    def weight(self) -> IntArray:
        """Shape (outputs, inputs of a sum)."""
        return self.op.weight.reshape(len(self.op.weight), -1)

    def layer(self, weight: IntArray, bits: int, input_fraction_bits: int, is_last: bool) -> TrainedLayer:
        """With these master weights."""
        arguments = (self.node.name, weight, bits, input_fraction_bits, is_last)
        return TrainedConv(*arguments, geometry=self.geometry) if self.geometry else TrainedDense(*arguments)


def from_graph(graph: Graph, input_fraction_bits: int) -> list[TrainedLayer]:
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


def _stages(graph: Graph) -> list[_Stage]:
    """Of a graph that can be trained."""
    wrong = [f"{node.name!r} ({type(node.op).__name__})" for node in graph.nodes if type(node.op) not in _LETTERS]
    if not wrong and not _ORDER.fullmatch("".join(_LETTERS[type(node.op)] for node in graph.nodes)):
        wrong = [f"the order {' -> '.join(type(node.op).__name__ for node in graph.nodes)}"]
    wrong = wrong or [unusual for node in graph.nodes for unusual in _unusual(node)]
    if wrong:
        raise _untrainable(wrong)
    starts = [place for place, node in enumerate(graph.nodes) if isinstance(node.op, Dense | Conv)]
    stages = []
    for start, end in zip(starts, [*starts[1:], len(graph.nodes)], strict=True):
        ops = [node.op for node in graph.nodes[start:end]]
        (requantize,) = (op for op in ops if isinstance(op, Requantize))
        rectified = any(isinstance(op, Relu) for op in ops) or requantize.limits[0] >= requantize.zero_point
        if start != starts[-1] and not rectified:
            wrong.append(f"{graph.nodes[start].name!r}, which is not rectified")
        geometry = _geometry(graph, graph.nodes[start], [op for op in ops if isinstance(op, MaxPool)])
        stages.append(_Stage(graph.nodes[start], requantize, geometry))
    if wrong:
        raise _untrainable(wrong)
    return stages


def _untrainable(wrong: Sequence[str]) -> NotImplementedError:
    return NotImplementedError(f"cannot be trained: {', '.join(wrong)}; what can is {_WHAT_CAN}")


def _unusual(node: Node) -> Iterator[str]:
    """What of an op no trainer has."""
    op = node.op
    if isinstance(op, Conv) and op.groups != 1:
        yield f"{node.name!r} (Conv with groups)"
    if isinstance(op, Conv) and op.dilation != (1, 1):
        yield f"{node.name!r} (Conv with dilation)"
    if isinstance(op, MaxPool) and (op.stride != op.kernel or op.padding != NO_PADDING):
        yield f"{node.name!r} (MaxPool with padding or a stride of its own)"


def _geometry(graph: Graph, node: Node, pools: Sequence[MaxPool]) -> Geometry | None:
    op = node.op
    if not isinstance(op, Conv):
        return None
    rows, columns, channels = graph.types[node.inputs[0]].shape
    out = graph.types[node.name].shape[:2]
    kernel, before = (op.weight.shape[1], op.weight.shape[2]), (op.padding[0][0], op.padding[1][0])
    pool = pools[0].kernel if pools else (1, 1)
    return Geometry.of((rows, columns), channels, kernel, op.stride, before, (out[0], out[1]), pool)


def _exact(place: int, stages: Sequence[_Stage], input_fraction_bits: int) -> TrainedLayer | None:
    """The layer of a network that ``to_graph`` made; None for any other one."""
    stage = stages[place]
    fraction_bits = HIDDEN_FRACTION_BITS if place else input_fraction_bits
    bias, one = np.asarray(stage.op.bias), bias_input(fraction_bits)
    columns = np.column_stack([stage.weight, bias // one])
    if np.any(bias % one) or np.any(saturated(columns, 8) != columns):
        return None
    for bits in (WEIGHT_FRACTION_BITS, WEIGHT_FRACTION_BITS + 1):
        layer = stage.layer((columns << LOW_BITS) | _HALF, bits, fraction_bits, place == len(stages) - 1)
        if same_op(requantize_of(layer), stage.requantize) and _pads_with(stage, 0):
            return layer
    return None


def _rescaled(graph: Graph, place: int, stages: Sequence[_Stage], input_fraction_bits: int) -> TrainedLayer:
    """The layer with the real weights that ``w_int s_out m / s_in`` are, ``m`` its requantiser's scale."""
    stage, is_last = stages[place], place == len(stages) - 1
    requantize, name = stage.requantize, stage.node.name
    fraction_bits = HIDDEN_FRACTION_BITS if place else input_fraction_bits
    before = stages[place - 1].requantize if place else None
    x_scale = _step(before) if before else 2.0**-input_fraction_bits
    y_scale = _logit_step(graph) if is_last else _step(requantize)
    scale = np.asarray(requantize.multiplier * 2.0 ** -requantize.shift.astype(float))
    # Hidden integers count from their zero point on; those of the input are taken as they are.
    zero_point = before.zero_point if before else 0
    if not _pads_with(stage, zero_point):
        raise ValueError(
            f"layer {name!r} cannot be trained: it pads with {getattr(stage.op, 'padding_value', 0)}, which is not 0 "
            "of what the trainer's integers stand for; quantize with symmetric=True"
        )
    bias = stage.op.bias + stage.weight.sum(axis=1) * zero_point - requantize.x_zero_point
    weight = stage.weight * np.reshape(scale, (-1, 1)) * y_scale / x_scale
    offset = bias * scale * y_scale * 2.0**fraction_bits / bias_input(fraction_bits)
    real = np.column_stack([weight, offset])
    bits = weight_fraction_bits(stage.weight.shape[1])
    while bits > _FEWEST_FRACTION_BITS and np.abs(real).max() * 2.0 ** (bits + LOW_BITS) > _MOST_MASTER:
        bits -= 1
    master = np.rint(real * 2.0 ** (bits + LOW_BITS)).astype(np.int64)
    if np.abs(master).max() > _MOST_MASTER:
        row, column = np.unravel_index(np.abs(real).argmax(), real.shape)
        what = "bias" if column == real.shape[1] - 1 else "weight"
        raise ValueError(
            f"layer {name!r} cannot be trained: the {what} of output {row} is {real[row, column]:.3g} in units of "
            f"its inputs, and must be within {_MOST_MASTER / 2.0 ** (bits + LOW_BITS):.3g}, or the others lose too "
            "many bits; a network without zero points has smaller ones: quantize with symmetric=True"
        )
    return stage.layer(master, bits, fraction_bits, is_last)


def _pads_with(stage: _Stage, value: int) -> bool:
    """Whether what lies outside of the image, if anything does, is ``value``."""
    op = stage.op
    return not isinstance(op, Conv) or op.padding == NO_PADDING or op.padding_value == value


def _step(requantize: Requantize) -> float:
    """What one step of a hidden integer stands for, if the largest stands for the largest activation."""
    largest = requantize.limits[1] - requantize.zero_point
    return MOST_ACTIVATION / largest * 2.0**-HIDDEN_FRACTION_BITS


def _logit_step(graph: Graph) -> float:
    """What one step of a logit stands for: what the network says, or a thirty-second."""
    (output,) = graph.outputs
    encoding = graph.encodings.get(output)
    return float(np.mean(encoding.scale)) if encoding else 2.0**-5
