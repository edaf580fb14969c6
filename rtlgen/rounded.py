"""Multiplication by a constant scale, literally: for what is too wide for tables, and has to be exact all the same.

A scale is ``multiplier / 2**shift``. With one rounding ties go up. ``tflm`` has two: a high multiply by ``2**-31`` with
ties up, and for the rest of the shift a division with ties away from zero.
"""

from __future__ import annotations

from rtlgen.pipeline import Step
from rtlgen.tensor import HDLTensor

_HIGH_BITS = 31
"""What the high multiply of ``tflm`` shifts by."""
ARITHMETICS = ("half_up", "single", "tflm")


def scale_steps(arithmetic: str, multiplier: int, shift: int) -> list[Step]:
    """The steps of a scale: a constant product of shifts and adders, then what rounds; as many for every scale."""

    def multiply(x: HDLTensor) -> HDLTensor:
        return x * (multiplier << left)

    def high(product: HDLTensor) -> HDLTensor:
        return product.rounding_shift(_HIGH_BITS)

    def divide(x: HDLTensor) -> HDLTensor:
        if right == 0:
            return x
        half = 1 << (right - 1)
        return (x + HDLTensor.where(x < 0, half - 1, half)) >> right

    assert arithmetic in ARITHMETICS, arithmetic
    if arithmetic == "tflm":
        left, right = max(_HIGH_BITS - shift, 0), max(shift - _HIGH_BITS, 0)
        return [multiply, high, divide]
    left = 0
    return [multiply, lambda product: product.rounding_shift(shift)]
