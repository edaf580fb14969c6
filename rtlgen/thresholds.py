"""Staircases: where a monotone function of integers steps, found for many functions at once.

``T_k`` is the smallest ``x`` of an interval at which the function is ``k`` or more.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rtlgen.rounding import Floats, Ints

MOST_STEPS = 1 << 16
"""Of a staircase: a table of them is made."""
_SURE = 2
"""A guess is tried this far to either side; where that does not bracket the threshold, the whole interval does."""


class Monotone(Protocol):
    """Rows of functions that never decrease."""

    @property
    def limits(self) -> tuple[int, int]:
        """What a datapath saturates to behind it; a result at a limit may be exceeded before."""
        ...

    def __call__(self, x: Ints, row: Ints) -> Ints:
        """What the rows ``row`` give for ``x``; shapes broadcast."""
        ...

    def guess(self, y: Ints, row: Ints) -> Floats:
        """About where the result becomes ``y``; it need not be right."""
        ...

    def refusal(self, row: int) -> str:
        """The beginning of an error about a row."""
        ...


@dataclass(frozen=True, eq=False)
class Stairs:
    """The steps of some rows of a function on some intervals.

    Args:
        row: which row of the function, shape (stairs,).
        low, high: the intervals, shape (stairs,).
        first, last: the results at their ends, shape (stairs,).
        thresholds: ``T_k`` for ``k = first + 1, first + 2, ...``, shape (stairs, most steps); ``high`` behind the last.
    """

    row: Ints
    low: Ints
    high: Ints
    first: Ints
    last: Ints
    thresholds: Ints

    @property
    def k(self) -> Ints:
        """What is reached at the thresholds, shape (stairs, most steps)."""
        return self.first[:, None] + 1 + np.arange(self.thresholds.shape[1])

    @property
    def real(self) -> npt.NDArray[np.bool_]:
        """Which thresholds there are, shape (stairs, most steps)."""
        return self.k <= self.last[:, None]

    def select(self, places: Ints) -> Stairs:
        """Some of the staircases."""
        return Stairs(*(getattr(self, field.name)[places] for field in fields(self)))

    @property
    def windows(self) -> tuple[Ints, Ints]:
        """``[T_first - 1, T_last]`` of each: saturating to it changes nothing. Of a constant one value."""
        flat = self.first == self.last
        if not self.thresholds.shape[1]:
            return self.low, self.low
        place = np.maximum(self.last - self.first - 1, 0)
        last = np.take_along_axis(self.thresholds, place[:, None], axis=1)[:, 0]
        return np.where(flat, self.low, self.thresholds[:, 0] - 1), np.where(flat, self.low, last)

    def witnesses(self) -> Ints:
        """Inputs at which a monotone function has to be right to be right everywhere, shape (stairs, witnesses).

        At every threshold, just below it, at both ends, and at -1 and 0 where they lie between.
        """
        ends = np.stack([self.low, self.high, *(np.clip(x, self.low, self.high) for x in (-1, 0))], axis=1)
        return np.concatenate([self.thresholds, np.maximum(self.thresholds - 1, self.low[:, None]), ends], axis=1)

    def check(self, function: Monotone) -> None:
        """Raises AssertionError unless the thresholds are those of ``function``."""
        k, row = self.k, self.row[:, None]
        at = function(self.thresholds, row) >= k
        below = function(self.thresholds - 1, row) < k
        wrong = self.real & ~(at & below)
        assert not wrong.any(), f"the thresholds {self.thresholds[wrong]} are wrong"
        for end, y in ((self.low, self.first), (self.high, self.last)):
            assert np.array_equal(function(end, self.row), y), f"the ends {end} are wrong"


def climb(function: Monotone, row: Ints, low: Ints, high: Ints) -> Stairs:
    """The steps of the rows ``row`` on ``[low, high]``: bisection of all steps of all of them at once.

    Args:
        row, low, high: shape (stairs,).

    Raises:
        NotImplementedError: for more steps than a table can have.
    """
    first, last = function(low, row), function(high, row)
    steps = int((last - first).max(initial=0))
    if steps > MOST_STEPS:
        place = int((last - first).argmax())
        raise NotImplementedError(f"{function.refusal(int(row[place]))}: {steps} steps, {MOST_STEPS} at most")
    k = first[:, None] + 1 + np.arange(steps)
    rows, lows, highs = row[:, None], low[:, None], high[:, None]
    guess = np.clip(function.guess(k, rows), lows, highs).astype(np.int64)
    below, above = np.maximum(guess - _SURE, lows), np.minimum(guess + _SURE, highs)
    below = np.where(function(below, rows) < k, below, lows)
    above = np.where(function(above, rows) >= k, above, highs)
    above[k > last[:, None]] = below[k > last[:, None]] = 0
    while True:
        stair, step = np.nonzero(above - below > 1)
        if not stair.size:
            break
        middle = below[stair, step] + (above[stair, step] - below[stair, step]) // 2
        reached = function(middle, row[stair]) >= k[stair, step]
        above[stair[reached], step[reached]] = middle[reached]
        below[stair[~reached], step[~reached]] = middle[~reached]
    return Stairs(row, low, high, first, last, np.where(k > last[:, None], highs, above))
