"""Hardware of the change of shape."""

from __future__ import annotations

from collections.abc import Iterable

from golden.ops import Reshape
from golden.types import TensorType
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower, stream_cycles
from rtlgen.pipeline import wires
from rtlgen.stream import Stream


@candidates.register
def _(op: Reshape, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    # A stream is row-major already; but a beat must not hold the end of one row and the start of the next.
    if x.inner % lanes == 0 and op.out_type(x).inner % lanes == 0:
        yield LayerPlan("wires", lanes, lanes, stream_cycles(x, lanes))


@departures.register
def _(op: Reshape, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    return [cycle + layer.depth_cycles for cycle in arrivals]


@lower.register
def reshape(op: Reshape, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """Nothing but names."""
    return wires(name, x, op.out_type(x.type), x.data, layer.depth_cycles)
