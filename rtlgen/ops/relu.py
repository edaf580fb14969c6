"""Hardware of the rectifier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from golden.ops import Relu
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower
from rtlgen.pipeline import pipeline
from rtlgen.stream import Stream, beats_of


@candidates.register
def _(op: Relu, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    yield LayerPlan("pipeline", x.lanes, x.lanes, beats_of(x.type, x.lanes), x.spacing_cycles, depth_cycles=1)


@departures.register
def _(op: Relu, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return arrivals[0].later(layer.depth_cycles)


@lower.register
def relu(op: Relu, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A sign bit that clears the rest: one LUT a bit, one cycle."""
    (x,) = xs
    return pipeline(name, x, op.out_type(x.type), [lambda beat: beat.maximum(0)])
