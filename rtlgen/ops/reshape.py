"""Hardware of the change of shape."""

from __future__ import annotations

from collections.abc import Iterable

import pyrtl

from golden.ops import Reshape
from golden.types import TensorType
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower
from rtlgen.pipeline import register_slice, wires
from rtlgen.state import counter
from rtlgen.stream import Stream, beats_of
from rtlgen.tensor import HDLTensor


@candidates.register
def _(op: Reshape, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    # A stream is row-major already; but a beat must not hold the end of one row and the start of the next.
    inner = op.out_type(x).inner
    if x.inner % lanes == 0 and inner % lanes == 0:
        yield LayerPlan("wires", lanes, lanes, beats_of(x, lanes))
    elif x.size == lanes:
        # The whole tensor comes in one beat: it can leave in several. With more beats than one, the wait for the first
        # would reach back into the layers before in the middle of a sample, which the plan does not follow.
        for narrow in range(1, lanes):
            if inner % narrow == 0:
                yield LayerPlan("pipeline", lanes, narrow, lanes // narrow, depth_cycles=2)


@departures.register
def _(op: Reshape, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    parts = layer.lanes_in // layer.lanes_out
    return [cycle + layer.depth_cycles + part for cycle in arrivals for part in range(parts)]


@lower.register
def reshape(op: Reshape, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """Nothing but names; or two register slices, the first of which holds a wide beat while it leaves in parts."""
    parts = layer.lanes_in // layer.lanes_out
    out_type = op.out_type(x.type)
    if parts == 1:
        return wires(name, x, out_type, x.data, layer.depth_cycles)
    whole, x_taken = register_slice(f"{name}_whole", x.type, x.data, x.valid, x.last, x.reset)
    x.ready <<= x_taken
    takes = pyrtl.WireVector(1, f"{name}_takes_part")
    part = counter(f"{name}_part", parts, whole.valid & takes, x.reset)
    data = whole.data[: layer.lanes_out]
    for place in range(1, parts):
        here = HDLTensor.of([part.value == place], [0], [1])
        data = HDLTensor.where(here, whole.data[place * layer.lanes_out : (place + 1) * layer.lanes_out], data)
    y, part_taken = register_slice(name, out_type, data, whole.valid, whole.last & part.ends, x.reset)
    takes <<= part_taken
    whole.ready <<= takes & part.ends
    return y
