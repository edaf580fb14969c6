"""Rounding of fractions, and the arithmetics of requantization made of it."""

from __future__ import annotations

import struct
from fractions import Fraction
from math import floor


def half_up(value: Fraction) -> int:
    """To the nearest integer, ties up."""
    return floor(value + Fraction(1, 2))


def half_away(value: Fraction) -> int:
    """Ties away from zero."""
    return half_up(value) if value >= 0 else -half_up(-value)


def half_even(value: Fraction) -> int:
    """Ties to the even one."""
    low = floor(value)
    rest = value - low
    return low + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1))


def single(value: Fraction) -> Fraction:
    """The nearest number in IEEE single precision, ties to even."""
    if value == 0:
        return value
    exponent = 0
    while abs(value) / Fraction(2) ** exponent >= 2:
        exponent += 1
    while abs(value) / Fraction(2) ** exponent < 1 and exponent > -126:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    rounded = half_even(value / unit) * unit
    assert rounded == Fraction(struct.unpack("f", struct.pack("f", float(rounded)))[0])
    return rounded


def scaled(x: int, multiplier: int, shift: int, arithmetic: str) -> int:
    """``x * multiplier / 2**shift``, rounded as ``arithmetic`` says."""
    if arithmetic in ("half_up", "single"):
        return half_up(Fraction(x * multiplier, 2**shift))
    if arithmetic == "float32":
        return half_even(single(single(Fraction(x)) * single(Fraction(multiplier, 2**shift))))
    assert arithmetic == "tflm"
    exponent = 31 - shift
    doubled = x * 2 ** max(exponent, 0) * multiplier
    # As gemmlowp writes it: a nudge by sign, then C's division, which rounds towards zero.
    nudged = doubled + (2**30 if doubled >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    return half_away(Fraction(high, 2 ** max(-exponent, 0)))


def clip(value: int, limits: tuple[int, int]) -> int:
    """The nearest value within both ends."""
    return min(max(value, limits[0]), limits[1])
