"""The plan: which hardware each layer gets, and exactly how many cycles it takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

import rtlgen.ops  # noqa: F401 (registers the hardware of every op)
from golden.graph import Graph, Node
from golden.ops import Dense
from golden.types import TensorType
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower, no_hardware
from rtlgen.stream import beats_of

UNLIMITED = 1 << 40
"""More cycles than any layer takes."""


@dataclass(frozen=True)
class Plan:
    """Hardware and exact timing of a network.

    Args:
        layers: the choice for each layer by name, in network order.
        input_lanes: elements a beat of the input stream.
        ii_cycles: initiation interval, cycles from one sample to the next in steady state without stalls.
        latency_cycles: from the cycle on which the first beat of a first sample moves to that of its last output beat.
        budget: multipliers that were allowed; ``None`` for an unrolled plan, which has none.
        macs: multiply-accumulates of one sample.
    """

    layers: dict[str, LayerPlan]
    input_lanes: int
    ii_cycles: int
    latency_cycles: int
    budget: int | None
    macs: int

    @cached_property
    def multipliers(self) -> int:
        """Multipliers of all layers, requantisers included."""
        return sum(layer.multipliers for layer in self.layers.values())

    @cached_property
    def utilisation(self) -> float:
        """Share of the products computed in steady state that the network needs."""
        computed = sum(layer.outputs * layer.inputs for layer in self.layers.values()) * self.ii_cycles
        return self.macs / computed if computed else 0.0

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, units in the names."""
        return {
            "ii_cycles": self.ii_cycles,
            "latency_cycles": self.latency_cycles,
            "multipliers": self.multipliers,
            "multiplier_budget": self.budget,
            "utilisation": round(self.utilisation, 4),
            "macs": self.macs,
            "input_lanes": self.input_lanes,
            "layers": [{"layer": name, **asdict(layer)} for name, layer in self.layers.items()],
        }


