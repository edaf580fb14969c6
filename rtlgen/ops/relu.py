"""Hardware of the rectifier."""

from __future__ import annotations

from collections.abc import Iterable

from golden.ops import Relu
from golden.types import TensorType
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower
from rtlgen.pipeline import wires
from rtlgen.stream import Stream, beats_of


@candidates.register
def _(op: Relu, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    yield LayerPlan("wires", lanes, lanes, beats_of(x, lanes))


@departures.register
def _(op: Relu, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    return [cycle + layer.depth_cycles for cycle in arrivals]


@lower.register
def relu(op: Relu, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """A sign bit that clears the rest: one LUT a bit, no register, no cycle."""
    return wires(name, x, op.out_type(x.type), x.data.maximum(0), layer.depth_cycles)
