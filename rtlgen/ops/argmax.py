"""Hardware of the index of the largest element."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

import pyrtl

from golden.ops import Argmax
from golden.types import TensorType
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower
from rtlgen.pipeline import register_slice
from rtlgen.state import Flags, counter, held_tensor, state
from rtlgen.stream import Stream, beats_of
from rtlgen.tensor import HDLTensor

LEVELS_A_STAGE = 2
"""Levels of comparisons between registers."""


def _stages(lanes: int) -> int:
    return max(1, ceil((lanes - 1).bit_length() / LEVELS_A_STAGE))


@candidates.register
def _(op: Argmax, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    yield LayerPlan("pipeline", lanes, 1, beats_of(x, lanes), _stages(lanes) + 1)


@departures.register
def _(op: Argmax, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    row_beats = ceil(x.inner / layer.lanes_in)
    return [cycle + layer.depth_cycles for cycle in arrivals[row_beats - 1 :: row_beats]]


@lower.register
def argmax(op: Argmax, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """The winner of each beat by a tree of comparisons, then the winner so far: two registers, a beat a cycle.

    ::

        beat --> tree (registers every two levels) --> better than the best so far? --> best, index
                                                                                        at the row's end --> out
    """
    out_type = op.out_type(x.type)
    row_beats = beats_of(TensorType(x.type.shape[-1:], x.type.dtype), x.lanes)
    advance = pyrtl.WireVector(1, f"{name}_advance")
    place = counter(f"{name}_beat", row_beats, x.valid & advance, x.reset)

    values, indices = x.data, HDLTensor.constant(list(range(x.lanes)))
    spare_lanes = row_beats * x.lanes - x.type.inner
    if spare_lanes:
        # Lanes past the end of the row repeat the first lane, which wins every tie against them.
        real = x.lanes - spare_lanes
        first = HDLTensor.concat([values[:1]] * spare_lanes)
        values = HDLTensor.concat([values[:real], HDLTensor.where(place.ends, first, values[real:])])

    beat = HDLTensor.of([place.value], [0], [row_beats - 1])
    for stage in range(_stages(x.lanes)):
        for _ in range(LEVELS_A_STAGE):
            values, indices = _halve(values, indices)
        prefix = f"{name}_stage{stage + 1}"
        values = values.register(f"{prefix}_value", enable=advance)
        indices = indices.register(f"{prefix}_lane", enable=advance)
        beat = beat.register(f"{prefix}_beat", enable=advance)
    flags = Flags({"valid": x.valid, "ends": place.ends, "last": x.last}, x.reset, advance)
    flags = flags.after(f"{name}_stage", _stages(x.lanes))
    wins = flags["valid"] & flags["ends"]

    index = beat * x.lanes + indices
    running = state(f"{name}_running", 1)
    step = flags["valid"] & advance
    running.drive(~flags["ends"], x.reset, enable=step)
    best = held_tensor(f"{name}_best_value", 1, values.dtype)
    best_index = held_tensor(f"{name}_best_index", 1, index.dtype)
    keeps = running.value & (best.value >= values).wires[0]
    winner = HDLTensor.where(keeps, best.value, values)
    winner_index = HDLTensor.where(keeps, best_index.value, index)
    best.drive(winner, step)
    best_index.drive(winner_index, step)

    winner_index = winner_index.known_range(0, x.type.inner - 1)
    result, takes = register_slice(name, out_type, winner_index, wins, flags["last"], x.reset)
    advance <<= takes | ~wins
    x.ready <<= advance
    return result


def _halve(values: HDLTensor, indices: HDLTensor) -> tuple[HDLTensor, HDLTensor]:
    """One level of the tree: neighbours compete, the first wins a tie."""
    if values.size == 1:
        return values, indices
    pairs = values.size // 2
    first, second = values[: 2 * pairs : 2], values[1 : 2 * pairs : 2]
    keeps = first >= second
    value = HDLTensor.where(keeps, first, second)
    index = HDLTensor.where(keeps, indices[: 2 * pairs : 2], indices[1 : 2 * pairs : 2])
    if values.size % 2:
        value = HDLTensor.concat([value, values[-1:]])
        index = HDLTensor.concat([index, indices[-1:]])
    return value, index
