"""Softmax as the runtimes compute it, statement by statement."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import floor, isqrt
from typing import Any

from sim.oracles.nested import at, build, shape_of
from sim.oracles.rounding import clip, half_away, half_even, single


def softmax(op: Any, x: Any) -> Any:
    """Along the innermost dimension, in the arithmetic of the op."""
    shape = shape_of(x)

    def value(index: tuple[int, ...]) -> int:
        *outer, c = index
        row = [at(x, (*outer, i)) for i in range(shape[-1])]
        return (softmax_of if op.arithmetic == "tflm" else single_softmax_of)(op, row)[c]

    return build(shape, value)


def softmax_of(op: Any, row: list[int]) -> list[int]:
    """TensorFlow Lite Micro's softmax, statement by statement as its C++ has it, in unlimited integers."""

    def srdhm(a: int, b: int) -> int:
        whole = a * b
        nudged = whole + (2**30 if whole >= 0 else 1 - 2**30)
        return abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)

    def pot(x: int, exponent: int) -> int:
        return half_away(Fraction(x, 2**exponent))

    def saturate(x: int) -> int:
        return clip(x, (-(2**31), 2**31 - 1))

    def exp(a: int) -> int:
        if a == 0:
            return 2**31 - 1
        last = a % 2**24 - 2**24
        x = saturate(last * 2**5) + 2**28
        x2 = srdhm(x, x)
        x3, x4 = srdhm(x2, x), srdhm(x2, x2)
        rest = pot(srdhm(pot(x4, 2) + x3, 715827883) + x2, 1)
        y = 1895147668 + srdhm(1895147668, x + rest)
        factors = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
        for exponent, factor in factors.items():
            if (last - a) >> (26 + exponent) & 1:
                y = srdhm(y, factor)
        return y

    left = 31 - op.shift
    radius = floor(Fraction(31 * 2**26, 2**left))
    largest = max(row)
    terms = [exp(srdhm((v - largest) * 2**left, op.multiplier)) if largest - v <= radius else None for v in row]
    total = sum(pot(term, 12) for term in terms if term is not None)
    headroom = 32 - total.bit_length()
    a = total * 2**headroom - 2**31
    half = floor(Fraction(a + 2**31 - 1 + 1, 2))
    x = 1515870810 + srdhm(half, -1010580540)
    for _ in range(3):
        x += saturate(srdhm(x, 2**29 - srdhm(half, x)) * 4)
    scale = saturate(x * 2)
    exponent = 12 - headroom + 31 - 8
    return [-128 if term is None else clip(pot(srdhm(scale, term), exponent) - 128, (-128, 127)) for term in terms]


def single_softmax_of(op: Any, row: list[int]) -> list[int]:
    """TensorFlow Lite's softmax on x86, statement by statement, each result rounded to single precision."""
    assert op.arithmetic == "float32"
    terms = [expf(single(Fraction(op.multiplier, 2**op.shift) * (v - max(row)))) for v in row]
    total = Fraction(0)
    for term in terms:
        total = single(total + term)
    inverse = single(1 / single(total / 256))
    return [clip(half_away(single(term * inverse)) - 128, (-128, 127)) for term in terms]


@cache
def expf(x: Fraction) -> Fraction:
    """``exp(x)`` as the C library approximates it, rounded once, where its double precision rounds at every step."""
    if x < Fraction(float.fromhex("-0x1.9fe368p6")):
        return Fraction(0)
    c0, c1, c2, inverse_of_ln2 = (
        Fraction(float.fromhex(digits))
        for digits in ("0x1.c6af84b912394p-5", "0x1.ebfce50fac4f3p-3", "0x1.62e42ff0c52d6p-1", "0x1.71547652b82fep0")
    )
    z = x * inverse_of_ln2 * 32
    k = half_even(z)
    r = (z - k) / 32
    power = 2 ** (k % 32 + 32 * 100)
    for _ in range(5):
        power = isqrt(power)
    table = Fraction(float(Fraction(power, 2**100)))
    return single((c0 * r**3 + c1 * r**2 + c2 * r + 1) * table * Fraction(2) ** (k // 32))
