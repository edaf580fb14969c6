"""Softmax over int8 by TensorFlow Lite Micro's fixed-point arithmetic, or TensorFlow Lite's single precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden import exponential
from golden.arithmetic import TFLITE_MULTIPLIER_BITS, tflm
from golden.exponential import Singles
from golden.fixed_point import exp_of_negative, reciprocal_of_one_plus, rounding_divide_by_power_of_two, saturating_high
from golden.ops.op import plain_int
from golden.types import MAX_BITS, IntArray, IntType, TensorType

_INTEGER_BITS = 5
"""Of the argument of the exponential, a fixed-point number Q5.26."""
_SUM_INTEGER_BITS = 12
_S8 = IntType(8, True)
_STEPS = np.float32(256)
"""Of the result, between 0 and 1."""

_LIMITS = {"tflm": (TFLITE_MULTIPLIER_BITS, TFLITE_MULTIPLIER_BITS), "float32": (24, MAX_BITS - 1)}
"""By arithmetic: how many bits the multiplier has at most, and the largest shift."""


@dataclass(frozen=True)
class Softmax:
    """``y = round(256 * exp(k * x) / sum(exp(k * x))) - 128`` over the innermost dimension.

    ``tflm`` computes in fixed point. ``k * 2**26`` is ``multiplier / 2**shift``, of 31 bits, not less than 1: it brings
    differences of int8 values to Q5.26. With ``d = max(x) - x``, ``E[d] = exp(-k * d)`` in Q0.31 (zero where ``-k * d``
    would not fit Q5.26)::

        S = sum rnd(E[d], 12)                             Q12.19
        R = 1 / S by three Newton steps, as r * 2**-b     r in Q0.31
        y = clip(rnd(r * E[d], b + 23) - 128)             rnd: half away from zero

    Every step is that of ``tflite::reference_ops::Softmax`` for int8: the result has scale 1/256 and zero point -128.

    ``float32`` computes in single precision, every product, sum and quotient rounded to it, and ``k`` itself is
    ``multiplier / 2**shift``, of 24 bits. With ``E[d] = exp(-k * d)`` by ``golden/exponential.py``::

        S = (((E[d0] + E[d1]) + E[d2]) + ...)             in the order of the elements
        y = clip(rnd(E[d] * (1 / (S / 256))) - 128)       rnd: half up

    which is ``tflite::optimized_ops::Softmax``, as TensorFlow Lite has it on x86.
    """

    multiplier: int
    shift: int
    arithmetic: str = "tflm"

    def __post_init__(self) -> None:
        if self.arithmetic not in _LIMITS:
            raise ValueError(f"the arithmetic of Softmax must be {' or '.join(_LIMITS)}, not {self.arithmetic!r}")
        bits, shift = _LIMITS[self.arithmetic]
        multiplier = plain_int(self.multiplier, "the multiplier of Softmax", 1, (1 << bits) - 1)
        object.__setattr__(self, "multiplier", multiplier)
        object.__setattr__(self, "shift", plain_int(self.shift, "the shift of Softmax", 0, shift))

    @property
    def steepness(self) -> float:
        """``k``"""
        fraction_bits = 31 - _INTEGER_BITS if self.arithmetic == "tflm" else 0
        return float(np.ldexp(float(self.multiplier), -self.shift - fraction_bits))

    @property
    def arguments(self) -> Singles:
        """``-k * d`` for d in 0..255, in single precision."""
        return -np.float32(self.steepness) * np.arange(256, dtype=np.float32)

    @property
    def largest_difference(self) -> int:
        """The largest ``d`` of which the exponential is not taken for zero (``CalculateInputRadius``)."""
        left_shift = TFLITE_MULTIPLIER_BITS - self.shift
        return (((1 << _INTEGER_BITS) - 1) << (31 - _INTEGER_BITS)) >> left_shift

    @property
    def exponentials(self) -> IntArray:
        """``E[d]`` of ``tflm`` for d in 0..255, Q0.31."""
        d = np.arange(256, dtype=np.int64)
        kept = np.minimum(d, self.largest_difference)
        argument = tflm(-kept, np.asarray(self.multiplier), np.asarray(self.shift))
        return np.where(d <= self.largest_difference, exp_of_negative(argument), 0)

    def out_type(self, x: TensorType) -> TensorType:
        """``s8`` like ``x``."""
        # In float32 nothing would overflow; one limit for both is easier to remember.
        if x.dtype != _S8 or not x.shape or x.inner >= 1 << _SUM_INTEGER_BITS:
            raise ValueError(f"Softmax takes s8 with fewer than {1 << _SUM_INTEGER_BITS} classes, it cannot take {x}")
        return x

    def __call__(self, x: IntArray) -> IntArray:
        return np.clip(self.unlimited(x), _S8.min, _S8.max)

    def unlimited(self, x: IntArray) -> IntArray:
        """The result before it is clipped."""
        if self.arithmetic == "float32":
            # In double precision nothing is rounded when the half is added.
            return np.floor(self._in_single_precision(x) + 0.5).astype(np.int64) + _S8.min
        # A difference that is out of range gives the smallest value whatever the sum is: its term is zero.
        return rounding_divide_by_power_of_two(*self._in_fixed_point(x)) + _S8.min

    def ties(self, x: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
        """Which results lie in the middle of two integers before they are rounded, and their signs."""
        if self.arithmetic == "float32":
            scaled = self._in_single_precision(x)
            return np.asarray(scaled - np.floor(scaled) == 0.5), np.sign(scaled).astype(np.int64)
        product, exponent = self._in_fixed_point(x)
        one = np.int64(1) << exponent
        return np.asarray(product & (one - 1) == one >> 1), np.sign(product)

    def _in_fixed_point(self, x: IntArray) -> tuple[IntArray, IntArray]:
        """The result from its zero point on before it is rounded, and how many of its bits are behind the point."""
        terms = self.exponentials[x.max(axis=-1, keepdims=True) - x]
        total = rounding_divide_by_power_of_two(terms, _SUM_INTEGER_BITS).sum(axis=-1, keepdims=True)
        # The sum is at least 2**19, the term of the largest element, and below 2**31.
        headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
        scale = reciprocal_of_one_plus((total << headroom) - (1 << 31))
        return saturating_high(scale, terms), _SUM_INTEGER_BITS - headroom + 31 - 8

    def _in_single_precision(self, x: IntArray) -> npt.NDArray[np.float64]:
        """The result from its zero point on before it is rounded."""
        terms = exponential.exp(self.arguments)[x.max(axis=-1, keepdims=True) - x]
        # numpy's sum would add in another order.
        total = np.add.accumulate(terms, axis=-1)[..., -1:]
        return np.asarray(terms * (np.float32(1) / (total / _STEPS)), dtype=np.float64)
