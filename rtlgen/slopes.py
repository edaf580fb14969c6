"""Which straight lines become which staircases when they are rounded down: exact bounds on slope and offset.

``(m x + r) >> s`` equals a staircase if and only if ``m x + r >= k 2**s`` at all lower points ``(x, k)``, where ``k``
or more is needed, and ``m x + r < k 2**s`` at all upper points, where less is. There is such an ``r`` if and only if
every lower bound of it is below every upper one, which says that ``m / 2**s`` lies strictly between the steepest slope
from an upper point to a lower one behind it and the flattest slope from a lower point to an upper one behind it. So
where the open interval is empty nothing exists, and the smallest shift with an integer inside is the smallest there is.

The extreme slope among n**2 pairs is found by Newton's iteration (Dinkelbach): with a candidate p/q the pair whose
``rise * q - run * p`` is largest, found in one pass with a running minimum, has a steeper slope, or the candidate is
the answer. It ends after a few passes, in integers throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from rtlgen.rounding import Ints
from rtlgen.thresholds import Stairs

_Mask = npt.NDArray[np.bool_]
_INT64_BITS = 62
"""Magnitudes of as many bits can be added and subtracted once."""


@dataclass(frozen=True, eq=False)
class Points:
    """Constraint points of staircases, in the order of ``x`` and of ``k``, all of shape (stairs, points).

    Args:
        x, k: a lower point is ``(x, k)``, an upper one ``(x - 1, k)``.
        lower, upper: which points there are; a threshold is both.
    """

    x: Ints
    k: Ints
    lower: _Mask
    upper: _Mask

    @classmethod
    def of(cls, stairs: Stairs, limits: tuple[int, int]) -> Points:
        """The thresholds, and the ends of the interval, unless what is beyond the end's result saturates to it."""
        k, real = stairs.k, stairs.real
        ends = {"first": stairs.first > limits[0], "last": stairs.last < limits[1]}
        nowhere = np.zeros_like(ends["first"])

        def between(first: Any, middle: Any, last: Any) -> Any:
            return np.concatenate([first[:, None], middle, last[:, None]], axis=1)

        return cls(
            between(stairs.low, stairs.thresholds, stairs.high + 1),
            between(stairs.first, np.minimum(k, stairs.last[:, None]), stairs.last + 1),
            between(ends["first"], real, nowhere),
            between(nowhere, real, ends["last"]),
        )

    def select(self, places: Ints) -> Points:
        """The points of some of the staircases."""
        return Points(self.x[places], self.k[places], self.lower[places], self.upper[places])


