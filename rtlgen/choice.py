"""The choice of hardware for every layer: dynamic programming over the layers, by what lies between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from golden.graph import Graph, Node
from golden.types import TensorType
from rtlgen.intervals import Interval, intervals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, walk
from rtlgen.stream import rows_of

UNLIMITED = 1 << 40
"""More cycles than any layer takes."""
_SPACINGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Spacings of beats that are told apart: what makes a difference to any layer."""
_MOST_TIMES_FEWEST = 8
"""Lanes that are tried, as a multiple of those that there have to be."""
_LUT_SITES_AN_INTERVAL = 400
"""That a whole interval less from the first input to the first output is worth."""
_WORTH = (0, 10, 20, 40, 80, 160, 320, 640)
"""LUT sites that a multiplier may be worth, when there are more multipliers than the fastest plan needs."""


def fastest(graph: Graph, goal: Goal, macs: int) -> dict[str, LayerPlan]:
    """The smallest plan of the smallest initiation interval: bisection, from what ``macs`` need at the least.

    Among plans of that interval multipliers are exchanged for logic as far as the goal's number of them allows.

    Raises:
        NotImplementedError: if no hardware of the layers fits together.
    """
    choose = _Chooser(graph)

    def within(ii_cycles: int, worth: int | None = None) -> _Choice | None:
        return choose.cheapest(replace(goal, ii_cycles=ii_cycles), worth)

    if within(UNLIMITED) is None:
        raise NotImplementedError("there is no hardware for this order of layers")
    impossible = macs // (4 * goal.multipliers) if goal.multipliers and not goal.logic else 0
    possible = max(1, macs // goal.multipliers) if goal.multipliers else 1
    while within(possible) is None:
        impossible, possible = possible, possible * 2
    while possible - impossible > 1:
        middle = (impossible + possible) // 2
        if within(middle) is None:
            impossible = middle
        else:
            possible = middle
    best = within(possible)
    assert best is not None
    if not goal.unrolled:
        for worth in _WORTH:
            other = within(possible, worth)
            if other is not None and other.multipliers <= goal.multipliers:
                best = other
                break
    return dict(best.layers)


def has_plan(graph: Graph, goal: Goal) -> bool:
    """Whether anything keeps to the goal."""
    return _Chooser(graph).cheapest(goal) is not None


@dataclass(frozen=True, order=True)
class _Choice:
    """Part of a plan, up to some layer; ordered by what it costs."""

    cost: int
    work_cycles: int
    lanes: int
    multipliers: int
    layers: tuple[tuple[str, LayerPlan], ...] = field(default=(), compare=False)

    def and_also(self, name: str, layer: LayerPlan, worth: int | None) -> _Choice:
        cost = layer.multipliers if worth is None else layer.lut_sites + worth * layer.multipliers
        return _Choice(
            self.cost + cost,
            self.work_cycles + layer.ii_cycles,
            self.lanes + layer.lanes_out,
            self.multipliers + layer.multipliers,
            (*self.layers, (name, layer)),
        )


@dataclass(frozen=True)
class _Between:
    """What a layer knows of the stream before it."""

    lanes: int
    spacing_cycles: int


_States = dict[_Between | None, _Choice]


class _Chooser:
    """Of one graph: what does not depend on the goal is found once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.reaches: Mapping[str, Interval] = intervals(graph)
        self.chains = chains(graph)

    def cheapest(self, goal: Goal, worth: int | None = None) -> _Choice | None:
        """What costs least and keeps to the goal; None if nothing does.

        Along a chain of layers all lanes are tried. Where streams fork or join they have the fewest lanes that will do.

        Args:
            goal: to keep to; with a ``worth``, but for its number of multipliers.
            worth: LUT sites that a multiplier costs; None to count multipliers only.
        """
        graph = self.graph
        few = {name: _fewest_lanes(type, goal) for name, type in graph.types.items()}
        states: _States = {None: _Choice(0, 0, 0, 0)}
        for chain, fixed_end in self.chains:
            source = chain[0].inputs
            if any(few[name] == 0 for name in source):
                return None
            if len(source) == 1 and source[0] in graph.inputs and _readers(graph, source[0]) == 1:
                type = graph.types[source[0]]
                starts = [_Between(lanes, 1) for lanes in _lanes(type, few[source[0]], type.inner)]
            else:
                starts = [_Between(few[source[0]], 1)]
            states = {start: choice for choice in states.values() for start in starts}
            for position, node in enumerate(chain):
                fixed = few[node.name] if fixed_end and position == len(chain) - 1 else 0
                states = self._after(node, goal, worth, states, few, fixed)
            if not states:
                return None
            states = {None: min(states.values())}
        return states[None]

    def _after(
        self, node: Node, goal: Goal, worth: int | None, states: _States, few: Mapping[str, int], fixed: int
    ) -> _States:
        """The best parts of plans that end with ``node``; ``fixed`` lanes behind it, if not 0."""
        options: dict[_Between, list[tuple[_Between, LayerPlan]]] = {}
        following: _States = {}
        buffers = walk.dispatch(type(node.op)) is not walk.dispatch(object)
        for before, so_far in states.items():
            assert before is not None
            if buffers:
                before = replace(before, spacing_cycles=1)  # a buffer does not care
            if before not in options:
                options[before] = self._options(node, before, goal, worth, few, fixed)
            for between, layer in options[before]:
                if worth is None and so_far.multipliers + layer.multipliers > goal.multipliers:
                    continue
                choice = so_far.and_also(node.name, layer, worth)
                _keep(following, between, choice)
        return following

    def _options(
        self, node: Node, before: _Between, goal: Goal, worth: int | None, few: Mapping[str, int], fixed: int
    ) -> list[tuple[_Between, LayerPlan]]:
        """The hardware of one layer behind such a stream, the best for each kind of stream that it makes."""
        graph = self.graph
        lanes = [before.lanes] if len(node.inputs) == 1 else [few[name] for name in node.inputs]
        spacing = before.spacing_cycles if len(node.inputs) == 1 else 1
        xs = [Incoming(graph.types[x], n, self.reaches[x], spacing) for x, n in zip(node.inputs, lanes, strict=True)]
        best: dict[_Between, tuple[_Choice, LayerPlan]] = {}
        type, fewest = graph.types[node.name], few[node.name]
        lanes_out = [fixed] if fixed else _lanes(type, fewest, _MOST_TIMES_FEWEST * fewest)
        own_goal = replace(goal, lanes=lanes_out)
        for layer in (_hurried(layer, goal) for layer in _candidates(node, xs, own_goal)):
            if layer.ii_cycles > goal.ii_cycles or (fixed and layer.lanes_out != fixed):
                continue
            if worth is None and layer.multipliers > goal.multipliers:
                continue
            known = max(known for known in _SPACINGS if known <= layer.spacing_cycles)
            choice = _Choice(0, 0, 0, 0).and_also(node.name, layer, worth)
            key = _Between(layer.lanes_out, known)
            if key not in best or choice < best[key][0]:
                best[key] = (choice, layer)
        return [(between, layer) for between, (_, layer) in best.items()]


def _hurried(layer: LayerPlan, goal: Goal) -> LayerPlan:
    """With what it costs that a layer without multipliers, which may as well be fast, delays the first result."""
    if layer.engine != "buffered":
        return layer
    return replace(
        layer, lut_sites=layer.lut_sites + _LUT_SITES_AN_INTERVAL * layer.folds * layer.words // goal.ii_cycles
    )


def _keep(states: _States, key: _Between | None, choice: _Choice) -> None:
    if key not in states or choice < states[key]:
        states[key] = choice


def _candidates(node: Node, xs: list[Incoming], goal: Goal) -> Iterator[LayerPlan]:
    try:
        yield from candidates(node.op, xs, goal)
    except NotImplementedError as error:
        error.add_note(f"in layer {node.name!r}")
        raise


def _fewest_lanes(type: TensorType, goal: Goal) -> int:
    """The fewest lanes of a tensor that keep to the goal; 0 if none do."""
    beats = goal.ii_cycles // rows_of(type)
    return ceil(type.inner / beats) if beats else 0


def _lanes(type: TensorType, few: int, most: int) -> list[int]:
    """Lanes worth trying: from the fewest on some more, the fewest of each number of beats."""
    found: dict[int, int] = {}
    for lanes in range(max(few, 1), min(type.inner, most) + 1):
        found.setdefault(ceil(type.inner / lanes), lanes)
    return list(found.values())


def _readers(graph: Graph, name: str) -> int:
    return sum(node.inputs.count(name) for node in graph.nodes) + graph.outputs.count(name)


def chains(graph: Graph) -> list[tuple[list[Node], bool]]:
    """The layers as chains without forks or joins inside, and whether a chain ends at one; in the graph's order."""
    found: list[list[Node]] = []
    for node in graph.nodes:
        before = next((chain for chain in found if chain[-1].name == node.inputs[0]), None)
        if len(node.inputs) == 1 and before is not None and _readers(graph, node.inputs[0]) == 1:
            before.append(node)
        else:
            found.append([node])
    return [(chain, chain[-1].name not in graph.outputs) for chain in found]
