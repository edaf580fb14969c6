"""A network cut into what will be integer layers: batch norms folded away, activations joined to what they follow.

A batch norm ``y = scale * x + offset`` is folded, exactly, into the weights of the layer before it, or of the one after
it if that does not pad (its padding would be the zeros of another tensor); else it becomes a convolution of its own,
1 x 1 and depthwise. A border of zeros becomes padding of the convolution that reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from golden.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
    Multiply,
    Pad,
    ReLU6,
    Reshape,
    Transpose,
)
from golden.model import Linear, ReLU
from golden.network import Network
from golden.window import NO_PADDING

Activation = ReLU | ReLU6


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer, and a ReLU or ReLU6 after it.

    Args:
        layer: a layer of the network, or what became of it.
        inputs: names of the float tensors that it reads.
        before: name of the float tensor that the layer gives.
        result: name of the one that the stage gives; another than ``before`` if there is an activation.
        steps: the steps of the network that are in it, the one that names it first.
        activation: the last of it, if any.
    """

    layer: Any
    inputs: tuple[str, ...]
    before: str
    result: str
    steps: tuple[str, ...]
    activation: Activation | None = None

    @property
    def weighted(self) -> bool:
        """Whether it has weights."""
        return isinstance(self.layer, Linear | Conv2d)

    @property
    def moves(self) -> bool:
        """Whether its result has values of its input only (or means of them), and so its encoding."""
        return isinstance(self.layer, MaxPool2d | AvgPool2d | Flatten | Reshape | Transpose | Pad | Activation)


def stages_of(network: Network) -> list[Stage]:
    """The stages of all steps that an output depends on, in an order of computation.

    Raises:
        ValueError: for a batch norm of a tensor that has neither one dimension nor rows, columns and channels.
    """
    needed = set(network.outputs)
    stages: list[Stage] = []
    for step in reversed(network.steps):
        if step.name in needed:
            needed |= set(step.inputs)
            stages.insert(0, Stage(step.layer, step.inputs, step.name, step.name, (step.name,)))
    for rewrite in (_norm_into_layer_before, _norm_into_layer_after):
        stages = _rewritten(stages, network, rewrite)
    stages = [_norm_as_layer(stage, network) if isinstance(stage.layer, BatchNorm2d) else stage for stage in stages]
    for rewrite in (_border_into_conv, _activation_into_layer):
        stages = _rewritten(stages, network, rewrite)
    return stages


def activations_first(network: Network) -> tuple[Network, frozenset[str]]:
    """The same function with each ReLU before the pooling and shape layers that it follows, which it commutes with.

    There it can be joined to a layer whose result need not hold negative values then. Layers swap, names stay: the
    second name of a pair has the tensor that it had. The set has the names of the tensors that are others now.
    """
    moved: set[str] = set()
    steps = list(network.steps)
    counts = Counter([name for step in steps for name in step.inputs] + list(network.outputs))
    place = 0
    while place < len(steps):
        second = steps[place]
        made = {step.name: i for i, step in enumerate(steps)}
        first = made.get(second.inputs[0], -1) if isinstance(second.layer, Activation) else -1
        passed = steps[first]
        commutes = first >= 0 and isinstance(passed.layer, MaxPool2d | Flatten | Reshape | Transpose)
        if commutes and counts[passed.name] == 1:
            steps[first], steps[place] = replace(passed, layer=second.layer), replace(second, layer=passed.layer)
            moved.add(passed.name)
            place = first
        else:
            place += 1
    return replace(network, steps=tuple(steps)) if moved else network, frozenset(moved)


def readers(stages: list[Stage], network: Network) -> Counter[str]:
    """How often each tensor is read: by stages, and as an output of the network."""
    return Counter([name for stage in stages for name in stage.inputs] + list(network.outputs))


Rewrite = Callable[[Stage, Stage, Network], Stage | None]
"""One stage out of two, of which only the second reads what the first makes; None where that cannot be."""


