"""The choice of hardware for every layer: dynamic programming over the layers, by what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from golden.graph import Graph, Node
from rtlgen.intervals import Interval, intervals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates
from rtlgen.stream import beats_of

UNLIMITED = 1 << 40
"""More cycles than any layer takes."""
_SPACINGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Spacings of beats that are told apart: what makes a difference to any layer."""


def fastest(graph: Graph, goal: Goal) -> dict[str, LayerPlan]:
    """The cheapest plan of the smallest initiation interval for which there is one: doubling, then bisection."""

    def within(ii_cycles: int) -> dict[str, LayerPlan] | None:
        return cheapest(graph, replace(goal, ii_cycles=ii_cycles))

    if within(UNLIMITED) is None:
        raise NotImplementedError("there is no hardware for this order of layers")
    impossible, possible = 0, 1
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
    return best


@dataclass(frozen=True, order=True)
class _Choice:
    """Part of a plan, up to some layer; ordered by what it costs."""

    products_in_logic: int
    multipliers: int
    work_cycles: int
    lanes: int
    layers: tuple[tuple[str, LayerPlan], ...] = field(default=(), compare=False)

    def and_also(self, name: str, layer: LayerPlan) -> _Choice:
        return _Choice(
            self.products_in_logic + layer.logic,
            self.multipliers + layer.multipliers,
            self.work_cycles + layer.ii_cycles,
            self.lanes + layer.lanes_out,
            (*self.layers, (name, layer)),
        )


@dataclass(frozen=True)
class _Between:
    """What a layer knows of the stream before it."""

    lanes: int
    spacing_cycles: int


def cheapest(graph: Graph, goal: Goal) -> dict[str, LayerPlan] | None:
    """Fewest multipliers that keep to the goal; None if no number of them does.

    Along a chain of layers all lanes are tried. Where streams fork or join they have the fewest lanes that will do.
    """
    reaches = intervals(graph)
    few = {name: _fewest_lanes(graph, name, goal) for name in graph.types}
    states: dict[tuple[_Between | None, int], _Choice] = {(None, 0): _Choice(0, 0, 0, 0)}
    for chain, fixed_end in chains(graph):
        source = graph.node(chain[0].name).inputs
        if len(source) == 1 and source[0] in graph.inputs and _readers(graph, source[0]) == 1:
            type = graph.types[source[0]]
            widths = [n for n in range(1, type.inner + 1) if beats_of(type, n) <= goal.ii_cycles]
            starts = [_Between(lanes, 1) for lanes in widths]
        else:
            starts = [_Between(few[name], 1) for name in source[:1]]
        if any(few[name] == 0 for name in source):
            return None
        states = {(start, key[1]): choice for key, choice in states.items() for start in starts}
        for position, node in enumerate(chain):
            fixed = few[node.name] if fixed_end and position == len(chain) - 1 else 0
            states = _after(graph, node, goal, states, few, fixed, reaches)
        collapsed: dict[tuple[_Between | None, int], _Choice] = {}
        for (_, cost), choice in states.items():
            if (None, cost) not in collapsed or choice < collapsed[None, cost]:
                collapsed[None, cost] = choice
        states = collapsed
    return dict(min(states.values()).layers) if states else None


def _after(
    graph: Graph,
    node: Node,
    goal: Goal,
    states: dict[tuple[_Between | None, int], _Choice],
    few: dict[str, int],
    fixed: int,
    reaches: Mapping[str, Interval],
) -> dict[tuple[_Between | None, int], _Choice]:
    """The best parts of plans that end with ``node``; ``fixed`` lanes behind it, if not 0."""
    following: dict[tuple[_Between | None, int], _Choice] = {}
    for (before, _), so_far in states.items():
        assert before is not None
        left = replace(goal, multipliers=goal.multipliers - so_far.multipliers)
        if len(node.inputs) == 1:
            xs = [Incoming(graph.types[node.inputs[0]], before.lanes, reaches[node.inputs[0]], before.spacing_cycles)]
        else:
            xs = [Incoming(graph.types[name], few[name], reaches[name]) for name in node.inputs]
        try:
            found = list(candidates(node.op, xs, left))
        except NotImplementedError as error:
            error.add_note(f"in layer {node.name!r}")
            raise
        for layer in found:
            if layer.multipliers > left.multipliers or layer.ii_cycles > goal.ii_cycles:
                continue
            if fixed and layer.lanes_out != fixed:
                continue
            choice = so_far.and_also(node.name, layer)
            spacing = max(known for known in _SPACINGS if known <= layer.spacing_cycles)
            # With logic in the game, the fewest multipliers so far need not be the start of the best plan.
            key = (_Between(layer.lanes_out, spacing), choice.multipliers if goal.logic else 0)
            if key not in following or choice < following[key]:
                following[key] = choice
    return following


def _fewest_lanes(graph: Graph, name: str, goal: Goal) -> int:
    """The fewest lanes of a tensor that keep to the goal; 0 if none do."""
    type = graph.types[name]
    return next((n for n in range(1, type.inner + 1) if beats_of(type, n) <= goal.ii_cycles), 0)


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
