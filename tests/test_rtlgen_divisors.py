"""Means of known counts are exact multiplications, as short as can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import IntType, TensorType
from golden.ops import AveragePool
from rtlgen.divisors import Divisors, averaged, counted, divisors, proven

pytestmark = pytest.mark.slow  # it is exhaustive

S8 = IntType(8, True)


def means(count: int, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """All sums of ``count`` values, and golden's mean of values with that sum."""
    total = np.arange(low * count, high * count + 1)
    share, more = np.divmod(total, count)
    x = share[:, None] + (np.arange(count) < more[:, None])
    return total, AveragePool((1, count))(x[:, None, :, None]).reshape(-1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 9, 16, 25, 64, 100, 125, 256])
@pytest.mark.parametrize("interval", [(-128, 127), (0, 255), (-8, 7), (-127, 0), (5, 5)])
def test_every_sum_gives_what_golden_gives(count: int, interval: tuple[int, int]) -> None:
    total, expected = means(count, *interval)
    np.testing.assert_array_equal(divisors((count,), *interval)(total, np.array(count)), expected)


@pytest.mark.parametrize(
    ("count", "multiplier", "shift"),
    [(1, 1, 0), (2, 1, 1), (4, 1, 2), (25, 1311, 15), (64, 1, 6), (125, 8389, 20), (256, 1, 8)],
)
def test_the_published_multipliers(count: int, multiplier: int, shift: int) -> None:
    lines = divisors((count,), -128, 127).lines
    assert (lines.multipliers, lines.shift) == ((multiplier,), shift)


def test_a_power_of_two_is_a_shift_with_ties_away_from_zero() -> None:
    lines = divisors((64,), -128, 127).lines
    assert (lines.offsets, lines.negative_offsets) == ((32,), (31,))


def test_no_smaller_shift_exists() -> None:
    for count in (3, 5, 6, 7, 9):
        total, expected = means(count, -8, 7)
        found = divisors((count,), -8, 7).lines
        for shift in range(found.shift):
            for m in range((2 << shift) + 1):
                for side in (total >= 0, total < 0):
                    offsets = np.arange(-(2 << shift), (2 << shift) + 1)[:, None]
                    if not (((m * total[side] + offsets) >> shift) == expected[side]).all(axis=1).any():
                        break
                else:
                    pytest.fail(f"{count}: {m} >> {shift}")


def test_several_counts_share_a_shift() -> None:
    found = divisors((9, 4, 6), -128, 127)
    assert found.counts == (4, 6, 9)
    for count in found.counts:
        total, expected = means(count, -128, 127)
        np.testing.assert_array_equal(found(total, np.array(count)), expected)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_pools_with_padding(data: st.DataObject) -> None:
    kernel = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(tuple(data.draw(st.integers(0, size - 1)) for _ in range(2)) for size in kernel)
    stride = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    op, x = AveragePool(kernel, stride, padding), TensorType((6, 5, 2), S8)
    stimulus = np.random.default_rng(0).integers(-128, 128, (20, *x.shape))
    count = counted(op, x)
    total = np.zeros((20, *op.out_type(x).shape), dtype=np.int64)
    for i, j in np.ndindex(*count.shape):
        top, left = (place * s - before for place, s, (before, _) in zip((i, j), stride, padding, strict=True))
        window = stimulus[:, max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]]
        assert window[0, ..., 0].size == count[i, j]
        total[:, i, j] = window.sum(axis=(1, 2))
    np.testing.assert_array_equal(averaged(op, x)(total, count[..., None]), op(stimulus))


@pytest.mark.parametrize("field", ["multipliers", "offsets", "negative_offsets"])
def test_a_wrong_constant_is_seen(field: str) -> None:
    right = divisors((25, 9), -128, 127)
    right.check(-128, 127)
    first, second = getattr(right.lines, field)
    wrong = replace(right.lines, **{field: (first, second + (1 << right.lines.shift - 5))})
    with pytest.raises(AssertionError, match="the mean of 25 values differs"):
        Divisors(right.counts, wrong).check(-128, 127)


@pytest.mark.parametrize(("low", "high"), [(-128, 127), (0, 255), (-20, -3), (0, 1)])
@pytest.mark.parametrize("counts", [(1,), (4, 6, 9), (125,), (64,), (2, 3, 49)], ids=str)
def test_proven_divisions_are_exact(counts: tuple[int, ...], low: int, high: int) -> None:
    Divisors(counts, proven(counts, low, high)).check(low, high)


def test_wide_sums_are_divided_by_proof() -> None:
    """Around every tie that there can be near some random results."""
    low, high, counts = -(1 << 39), (1 << 39) - 1, (4, 6, 7, 125)
    found = divisors(counts, low, high)
    means = np.random.default_rng(0).integers(low + 1, high, 2000)
    for count in counts:
        total = (means[:, None] * count + np.arange(-count, count + 1)).reshape(-1)
        expected = np.sign(total) * ((np.abs(total) + count // 2) // count)
        np.testing.assert_array_equal(found(total, np.array(count)), expected)
