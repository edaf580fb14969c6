"""The arithmetic of ONNX Runtime's CPU kernels (MLAS on x86-64), as parameters of integer ops.

A kernel that computes in single precision is a chain of roundings to 24 significant bits. ``float32`` of
``golden/arithmetic.py`` is one such rounding, of an integer, and scaling by a power of two is none: so every chain is
some exact integer ops and a ``Requantize`` in ``float32`` for each rounding. ``fl`` is rounding to single precision,
``rint`` rounding to the nearest integer, ties to even. The formulas are those of ``onnxruntime/core/mlas/lib`` and
``onnxruntime/contrib_ops/cpu/quantization``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.arithmetic import float32_scale
from golden.ops import Add, Lookup, Multiply, Requantize
from golden.types import IntArray, IntType

Floats = npt.NDArray[np.float32]
Function = Callable[[Floats], Floats]

_LEAST_UNIT = 62


@dataclass(frozen=True)
class Quantization:
    """``real = scale * (integer - zero_point)``, per tensor, integers of ``dtype``."""

    scale: np.float32
    zero_point: int
    dtype: IntType

    def __post_init__(self) -> None:
        if not 0.0 < float(self.scale) < float("inf"):
            raise ValueError(f"a scale must be positive and finite, not {self.scale}")

    @property
    def values(self) -> IntArray:
        """Every integer of the type, rising."""
        return np.arange(self.dtype.min, self.dtype.max + 1, dtype=np.int64)

    def dequantize(self, x: IntArray) -> Floats:
        """``fl(scale * (x - zero_point))`` (DequantizeLinear)."""
        return np.asarray((x - self.zero_point).astype(np.float32) * self.scale)

    def quantize(self, x: Floats) -> IntArray:
        """``clip(rint(fl(x / scale)) + zero_point)`` (QuantizeLinear)."""
        with np.errstate(over="ignore"):
            scaled = np.clip(np.asarray(x / self.scale), -(2.0**30), 2.0**30)
        integers = np.rint(scaled).astype(np.int64) + self.zero_point
        return np.asarray(np.clip(integers, self.dtype.min, self.dtype.max))


def table(x: Quantization, functions: tuple[Function, ...], y: Quantization) -> Lookup | None:
    """QuantizeLinear after functions of one float after DequantizeLinear; None where it changes nothing.

    QLinearSigmoid, QLinearLeakyRelu and each input of QLinearConcat are this table, too.
    """
    real = x.dequantize(x.values)
    for function in functions:
        real = function(real)
    entries = y.quantize(real)
    same = x.dtype == y.dtype and np.array_equal(entries, x.values)
    return None if same else Lookup(entries, x.dtype.min, y.dtype)


def rescale(x: Any, weight: npt.ArrayLike, y: Any, what: str) -> tuple[IntArray, IntArray]:
    """``fl(fl(x * weight) / y)`` as multipliers and shifts; scalars where there is one ``weight``.

    Raises:
        ValueError: for a scale that has no such form.
    """
    with np.errstate(all="ignore"):
        scales = np.float32(x) * np.asarray(weight, dtype=np.float32) / np.float32(y)
    try:
        pairs = [float32_scale(float(scale)) for scale in scales.ravel()]
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    multipliers, shifts = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    return (multipliers[0], shifts[0]) if len(pairs) == 1 else (multipliers, shifts)


def unit(*numbers: np.float32) -> int:
    """The least ``u >= 0`` for which all ``numbers * 2**u`` are integers."""
    needed = 0
    for number in numbers:
        numerator, denominator = float(number).as_integer_ratio()
        needed = max(needed, denominator.bit_length() - 1 if numerator else 0)
    if needed > _LEAST_UNIT:
        raise ValueError("its scales are too far apart for exact integers")
    return needed


def _to_single(x: int) -> int:
    """``fl(x)``."""
    return int(np.float32(np.int64(x)))


@dataclass(frozen=True)
class AddSteps:
    """QLinearAdd: ``y = rint(fl(a*ra + fl(b*rb + F)))``, ``ra = fl(sa/sy)``, ``rb = fl(sb/sy)``.

    ``F = fl(zy - fl(ra*za + fl(rb*zb)))`` brings in the zero points. With fused multiply-add nothing else is rounded.
    In units of ``2**-u``, in which all of them are integers, ``first`` is the inner sum as a table of ``b``, ``second``
    adds ``a*ra``, ``last`` rounds twice. An operand that is broadcast over whole rows takes the part of ``b``.
    """

    first: Lookup
    second: Add
    last: Requantize


def add_steps(a: Quantization, b: Quantization, y: Quantization) -> AddSteps:
    """The ops of QLinearAdd; raises ValueError for scales that have no such form."""
    ra, rb, fixed = _add_parameters(a, b, y)
    units = unit(ra, rb, fixed)
    ra_units, rb_units, fixed_units = (int(float(number) * 2.0**units) for number in (ra, rb, fixed))
    low, high = a.dtype.min, a.dtype.max
    entries = [_to_single(int(value) * rb_units + fixed_units) for value in b.values]
    inner = IntType.holding(min(entries), max(entries))
    outer = IntType.holding(min(entries) + low * ra_units, max(entries) + high * ra_units)
    first = Lookup(np.array(entries, dtype=np.int64), b.dtype.min, inner)
    second = Add((0, 0), (ra_units, 1), (0, 0), 0, 1, 0, 0, outer)
    return AddSteps(first, second, Requantize(1, units, 0, y.dtype, "float32"))  # type: ignore[arg-type]


def _add_parameters(a: Quantization, b: Quantization, y: Quantization) -> tuple[np.float32, np.float32, np.float32]:
    ra, rb = np.float32(a.scale / y.scale), np.float32(b.scale / y.scale)
    za, zb, zy = (np.float32(q.zero_point) for q in (a, b, y))
    product = float(ra) * float(za) + float(np.float32(rb * zb))
    return ra, rb, np.float32(zy - np.float32(product))


@dataclass(frozen=True)
class MultiplySteps:
    """QLinearMul: ``y = rint(fl(fl((a - za) * (b - zb) * r) + zy))``, ``r = fl(fl(sa*sb)/sy) = m / 2**s``.

    ``first`` is the inner product, rounded, in units of ``2**-s``; ``last`` adds the zero point, rounded, and rounds.
    """

    first: Multiply
    last: Requantize


def multiply_steps(a: Quantization, b: Quantization, y: Quantization) -> MultiplySteps:
    """The ops of QLinearMul; raises ValueError for scales that have no such form."""
    multiplier, shift = (int(number) for number in rescale(a.scale, b.scale, y.scale, "its scale"))
    ends = [
        (i - a.zero_point) * (j - b.zero_point) * multiplier
        for i in (a.dtype.min, a.dtype.max)
        for j in (b.dtype.min, b.dtype.max)
    ]
    held = IntType.holding(_to_single(min(ends)), _to_single(max(ends)))
    first = Multiply((a.zero_point, b.zero_point), multiplier, 0, 0, held, "float32")
    zero_point = y.zero_point << shift
    last = Requantize(1, shift, 0, y.dtype, "float32", x_zero_point=-zero_point)  # type: ignore[arg-type]
    return MultiplySteps(first, last)


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """Horner's scheme with fused multiply-add, each step rounded once, from the highest coefficient on."""
    result = np.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        # A product of two single precision numbers is exact in double precision.
        product = result.astype(np.float64) * x.astype(np.float64)
        result = (product + np.float64(np.float32(coefficient))).astype(np.float32)
    return result


