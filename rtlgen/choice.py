"""The choice of hardware for every layer: dynamic programming over the layers, by the streams still to be read.

A part of a plan is all layers up to some one, and what the others can see of it are the streams that one of them still
reads: one in a chain, another one for each way around. Of all parts that look alike from there the cheapest is kept. A
stream that is read twice is the same stream for both readers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from types import MappingProxyType
from typing import Any

from golden.graph import Graph, Node
from rtlgen.intervals import Interval, intervals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, walk
from rtlgen.stream import beats_of, rows_of

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""Of no layer."""
_SPACINGS = (1, 2, 3, 4, 6, 9, 12, 16, 24, 32)
"""Spacings of beats that are told apart: what makes a difference to any layer."""
_MOST_TIMES_FEWEST = 8
"""Lanes that are tried, as a multiple of those that there have to be."""
_MOST_LANES_OF_A_FORK = 4
_LUT_SITES_AN_INTERVAL = 400
"""That a whole interval less from the first input to the first output is worth."""


@dataclass(frozen=True)
class Chosen:
    """Hardware for every layer.

    Args:
        layers: by name, in the order of the network.
        input_lanes: elements a beat of the input.
        ii_cycles: cycles a sample of the slowest layer, or of the input.
        multipliers: of all layers.
        latency_cycles: within which a first sample has to be out, if room is all that could hold it up.
    """

    layers: dict[str, LayerPlan]
    input_lanes: int
    ii_cycles: int
    multipliers: int
    latency_cycles: int | None = None


@dataclass(frozen=True)
class _Between:
    """What a layer knows of a stream before it."""

    lanes: int
    spacing_cycles: int


_Cost = tuple[float, int, int]
"""What the goal counts, cycles of work, lanes: of two plans the one with the smaller cost is better."""


def position_cycles(layer: LayerPlan) -> int:
    """What a layer takes for a position, if it has some."""
    return layer.folds * layer.words if layer.engine in ("folded", "buffered") else 0


def _cost(layer: LayerPlan, goal: Goal, worth: int | None, price: float) -> _Cost:
    if worth is None:
        return layer.multipliers + price * position_cycles(layer), layer.ii_cycles, layer.lanes_out
    # A layer without multipliers may as well be fast: what it takes for a position delays the first result.
    delay = position_cycles(layer) if layer.engine == "buffered" else 0
    sites = layer.lut_sites + _LUT_SITES_AN_INTERVAL * delay // goal.ii_cycles
    return sites + worth * layer.multipliers, layer.ii_cycles, layer.lanes_out


@dataclass(frozen=True, eq=False)
class _Part:
    """Part of a plan, up to some layer: the last one of its layers, and the part before it."""

    cost: _Cost
    multipliers: int
    input_lanes: int
    layer: LayerPlan | None = None
    before: _Part | None = None

    @property
    def layers(self) -> list[LayerPlan]:
        """All of them, the first one first."""
        found: list[LayerPlan] = []
        part: _Part | None = self
        while part is not None and part.layer is not None:
            found.append(part.layer)
            part = part.before
        return found[::-1]


_Parts = dict[tuple[_Between, ...], _Part]
"""By the streams that are still to be read."""
_Hardware = list[tuple[_Between, LayerPlan]]
"""Of a layer, with the stream that each makes."""
_Options = list[tuple[_Between, _Cost, LayerPlan]]


