"""The exact timing of a network: a system of "not before" conditions, and its least solution.

All that can wait is the start of a position. It waits for the position before it, for the words that it needs, and for
room for its result. Each condition says that a start is not before another start plus a fixed number of cycles; so the
starts are the least solution of a system of maxima and sums. It is found layer by layer, as many starts at a time as
wait for nothing that is not known yet; where that ends before all are known, the network hangs. What follows a start is
fixed (rule 5 of streams). The input is a maker of tokens that are always there, the output takes every beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from golden.types import IntArray
from rtlgen.arrivals import Arrivals
from rtlgen.fifo import FIFO_CYCLES, READ_AFTER_CYCLES
from rtlgen.room import VISIBLE_CYCLES
from rtlgen.walk import Reach

_MOST_STEPS_BACK = 20_000
_NEVER = np.int64(1) << 50
"""The start of what never starts."""


@dataclass(frozen=True, eq=False)
class Taker:
    """A buffer that takes a stream.

    Args:
        layer, place: whose it is, and which of its buffers.
        arrivals: of the beats at its door.
        row_beats: of its tensor.
        word_beats: beats that fill a word; the last word of a row may have fewer.
        rows: of its tensor, in a sample.
        capacity_rows: that it has place for.
    """

    layer: str
    place: int
    arrivals: Arrivals
    row_beats: int
    word_beats: int
    rows: int
    capacity_rows: int


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer that starts positions, and what each of its buffers needs.

    Args:
        name: of the layer, or of the input.
        positions: of a sample.
        cycles: of a position.
        columns: positions after which rows of the buffers' tensors are done with.
        takers: its buffers, with what it needs of them.
    """

    name: str
    positions: int
    cycles: int
    columns: int = 1
    takers: tuple[tuple[Taker, Reach], ...] = ()


@dataclass(eq=False)
class _Condition:
    """``starts[i] >= starts_of[source][index[i]] + lag[i]`` wherever ``index`` is not negative."""

    source: str
    index: IntArray
    lag: IntArray | int
    buffer: tuple[str, int] | None = None

    def lag_of(self, place: int) -> int:
        """Of one start."""
        return self.lag if isinstance(self.lag, int) else int(self.lag[place])


@dataclass(eq=False)
class Timing:
    """The least solution.

    Args:
        starts: of every stage, over all samples.
        departures: of each sample, the cycle on which its last output beat moves; shape (samples,).
        short: buffers whose room decides when the last sample leaves, or on which the network hangs.
        hangs: there is no solution: somebody waits for room that never comes.
    """

    starts: dict[str, IntArray]
    departures: IntArray
    short: set[tuple[str, int]] = field(default_factory=set)
    hangs: bool = False


OUTPUT = ""
"""Name of the buffer at the end: the FIFO of the output."""


def solve(stages: Sequence[Stage], output: Taker, samples: int) -> Timing:
    """When everything happens, for ``samples`` samples back to back, the input first and each stage behind its makers.

    Args:
        stages: in an order in which each one comes behind those whose tensors it takes.
        output: the FIFO at the end.
        samples: how many.
    """
    by_name = {stage.name: stage for stage in stages}
    conditions = {stage.name: _data(stage, by_name, samples) for stage in stages}
    for stage in stages:
        for taker, reach in stage.takers:
            made = _room(taker, reach, stage, by_name[taker.arrivals.maker], samples)
            conditions[taker.arrivals.maker].append(made)
    maker = by_name[output.arrivals.maker]
    room = _output_room(output, maker, samples)
    # Mostly the time of the positions themselves is enough for it.
    place = np.arange(len(room.index))
    if ((room.index >= 0) & ((place - room.index) * maker.cycles < room.lag)).any():
        conditions[maker.name].append(room)
    starts, hangs = _least(stages, conditions, samples)
    last = output.arrivals
    leaves = starts[last.maker].reshape(samples, -1)[:, last.token[-1]] + last.offset[-1] + FIFO_CYCLES
    if hangs:
        return Timing(starts, leaves, _stuck(conditions, starts, last.maker), hangs=True)
    cycles = {stage.name: stage.cycles for stage in stages}
    return Timing(starts, leaves, _short(conditions, cycles, starts, last.maker))


def _least(
    stages: Sequence[Stage], conditions: Mapping[str, Sequence[_Condition]], samples: int
) -> tuple[dict[str, IntArray], bool]:
    """Starts in as many steps at a time as their conditions are known for; and whether some never are."""
    starts = {stage.name: np.full(stage.positions * samples, _NEVER) for stage in stages}
    known = dict.fromkeys(starts, 0)
    # How far each condition reaches is told by the furthest start that it has asked for so far.
    reaches = {name: [np.maximum.accumulate(c.index) for c in of_stage] for name, of_stage in conditions.items()}
    waiting = list(stages)
    while waiting:
        going = False
        for stage in waiting:
            first, of_stage = known[stage.name], conditions[stage.name]
            last = len(starts[stage.name])
            for condition, reach in zip(of_stage, reaches[stage.name], strict=True):
                last = min(last, int(np.searchsorted(reach, known[condition.source])))
            if last <= first:
                continue
            going = True
            known[stage.name] = last
            starts[stage.name][first:last] = _earliest(stage, of_stage, starts, first, last)
        waiting = [stage for stage in waiting if known[stage.name] < len(starts[stage.name])]
        if not going:
            return starts, True
    return starts, False


