"""Fixed-point functions of gemmlowp, on which TensorFlow Lite's integer kernels rest; ``Qm.n`` has n fraction bits.

Raw integers of 32 bits, held in int64. The algorithms are those of gemmlowp's ``fixedpoint.h``; the constants are its
constants, each ``round(value * 2**n)``.
"""

from __future__ import annotations

import numpy as np

from golden.types import IntArray

_ONE_Q31 = (1 << 31) - 1
_ONE_Q29 = 1 << 29
_MAX_16 = (1 << 15) - 1
_EXP_OF_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
_EXP_OF_MINUS_POWERS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
"""``exp(-2**e)`` in Q0.31 by e."""


def saturating_high(a: IntArray, b: IntArray | int) -> IntArray:
    """``rnd(a * b, 31)``, ties up: the rounding doubling high multiply; -2**31 squared does not occur here."""
    return np.asarray((a * b + (1 << 30)) >> 31, dtype=np.int64)


def rounding_divide_by_power_of_two(x: IntArray, exponent: IntArray | int) -> IntArray:
    """``x / 2**exponent`` to the nearest integer, ties away from zero."""
    bits = np.asarray(exponent, dtype=np.int64)
    half = np.left_shift(1, bits) >> 1
    return np.asarray((x + half - ((x < 0) & (bits > 0))) >> bits, dtype=np.int64)


def saturating_shift_left(x: IntArray, bits: int) -> IntArray:
    """``x * 2**bits``, saturated to 32 bits."""
    return np.asarray(np.clip(x << bits, -(1 << 31), (1 << 31) - 1), dtype=np.int64)


def exp_of_negative(a: IntArray, integer_bits: int = 5) -> IntArray:
    """``exp(a)`` in Q0.31 for ``a <= 0`` with up to 5 integer bits: a polynomial and products."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    last = (a & (quarter - 1)) - quarter
    rest = last - a
    y = _exp_of_last_quarter(saturating_shift_left(last, integer_bits))
    for exponent, factor in _EXP_OF_MINUS_POWERS:
        if exponent < integer_bits:
            y = np.where(rest & (1 << (fraction_bits + exponent)), saturating_high(y, factor), y)
    return np.where(a == 0, _ONE_Q31, y)


def _exp_of_last_quarter(a: IntArray) -> IntArray:
    """``exp(a)`` for a in [-1/4, 0), Q0.31: its Taylor polynomial of degree 4 around -1/8."""
    x = a + (1 << 28)
    x2 = saturating_high(x, x)
    x3, x4 = saturating_high(x2, x), saturating_high(x2, x2)
    quarter = rounding_divide_by_power_of_two(x4, 2)
    higher = saturating_high(quarter + x3, _THIRD) + x2
    polynomial = x + rounding_divide_by_power_of_two(higher, 1)
    return _EXP_OF_MINUS_EIGHTH + saturating_high(polynomial, _EXP_OF_MINUS_EIGHTH)


def reciprocal_of_one_plus(a: IntArray) -> IntArray:
    """``1 / (1 + a)`` in Q0.31 for a in [0, 1) in Q0.31."""
    return saturating_shift_left(_reciprocal_of_half_of_one_plus(a), 1)


def _reciprocal_of_half_of_one_plus(a: IntArray) -> IntArray:
    """``2 / (1 + a)`` in Q2.29 for a in [0, 1) in Q0.31: Newton's iteration on half the denominator."""
    half = (a + _ONE_Q31 + 1) >> 1
    x = 1515870810 + saturating_high(half, -1010580540)  # 48/17 - 32/17 * half
    for _ in range(3):
        error = _ONE_Q29 - saturating_high(half, x)
        x = x + saturating_shift_left(saturating_high(x, error), 2)
    return x


def logistic(a: IntArray) -> IntArray:
    """``1 / (1 + exp(-a))`` in Q0.31 for a in Q4.27."""
    y = reciprocal_of_one_plus(exp_of_negative(-np.abs(a), 4))
    return np.where(a == 0, 1 << 30, np.where(a > 0, y, _ONE_Q31 - y))


def tanh(a: IntArray) -> IntArray:
    """``(1 - exp(-2a)) / (1 + exp(-2a))`` in Q0.31 for a in Q4.27, which is 2a in Q5.26."""
    y = saturating_shift_left(_reciprocal_of_half_of_one_plus(exp_of_negative(-np.abs(a))) - _ONE_Q29, 2)
    return np.sign(a) * y


def to_16_bits(multiplier: int) -> int:
    """A multiplier of 31 bits in 15, rounded, at most 32767 (``DownScaleInt32ToInt16Multiplier``)."""
    return _MAX_16 if multiplier >= (_MAX_16 << 16) else (multiplier + (1 << 15)) >> 16


def hard_swish(x: IntArray, multipliers: tuple[int, int], exponents: tuple[int, int]) -> IntArray:
    """``x * relu6(x + 3) / 6`` as TensorFlow Lite computes it in 16 bits (``reference_ops::HardSwish``).

    ``x`` are integers of 9 bits, their zero point taken off. They are scaled by ``multiplier / 2**15 * 2**exponent``:
    by the first pair to the output, by the second to where 32768 stands for 3.
    """
    (output, reluish), (output_exponent, reluish_exponent) = multipliers, exponents
    fine = x << 7
    y = _saturating_high_16(fine, output)
    relu = fine
    if reluish_exponent > 0:
        relu = _saturating_shift_left_16(relu, reluish_exponent - 1)
    relu = _saturating_high_16(relu, reluish)
    if reluish_exponent > 0:
        relu = _saturating_shift_left_16(relu, 1)
    if reluish_exponent < 0:
        relu = rounding_divide_by_power_of_two(relu, -reluish_exponent)
    relu = (relu + (1 << 15)) >> 1
    product = relu * y
    truncated = np.sign(product) * (np.abs(product) >> 15)
    return rounding_divide_by_power_of_two(truncated, -output_exponent)


def _saturating_high_16(a: IntArray, b: int) -> IntArray:
    """``rnd(a * b, 15)``, ties up, as ``saturating_high``."""
    return (a * b + (1 << 14)) >> 15


def _saturating_shift_left_16(x: IntArray, bits: int) -> IntArray:
    return np.asarray(np.clip(x << bits, -(1 << 15), _MAX_16), dtype=np.int64)
