"""The plan: which hardware each layer gets, and exactly how many cycles it takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import rtlgen.ops  # noqa: F401 (registers the hardware of every op)
from golden.graph import Graph
from golden.types import IntArray
from rtlgen.fastest import fastest
from rtlgen.live import Live, live
from rtlgen.lowering import lower, no_hardware
from rtlgen.macs import macs_of
from rtlgen.sizing import Sized, sized


@dataclass(frozen=True)
class Plan(Sized):
    """Hardware and exact timing of a network, and what it was made for.

    Args:
        budget: multipliers that were allowed; ``None`` for an unrolled plan, which has none.
        macs: multiply-accumulates of one sample.
        live_macs: those of them that the hardware computes: dead channels cost none.
        live: the network without its dead channels, which is the one that becomes hardware.
    """

    budget: int | None
    macs: int
    live_macs: int
    live: Live = field(compare=False, repr=False)

    @cached_property
    def multipliers(self) -> int:
        """Multipliers of all layers, requantisers included."""
        return sum(layer.multipliers for layer in self.layers.values())

    @cached_property
    def utilisation(self) -> float:
        """Share of the products computed in steady state that the network needs, dead channels left out."""
        computed = sum(layer.outputs * layer.inputs for layer in self.layers.values()) * self.ii_cycles
        return self.live_macs / computed if computed else 0.0

    def due_cycles(self, samples: int) -> IntArray:
        """The cycle on which each sample's last output beat moves, when they come back to back and nothing stalls."""
        ahead = np.array([0, *self.ahead_cycles], dtype=np.int64)
        sample = np.arange(samples)
        due: IntArray = self.latency_cycles + self.ii_cycles * sample - ahead[np.minimum(sample, len(ahead) - 1)]
        return due

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, units in the names."""
        return {
            "ii_cycles": self.ii_cycles,
            "latency_cycles": self.latency_cycles,
            "ahead_cycles": list(self.ahead_cycles),
            "multipliers": self.multipliers,
            "multiplier_budget": self.budget,
            "utilisation": round(self.utilisation, 4),
            "macs": self.macs,
            "live_macs": self.live_macs,
            "input_lanes": self.input_lanes,
            "output_words": self.output_words,
            "layers": [
                {
                    "layer": name,
                    **asdict(layer),
                    "buffer_words": list(layer.buffer_words),
                    "dead_channels": self.live.dead(name),
                }
                for name, layer in self.layers.items()
            ],
        }


def plan(
    graph: Graph, multipliers: int = 64, *, unrolled: bool = False, latency_intervals: float | None = None
) -> Plan:
    """The hardware with the smallest initiation interval that ``multipliers`` allow; among those, the smallest.

    In a network with convolutions multipliers that this leaves over make the first sample come after 1.6 intervals, if
    they can. With ``latency_intervals`` the interval becomes longer where it has to, so that layers can be faster than
    it; how many multipliers that takes at least, `rtlgen.latency` says.

    The budget counts the requantisers' multipliers too. Below one multiplier a layer the multiplications that are left
    over are made of adders, so that every budget from 1 on has a plan. A budget beyond what is useful changes nothing.
    Channels that never change are no part of the hardware, see `rtlgen.live`.

    Args:
        graph: a network of one input and one output.
        multipliers: the budget of the whole network, at least 1; not used by ``unrolled``.
        unrolled: constant weights as adder graphs without multipliers, a sample as fast as its beats arrive.
        latency_intervals: most intervals from the first input to the last output of a first sample, at least 1.

    Raises:
        TypeError, ValueError: for a budget that is no positive int, a latency that is no number from 1 on, or one for
            which no plan is found; it has none if ``unrolled``.
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
    _check_latency(latency_intervals, unrolled)
    _check_shape(graph)
    left = live(graph)
    chosen = fastest(left.graph, None if unrolled else multipliers, latency_intervals)
    macs, live_macs = (sum(macs_of(each, node.name) for node in each.nodes) for each in (graph, left.graph))
    budget = None if unrolled else multipliers
    return Plan(**vars(sized(left.graph, chosen)), budget=budget, macs=macs, live_macs=live_macs, live=left)


def _check_latency(intervals: float | None, unrolled: bool) -> None:
    if intervals is None:
        return
    if isinstance(intervals, bool) or not isinstance(intervals, int | float | np.integer | np.floating):
        raise TypeError(f"latency_intervals must be a number, not {intervals!r}")
    if not 1 <= intervals < np.inf:
        raise ValueError(f"latency_intervals must be at least 1, not {intervals}")
    if unrolled:
        raise ValueError(
            "unrolled hardware cannot be folded for a latency: give latency_intervals or unrolled, not both"
        )


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


def _check_shape(graph: Graph) -> None:
    """Raises NotImplementedError for a network that hardware cannot have, naming the first layer in the way."""
    if not graph.nodes:
        raise NotImplementedError("a graph without layers has no hardware")
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise NotImplementedError("hardware has one input and one output so far, this graph has more")
    if graph.outputs[0] in graph.inputs:
        raise NotImplementedError("the output must be a layer, not the input")
    read = {name for node in graph.nodes for name in node.inputs}
    for node in graph.nodes:
        if node.name not in read and node.name not in graph.outputs:
            raise NotImplementedError(f"layer {node.name!r} is read by no other layer, and it is not the output")
    if graph.outputs[0] in read:
        raise NotImplementedError(f"the output {graph.outputs[0]!r} must not be read by a layer as well so far")
