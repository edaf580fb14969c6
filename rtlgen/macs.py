"""How much a layer has to multiply."""

from __future__ import annotations

from golden.graph import Graph
from golden.ops import Conv, Dense
from rtlgen.stream import rows_of


def macs_of(graph: Graph, name: str) -> int:
    """Multiply-accumulates of a layer for one sample, those with padding included."""
    node = graph.node(name)
    if isinstance(node.op, Conv):
        return node.op.macs(graph.types[node.inputs[0]])
    if isinstance(node.op, Dense):
        return rows_of(graph.types[node.inputs[0]]) * node.op.inputs * node.op.outputs
    return 0
