"""Hardware of the fully connected layer: the choice between its engines and their foldings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from golden.ops import Dense
from golden.types import TensorType
from rtlgen.folded import BANKS, first_output_cycles, folded
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower, multipliers_for
from rtlgen.stream import Stream, beats_of
from rtlgen.unrolled import unrolled, unrolled_cycles


@candidates.register
def _(op: Dense, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    if len(x.shape) != 1:
        raise NotImplementedError(f"Dense on {x} has no hardware yet: only on vectors; put a Reshape before it")
    arrive = beats_of(x, lanes)
    if goal.unrolled:
        width = ceil(op.inputs / lanes) * lanes
        yield LayerPlan("unrolled", lanes, op.outputs, arrive, unrolled_cycles(op), outputs=op.outputs, inputs=width)
        return
    cost = multipliers_for(x.dtype.bits + (not x.dtype.signed), op.weight_type.bits)
    # Below one multiplier a layer no layer gets a second one.
    budget = min(cost, goal.multipliers) if goal.logic else goal.multipliers
    for inputs in _widths(op.inputs, lanes):
        words = ceil(op.inputs / inputs)
        most_folds = goal.ii_cycles // words
        if most_folds == 0 or arrive > goal.ii_cycles:
            continue
        if goal.logic and inputs == 1 and op.outputs <= most_folds:
            yield _folding(op, x, lanes, 1, 1, 1, 0)
        for outputs in range(ceil(op.outputs / most_folds), op.outputs + 1):
            if outputs * inputs * cost > budget:
                break
            for drain_beats in range(1, min(outputs, words) + 1):
                if outputs % drain_beats == 0:
                    yield _folding(op, x, lanes, outputs, inputs, outputs // drain_beats, cost)


def _widths(inputs: int, lanes: int) -> Iterator[int]:
    """Inputs a cycle: multiples of the lanes, the smallest for each number of words."""
    beats = ceil(inputs / lanes)
    seen = set()
    for beats_a_word in range(1, beats + 1):
        words = ceil(beats / beats_a_word)
        if words not in seen:
            seen.add(words)
            yield beats_a_word * lanes


def _folding(op: Dense, x: TensorType, lanes: int, outputs: int, inputs: int, drain: int, cost: int) -> LayerPlan:
    words, folds = ceil(op.inputs / inputs), ceil(op.outputs / outputs)
    return LayerPlan(
        engine="folded",
        lanes_in=lanes,
        lanes_out=drain,
        ii_cycles=max(folds * words, beats_of(x, lanes)),
        multipliers=outputs * inputs * cost,
        outputs=outputs,
        inputs=inputs,
        folds=folds,
        words=words,
        store_bits=folds * words * outputs * inputs * op.weight_type.bits,
        buffer_bits=BANKS * words * inputs * x.dtype.bits,
        logic=cost == 0,
    )


@departures.register
def _(op: Dense, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    if layer.engine == "unrolled":
        return [arrivals[-1] + layer.depth_cycles]
    first = arrivals[-1] + first_output_cycles(layer)
    fold_beats = layer.outputs // layer.lanes_out
    beats = ceil(op.outputs / layer.lanes_out)
    return [first + beat // fold_beats * layer.words + beat % fold_beats for beat in range(beats)]


@lower.register
def dense(op: Dense, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """``outputs * inputs`` multipliers and as many weights a word, or an adder graph of the constants."""
    return unrolled(op, x, name) if layer.engine == "unrolled" else folded(op, layer, x, name)
