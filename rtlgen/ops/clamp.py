"""Hardware of the saturation to an interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from golden.ops import Clamp
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower
from rtlgen.pipeline import pipeline
from rtlgen.stream import Stream, beats_of


@candidates.register
def _(op: Clamp, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    yield LayerPlan("pipeline", x.lanes, x.lanes, beats_of(x.type, x.lanes), x.spacing_cycles, depth_cycles=1)


@departures.register
def _(op: Clamp, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return arrivals[0].later(layer.depth_cycles)


@lower.register
def clamp(op: Clamp, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """A comparison and a choice for each end that ``x`` can exceed, one cycle."""
    (x,) = xs
    return pipeline(name, x, op.out_type(x.type), [lambda beat: beat.clip(op.low, op.high)])
