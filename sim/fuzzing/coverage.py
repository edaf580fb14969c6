"""What a campaign has tried: kinds of ops, arithmetics, foldings, and what networks are made of, each counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden import ops
from golden.arithmetic import ARITHMETICS
from golden.graph import Graph, Node
from rtlgen import Plan


@dataclass
class Coverage:
    """In how many networks, of those that were equal, there was each thing."""

    ops: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys((op.__name__ for op in ops.ALL), 0)))
    arithmetics: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ARITHMETICS, 0)))
    foldings: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)

    def add(self, graph: Graph, plan: Plan) -> None:
        """One more network."""
        self.ops.update({type(node.op).__name__ for node in graph.nodes})
        self.arithmetics.update({str(node.op.arithmetic) for node in graph.nodes if hasattr(node.op, "arithmetic")})
        self.foldings.update(set(_foldings(plan)))
        self.features.update(set(_features(graph)))

    def as_json(self) -> dict[str, dict[str, int]]:
        """Counts by kind, the most frequent first."""
        return {name: dict(getattr(self, name).most_common()) for name in self.__dataclass_fields__}


def _foldings(plan: Plan) -> Iterator[str]:
    yield "unrolled" if plan.budget is None else "within a budget"
    for layer in plan.layers.values():
        yield layer.engine
        if layer.form:
            yield f"requantiser by {layer.form}"
        if layer.logic:
            yield "requantiser in logic"
        if layer.folds * layer.words > 1:
            yield f"{'outputs' if layer.folds > 1 else ''}{' and ' if layer.folds > 1 < layer.words else ''}" + (
                f"{'inputs' if layer.words > 1 else ''} in turn"
            )
        if layer.outputs > 1 and layer.inputs > 1:
            yield "several outputs and inputs a cycle"
    if plan.ii_cycles == 1:
        yield "a sample a cycle"


def _features(graph: Graph) -> Iterator[str]:
    read = [name for node in graph.nodes for name in node.inputs]
    if len(read) > len(set(read)):
        yield "fan-out"
    if any(len(node.inputs) > 1 for node in graph.nodes):
        yield "join"
    if len({type.dtype for type in graph.types.values()}) > 2:
        yield "mixed precision"
    if max(type.dtype.bits for type in graph.types.values()) > 32:
        yield "more than 32 bits"
    for node in graph.nodes:
        yield from _of_a_layer(node, graph)


def _of_a_layer(node: Node, graph: Graph) -> Iterator[str]:
    op: Any = node.op
    if isinstance(op, ops.Conv):
        features = {
            "depthwise": op.depthwise and op.groups > 1,
            "groups": 1 < op.groups < op.channels,
            "dilation": op.dilation != (1, 1),
            "one dimension": 1 in graph.types[node.inputs[0]].shape[:2],
        }
        yield from (name for name, there in features.items() if there)
    if isinstance(op, ops.Conv | ops.MaxPool | ops.AveragePool):
        if op.stride != (1, 1):
            yield "stride"
        if any(map(any, op.padding)):
            yield "padding"
    if isinstance(op, ops.Requantize):
        if op.multiplier.ndim:
            yield "scale per channel"
        if not np.all(op.multiplier):
            yield "scale of zero"
    if getattr(op, "zero_point", None) in (op.dtype.min, op.dtype.max) if hasattr(op, "dtype") else False:
        yield "zero point at an end"
    if getattr(op, "clamp", None):
        yield "clamp"
    if isinstance(op, ops.Add | ops.Multiply) and len({graph.types[name].shape for name in node.inputs}) > 1:
        yield "broadcast"