class Chooser:
    """Of one graph: what does not depend on the goal is found once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.stuck = ""
        self.reaches: Mapping[str, Interval] = intervals(graph)
        readers = [(name, node) for node in graph.nodes for name in node.inputs]
        readers_of = {name: [node for x, node in readers if x == name] for name in graph.types}
        self.forked = {name for name, nodes in readers_of.items() if len(nodes) > 1}
        # A buffer does not care how far apart beats are.
        self.only_buffers = {name for name, nodes in readers_of.items() if all(map(_has_buffers, nodes))}
        last = {
            name: max((graph.nodes.index(node) for node in nodes), default=-1) for name, nodes in readers_of.items()
        }
        self.unread = [list(graph.inputs)]
        for place, node in enumerate(graph.nodes):
            self.unread.append([*(name for name in self.unread[-1] if last[name] > place), node.name])
        # Goals come one after the other, each with many prices: what was found for one is of no use for the next.
        self._goal: Goal | None = None
        self._found: dict[tuple[str, tuple[_Between, ...]], _Hardware] = {}

    def cheapest(
        self,
        goal: Goal,
        worth: int | None = None,
        prices: Mapping[str, float] = NOTHING,
        slowest: Mapping[str, int] = NOTHING,
    ) -> Chosen | None:
        """What costs least and keeps to the goal; None if nothing does.

        Args:
            goal: to keep to; with a ``worth`` or ``prices``, but for its number of multipliers.
            worth: LUT sites that a multiplier costs; None to count multipliers.
            prices: multipliers that a cycle of a layer's positions costs on top, by layer.
            slowest: most cycles of a position, by layer.
        """
        limited = worth is None and not prices
        if goal != self._goal:
            self._goal, self._found = goal, {}
        graph = self.graph
        lanes = {name: self._lanes(name, goal) for name in graph.types}
        if not all(lanes.values()):
            return None
        (source,) = graph.inputs
        parts: _Parts = {(_Between(n, 1),): _Part((0, 0, 0), 0, n) for n in lanes[source]}
        for place, node in enumerate(graph.nodes):
            unread, kept = self.unread[place], self.unread[place + 1][:-1]
            own = replace(goal, lanes=lanes[node.name])
            cost = partial(_cost, goal=own, worth=worth, price=prices.get(node.name, 0.0))
            options = partial(self._options, node, goal=own, cost=cost, limited=limited, most=slowest.get(node.name))
            parts = _after(options, goal.multipliers if limited else None, parts, unread, kept, node)
            if not parts:
                self.stuck = node.name
                return None
        best = min(parts.values(), key=lambda part: part.cost)
        layers = best.layers
        names = [node.name for node in graph.nodes]
        ii_cycles = max(beats_of(graph.input_type, best.input_lanes), *(layer.ii_cycles for layer in layers))
        return Chosen(dict(zip(names, layers, strict=True)), best.input_lanes, ii_cycles, best.multipliers)

    def _options(
        self,
        node: Node,
        before: tuple[_Between, ...],
        goal: Goal,
        cost: Callable[[LayerPlan], _Cost],
        limited: bool,
        most: int | None,
    ) -> _Options:
        """The hardware of one layer behind such streams, the best for each kind of stream that it makes."""
        best: dict[_Between, tuple[_Cost, LayerPlan]] = {}
        for between, layer in self._hardware(node, before, goal):
            if limited and layer.multipliers > goal.multipliers:
                continue
            if most is not None and position_cycles(layer) > most:
                continue
            own = cost(layer)
            if between not in best or own < best[between][0]:
                best[between] = (own, layer)
        return [(between, own, layer) for between, (own, layer) in best.items()]

    def _hardware(self, node: Node, before: tuple[_Between, ...], goal: Goal) -> _Hardware:
        """All of one layer behind such streams that is fast enough; found once for all costs."""
        if (node.name, before) not in self._found:
            xs = [
                Incoming(self.graph.types[x], stream.lanes, self.reaches[x], stream.spacing_cycles)
                for x, stream in zip(node.inputs, before, strict=True)
            ]
            self._found[node.name, before] = [
                (_Between(layer.lanes_out, self._known_spacing(node.name, layer)), layer)
                for layer in _candidates(node, xs, goal)
                if layer.ii_cycles <= goal.ii_cycles
            ]
        return self._found[node.name, before]

    def _known_spacing(self, name: str, layer: LayerPlan) -> int:
        if name in self.only_buffers:
            return 1
        return _SPACINGS[bisect_right(_SPACINGS, layer.spacing_cycles) - 1]

    def _lanes(self, name: str, goal: Goal) -> list[int]:
        """Lanes of a tensor worth trying: from the fewest that keep to the goal on some more, for each number of beats
        the fewest. Few where it is read twice: what is open at the same time multiplies.
        """
        type = self.graph.types[name]
        beats = goal.ii_cycles // rows_of(type)
        if beats == 0:
            return []
        few = ceil(type.inner / beats)
        found: dict[int, int] = {}
        most = type.inner if name in self.graph.inputs else min(type.inner, _MOST_TIMES_FEWEST * few)
        for lanes in range(few, most + 1):
            found.setdefault(ceil(type.inner / lanes), lanes)
        return list(found.values())[: _MOST_LANES_OF_A_FORK if name in self.forked else None]


def _after(
    options_behind: Callable[[tuple[_Between, ...]], _Options],
    most: int | None,
    parts: _Parts,
    unread: Sequence[str],
    kept: Sequence[str],
    node: Node,
) -> _Parts:
    """The best parts that end with ``node``, of ``most`` multipliers; of ``unread`` streams some are ``kept``."""
    options: dict[tuple[_Between, ...], _Options] = {}
    following: _Parts = {}
    read, held = ([unread.index(name) for name in names] for names in (node.inputs, kept))
    for streams, part in parts.items():
        before, others = tuple(streams[n] for n in read), tuple(streams[n] for n in held)
        if before not in options:
            options[before] = options_behind(before)
        counted, work, lanes = part.cost
        for between, own, layer in options[before]:
            multipliers = part.multipliers + layer.multipliers
            if most is not None and multipliers > most:
                continue
            cost = (counted + own[0], work + own[1], lanes + own[2])
            key = (*others, between)
            known = following.get(key)
            if known is None or cost < known.cost:
                following[key] = _Part(cost, multipliers, part.input_lanes, layer, part)
    return following


def _has_buffers(node: Node) -> bool:
    return walk.dispatch(type(node.op)) is not walk.dispatch(object)


def _candidates(node: Node, xs: list[Incoming], goal: Goal) -> Iterator[LayerPlan]:
    try:
        yield from candidates(node.op, xs, goal)
    except NotImplementedError as error:
        error.add_note(f"in layer {node.name!r}")
        raise
