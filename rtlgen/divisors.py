"""Division by a known count, rounded half away from zero: exactly a multiplication by a few bits.

The rounded mean of ``n`` integers is a monotone staircase of their sum, so it is a line that is rounded down, with an
offset for each sign: ``y = (m * sum + (sum < 0 ? r_negative : r)) >> s``. Where padding is not counted a layer has
several counts; they get one common shift, so that no barrel shifter is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops import AveragePool
from golden.types import TensorType
from rtlgen.affine import Lines, solve
from rtlgen.rounding import Floats, Ints
from rtlgen.thresholds import MOST_STEPS, climb

_AT_A_TIME = 1 << 20


@dataclass(frozen=True, eq=False)
class _Means:
    """Rows of rounded divisions, of sums of values of ``[low, high]``."""

    counts: Ints
    low: int
    high: int

    @property
    def limits(self) -> tuple[int, int]:
        """Nothing is clamped."""
        return self.low - 1, self.high + 1

    def __call__(self, x: Ints, row: Ints) -> Ints:
        n = self.counts[row]
        return np.asarray(np.sign(x) * ((np.abs(x) + n // 2) // n), dtype=np.int64)

    def guess(self, y: Ints, row: Ints) -> Floats:
        return np.asarray((y - 0.5) * self.counts[row], dtype=np.float64)

    def refusal(self, row: int) -> str:
        return f"AveragePool has no hardware for {self.counts[row]} places"


@dataclass(frozen=True)
class Divisors:
    """``y = (multipliers[i] * sum + offsets[i]) >> shift`` is the mean of ``counts[i]`` values; all exact.

    Args:
        counts: how many values, in increasing order.
        lines: multipliers, offsets, and offsets for negative sums, one for each count; and the common shift.
    """

    counts: tuple[int, ...]
    lines: Lines

    def __call__(self, total: Ints, count: Ints) -> Ints:
        """The mean of ``count`` values with the sum ``total``; shapes broadcast."""
        total, count = np.broadcast_arrays(total, count)
        place = np.searchsorted(self.counts, count)
        return np.take_along_axis(self.lines(total[..., None]), place[..., None], axis=-1)[..., 0]

    def check(self, low: int, high: int) -> None:
        """Raises AssertionError where a mean of values of ``[low, high]`` differs: tries every sum."""
        means = _Means(np.array(self.counts), low, high)
        for place, count in enumerate(self.counts):
            for start in range(low * count, high * count + 1, _AT_A_TIME):
                total = np.arange(start, min(start + _AT_A_TIME, high * count + 1))
                wrong = self(total, np.array(count)) != means(total, np.array(place))
                if wrong.any():
                    raise AssertionError(f"the mean of {count} values differs for the sums {total[wrong][:9]}")


def divisors(counts: tuple[int, ...], low: int, high: int) -> Divisors:
    """The shortest exact divisions by ``counts``, of sums of as many values of ``[low, high]``, on one common shift.

    Of more values than a table of steps can have they are not quite the shortest, and proven instead of tried.
    """
    n = np.unique(np.array(counts, dtype=np.int64))
    if high - low > MOST_STEPS:
        return Divisors(tuple(n.tolist()), proven(tuple(n.tolist()), low, high))
    means = _Means(n, low, high)
    lines = solve(means, climb(means, np.arange(len(n)), n * low, n * high), n, "always")
    found = Divisors(tuple(n.tolist()), lines)
    found.check(low, high)
    return found


def proven(counts: tuple[int, ...], low: int, high: int) -> Lines:
    """Lines for sums of values of any size, on the smallest shift on which they can be proven to be exact.

    With ``h = n // 2`` the mean is ``floor((x + h) / n)``, or ``floor((x - h + n - 1) / n)`` for a negative sum ``x``.
    With ``m = ceil(2**s / n)`` and ``e = m * n - 2**s``, ``v * m / 2**s`` is ``v / n + v * e / (n * 2**s)``. Its floor
    is right for all ``0 <= v <= V`` if ``V * e < 2**s``. For all ``-U <= v < n`` it is right if ``c / 2**s`` is added,
    which makes up for ``U * e / (n * 2**s)``, and ``c * n + n * e < 2**s``.
    """
    shift = 0
    while True:
        lines = [_proven(n, low, high, shift) for n in counts]
        exact = [line for line in lines if line is not None]
        if len(exact) == len(counts):
            multipliers, offsets, negative_offsets = zip(*exact, strict=True)
            return Lines(multipliers, offsets, negative_offsets, shift)
        shift += 1


def _proven(n: int, low: int, high: int, shift: int) -> tuple[int, int, int] | None:
    half, one = n // 2, 1 << shift
    multiplier = -(-one // n)
    error = multiplier * n - one
    greatest, smallest = max(0, high * n + half), max(0, half - low * n)
    makes_up = -(-smallest * error // n)
    if greatest * error >= one or makes_up * n + n * error >= one:
        return None
    return multiplier, half * multiplier, (n - 1 - half) * multiplier + makes_up


def counted(op: AveragePool, x: TensorType) -> Ints:
    """How many values each mean of ``op`` is of: shape (rows, columns) of the result."""
    y = op.out_type(x)
    sides = []
    for axis in (0, 1):
        first = np.arange(y.shape[axis]) * op.stride[axis] - op.padding[axis][0]
        sides.append(np.minimum(first + op.kernel[axis], x.shape[axis]) - np.maximum(first, 0))
    return np.asarray(sides[0][:, None] * sides[1], dtype=np.int64)


def averaged(op: AveragePool, x: TensorType) -> Divisors:
    """The divisions of ``op``, one for each number of places that its windows have in ``x``."""
    return divisors(tuple(np.unique(counted(op, x)).tolist()), x.dtype.min, x.dtype.max)