def _rewritten(stages: list[Stage], network: Network, rewrite: Rewrite) -> list[Stage]:
    """``rewrite`` applied to every pair that it fits, until there is none."""
    stages = list(stages)
    place = 0
    while place < len(stages):
        second = stages[place]
        makers = {stage.result: i for i, stage in enumerate(stages)}
        first = makers.get(second.inputs[0], -1) if len(second.inputs) == 1 else -1
        alone = first >= 0 and readers(stages, network)[second.inputs[0]] == 1
        joined = rewrite(stages[first], second, network) if alone else None
        if joined is None:
            place += 1
        else:
            # Where the second was: all that it reads has been made there, and nothing else reads the first.
            stages[place] = joined
            del stages[first]
            place -= 1
    return stages


def _norm_into_layer_before(first: Stage, second: Stage, network: Network) -> Stage | None:
    layer, norm = first.layer, second.layer
    if not isinstance(norm, BatchNorm2d) or not first.weighted:
        return None
    scale = norm.scale.reshape(-1, *(1,) * (layer.weight.ndim - 1))
    folded = _with_weights(layer, layer.weight * scale, layer.bias * norm.scale + norm.offset)
    return replace(first, layer=folded, before=second.before, result=second.result, steps=first.steps + second.steps)


def _norm_into_layer_after(first: Stage, second: Stage, network: Network) -> Stage | None:
    norm, layer = first.layer, second.layer
    if not isinstance(norm, BatchNorm2d) or not second.weighted:
        return None
    if isinstance(layer, Linear):
        weight, bias = layer.weight * norm.scale, layer.bias + layer.weight @ norm.offset
    else:
        rows, columns, _ = network.shapes[second.inputs[0]]
        if layer.padding_of((rows, columns)) != NO_PADDING:
            return None
        # (groups, outputs of a group, rows, columns, channels of a group) against (groups, 1, 1, 1, channels of one)
        grouped = layer.weight.reshape(layer.groups, -1, *layer.weight.shape[1:])
        scale, offset = (v.reshape(layer.groups, 1, 1, 1, -1) for v in (norm.scale, norm.offset))
        weight = (grouped * scale).reshape(layer.weight.shape)
        bias = layer.bias + (grouped * offset).sum(axis=(2, 3, 4)).reshape(-1)
    folded = _with_weights(layer, weight, bias)
    return replace(second, layer=folded, inputs=first.inputs, steps=second.steps + first.steps)


def _norm_as_layer(stage: Stage, network: Network) -> Stage:
    norm: BatchNorm2d = stage.layer
    rank = len(network.shapes[stage.result])
    if rank == 3:
        return replace(
            stage,
            layer=Conv2d.from_weights(norm.scale.reshape(-1, 1, 1, 1), norm.offset, groups=norm.channels),
        )
    if rank == 1:
        return replace(stage, layer=Linear.from_weights(np.diag(norm.scale), norm.offset))
    raise ValueError(
        "a BatchNorm2d that cannot be folded into a neighbour needs features, or rows, columns and channels, "
        f"not the shape {network.shapes[stage.result]}"
    )


def _border_into_conv(first: Stage, second: Stage, network: Network) -> Stage | None:
    pad, layer = first.layer, second.layer
    if not isinstance(pad, Pad) or pad.value != 0 or not isinstance(layer, Conv2d) or pad.padding[2] != (0, 0):
        return None
    rows, columns, _ = network.shapes[second.inputs[0]]
    (top, bottom), (left, right) = layer.padding_of((rows, columns))
    padding = (
        (top + pad.padding[0][0], bottom + pad.padding[0][1]),
        (left + pad.padding[1][0], right + pad.padding[1][1]),
    )
    padded = Conv2d.from_weights(layer.weight, layer.bias, layer.stride, padding, layer.dilation, layer.groups)
    return replace(second, layer=padded, inputs=first.inputs, steps=second.steps + first.steps)


def _activation_into_layer(first: Stage, second: Stage, network: Network) -> Stage | None:
    saturates = isinstance(first.layer, Linear | Conv2d | Add | Multiply | GlobalAvgPool2d)
    if not saturates or not isinstance(second.layer, Activation):
        return None
    # Of two in a row the tighter one counts.
    activation = first.activation if isinstance(first.activation, ReLU6) else second.layer
    return replace(first, result=second.result, steps=first.steps + second.steps, activation=activation)


def _with_weights(layer: Any, weight: Any, bias: Any) -> Any:
    if isinstance(layer, Linear):
        return Linear.from_weights(weight, bias)
    return Conv2d.from_weights(weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)