def _earliest(
    stage: Stage, conditions: Sequence[_Condition], starts: Mapping[str, IntArray], first: int, last: int
) -> IntArray:
    """Starts ``first`` to ``last``, when all that they wait for is known."""
    bound = np.zeros(last - first, dtype=np.int64)
    if first:
        bound[0] = starts[stage.name][first - 1] + stage.cycles
    for condition in conditions:
        index = condition.index[first:last]
        lag = condition.lag if isinstance(condition.lag, int) else condition.lag[first:last]
        np.maximum(bound, np.where(index >= 0, starts[condition.source][index] + lag, 0), out=bound)
    spaced = stage.cycles * np.arange(last - first)
    return np.asarray(np.maximum.accumulate(bound - spaced) + spaced, dtype=np.int64)


def _data(stage: Stage, by_name: Mapping[str, Stage], samples: int) -> list[_Condition]:
    """A position starts on the cycle after the one on which the last word that it needs is written, or later."""
    conditions = []
    for taker, reach in stage.takers:
        row, word = np.divmod(reach.needs - 1, reach.row_words)
        # A word is full with its last beat, or with the last one of its row.
        in_row = np.minimum((word + 1) * taker.word_beats, taker.row_beats) - 1
        beat = row * taker.row_beats + in_row
        maker = by_name[taker.arrivals.maker].positions
        index = _over_samples(taker.arrivals.token[beat], maker, samples)
        index = np.where(np.tile(reach.needs > 0, samples), index, -1)
        conditions.append(_Condition(taker.arrivals.maker, index, np.tile(taker.arrivals.offset[beat] + 1, samples)))
    return conditions


def _room(taker: Taker, reach: Reach, stage: Stage, maker: Stage, samples: int) -> _Condition:
    """A token starts when there is room for it: rows before it are done with."""
    needed = _rows_to_be_done(taker, maker, samples)
    sample, row = np.divmod(needed - 1, taker.rows)
    event = np.searchsorted(reach.frees, row + 1)
    index = sample * stage.positions + (event + 1) * stage.columns - 1
    index = np.where(needed > 0, index, -1)
    assert index.max(initial=-1) < stage.positions * samples
    return _Condition(stage.name, index, stage.cycles + VISIBLE_CYCLES, (taker.layer, taker.place))


def _output_room(output: Taker, maker: Stage, samples: int) -> _Condition:
    needed = _rows_to_be_done(output, maker, samples)
    sample, row = np.divmod(needed - 1, output.rows)
    beat = (row + 1) * output.row_beats - 1
    index = np.where(needed > 0, sample * maker.positions + output.arrivals.token[beat], -1)
    lag = output.arrivals.offset[beat] + READ_AFTER_CYCLES + VISIBLE_CYCLES
    return _Condition(maker.name, index, lag, (OUTPUT, 0))


def _rows_to_be_done(taker: Taker, maker: Stage, samples: int) -> IntArray:
    """For each token how many rows, over all samples, have to be done with before it may start."""
    token_rows = taker.arrivals.token_rows
    tokens = np.arange(1, maker.positions * samples + 1)
    return -(-tokens * token_rows.numerator // token_rows.denominator) - taker.capacity_rows


def _over_samples(token: IntArray, tokens: int, samples: int) -> IntArray:
    return (np.arange(samples)[:, None] * tokens + token[None, :]).reshape(-1)


def _short(
    conditions: Mapping[str, Sequence[_Condition]], cycles: Mapping[str, int], starts: Mapping[str, IntArray], last: str
) -> set[tuple[str, int]]:
    """Buffers on the way back from the last start along the conditions that hold with equality."""
    # The first one of the run of starts without a gap that each belongs to.
    runs = {}
    for name, at in starts.items():
        gap = np.diff(at, prepend=at[0] - cycles[name] - 1) != cycles[name]
        runs[name] = np.maximum.accumulate(np.where(gap, np.arange(len(at)), 0))
    name, place, found = last, len(starts[last]) - 1, set()
    for _ in range(_MOST_STEPS_BACK):
        place = int(runs[name][place])
        held = None
        for condition in conditions[name]:
            index = int(condition.index[place])
            equal = index >= 0 and starts[condition.source][index] + condition.lag_of(place) == starts[name][place]
            if equal and (held is None or condition.buffer):
                held = condition
        if held is None:
            break
        if held.buffer:
            found.add(held.buffer)
        name, place = held.source, int(held.index[place])
    return found


def _stuck(
    conditions: Mapping[str, Sequence[_Condition]], starts: Mapping[str, IntArray], last: str
) -> set[tuple[str, int]]:
    """Buffers on a circle of layers that wait for each other; there is one, or else all would start."""
    way: list[_Condition] = []
    seen: dict[str, int] = {}
    name = last
    while name not in seen:
        seen[name] = len(way)
        place = int(np.argmax(starts[name] == _NEVER))
        waits = [c for c in conditions[name] if c.index[place] >= 0 and starts[c.source][c.index[place]] == _NEVER]
        way.append(max(waits, key=lambda condition: condition.buffer is not None))
        name = way[-1].source
    return {condition.buffer for condition in way[seen[name] :] if condition.buffer}
