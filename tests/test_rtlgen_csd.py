"""Canonical signed digits: they make up the number, and no form has fewer."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlgen.csd import csd_digits, csd_split, trailing_zeros

fixed = settings(derandomize=True, deadline=None, max_examples=200)


def fewest_digits(limit):
    """Fewest signed powers of two that sum to each of 0 .. limit, by growing sums one digit at a time."""
    powers = [sign << position for position in range(limit.bit_length() + 2) for sign in (1, -1)]
    fewest = {0: 0}
    frontier = {0}
    while not all(n in fewest for n in range(limit + 1)):
        frontier = {n + power for n in frontier for power in powers if abs(n + power) <= 4 * limit} - fewest.keys()
        fewest |= dict.fromkeys(frontier, max(fewest.values()) + 1)
    return fewest


@pytest.mark.parametrize(
    ("n", "digits"), [(0, []), (1, [(0, 1)]), (-1, [(0, -1)]), (7, [(0, -1), (3, 1)]), (-6, [(1, 1), (3, -1)])]
)
def test_known_digits(n, digits):
    assert csd_digits(n) == digits


@fixed
@given(st.integers(-(2**100), 2**100))
def test_digits_sum_to_the_number_and_are_never_adjacent(n):
    digits = csd_digits(n)
    assert sum(sign << position for position, sign in digits) == n
    assert all(sign in (1, -1) for _, sign in digits)
    positions = [position for position, _ in digits]
    assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(positions))
    assert csd_digits(-n) == [(position, -sign) for position, sign in digits]


def test_no_form_has_fewer_digits():
    fewest = fewest_digits(600)
    assert [len(csd_digits(n)) for n in range(601)] == [fewest[n] for n in range(601)]


@fixed
@given(st.integers(-(2**40), 2**40).filter(lambda n: len(csd_digits(n)) >= 2))
def test_halves_share_the_digits(n):
    upper, lower = csd_split(n)
    assert upper + lower == n
    assert csd_digits(lower) + csd_digits(upper) == csd_digits(n)
    assert 0 <= len(csd_digits(upper)) - len(csd_digits(lower)) <= 1


def test_a_power_of_two_has_no_halves():
    with pytest.raises(ValueError, match="two or more signed digits, not 8"):
        csd_split(8)


@pytest.mark.parametrize("n", [1.0, True, "7", None])
def test_only_ints_have_digits(n):
    with pytest.raises(TypeError, match="an int, not of"):
        csd_digits(n)


def test_trailing_zeros():
    assert [trailing_zeros(n) for n in (0, 1, -1, 12, -8, 1 << 70)] == [0, 0, 0, 2, 3, 70]
