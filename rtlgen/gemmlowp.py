"""The fixed-point functions behind TensorFlow Lite's softmax, as gemmlowp's ``fixedpoint.h`` spells them.

``Qm.n`` is an integer of 32 bits with ``n`` fraction bits. What hardware has to equal: golden has its own version, and
the two share no code. All functions take arrays of int64.
"""

from __future__ import annotations

import numpy as np

from rtlgen.rounding import Ints

_LARGEST = (1 << 31) - 1
_EXP_OF_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
_EXP_OF_MINUS_POWERS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
"""``exp(-2**e)`` in Q0.31."""
_48_OVER_17, _MINUS_32_OVER_17 = 1515870810, -1010580540
"""In Q2.29."""


def doubling_high_multiply(a: Ints, b: Ints | int) -> Ints:
    """``SaturatingRoundingDoublingHighMul``, of numbers of which not both are ``-2**31``."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division rounds towards zero, a shift downwards.
    return np.asarray((nudged + np.where(nudged < 0, _LARGEST, 0)) >> 31, dtype=np.int64)


def divide_by_power_of_two(x: Ints, exponent: int) -> Ints:
    """``RoundingDivideByPOT``: ties away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return np.asarray((x >> exponent) + ((x & mask) > threshold), dtype=np.int64)


def _shifted_left(x: Ints, exponent: int) -> Ints:
    return np.asarray(np.clip(x << exponent, -_LARGEST - 1, _LARGEST), dtype=np.int64)


def exp_on_negative_values(a: Ints) -> Ints:
    """``exp(a)`` in Q0.31 for ``a <= 0`` in Q5.26."""
    quarter = 1 << 24
    last = (a & (quarter - 1)) - quarter
    y = _exp_of_last_quarter(_shifted_left(last, 5))
    for power, factor in _EXP_OF_MINUS_POWERS.items():
        y = np.where((last - a) & (1 << (26 + power)), doubling_high_multiply(y, factor), y)
    return np.where(a == 0, _LARGEST, y)


def _exp_of_last_quarter(a: Ints) -> Ints:
    x = a + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3, x4 = doubling_high_multiply(x2, x), doubling_high_multiply(x2, x2)
    sixths = doubling_high_multiply(divide_by_power_of_two(x4, 2) + x3, _THIRD)
    series = x + divide_by_power_of_two(sixths + x2, 1)
    return _EXP_OF_MINUS_EIGHTH + doubling_high_multiply(series, _EXP_OF_MINUS_EIGHTH)


def one_over_one_plus_x(a: Ints) -> Ints:
    """``1 / (1 + a)`` in Q0.31 for a in [0, 1) in Q0.31, by three steps of Newton's."""
    half_denominator = (a + _LARGEST + 1) >> 1
    x = _48_OVER_17 + doubling_high_multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        rest = (1 << 29) - doubling_high_multiply(half_denominator, x)
        x = x + _shifted_left(doubling_high_multiply(x, rest), 2)
    return _shifted_left(x, 1)
