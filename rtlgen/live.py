"""Dead channels: those that never change, or that nobody needs, become no hardware.

A channel is dead if everything that reads it can do without: a convolution or a dense layer where its value is always
the same, which is then part of the bias, or where all its weights are zero; an op that goes channel by channel where
its own channel is dead as well. What comes out is the same network with fewer channels inside, equal to the given one
on every value that is left. The golden model keeps the network as it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.graph import Graph, Node
from golden.ops import Conv, Dense
from golden.types import IntArray
from rtlgen.intervals import Interval, intervals
from rtlgen.narrowing import Taken, narrowed, origins

Channels = npt.NDArray[np.intp]
"""Places of the channels that are left, in their order."""


@dataclass(frozen=True, eq=False)
class Live:
    """A network without its dead channels.

    Args:
        given: the network as it is.
        graph: the same layers with fewer channels.
        channels: of each tensor that has lost some, those that are left.
    """

    given: Graph
    graph: Graph
    channels: Mapping[str, Channels]

    def dead(self, name: str) -> int:
        """How many channels of a tensor there are no longer."""
        return self.given.types[name].inner - self.graph.types[name].inner

    def element(self, name: str, index: tuple[int, ...]) -> tuple[int, ...]:
        """Where an element of what is left of a tensor is in the given network."""
        return (*index[:-1], int(self.channels[name][index[-1]])) if name in self.channels else index

    def trace(self, x: IntArray) -> dict[str, IntArray]:
        """What the given network makes of ``x``, shape (batch, *shape): of every tensor what is left, by name."""
        return {
            name: tensor[..., self.channels[name]] if name in self.channels else tensor
            for name, tensor in self.given.trace(x).items()
        }


def live(graph: Graph) -> Live:
    """``graph`` without its dead channels; inputs and outputs keep all of theirs, and every tensor at least one.

    Sums of fewer products have narrower types. Where an op insists on the type that it was made for, a table or a
    border behind a sum without a requantiser between them, the network is left as it is.
    """
    reaches = intervals(graph)
    needed = _needed(graph, reaches)
    if all(channels.all() for channels in needed.values()):
        return Live(graph, graph, {})
    kept = {name: np.flatnonzero(channels) for name, channels in needed.items()}
    nodes = []
    for node in graph.nodes:
        taken = [Taken(graph.types[name], kept[name], reaches[name]) for name in node.inputs]
        nodes.append(Node(node.name, narrowed(node.op, taken, kept[node.name]), node.inputs))
    try:
        smaller = Graph(graph.inputs, tuple(nodes), graph.outputs, graph.encodings, graph.classes, graph.origins)
    except ValueError:
        return Live(graph, graph, {})
    return Live(graph, smaller, {name: channels for name, channels in kept.items() if not needed[name].all()})


def _needed(graph: Graph, reaches: Mapping[str, Interval]) -> dict[str, npt.NDArray[np.bool_]]:
    """The channels of each tensor that have to be there: the least that all readers agree on."""
    needed = {name: np.zeros(type.inner, dtype=bool) for name, type in graph.types.items()}
    for name in (*graph.inputs, *graph.outputs):
        needed[name][:] = True
    while True:
        before = sum(int(channels.sum()) for channels in needed.values())
        for node in reversed(graph.nodes):
            _ask(graph, node, needed, reaches)
        for node in graph.nodes:
            _ask(graph, node, needed, reaches)
        if sum(int(channels.sum()) for channels in needed.values()) > before:
            continue
        empty = [name for name, channels in needed.items() if not channels.any()]
        if not empty:
            return needed
        needed[empty[0]][0] = True


def _ask(
    graph: Graph, node: Node, needed: Mapping[str, npt.NDArray[np.bool_]], reaches: Mapping[str, Interval]
) -> None:
    """What one layer needs of its inputs, and what of its result it cannot leave out."""
    types = [graph.types[name] for name in node.inputs]
    y = needed[node.name]
    if isinstance(node.op, Dense) or (isinstance(node.op, Conv) and node.op.groups == 1):
        (name,) = node.inputs
        needed[name][:] |= _mixed(node.op, y, reaches[name])
        return
    from_where = origins(node.op, types)
    if from_where is None:
        y[:] = True
        for name in node.inputs:
            needed[name][:] = True
        return
    for name, places in zip(node.inputs, from_where, strict=True):
        there = places >= 0
        x = needed[name]
        x[places[there & y]] = True
        y[there] |= x[places[there]]


def _mixed(op: Conv | Dense, y: npt.NDArray[np.bool_], x: Interval) -> npt.NDArray[np.bool_]:
    """The channels that the outputs ``y`` of a layer cannot do without."""
    low, high = x.arrays
    constant = low == high
    if isinstance(op, Conv) and op.padding != ((0, 0), (0, 0)):
        constant &= low == op.padding_value  # or else the border would have another bias
    used = (op.weight[y] != 0).any(axis=tuple(range(op.weight.ndim - 1)))
    result: npt.NDArray[np.bool_] = used & ~constant
    return result
