"""The exact timing of a network: a system of "not before" conditions, and its least solution.

All that can wait is the start of a position. It waits for the position before it, for the words that it needs, and for
room for its result. Each condition says that a start is not before another start plus a fixed number of cycles; so the
starts are the least solution of a system of maxima and sums, found by going round until nothing changes. What follows a
start is fixed (rule 5 of streams). The input is a maker of tokens that are always there, the output takes every beat.
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

_MOST_ROUNDS = 400


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
    conditions[output.arrivals.maker].append(_output_room(output, by_name[output.arrivals.maker], samples))
    starts = {stage.name: np.zeros(stage.positions * samples, dtype=np.int64) for stage in stages}
    horizon = 4 * samples * sum(stage.positions * stage.cycles + 1000 for stage in stages)
    changed: set[str] = {stage.name for stage in stages}
    for _ in range(_MOST_ROUNDS):
        before = changed
        changed = set()
        for stage in stages:
            of_stage = conditions[stage.name]
            if not any(c.source in before or c.source in changed for c in of_stage) and stage.name not in before:
                continue
            new = _earliest(stage, of_stage, starts)
            if not np.array_equal(new, starts[stage.name]):
                starts[stage.name] = new
                changed.add(stage.name)
        if not changed or max(int(values[-1]) for values in starts.values()) > horizon:
            break
    last = output.arrivals
    leaves = starts[last.maker].reshape(samples, -1)[:, last.token[-1]] + last.offset[-1] + FIFO_CYCLES
    timing = Timing(starts, leaves, hangs=bool(changed))
    timing.short = _short(stages, conditions, starts, last.maker, timing.hangs)
    return timing


def _earliest(stage: Stage, conditions: Sequence[_Condition], starts: Mapping[str, IntArray]) -> IntArray:
    bound = np.zeros_like(starts[stage.name])
    for condition in conditions:
        waits = starts[condition.source][condition.index] + condition.lag
        np.maximum(bound, np.where(condition.index >= 0, waits, 0), out=bound)
    spaced = stage.cycles * np.arange(len(bound))
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
    stages: Sequence[Stage],
    conditions: Mapping[str, Sequence[_Condition]],
    starts: Mapping[str, IntArray],
    last: str,
    hangs: bool,
) -> set[tuple[str, int]]:
    """Buffers on the way back from the last start along the conditions that hold with equality."""
    by_name = {stage.name: stage for stage in stages}
    name, place, found = last, len(starts[last]) - 1, set()
    for _ in range(20_000):
        stage, at = by_name[name], starts[name][place]
        if place and starts[name][place - 1] + stage.cycles == at:
            # Back to the first of a run of positions without a gap.
            gaps = np.flatnonzero(np.diff(starts[name][: place + 1]) != stage.cycles)
            place = int(gaps[-1]) + 1 if len(gaps) else 0
            continue
        held = None
        for condition in conditions[name]:
            lag = condition.lag if isinstance(condition.lag, int) else int(condition.lag[place])
            index = int(condition.index[place])
            # In a network that hangs the two sides never meet.
            if index >= 0 and starts[condition.source][index] + lag >= at and (held is None or condition.buffer):
                held = condition
        if held is None:
            break
        if held.buffer:
            found.add(held.buffer)
            if hangs and len(found) > 3:
                break
        name, place = held.source, int(held.index[place])
    return found