@dataclass(frozen=True, eq=False)
class Slopes:
    """Open intervals of rational slopes, each array of shape (stairs,); a denominator of zero is infinity."""

    low_numerator: Ints
    low_denominator: Ints
    high_numerator: Ints
    high_denominator: Ints

    @property
    def exist(self) -> _Mask:
        """Which intervals are not empty, shape (stairs,)."""
        return _less((self.low_numerator, self.low_denominator), (self.high_numerator, self.high_denominator))

    def __len__(self) -> int:
        return len(self.low_numerator)

    def __and__(self, other: Slopes) -> Slopes:
        """What lies in both intervals, of each pair of them."""
        low, low_other = self._arrays[:2], other._arrays[:2]
        high, high_other = self._arrays[2:], other._arrays[2:]
        steeper, flatter = _less(low, low_other), _less(high_other, high)
        return Slopes(
            *(np.where(steeper, b, a) for a, b in zip(low, low_other, strict=True)),
            *(np.where(flatter, b, a) for a, b in zip(high, high_other, strict=True)),
        )

    def replaced(self, places: Ints, others: Slopes) -> Slopes:
        """With other intervals at some places."""
        arrays = []
        for array, other in zip(self._arrays, others._arrays, strict=True):
            arrays.append(array.copy())
            arrays[-1][places] = other
        return Slopes(*arrays)

    def multiplier(self, stair: int, shift: int) -> int | None:
        """The smallest ``m`` for which ``m / 2**shift`` lies in an interval, if there is one."""
        a, b, c, d = (int(array[stair]) for array in self._arrays)
        m = (a << shift) // b + 1
        return m if m * d < c << shift else None

    def common_shift(self) -> int:
        """The smallest shift on which all intervals have a multiplier: with a shift every larger one has one too."""
        return self._common(self.multiplier)

    def common_divided_shift(self) -> int:
        """The smallest shift on which all intervals have a divisor."""
        return self._common(self.divisor)

    def _common(self, constant: Callable[[int, int], int | None]) -> int:
        shift = 0
        for place in range(len(self)):
            while constant(place, shift) is None:
                shift += 1
        return shift

    def shortest(self, stair: int) -> tuple[int, int]:
        """The smallest shift with a multiplier, and the multiplier, of an interval that is not empty."""
        return next((shift, m) for shift in count() if (m := self.multiplier(stair, shift)) is not None)

    def divisor(self, stair: int, shift: int) -> int | None:
        """The smallest ``D`` for which ``2**shift / D`` lies in an interval, if there is one."""
        a, b, c, d = (int(array[stair]) for array in self._arrays)
        divisor = (d << shift) // c + 1
        return divisor if divisor * a < b << shift else None

    @property
    def _arrays(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.low_numerator, self.low_denominator, self.high_numerator, self.high_denominator


def slopes(points: Points) -> Slopes:
    """The slopes ``m / 2**s`` of the lines that pass above all lower points and below all upper ones."""
    x, k = points.x - points.x[:, :1], points.k - points.k[:, :1]
    low = _largest_ratio((k, x - 1, points.upper), (k, x, points.lower))
    high_run, high_rise = _largest_ratio((x, k, points.lower), (x - 1, k, points.upper))
    infinite = high_run == 0
    return Slopes(*low, np.where(infinite, 1, high_rise), np.where(infinite, 0, high_run))


def _largest_ratio(start: tuple[Ints, Ints, _Mask], end: tuple[Ints, Ints, _Mask]) -> tuple[Ints, Ints]:
    """The largest ``(a_j - a_i) / (b_j - b_i)`` of each row over all starts ``i`` and ends ``j >= i``, or 0 / 1.

    ``start`` and ``end`` are ``(a, b, which there are)``, shape (rows, points). A larger ``a`` has to come with a
    larger ``b``: pairs of which ``a`` does not increase play no role.
    """
    widths = [
        max(int(np.abs(values).max(initial=0)) for values in (start[place], end[place])).bit_length()
        for place in (0, 1)
    ]
    needed = sum(widths) + 4
    exact: Any = np.int64 if needed <= _INT64_BITS else object
    far = 1 << (needed - 1)
    (a, b, starts), (a_end, b_end, ends) = (
        (values.astype(exact), below.astype(exact), mask) for values, below, mask in (start, end)
    )
    rows = np.arange(len(a))
    numerator, denominator = np.zeros(len(a), dtype=exact), np.ones(len(a), dtype=exact)
    while rows.size:
        p, q = numerator[rows, None], denominator[rows, None]
        lowest = np.minimum.accumulate(np.where(starts, a * q - b * p, far), axis=1)
        gain = np.where(ends, a_end * q - b_end * p, -far) - lowest
        j = gain.argmax(axis=1)[:, None]
        better = np.take_along_axis(gain, j, axis=1)[:, 0] > 0
        if not better.all():
            a, b, starts, a_end, b_end, ends = (v[better] for v in (a, b, starts, a_end, b_end, ends))
            rows, lowest, j, p, q = rows[better], lowest[better], j[better], p[better], q[better]
        if not rows.size:
            break
        # The first start that attains the running minimum.
        i = (np.take_along_axis(lowest, j, axis=1) == lowest).argmax(axis=1)[:, None]
        numerator[rows] = (np.take_along_axis(a_end, j, axis=1) - np.take_along_axis(a, i, axis=1))[:, 0]
        denominator[rows] = (np.take_along_axis(b_end, j, axis=1) - np.take_along_axis(b, i, axis=1))[:, 0]
    return numerator, denominator


def _less(a: tuple[Ints, ...], b: tuple[Ints, ...]) -> _Mask:
    """Which fractions are less than which, exactly."""
    left = a[0].astype(object) * b[1].astype(object)
    return np.asarray(left < b[0].astype(object) * a[1].astype(object), dtype=np.bool_)


def offset_ranges(points: Points, rises: list[int], runs: list[int]) -> tuple[list[int | None], list[int | None]]:
    """The smallest and largest ``r`` for which ``(rise * x + r) // run`` is each staircase; None is no limit.

    Empty (smallest above largest) for slopes ``rise / run`` that are wrong.

    Args:
        rises, runs: one of each per staircase; multiplier and power of two, or power of two and divisor.
    """
    x_bits, k_bits = (int(np.abs(values).max(initial=1)).bit_length() for values in (points.x, points.k))
    needed = max(x_bits + max(rises, default=0).bit_length(), k_bits + max(runs, default=0).bit_length()) + 1
    exact: Any = np.int64 if needed < _INT64_BITS else object
    rise, run = (np.array(values, dtype=exact)[:, None] for values in (rises, runs))
    value = run * points.k.astype(exact) - rise * points.x.astype(exact)
    far = 1 << needed
    least = np.where(points.lower, value, -far).max(axis=1, initial=-far)
    most = np.where(points.upper, value + rise - 1, far).min(axis=1, initial=far)
    return (
        [None if v == -far else int(v) for v in least.tolist()],
        [None if v == far else int(v) for v in most.tolist()],
    )


def roundest(least: int | None, most: int | None) -> int:
    """The integer of ``[least, most]`` with the most trailing zeros; None is no limit."""
    if least is None or most is None:
        return (least if most is None else most) or 0
    if least > most:
        raise ValueError(f"there is no integer in [{least}, {most}]")
    if least <= 0 <= most:
        return 0
    # Above the highest bit in which both differ they agree; with that bit set and zeros below it lies between them.
    bits = ((least - 1) ^ most).bit_length() - 1
    return most >> bits << bits
