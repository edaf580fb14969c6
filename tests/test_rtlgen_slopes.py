"""Slopes and offsets of lines through staircases, against all pairs of points as fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlgen.rounding import Ints
from rtlgen.slopes import Points, offset_ranges, roundest, slopes
from rtlgen.thresholds import Stairs

pytestmark = pytest.mark.slow  # it is exhaustive

FREE = (-(1 << 40), 1 << 40)


def staircase(first: int, low: int, steps: list[int], tail: int) -> Stairs:
    """One staircase that rises by one at each of the sums of ``steps`` above ``low``."""
    thresholds = low + np.cumsum(np.array(steps, dtype=np.int64))
    high = int(thresholds[-1]) + tail
    ends = (np.array([v], dtype=np.int64) for v in (0, low, high, first, first + len(steps)))
    return Stairs(*ends, thresholds[None])


def brute_force(stairs: Stairs, limits: tuple[int, int]) -> tuple[Fraction, Fraction | None]:
    k, t = stairs.k[0].tolist(), stairs.thresholds[0].tolist()
    lower = [*zip(t, k, strict=True)]
    upper = [(x - 1, k) for x, k in lower]
    if stairs.first[0] > limits[0]:
        lower.append((int(stairs.low[0]), int(stairs.first[0])))
    if stairs.last[0] < limits[1]:
        upper.append((int(stairs.high[0]), int(stairs.last[0]) + 1))
    low = max((Fraction(kl - ku, xl - xu) for xl, kl in lower for xu, ku in upper if xl > xu), default=Fraction(0))
    high = min((Fraction(ku - kl, xu - xl) for xl, kl in lower for xu, ku in upper if xl < xu), default=None)
    return max(low, Fraction(0)), high


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.one_of(st.integers(0, 3), st.integers(0, 1 << 20)), min_size=1, max_size=40).map(
        lambda s: [s[0] + 1, *s[1:]]
    ),
    st.integers(-50, 50),
    st.integers(-(1 << 20), 1 << 20),
    st.integers(0, 300),
    st.tuples(st.booleans(), st.booleans()),
)
def test_the_extreme_slopes_are_those_of_all_pairs(
    steps: list[int], first: int, low: int, tail: int, saturated: tuple[bool, bool]
) -> None:
    stairs = staircase(first, low, steps, tail)
    limits = (first if saturated[0] else FREE[0], first + len(steps) if saturated[1] else FREE[1])
    found = slopes(Points.of(stairs, limits))
    flattest, steepest = brute_force(stairs, limits)
    assert Fraction(int(found.low_numerator[0]), int(found.low_denominator[0])) == flattest
    if steepest is None:
        assert found.high_denominator[0] == 0 < found.high_numerator[0]
    else:
        assert Fraction(int(found.high_numerator[0]), int(found.high_denominator[0])) == steepest
    assert found.exist[0] == (steepest is None or flattest < steepest)


def test_slopes_are_compared_exactly() -> None:
    """Slopes that are the same double, and numbers whose products leave int64."""
    run = (1 << 50) + 1
    stairs = staircase(0, 0, [1, run, run - 1, run + 1], 5)
    found = slopes(Points.of(stairs, FREE))
    flattest, steepest = brute_force(stairs, FREE)
    assert Fraction(int(found.low_numerator[0]), int(found.low_denominator[0])) == flattest
    assert Fraction(int(found.high_numerator[0]), int(found.high_denominator[0])) == steepest


def test_staircases_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(0)
    several = [staircase(int(rng.integers(-9, 9)), 0, [1, *rng.integers(1, 99, n - 1).tolist()], 3) for n in (1, 5, 30)]
    width = max(len(stairs.thresholds[0]) for stairs in several)

    def padded(stairs: Stairs) -> Ints:
        return np.append(stairs.thresholds[0], np.repeat(stairs.high, width - len(stairs.thresholds[0])))

    names = ("row", "low", "high", "first", "last")
    columns = (np.concatenate([getattr(stairs, name) for stairs in several]) for name in names)
    together = slopes(Points.of(Stairs(*columns, np.stack([padded(stairs) for stairs in several])), FREE))
    for place, stairs in enumerate(several):
        alone = slopes(Points.of(stairs, FREE))
        for name in ("low_numerator", "low_denominator", "high_numerator", "high_denominator"):
            assert getattr(together, name)[place] == getattr(alone, name)[0]


@pytest.mark.parametrize("big", [0, 60])
def test_offsets_are_all_those_that_fit(big: int) -> None:
    """Also where the products leave int64."""
    points = Points.of(staircase(-1, -7, [3, 2, 3, 3, 2], 2), FREE)
    shift, multiplier = 6 + big, 24 << big
    (least,), (most,) = offset_ranges(points, [multiplier], [1 << shift])
    x = np.arange(-7, 9)
    expected = np.searchsorted(points.x[0, 1:-1], x, side="right") - 1
    assert least is not None
    assert most is not None
    for offset in (least - 1, least, most, most + 1):
        y = [(multiplier * int(v) + offset) >> shift for v in x]
        assert (y == expected.tolist()) == (least <= offset <= most)


def test_the_roundest_number_has_the_most_trailing_zeros() -> None:
    def zeros(value: int) -> int:
        return (value & -value).bit_length() if value else 99

    for least in range(-40, 40):
        for most in range(least, 40):
            found = roundest(least, most)
            assert least <= found <= most
            assert zeros(found) == max(zeros(value) for value in range(least, most + 1))
    assert (roundest(None, 5), roundest(-3, None), roundest(None, None)) == (5, -3, 0)
    with pytest.raises(ValueError, match=r"no integer in \[3, 2\]"):
        roundest(3, 2)
