"""Encodings from ranges, and the fixed-point numbers that lead from one encoding to another."""

from __future__ import annotations

import numpy as np

from golden.encoding import Encoding
from golden.types import FloatArray, IntArray, IntType

MULTIPLIER_BITS = 17
_LARGEST_SHIFT = 62


def input_encoding(x: FloatArray, dtype: IntType, per_feature: bool, power: bool, symmetric: bool) -> Encoding:
    """Of features, (samples, features), min-max, each or for all; a range need not contain zero, nothing pads here.

    A constant feature is encoded from zero to its value; one that is constantly zero as fine as the finest other.
    """
    axis = 0 if per_feature else None
    low, high = np.asarray(x.min(axis=axis)), np.asarray(x.max(axis=axis))
    if symmetric:
        high = np.maximum(np.abs(low), np.abs(high))
        low = -high
    constant = high - low <= 1e-9 * np.maximum(np.abs(low), np.abs(high))
    low, high = np.where(constant, np.minimum(low, 0.0), low), np.where(constant, np.maximum(high, 0.0), high)
    span = high - low
    span = np.where(span > 0, span, span[span > 0].min(initial=np.inf))
    span = np.where(np.isfinite(span), span, float(dtype.max - dtype.min))
    if symmetric:
        return Encoding(_rounded_up(span / 2.0 / dtype.max, power), np.zeros(span.shape, dtype=np.int64))
    return _affine(low, high, dtype, _rounded_up(span / (dtype.max - dtype.min), power))


def activation_encoding(low: float, high: float, dtype: IntType, step: float, power: bool, symmetric: bool) -> Encoding:
    """Of a whole tensor with a range that includes zero; one that is always zero gets ``step``."""
    if symmetric:
        largest = max(-low, high)
        scale = _rounded_up(np.asarray(largest / dtype.max), power) if largest > 0 else np.asarray(step)
        return Encoding(scale, np.asarray(0))
    span = np.asarray(high) - np.asarray(low)
    scale = _rounded_up(span / (dtype.max - dtype.min), power) if high > low else np.asarray(step)
    encoding = _affine(np.asarray(low), np.asarray(high), dtype, scale)
    return Encoding(scale, np.clip(encoding.zero_point, dtype.min, dtype.max))


def multipliers(ratio: FloatArray, power: bool) -> tuple[IntArray, IntArray]:
    """Multiplier and shift of each ratio from one scale to another, ``ratio = multiplier / 2**shift``.

    Fixed-point numbers of one common shift, the largest of which just fits 17 bits; with ``power``, where all ratios
    are powers of two, shifts of their own with the multiplier 1, or above 1 multipliers with the shift 0. (A mean of 30
    elements has a ratio that is none: it needs a multiplier all the same.)

    Raises:
        ValueError: where a ratio is beyond that.
    """
    return _shifts(ratio) if power and not np.any(np.log2(ratio) % 1) else _multipliers(ratio)


def on_one_shift(ratio: FloatArray) -> tuple[list[int], int]:
    """Multipliers of several ratios and the shift that they share, as small as they can be; 0 for one far below."""
    multiplier, shifts = _multipliers(ratio)
    shift = int(shifts.max())
    while shift and not np.any(multiplier % 2):
        multiplier, shift = multiplier // 2, shift - 1
    return [int(m) for m in multiplier], shift


def _rounded_up(scale: FloatArray, power: bool) -> FloatArray:
    """``scale``, or the next power of two."""
    return np.asarray(np.exp2(np.ceil(np.log2(scale))) if power else scale, dtype=np.float64)


def _affine(low: FloatArray, high: FloatArray, dtype: IntType, scale: FloatArray) -> Encoding:
    """The range in the middle of the integers; from its lowest integer where the range begins at zero."""
    middle = np.floor(0.5 * (dtype.min + dtype.max) - 0.5 * (low + high) / scale + 0.5)
    return Encoding(scale, np.where(low == 0.0, dtype.min, middle).astype(np.int64))


def _multipliers(ratio: FloatArray) -> tuple[IntArray, IntArray]:
    largest = float(np.max(ratio))
    shift = min(MULTIPLIER_BITS - 1 - int(np.floor(np.log2(largest))), _LARGEST_SHIFT)
    if np.floor(largest * 2.0**shift + 0.5) >= 2**MULTIPLIER_BITS:
        shift -= 1
    multiplier = np.floor(ratio * 2.0**shift + 0.5).astype(np.int64)
    if shift < 0 or multiplier.max() == 0:
        raise ValueError(
            f"the scale from accumulator to output is {largest:g}, beyond a multiplier of {MULTIPLIER_BITS} bits "
            f"and a shift of 0..{_LARGEST_SHIFT}: calibration with more typical samples may help"
        )
    return multiplier, np.full_like(multiplier, shift)


def _shifts(ratio: FloatArray) -> tuple[IntArray, IntArray]:
    exponent = np.round(np.log2(ratio)).astype(np.int64)
    if exponent.max() >= MULTIPLIER_BITS or exponent.min() < -_LARGEST_SHIFT:
        raise ValueError(
            f"the scale from accumulator to output is 2**{exponent.max()}, beyond a multiplier of {MULTIPLIER_BITS} "
            f"bits and a shift of 0..{_LARGEST_SHIFT}: calibration with more typical samples may help"
        )
    return np.int64(1) << np.maximum(exponent, 0), np.maximum(-exponent, 0)
