"""Straight lines that equal staircases: ``(m * x + (x < 0 ? r_negative : r)) >> s``, many on one common shift.

One line for a whole interval where there is one; where there is none for some, all that have both signs get an offset
for each sign, which makes their intervals of slopes wider, and so ``m`` and ``s`` smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rtlgen.rounding import Ints
from rtlgen.slopes import Points, Slopes, offset_ranges, roundest, slopes
from rtlgen.thresholds import Monotone, Stairs, climb

_INT64_BITS = 62
Signs = Literal["alone", "together", "always"]


@dataclass(frozen=True)
class Lines:
    """``y = (multipliers[c] * x + offsets[c]) >> shift``, with ``negative_offsets[c]`` for ``x < 0``."""

    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    negative_offsets: tuple[int, ...]
    shift: int

    def __call__(self, x: Ints) -> Ints:
        """For ``x`` of shape (..., lines), exact for any size of numbers."""
        x = np.asarray(x)
        largest = max(-int(x.min(initial=0)), int(x.max(initial=0))) * max(self.multipliers)
        offset = max(map(abs, (*self.offsets, *self.negative_offsets)))
        exact = np.int64 if (largest + offset).bit_length() <= _INT64_BITS else object
        multipliers, positive, negative = (
            np.array(values, dtype=exact) for values in (self.multipliers, self.offsets, self.negative_offsets)
        )
        y = (x.astype(exact) * multipliers + np.where(x < 0, negative, positive)) >> self.shift
        return np.asarray(y, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Bounds:
    """Of staircases: their points, those of both signs apart where ``split`` says so, and their slopes.

    Args:
        whole: of all staircases.
        split: places of those that have an offset for each sign.
        negative, positive: points of these.
        slopes: what ``m / 2**s`` has to lie in, of all staircases.
    """

    whole: Points
    split: Ints
    negative: Points
    positive: Points
    slopes: Slopes

    def offsets(self, rises: list[int], runs: list[int]) -> tuple[list[int], list[int]]:
        """An offset for each, and one for negative inputs: in what is allowed, where most low bits are zero.

        Args:
            rises, runs: of the slope of each.
        """
        ranges = list(zip(*offset_ranges(self.whole, rises, runs), strict=True))
        positive = [0 if place in self.split else roundest(*ranges[place]) for place in range(len(ranges))]
        negative = positive.copy()
        own = [[values[place] for place in self.split] for values in (rises, runs)]
        sides = [zip(*offset_ranges(side, *own), strict=True) for side in (self.negative, self.positive)]
        for place, below, above in zip(self.split.tolist(), *sides, strict=True):
            least = max((end for end in (below[0], above[0]) if end is not None), default=None)
            most = min((end for end in (below[1], above[1]) if end is not None), default=None)
            if least is None or most is None or least <= most:
                negative[place] = positive[place] = roundest(least, most)
            else:
                negative[place], positive[place] = roundest(*below), roundest(*above)
        return positive, negative


def bounded(function: Monotone, stairs: Stairs, signs: Signs = "together") -> Bounds:
    """What lines have to fulfil to equal staircases that are not constant; see ``Bounds.slopes.exist``.

    Args:
        signs: which staircases of both signs have an offset for each: those that need one (``alone``), all of them if
            any needs one (``together``), or all (``always``).
    """
    whole = Points.of(stairs, function.limits)
    bounds = slopes(whole)
    missing = ~bounds.exist
    wanted = missing if signs == "alone" else np.full_like(missing, signs == "always" or missing.any())
    both = np.flatnonzero((stairs.low < 0) & (stairs.high >= 0) & wanted)
    if not both.size:
        none = np.arange(0)
        return Bounds(whole, none, whole.select(none), whole.select(none), bounds)
    row, zero = stairs.row[both], np.zeros_like(both)
    negative, positive = (
        Points.of(climb(function, row, low, high), function.limits)
        for low, high in ((stairs.low[both], zero - 1), (zero, stairs.high[both]))
    )
    return Bounds(whole, both, negative, positive, bounds.replaced(both, slopes(negative) & slopes(positive)))


def solve(function: Monotone, stairs: Stairs, names: Ints, signs: Signs = "together") -> Lines:
    """The lines of the smallest common shift that equal ``function`` on all of ``stairs``.

    Args:
        signs: see ``bounded``.
        names: what the rows of the function are called in errors.

    Raises:
        NotImplementedError: if there is none with one offset for each sign; a note names the channel.
    """
    stairs.check(function)
    live = np.flatnonzero(stairs.first < stairs.last)
    bounds = bounded(function, stairs.select(live), signs)
    missing = live[~bounds.slopes.exist]
    if missing.size:
        row = missing[names[missing].argmin()]
        error = NotImplementedError(
            f"{function.refusal(int(row))}: there is no exact form with one offset for each sign"
        )
        error.add_note(f"in channel {names[row]}")
        raise error
    shift = bounds.slopes.common_shift()
    found = [bounds.slopes.multiplier(place, shift) or 0 for place in range(len(live))]
    multipliers = np.zeros(len(names), dtype=object)
    offsets = stairs.first.astype(object) * (1 << shift)
    negative_offsets = offsets.copy()
    multipliers[live] = found
    offsets[live], negative_offsets[live] = bounds.offsets(found, [1 << shift] * len(found))
    lines = Lines(tuple(multipliers), tuple(offsets), tuple(negative_offsets), shift)
    check(lines, function, stairs, names)
    return lines


def check(datapath: Callable[[Ints], Ints], function: Monotone, stairs: Stairs, names: Ints) -> None:
    """Raises AssertionError where a clamped datapath differs from ``function``.

    Both are monotone: equal at each threshold, just below it, at both ends and around zero, they are equal everywhere.

    Args:
        datapath: takes and gives shape (..., rows).
        stairs: of all rows of ``function``, with thresholds that are right (``Stairs.check``).
        names: what the rows are called in errors.
    """
    x = stairs.witnesses()
    wrong = np.clip(datapath(x.T).T, *function.limits) != function(x, stairs.row[:, None])
    if wrong.any():
        row = int(wrong.any(axis=1).argmax())
        raise AssertionError(f"the datapath of channel {names[row]} differs at {x[row][wrong[row]]}")
