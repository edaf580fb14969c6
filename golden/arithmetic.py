"""Multiplying integers by a real scale: the ways of rounding, each as exact integer arithmetic.

A scale is ``multiplier / 2**shift``, both integers, the shift 0 to 62. With ``rnd(v, s) = (v + 2**(s-1)) >> s`` (``v``
itself for ``s = 0``):

``half_up``
    ``rnd(x * m, s)``: one rounding, ties up. Our own quantizer's default.
``single``
    The same equation, with the multipliers of 31 bits that TensorFlow Lite's files imply
    (``MultiplyByQuantizedMultiplier`` built with ``TFLITE_SINGLE_ROUNDING``).
``tflm``
    TensorFlow Lite Micro (gemmlowp): ``v = rnd((x << left) * m, 31)``, a saturating rounding doubling high multiply,
    then a rounding division by ``2**right``, ties away from zero, where ``left - right = 31 - s``, one of them zero.
``float32``
    ONNX Runtime: ``x`` and the scale are IEEE single precision numbers, so is their product, and it is rounded to the
    nearest integer, ties to even (``QLinearConv``, ``QuantizeLinear``, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp

import numpy as np

from golden.types import MAX_BITS, IntArray, IntType, TensorType

TFLITE_MULTIPLIER_BITS = 31
_INT32 = IntType(32, True)
_FLOAT32_SIGNIFICAND_BITS = 24


def half_up(x: IntArray, multiplier: IntArray, shift: IntArray) -> IntArray:
    """``(x * m + 2**(s - 1)) >> s``, shapes broadcast; for ``s = 0`` nothing is rounded."""
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    y: IntArray = np.asarray(x * multiplier)
    y += half
    y >>= shift
    return y


def tflm(x: IntArray, multiplier: IntArray, shift: IntArray) -> IntArray:
    """The two roundings of gemmlowp, shapes broadcast; see the text above.

    The high multiply is published with a nudge of ``1 - 2**30`` and a division towards zero for negative products. That
    is ``floor((p + 2**30) / 2**31)``, as for positive ones. Its saturation needs two operands of ``-2**31``, and a
    multiplier is never negative.
    """
    exponent = TFLITE_MULTIPLIER_BITS - shift
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    y: IntArray = np.asarray((x << left) * multiplier) if left.any() else np.asarray(x * multiplier)
    y += 1 << (TFLITE_MULTIPLIER_BITS - 1)
    y >>= TFLITE_MULTIPLIER_BITS
    if right.any():
        # Half of the divisor, and one less for negative numbers: ties go away from zero. Nothing where it is 1.
        one_less = y >> 63
        if not right.all():
            one_less *= right > 0
        y += one_less
        y += (np.int64(1) << right) >> 1
        y >>= right
    return y


def float32(x: IntArray, multiplier: IntArray, shift: IntArray) -> IntArray:
    """The nearest integer to a product in single precision, ties to even; shapes broadcast."""
    scale = np.ldexp(multiplier.astype(np.float64), -shift).astype(np.float32)
    return np.asarray(np.rint(x.astype(np.float32) * scale), dtype=np.int64)


ARITHMETICS: dict[str, Callable[[IntArray, IntArray, IntArray], IntArray]] = {
    "half_up": half_up,
    "tflm": tflm,
    "single": half_up,
    "float32": float32,
}
"""Rounding by name: ``(x, multiplier, shift) -> scaled x``, before a zero point is added and before saturation."""


def check_arithmetic(name: str, what: str) -> None:
    """Raises ValueError unless ``name`` is one of ``ARITHMETICS``; ``what`` has it."""
    if name not in ARITHMETICS:
        raise ValueError(f"the arithmetic of {what} must be one of {', '.join(ARITHMETICS)}, not {name!r}")


def check_scale(multiplier: IntArray, shift: IntArray, arithmetic: str, what: str) -> None:
    """Raises ValueError for a scale that ``arithmetic`` cannot have; ``what`` has it."""
    if int(multiplier.min()) < 0:
        raise ValueError(f"the multiplier of {what} must not be negative, not {int(multiplier.min())}")
    if int(shift.min()) < 0 or int(shift.max()) >= MAX_BITS:
        raise ValueError(f"the shift of {what} must lie in 0..{MAX_BITS - 1}, not {shift.min()}..{shift.max()}")
    limits = {"tflm": TFLITE_MULTIPLIER_BITS, "single": TFLITE_MULTIPLIER_BITS, "float32": _FLOAT32_SIGNIFICAND_BITS}
    bits = int(multiplier.max()).bit_length()
    if bits > limits.get(arithmetic, MAX_BITS):
        raise ValueError(f"the multiplier of {what} in {arithmetic} must fit {limits[arithmetic]} bits, not {bits}")


def scaled_interval(
    low: int, high: int, multiplier: IntArray, shift: IntArray, arithmetic: str, what: str, zero_point: int = 0
) -> tuple[int, int]:
    """Smallest and largest scaled value over ``[low, high]`` and all channels: every arithmetic is monotone.

    ``zero_point`` is what will be added to it, and counts among what has to fit.

    Raises:
        ValueError: if a step on the way could leave what the arithmetic computes in: int64, or int32 before the high
            multiply of ``tflm``.
    """
    largest, widest = max(abs(low), abs(high)), int(multiplier.max())
    needed = (largest * widest + (1 << int(shift.max()) >> 1) + abs(zero_point)).bit_length() + 1
    if arithmetic == "tflm":
        left = max(0, TFLITE_MULTIPLIER_BITS - int(shift.min()))
        if not _INT32.holds(IntType.holding(low << left, high << left)):
            raise ValueError(
                f"{what} in tflm takes at most s32, but [{low}, {high}] shifted left by {left} does not fit: "
                "the reference would overflow"
            )
    elif arithmetic == "float32":
        scaled_bits = largest.bit_length() + max(0, widest.bit_length() - int(shift.min()))
        needed = 1 + ((1 << scaled_bits) + abs(zero_point)).bit_length()
    needed = max(needed, 1 + largest.bit_length())  # before a multiplier of zero makes it small
    if needed > MAX_BITS + 1:
        raise ValueError(
            f"{what} by a multiplier of {widest.bit_length()} bits with the zero point {zero_point} needs {needed} "
            f"bits, the golden model has {MAX_BITS + 1}"
        )
    ends = [
        ARITHMETICS[arithmetic](np.asarray(end, dtype=np.int64), np.atleast_1d(multiplier), np.atleast_1d(shift))
        for end in (low, high)
    ]
    return int(ends[0].min()), int(ends[1].max())


def tflite_scale(real: float) -> tuple[int, int]:
    """The multiplier of 31 bits and the shift that TensorFlow Lite makes of a scale (``QuantizeMultiplier``).

    A scale below ``2**-32``, of which the multiplier would be shifted out, becomes zero.

    Raises:
        ValueError: for a scale that is not finite, negative, or ``2**31`` or more.
    """
    if not 0.0 <= real < float("inf"):
        raise ValueError(f"a scale must be finite and not negative, not {real}")
    if real == 0.0:
        return 0, TFLITE_MULTIPLIER_BITS
    fraction, exponent = frexp(real)
    multiplier = int(np.floor(fraction * 2.0**TFLITE_MULTIPLIER_BITS + 0.5))
    if multiplier == 1 << TFLITE_MULTIPLIER_BITS:
        multiplier, exponent = multiplier // 2, exponent + 1
    if exponent < -TFLITE_MULTIPLIER_BITS:
        return 0, TFLITE_MULTIPLIER_BITS
    if exponent > TFLITE_MULTIPLIER_BITS:
        raise ValueError(f"a scale must be below 2**{TFLITE_MULTIPLIER_BITS}, not {real:g}")
    return multiplier, TFLITE_MULTIPLIER_BITS - exponent


def float32_scale(real: float) -> tuple[int, int]:
    """A single precision number as ``(multiplier, shift)``: exactly ``real`` rounded to 24 significant bits.

    Raises:
        ValueError: for a scale that is not finite, not positive, or so far from 1 that the shift leaves 0..62.
    """
    single = float(np.float32(real))
    if not 0.0 < single < float("inf"):
        raise ValueError(f"a scale must be positive and finite in single precision, not {real}")
    fraction, exponent = frexp(single)
    multiplier, shift = int(fraction * 2.0**_FLOAT32_SIGNIFICAND_BITS), _FLOAT32_SIGNIFICAND_BITS - exponent
    while shift >= MAX_BITS and multiplier % 2 == 0:
        multiplier, shift = multiplier // 2, shift - 1
    if shift < 0:
        multiplier, shift = multiplier << -shift, 0
    if shift >= MAX_BITS or multiplier.bit_length() > _FLOAT32_SIGNIFICAND_BITS:
        raise ValueError(f"a scale must lie in about 2**-39..2**23, not {real:g}")
    return multiplier, shift


def check_shape_of_scale(multiplier: IntArray, shift: IntArray, what: str) -> None:
    """Raises ValueError unless both are scalars or both have one number a channel."""
    if multiplier.shape != shift.shape or multiplier.ndim > 1:
        raise ValueError(
            f"multiplier and shift of {what} must both be scalars or both have shape (channels,), "
            f"not {multiplier.shape} and {shift.shape}"
        )
    if not multiplier.size:
        raise ValueError(f"multiplier and shift of {what} must have at least one channel, not shape (0,)")


def same_channels(multiplier: IntArray, x: TensorType, what: str) -> None:
    """Raises ValueError if there is a multiplier per channel, but not per channel of ``x``."""
    if multiplier.shape and multiplier.shape[0] != x.inner:
        raise ValueError(f"{what} with {multiplier.shape[0]} channels cannot take {x}")
