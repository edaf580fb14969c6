"""The drain: takes what was computed side by side, and hands it on some lanes at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import pyrtl

from rtlgen.state import Counter, Flags, counter, held_tensor, state
from rtlgen.tensor import HDLTensor

DRAIN_CYCLES = 2
"""From the cycle on which a fold ends to the one on which its first beat is there: with its last register behind it."""


@dataclass(frozen=True)
class Pace:
    """How the results of a row leave.

    Args:
        results: computed at a time, in a fold.
        inner: results of a row; the last fold may have fewer.
        lanes: results a beat; they divide ``results``, or there is one fold.
        cycles: from one beat to the next.
    """

    results: int
    inner: int
    lanes: int
    cycles: int

    @property
    def folds(self) -> int:
        """Folds of a row."""
        return ceil(self.inner / self.results)

    @property
    def fold_beats(self) -> int:
        """Beats of a fold, but for the last one."""
        return ceil(min(self.results, self.inner) / self.lanes)

    @property
    def row_beats(self) -> int:
        """Beats of a row."""
        return ceil(self.inner / self.lanes)

    @property
    def tail_beats(self) -> int:
        """Beats of the last fold."""
        return self.row_beats - (self.folds - 1) * self.fold_beats

    def beats(self) -> list[tuple[int, int]]:
        """(fold, cycles after its first beat) of every beat of a row."""
        return [(beat // self.fold_beats, beat % self.fold_beats * self.cycles) for beat in range(self.row_beats)]


@dataclass
class Drained:
    """A beat on its way out.

    Args:
        data: shape (lanes,).
        flags: ``valid`` and ``last``, with the data.
        beat: which beat of the row comes, two cycles before its data: in time to fetch what belongs to it.
        held: what was given along with the fold, with the data.
    """

    data: HDLTensor
    flags: Flags
    beat: Counter
    held: HDLTensor | None


def drained(
    name: str,
    results: HDLTensor,
    pace: Pace,
    ends: pyrtl.WireVector,
    closes: pyrtl.WireVector,
    reset: pyrtl.WireVector,
    aside: HDLTensor | None = None,
) -> Drained:
    """Hands on ``results``, shape (``pace.results``,), of a fold.

    Args:
        ends: high one cycle before they are there.
        closes: with ``ends``: the fold belongs to the last row of the tensor.
        aside: something else to hold as long as the results, shape (n,).

    ::

        cycle         0       1         2         3
        ends          ~~~~
        results               computed
        drain                           results   shifted, ``pace.cycles`` later
        flags                           valid
    """
    width = ceil(pace.results / pace.lanes) * pace.lanes
    if width > pace.results:
        results = HDLTensor.concat([results, HDLTensor.constant([0] * (width - pace.results))])
    emits, last = _sequence(name, pace, ends, closes, reset)
    beat = counter(f"{name}_drain_beat", pace.row_beats, emits, reset)
    start = {"valid": emits, "last": last & beat.ends, "load": ends}
    loading = Flags(start, reset).after(f"{name}_load", 1)
    out = loading.after(f"{name}_drain", 1)
    drain = held_tensor(f"{name}_drain", width, results.dtype)
    following = results
    if width > pace.lanes:
        shifted = HDLTensor.concat([drain.value[pace.lanes :], drain.value[: pace.lanes]])
        following = HDLTensor.where(loading["load"], results, shifted)
    drain.drive(following.known_range(results.dtype.min, results.dtype.max), loading["valid"])
    low, high = results.low.min(), results.high.max()
    held = None
    if aside is not None:
        held = aside.register(f"{name}_aside", enable=loading["load"])
    return Drained(drain.value[: pace.lanes].known_range(low, high), out, beat, held)


def _sequence(
    name: str, pace: Pace, ends: pyrtl.WireVector, closes: pyrtl.WireVector, reset: pyrtl.WireVector
) -> tuple[pyrtl.WireVector, pyrtl.WireVector]:
    """When a beat is due, and whether it belongs to the last row."""
    if pace.fold_beats == 1:
        return ends, closes
    fold = counter(f"{name}_drain_fold", pace.folds, ends, reset)
    left = state(f"{name}_drain_left", pace.fold_beats.bit_length())
    due: pyrtl.WireVector = left.value != 0
    if pace.cycles > 1:
        wait = state(f"{name}_drain_wait", (pace.cycles - 1).bit_length())
        over = wait.value == 0
        due = due & over
        fewer = pyrtl.select(over, wait.value, (wait.value - 1)[: len(wait.value)])
        wait.drive(pyrtl.select(ends | due, pyrtl.Const(pace.cycles - 1, len(fewer)), fewer), reset)
    bits = len(left.value)
    of_fold = pyrtl.select(fold.ends, pyrtl.Const(pace.tail_beats - 1, bits), pyrtl.Const(pace.fold_beats - 1, bits))
    fewer = pyrtl.select(due, (left.value - 1)[:bits], left.value)
    left.drive(pyrtl.select(ends, of_fold, fewer), reset)
    closing = state(f"{name}_drain_closes", 1)
    closing.drive(pyrtl.select(ends, closes, closing.value), reset)
    return ends | due, pyrtl.select(ends, closes, closing.value)