def plan(graph: Graph, multipliers: int = 64, *, unrolled: bool = False) -> Plan:
    """The hardware with the smallest initiation interval that ``multipliers`` allow; among those, the fewest of them.

    The budget counts the requantisers' multipliers too. Below one multiplier a layer the multiplications that are left
    over are made of adders, so that every budget from 1 on has a plan. A budget beyond what is useful changes nothing.

    Args:
        graph: a chain of layers.
        multipliers: the budget of the whole network, at least 1; not used by ``unrolled``.
        unrolled: constant weights as adder graphs without multipliers, a sample as fast as its beats arrive.

    Raises:
        TypeError, ValueError: for a budget that is no positive int.
        NotImplementedError: naming the layer that has no hardware.
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"hardware is made of a golden.Graph, not of {type(graph).__name__}: quantize a model first")
    if isinstance(multipliers, bool) or not isinstance(multipliers, int | np.integer):
        raise TypeError(f"multipliers must be an int, not {multipliers!r}")
    _check_hardware(graph)
    multipliers = int(multipliers)
    if multipliers < 1:
        raise ValueError(f"multipliers must be at least 1, not {multipliers}")
    nodes = chain(graph)
    if unrolled:
        return _timed(graph, nodes, _fastest(graph, nodes, Goal(UNLIMITED, 0, unrolled=True)), None)
    logic = _cheapest(graph, nodes, Goal(UNLIMITED, multipliers)) is None
    return _timed(graph, nodes, _fastest(graph, nodes, Goal(UNLIMITED, multipliers, logic)), multipliers)


def ops_without_hardware(graph: Graph) -> dict[str, list[str]]:
    """The names of layers that cannot be built yet, by the kind of their op."""
    layers: dict[str, list[str]] = {}
    for node in graph.nodes:
        if type(node.op) not in lower.registry:
            layers.setdefault(type(node.op).__name__, []).append(node.name)
    return layers


def _check_hardware(graph: Graph) -> None:
    """Raises NotImplementedError that names every op without hardware at once, with its layers."""
    layers = ops_without_hardware(graph)
    if layers:
        error = NotImplementedError("; ".join(f"{op} {no_hardware(op)}" for op in layers))
        names = [repr(name) for found in layers.values() for name in found]
        error.add_note(f"in layer{'s' if len(names) > 1 else ''} {', '.join(names)}")
        raise error


def _fastest(graph: Graph, nodes: tuple[Node, ...], goal: Goal) -> tuple[LayerPlan, ...]:
    """The cheapest plan of the smallest initiation interval for which there is one: doubling, then bisection."""

    def within(ii_cycles: int) -> tuple[LayerPlan, ...] | None:
        return _cheapest(graph, nodes, replace(goal, ii_cycles=ii_cycles))

    assert within(goal.ii_cycles) is not None, "every budget has a plan"
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


def chain(graph: Graph) -> tuple[Node, ...]:
    """The layers of a graph in which each one reads just the one before.

    Raises:
        NotImplementedError: for any other graph, naming the first layer that is in the way.
    """
    if not graph.nodes:
        raise NotImplementedError("a graph without layers has no hardware")
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise NotImplementedError("hardware has one input and one output so far, this graph has more")
    previous = next(iter(graph.inputs))
    for node in graph.nodes:
        if node.inputs != (previous,):
            raise NotImplementedError(
                f"layer {node.name!r} reads {', '.join(node.inputs)}; in hardware a layer reads just the one before "
                f"so far, here {previous!r}"
            )
        previous = node.name
    if graph.outputs != (previous,):
        raise NotImplementedError(f"the output must be the last layer {previous!r} so far, not {graph.outputs[0]!r}")
    return graph.nodes


@dataclass(frozen=True, order=True)
class _Choice:
    """Part of a plan, up to some layer; ordered by what it costs."""

    products_in_logic: int
    multipliers: int
    work_cycles: int
    lanes: int
    layers: tuple[LayerPlan, ...] = field(default=(), compare=False)


def _cheapest(graph: Graph, nodes: tuple[Node, ...], goal: Goal) -> tuple[LayerPlan, ...] | None:
    """Fewest multipliers that keep to the goal: dynamic programming over the layers, by the lanes between them."""
    x = graph.input_type
    widths = [lanes for lanes in range(1, x.inner + 1) if beats_of(x, lanes) <= goal.ii_cycles]
    states = {(lanes, 0): _Choice(0, 0, 0, lanes) for lanes in widths}
    for node in nodes:
        following: dict[tuple[int, int], _Choice] = {}
        for (lanes, _), so_far in states.items():
            left = replace(goal, multipliers=goal.multipliers - so_far.multipliers)
            for layer in _named_candidates(node, graph.types[node.inputs[0]], lanes, left):
                if layer.multipliers > left.multipliers or layer.ii_cycles > goal.ii_cycles:
                    continue
                choice = _Choice(
                    so_far.products_in_logic + layer.logic,
                    so_far.multipliers + layer.multipliers,
                    so_far.work_cycles + layer.ii_cycles,
                    so_far.lanes + layer.lanes_out,
                    (*so_far.layers, layer),
                )
                # With logic in the game, the fewest multipliers so far need not be the start of the best plan.
                key = (layer.lanes_out, choice.multipliers if goal.logic else 0)
                if key not in following or choice < following[key]:
                    following[key] = choice
        states = following
    return min(states.values()).layers if states else None


def _named_candidates(node: Node, x: TensorType, lanes: int, goal: Goal) -> list[LayerPlan]:
    try:
        return list(candidates(node.op, x, lanes, goal))
    except NotImplementedError as error:
        error.add_note(f"in layer {node.name!r}")
        raise


def _timed(graph: Graph, nodes: tuple[Node, ...], chosen: tuple[LayerPlan, ...], budget: int | None) -> Plan:
    layers = list(chosen)
    for place, layer in enumerate(layers):
        # Rule 4 of streams: what has no register of its own gets one, unless the next layer starts with one.
        if layer.engine == "wires" and (place + 1 == len(layers) or layers[place + 1].engine == "wires"):
            layers[place] = replace(layer, depth_cycles=1)
    input_lanes = layers[0].lanes_in
    beats = list(range(beats_of(graph.input_type, input_lanes)))
    ii_cycles = len(beats)
    for node, layer in zip(nodes, layers, strict=True):
        beats = departures(node.op, layer, graph.types[node.inputs[0]], beats)
        ii_cycles = max(ii_cycles, layer.ii_cycles)
    macs = sum(node.op.inputs * node.op.outputs for node in nodes if isinstance(node.op, Dense))
    by_name = {node.name: layer for node, layer in zip(nodes, layers, strict=True)}
    return Plan(by_name, input_lanes, ii_cycles, beats[-1], budget, macs)
