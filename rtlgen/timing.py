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
from fractions import Fraction

import numpy as np

from golden.types import IntArray
from rtlgen.arrivals import Arrivals
from rtlgen.conditions import Condition, least, on_the_way, stuck
from rtlgen.fifo import FIFO_CYCLES, READ_AFTER_CYCLES
from rtlgen.room import VISIBLE_CYCLES
from rtlgen.walk import Reach


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
class Timing:
    """The least solution.

    Args:
        starts: of every stage, over all samples.
        departures: of each sample, the cycle on which its last output beat moves; shape (samples,).
        short: buffers whose room decides when the last sample leaves, or on which the network hangs.
        pace_cycles: of a sample, that is seen to hold back the last sample and therefore all later ones; 0 if none is.
        hangs: there is no solution: somebody waits for room that never comes.
    """

    starts: dict[str, IntArray]
    departures: IntArray
    short: set[tuple[str, int]] = field(default_factory=set)
    pace_cycles: Fraction = Fraction(0)
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
    conditions = {stage.name: waits_for_data(stage, by_name, samples) for stage in stages}
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
    cycles = {stage.name: stage.cycles for stage in stages}
    starts, hangs = least(cycles, {stage.name: stage.positions * samples for stage in stages}, conditions)
    last = output.arrivals
    leaves = starts[last.maker].reshape(samples, -1)[:, last.token[-1]] + last.offset[-1] + FIFO_CYCLES
    if hangs:
        return Timing(starts, leaves, stuck(conditions, starts, last.maker), hangs=True)
    way = on_the_way(conditions, cycles, starts, samples, last.maker)
    return Timing(starts, leaves, way.buffers, way.pace_cycles)


def waits_for_data(stage: Stage, by_name: Mapping[str, Stage], samples: int) -> list[Condition]:
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
        conditions.append(Condition(taker.arrivals.maker, index, np.tile(taker.arrivals.offset[beat] + 1, samples)))
    return conditions


def _room(taker: Taker, reach: Reach, stage: Stage, maker: Stage, samples: int) -> Condition:
    """A token starts when there is room for it: rows before it are done with."""
    needed = _rows_to_be_done(taker, maker, samples)
    sample, row = np.divmod(needed - 1, taker.rows)
    event = np.searchsorted(reach.frees, row + 1)
    index = sample * stage.positions + (event + 1) * stage.columns - 1
    index = np.where(needed > 0, index, -1)
    assert index.max(initial=-1) < stage.positions * samples
    lag = np.full(len(index), stage.cycles + VISIBLE_CYCLES)
    return Condition(stage.name, index, lag, (taker.layer, taker.place))


def _output_room(output: Taker, maker: Stage, samples: int) -> Condition:
    needed = _rows_to_be_done(output, maker, samples)
    sample, row = np.divmod(needed - 1, output.rows)
    beat = (row + 1) * output.row_beats - 1
    index = np.where(needed > 0, sample * maker.positions + output.arrivals.token[beat], -1)
    lag = output.arrivals.offset[beat] + READ_AFTER_CYCLES + VISIBLE_CYCLES
    return Condition(maker.name, index, lag, (OUTPUT, 0))


def _rows_to_be_done(taker: Taker, maker: Stage, samples: int) -> IntArray:
    """For each token how many rows, over all samples, have to be done with before it may start."""
    token_rows = taker.arrivals.token_rows
    tokens = np.arange(1, maker.positions * samples + 1)
    return -(-tokens * token_rows.numerator // token_rows.denominator) - taker.capacity_rows


def _over_samples(token: IntArray, tokens: int, samples: int) -> IntArray:
    return (np.arange(samples)[:, None] * tokens + token[None, :]).reshape(-1)
