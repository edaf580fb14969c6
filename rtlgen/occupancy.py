"""How full the buffers of a plan get, exactly, from the same timing that the plan is made with.

A row counts from the start of the token that it comes in, when a place is kept for it, until it is done with and its
place can be given away again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from golden.types import IntArray
from rtlgen.fifo import READ_AFTER_CYCLES
from rtlgen.plan import Plan
from rtlgen.room import VISIBLE_CYCLES
from rtlgen.sizing import stages_of
from rtlgen.timing import OUTPUT, Stage, Taker, solve
from rtlgen.walk import Reach


def peak_rows(plan: Plan, samples: int) -> dict[tuple[str, int], int]:
    """The most rows in each buffer, by layer and place, while ``samples`` come back to back and nothing stalls.

    The FIFO of the output has the key ``(OUTPUT, 0)``.
    """
    stages, output = stages_of(plan.live.graph, plan.layers, plan.input_lanes, plan.output_words)
    starts = solve(stages, output, samples).starts
    found = {}
    for stage in stages:
        for taker, reach in stage.takers:
            at, rows = _done(stage, reach, starts[stage.name], samples)
            found[taker.layer, taker.place] = _peak(taker, starts, at, rows)
    last = output.arrivals
    beats = np.arange(output.row_beats - 1, last.beats, output.row_beats)
    of_sample = starts[last.maker].reshape(samples, -1)[:, last.token[beats]] + last.offset[beats]
    read = (of_sample + READ_AFTER_CYCLES + VISIBLE_CYCLES).reshape(-1)
    found[OUTPUT, 0] = _peak(output, starts, read, np.ones_like(read))
    return found


def room_rows(plan: Plan) -> dict[tuple[str, int], int]:
    """The rows that each buffer has room for; keys as of ``peak_rows``."""
    stages, output = stages_of(plan.live.graph, plan.layers, plan.input_lanes, plan.output_words)
    takers = [taker for stage in stages for taker, _ in stage.takers]
    return {(taker.layer, taker.place): taker.capacity_rows for taker in (*takers, output)}


def steady_samples(plan: Plan) -> int:
    """So many samples back to back that all of a network is at work, and goes on as it does then."""
    return max(-(-plan.latency_cycles // plan.ii_cycles), len(plan.ahead_cycles)) + 4


def _done(stage: Stage, reach: Reach, starts: IntArray, samples: int) -> tuple[IntArray, IntArray]:
    """When rows are done with, and how many of them."""
    ends = starts[stage.columns - 1 :: stage.columns] + stage.cycles + VISIBLE_CYCLES
    return ends, np.tile(reach.freed, samples)


def _peak(taker: Taker, starts: Mapping[str, IntArray], done_at: IntArray, done_rows: IntArray) -> int:
    token_rows = taker.arrivals.token_rows
    begun = starts[taker.arrivals.maker] + 1
    units = np.concatenate([np.full_like(begun, token_rows.numerator), -done_rows * token_rows.denominator])
    _, cycle = np.unique(np.concatenate([begun, done_at]), return_inverse=True)
    change = np.zeros(int(cycle.max()) + 1, dtype=np.int64)
    np.add.at(change, cycle, units)
    return -(-int(np.cumsum(change).max(initial=0)) // token_rows.denominator)
