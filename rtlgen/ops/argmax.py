"""Hardware of the index of the largest element."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil

from golden.ops import Argmax
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower
from rtlgen.state import Flags, counter, held_tensor, state
from rtlgen.stream import Stream, beats_of, passed_on, rows_of
from rtlgen.tensor import HDLTensor

LEVELS_A_STAGE = 2
"""Levels of comparisons between registers."""


def _stages(lanes: int) -> int:
    return max(1, ceil((lanes - 1).bit_length() / LEVELS_A_STAGE))


@candidates.register
def _(op: Argmax, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    spacing = x.spacing_cycles * ceil(x.type.inner / x.lanes)
    yield LayerPlan("pipeline", x.lanes, 1, beats_of(x.type, x.lanes), spacing, _stages(x.lanes) + 1)


@departures.register
def _(op: Argmax, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    (x,), (arriving,) = xs, arrivals
    row_beats = ceil(x.inner / layer.lanes_in)
    return arriving.only(slice(row_beats - 1, None, row_beats), _rows(op, x)).later(layer.depth_cycles)


def _rows(op: Argmax, x: TensorType) -> Fraction:
    """Rows of the result for each row of ``x``."""
    return Fraction(rows_of(op.out_type(x)), rows_of(x))


@lower.register
def argmax(op: Argmax, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """The winner of each beat by a tree of comparisons, then the winner so far: a beat a cycle.

    ::

        beat --> tree (registers every two levels) --> better than the best so far? --> at the row's end --> out
                                                                ^                  |
                                                                +-- best, index <--+
    """
    (x,) = xs
    out_type = op.out_type(x.type)
    row_beats = x.row_beats
    place = counter(f"{name}_beat", row_beats, x.valid, x.reset)

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
        values = values.register(f"{prefix}_value")
        indices = indices.register(f"{prefix}_lane")
        beat = beat.register(f"{prefix}_beat")
    flags = Flags({"valid": x.valid, "ends": place.ends, "last": x.last}, x.reset)
    flags = flags.after(f"{name}_stage", _stages(x.lanes))
    wins = flags["valid"] & flags["ends"]

    index = beat * x.lanes + indices
    running = state(f"{name}_running", 1)
    running.drive(flags["ends"] ^ 1, x.reset, enable=flags["valid"])
    best = held_tensor(f"{name}_best_value", 1, values.dtype)
    best_index = held_tensor(f"{name}_best_index", 1, index.dtype)
    keeps = running.value & (best.value >= values).wires[0]
    winner = HDLTensor.where(keeps, best.value, values)
    winner_index = HDLTensor.where(keeps, best_index.value, index)
    best.drive(winner, flags["valid"])
    best_index.drive(winner_index, flags["valid"])

    winner_index = winner_index.known_range(0, x.type.inner - 1)
    result = winner_index.register(f"{name}_result", enable=wins, reset=x.reset)
    out = Flags({"valid": wins, "last": flags["last"]}, x.reset).after(f"{name}_result", 1)
    return passed_on(x, name, out_type, result, out["valid"], out["last"], _rows(op, x.type))


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
