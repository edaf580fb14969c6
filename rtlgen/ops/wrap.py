"""Hardware of two's complement overflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from golden.ops import Wrap
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower
from rtlgen.pipeline import pipeline
from rtlgen.stream import Stream, beats_of
from rtlgen.tensor import HDLTensor


@candidates.register
def _(op: Wrap, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    yield LayerPlan("pipeline", x.lanes, x.lanes, beats_of(x.type, x.lanes), x.spacing_cycles, depth_cycles=1)


@departures.register
def _(op: Wrap, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return arrivals[0].later(layer.depth_cycles)


@lower.register
def wrap(op: Wrap, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """The low bits of each element, or its sign repeated in front of it: wires, and a register."""
    (x,) = xs
    dtype = x.type.dtype
    whole = IntType(max(dtype.bits, op.dtype.bits), dtype.signed)

    def low_bits(beat: HDLTensor) -> HDLTensor:
        return HDLTensor.concat(
            [HDLTensor.unpack(element.pack(whole)[: op.dtype.bits], (1,), op.dtype) for element in beat.reshape(-1, 1)]
        )

    return pipeline(name, x, op.out_type(x.type), [low_bits])
