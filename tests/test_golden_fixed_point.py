"""The fixed-point functions against the same algorithms in Python's integers, number by number, and against reals."""

import math
from fractions import Fraction

import numpy as np
import pytest

from golden import fixed_point

MIN32, MAX32 = -(1 << 31), (1 << 31) - 1


def nearest(real, away):
    """A Fraction as the nearest integer; ties away from zero, or up."""
    down = math.floor(real)
    rest = real - down
    if rest != Fraction(1, 2):
        return down + (rest > Fraction(1, 2))
    return down + 1 if real > 0 or not away else down


def high(a, b):
    return min(nearest(Fraction(a * b, 1 << 31), away=False), MAX32)


def divided(x, exponent):
    return nearest(Fraction(x, 1 << exponent), away=True)


def shifted(x, bits):
    return max(MIN32, min(MAX32, x * 2**bits))


def exp_of_negative(a, integer_bits):
    """``exp_on_negative_values`` of gemmlowp's fixedpoint.h, its constants computed."""
    if a == 0:
        return MAX32
    one = 1 << (31 - integer_bits)
    last = a % (one // 4) - one // 4
    x = shifted(last, integer_bits) + (1 << 28)
    x2 = high(x, x)
    x3, x4 = high(x2, x), high(x2, x2)
    third = nearest(Fraction(1 << 31, 3), away=True)
    inner = divided(high(divided(x4, 2) + x3, third) + x2, 1)
    eighth = round(math.exp(-1 / 8) * 2**31)
    y = eighth + high(eighth, x + inner)
    rest = last - a
    for exponent in range(-2, integer_bits):
        if rest & int(one * 2.0**exponent):
            y = high(y, round(math.exp(-(2.0**exponent)) * 2**31))
    return y


def half_reciprocal(a):
    """Newton's iteration of ``one_over_one_plus_x_for_x_in_0_1``, in Q2.29."""
    half = (a + MAX32 + 1) // 2
    x = round(48 / 17 * 2**29) + high(half, round(-32 / 17 * 2**29))
    for _ in range(3):
        x += shifted(high(x, (1 << 29) - high(half, x)), 2)
    return x


def logistic(a):
    if a == 0:
        return 1 << 30
    y = shifted(half_reciprocal(exp_of_negative(-abs(a), 4)), 1)
    return y if a > 0 else MAX32 - y


def tanh(a):
    if a == 0:
        return 0
    y = shifted(half_reciprocal(exp_of_negative(-abs(a), 5)) - (1 << 29), 2)
    return y if a > 0 else -y


def arguments(seed):
    random = np.random.default_rng(seed)
    corners = [0, 1, -1, 1 << 25, -(1 << 25), (1 << 25) - 1, MAX32, MIN32 + 1, 1 << 30, -(1 << 30)]
    return [
        *corners,
        *random.integers(MIN32 + 1, MAX32, 300).tolist(),
        *random.integers(-(1 << 27), 1 << 27, 300).tolist(),
    ]


def check(function, oracle, numbers):
    made = function(np.array(numbers, dtype=np.int64))
    np.testing.assert_array_equal(made, [oracle(number) for number in numbers])


@pytest.mark.parametrize("integer_bits", [4, 5])
def test_exp_of_negative_numbers(integer_bits):
    numbers = [-abs(number) for number in arguments(0)]
    check(lambda a: fixed_point.exp_of_negative(a, integer_bits), lambda a: exp_of_negative(a, integer_bits), numbers)
    for number in numbers:
        real = math.exp(number / (1 << (31 - integer_bits)))
        assert abs(exp_of_negative(number, integer_bits) / 2**31 - real) < 3e-7


def test_logistic():
    check(fixed_point.logistic, logistic, arguments(1))
    for number in arguments(1):
        assert abs(logistic(number) / 2**31 - 1 / (1 + math.exp(-number / 2**27))) < 1e-6


def test_tanh():
    check(fixed_point.tanh, tanh, arguments(2))
    for number in arguments(2):
        assert abs(tanh(number) / 2**31 - math.tanh(number / 2**27)) < 1e-6


def test_reciprocal():
    numbers = [abs(number) for number in arguments(3)]
    check(fixed_point.reciprocal_of_one_plus, lambda a: shifted(half_reciprocal(a), 1), numbers)


@pytest.mark.parametrize("exponent", [0, 1, 2, 8, 30])
def test_rounding_division(exponent):
    check(
        lambda x: fixed_point.rounding_divide_by_power_of_two(x, exponent),
        lambda x: divided(x, exponent),
        [*arguments(4), *range(-40, 40)],
    )


@pytest.mark.parametrize(
    "multiplier", [1 << 30, (1 << 30) + 32767, (1 << 30) + 32768, MAX32 - 32768, MAX32 - 32769, MAX32]
)
def test_multipliers_of_16_bits(multiplier):
    assert fixed_point.to_16_bits(multiplier) == min(32767, nearest(Fraction(multiplier, 1 << 16), away=True))


def hard_swish(x, multipliers, exponents):
    """``reference_ops::HardSwish``, its 16-bit steps."""

    def high16(a, b):
        return nearest(Fraction(a * b, 1 << 15), away=False)

    def left16(value, bits):
        return max(-32768, min(32767, value * 2**bits))

    fine = x * 128
    y = high16(fine, multipliers[0])
    relu = left16(fine, exponents[1] - 1) if exponents[1] > 0 else fine
    relu = high16(relu, multipliers[1])
    if exponents[1] > 0:
        relu = left16(relu, 1)
    elif exponents[1] < 0:
        relu = divided(relu, -exponents[1])
    relu = (relu + 32768) // 2
    return divided(int(Fraction(relu * y, 1 << 15)), -exponents[0])  # int() cuts towards zero


@pytest.mark.parametrize("exponents", [(0, 0), (-3, 2), (-7, -4), (-15, 9), (-1, 15)])
@pytest.mark.parametrize("multipliers", [(16384, 32767), (32767, 16384), (20001, 27001)])
def test_hard_swish(multipliers, exponents):
    check(
        lambda x: fixed_point.hard_swish(x, multipliers, exponents),
        lambda x: hard_swish(x, multipliers, exponents),
        list(range(-255, 256)),
    )