_LOGISTIC = (
    4.37031012579801e-11,
    1.15627324459942e-07,
    6.08574864600143e-05,
    8.51377133304701e-03,
    2.48287947061529e-01,
)
_LOGISTIC_BELOW = (
    6.10247389755681e-13,
    5.76102136993427e-09,
    6.29106785017040e-06,
    1.70198817374094e-03,
    1.16817656904453e-01,
    9.93151921023180e-01,
)
_TANH = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
_TANH_BELOW = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def sigmoid(x: Floats) -> Floats:
    """``1 / (1 + exp(-x))``: half and ``x`` times a quotient of polynomials in ``x**2`` (``MlasComputeLogistic``)."""
    x = np.clip(x, np.float32(-18), np.float32(18))
    square = x * x
    quotient = _polynomial(square, _LOGISTIC) * x / _polynomial(square, _LOGISTIC_BELOW)
    return np.asarray(np.clip(quotient + np.float32(0.5), np.float32(0), np.float32(1)))


def tanh(x: Floats) -> Floats:
    """``tanh(x)`` as ``x`` times a quotient of polynomials of ``x**2`` (``MlasComputeTanh``)."""
    x = np.clip(x, np.float32(-9), np.float32(9))
    square = x * x
    return np.asarray(_polynomial(square, _TANH) * x / _polynomial(square, _TANH_BELOW))


def leaky_relu(alpha: np.float32) -> Function:
    """``x`` where it is not negative, ``alpha * x`` elsewhere."""
    return lambda x: np.where(x >= 0, x, alpha * x)


def clip(low: np.float32, high: np.float32) -> Function:
    """``min(max(x, low), high)``"""
    return lambda x: np.minimum(np.maximum(x, low), high)
