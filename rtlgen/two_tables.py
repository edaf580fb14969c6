"""A sum of two scaled bytes as two tables and one addition: ``y = clamp((A[a] + B[b]) >> s)``, without a multiplier.

For every pair of inputs the result says that ``y 2**s <= A[a] + B[b] <= (y + 1) 2**s - 1``, one side only where it is
clamped. With ``C = -B`` these are bounds on differences, ``A[a] - C[b] <= u`` and ``C[b] - A[a] <= -l``, and such a
system has a solution, in integers, if and only if its graph has no negative cycle: shortest paths (Bellman and Ford)
are one. What has a solution with ``s`` has one with ``s + 1``, so bisection finds the smallest; 6 to 8 is usual. How
the sum rounds and scales does not matter: every arithmetic is tried in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops import Add
from rtlgen.rounding import Ints, scaled

_MOST_ENTRIES = 256
LARGEST_SHIFT = 12
"""What is searched: a few bits more than was ever needed."""
_FREE = 1 << 48
"""A bound that is none: more than any path through all nodes."""

Interval = tuple[int, int]


@dataclass(frozen=True)
class TwoTables:
    """``y = clamp((a_table[a - a_low] + b_table[b - b_low]) >> shift)``

    Args:
        a_table, b_table: an entry for every value of the input's interval; the smallest of ``a_table`` is zero.
        limits: what ``y`` is clamped to.
    """

    a_table: tuple[int, ...]
    b_table: tuple[int, ...]
    a_low: int
    b_low: int
    shift: int
    limits: Interval

    def __call__(self, a: Ints, b: Ints) -> Ints:
        """What the datapath gives; shapes broadcast."""
        first, second = np.array(self.a_table, dtype=np.int64), np.array(self.b_table, dtype=np.int64)
        y: Ints = (first[np.asarray(a) - self.a_low] + second[np.asarray(b) - self.b_low]) >> self.shift
        return np.clip(y, *self.limits)

    def check(self, results: Ints) -> None:
        """Raises AssertionError where it does not give ``results``, shape (values of a, values of b)."""
        a, b = (low + np.arange(size) for low, size in zip((self.a_low, self.b_low), results.shape, strict=True))
        wrong = np.argwhere(self(a[:, None], b) != results)
        if wrong.size:
            first, second = wrong[0].tolist()
            raise AssertionError(f"two tables differ at ({a[first]}, {b[second]}) and at {len(wrong) - 1} other pairs")


def two_tables(op: Add, a: Interval, b: Interval) -> TwoTables:
    """The two tables of the smallest shift that equal ``op`` on every pair of inputs, all of which are tried.

    Args:
        a, b: smallest and largest input, at most 256 values each.

    Raises:
        NotImplementedError: for more values, or where there are no tables with a shift of up to ``LARGEST_SHIFT``.
    """
    for low, high in (a, b):
        if high - low >= _MOST_ENTRIES:
            raise NotImplementedError(
                f"Add has no hardware for inputs of more than {_MOST_ENTRIES} values, not [{low}, {high}]"
            )
    results = sums(op, a, b)
    found = separated(results, op.limits)
    if found is None:
        raise NotImplementedError(
            f"Add has no hardware for these scales in {op.arithmetic}: no two tables with a shift of up to "
            f"{LARGEST_SHIFT} equal it"
        )
    first, second, shift = found
    tables = TwoTables(tuple(first.tolist()), tuple(second.tolist()), a[0], b[0], shift, op.limits)
    tables.check(results)
    return tables


def sums(op: Add, a: Interval, b: Interval) -> Ints:
    """What ``op`` gives for every pair of inputs, shape (values of a, values of b)."""
    first, second = (
        scaled(op.arithmetic, (np.arange(low, high + 1) - zero_point) << op.left_shift, np.array(m), np.array(s))
        for (low, high), zero_point, m, s in zip((a, b), op.x_zero_points, op.x_multipliers, op.x_shifts, strict=True)
    )
    total = first[:, None] + (-second if op.subtract else second)
    y = scaled(op.arithmetic, total, np.array(op.multiplier), np.array(op.shift))
    return np.clip(y + op.zero_point, *op.limits)


def separated(results: Ints, limits: Interval) -> tuple[Ints, Ints, int] | None:
    """Tables ``A``, ``B`` and the smallest shift for which ``clamp((A[i] + B[j]) >> shift)`` is ``results[i, j]``.

    None where there are none with a shift of up to ``LARGEST_SHIFT``.
    """
    found, low, high = None, -1, LARGEST_SHIFT + 1
    while high - low > 1:
        shift = min((low + high) // 2, low + 8)
        tables = _potentials(results, limits, shift)
        if tables is None:
            low = shift
        else:
            found, high = (*tables, shift), shift
    return found


def _potentials(results: Ints, limits: Interval, shift: int) -> tuple[Ints, Ints] | None:
    """Tables for one shift, if there are any, the smallest entry of the first being zero."""
    least = np.where(results > limits[0], results << shift, -_FREE)
    most = np.where(results < limits[1], ((results + 1) << shift) - 1, _FREE)
    first, second = (np.zeros(size, dtype=np.int64) for size in results.shape)  # of A, and of C = -B
    for _ in range(sum(results.shape) + 1):
        shorter = np.minimum(first, (second + most).min(axis=1))
        second_shorter = np.minimum(second, (shorter[:, None] - least).min(axis=0))
        if np.array_equal(shorter, first) and np.array_equal(second_shorter, second):
            base = first.min()
            return first - base, base - second
        first, second = shorter, second_shorter
    return None  # a path that visits a node twice still became shorter
