"""Functions of one activation as TensorFlow Lite computes them on x86, where XNNPACK does it: ``float32``.

All of this is found by measurement, with PyPI ``ai-edge-litert`` 2.3, on scales that make ties and near ties; see
``tests/compare_litert_operators.py``. What hangs on the last place of a C library's function is refused.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import numpy.typing as npt

from golden import exponential
from golden.arithmetic import float32_scale
from golden.importers.tflite_layer import Layer, Value
from golden.ops import Softmax
from golden.quantizer.tables import sigmoid
from golden.quantizer.tables import tanh as tanh_of
from golden.types import FloatArray, IntArray

_FRACTION_BITS = 8
"""Of a multiplier of LEAKY_RELU."""
_NEAR = 2.0**-21
"""From a tie, of a number itself: what the last places of single precision cannot decide."""


def leaky_relu(centred: IntArray, identity: float, slope: float) -> IntArray | None:
    """``centred`` by two multipliers with 8 bits of fraction, ties up; None for scales that XNNPACK leaves to others.

    Args:
        centred: without its zero point.
        identity, slope: the scales of numbers that are not negative, and of those that are, in single precision.
    """
    one = 1 << _FRACTION_BITS
    if not (1 / one <= identity <= one / 2 and abs(slope) >= 1 / one and -one / 2 + 1 / one <= slope <= one / 2):
        return None
    multipliers = round(identity * one), round(slope * one)
    scaled: IntArray = (centred * np.where(centred >= 0, *multipliers) + (one >> 1)) >> _FRACTION_BITS
    return scaled


def logistic(x: Value, values: IntArray) -> IntArray:
    """``rint(256 * sigmoid(x) - 128)``, the function rounded to single precision, and the difference once more."""
    real = np.array([np.float32(float(sigmoid(number))) for number in _reals(x, values)])
    return np.asarray(np.rint(real * np.float32(256) - np.float32(128)), dtype=np.int64)


def tanh(x: Value, values: IntArray) -> IntArray:
    """The function in steps of 1/128, to the nearest integer.

    Raises:
        NotImplementedError: where that is so near to a tie that it depends on the C library.
    """
    real = 128 * np.array([float(tanh_of(number)) for number in _reals(x, values)])
    if near_tie(real).any():
        raise NotImplementedError("in float32 a result lies so near to a tie that the C library's tanhf decides")
    return np.asarray(np.rint(real), dtype=np.int64)


def softmax(scale: float, beta: float) -> Softmax:
    """The softmax of ``exp(beta * scale * x)``, with exponentials of the C library.

    Raises:
        NotImplementedError: where one lies so near to the middle between two numbers that it depends on whether the
            library multiplies and adds in one rounding.
        ValueError: where ``beta * scale`` is not positive, or not in about 2**-39 to 2**23.
    """
    with np.errstate(all="ignore"):
        steepness = float(np.float32(scale) * np.float32(beta))
    try:
        op = Softmax(*float32_scale(steepness), "float32")
    except ValueError as error:
        raise ValueError(f"its beta times the scale of its input cannot be {steepness:g}: {error}") from error
    differences = np.flatnonzero(exponential.undecided(op.arguments))
    if differences.size:
        raise NotImplementedError(
            f"in float32 the exponential of {op.arguments[differences[0]]!s}, of the difference {differences[0]}, lies "
            "so near to the middle between two numbers that the C library's expf decides"
        )
    return op


def near_tie(real: float | FloatArray) -> npt.NDArray[np.bool_]:
    """Where numbers lie about half-way between two integers."""
    return np.asarray(np.abs(real - np.floor(real) - 0.5) < _NEAR * np.abs(real))


def check_limit(layer: Layer, quotient: float) -> None:
    """Raises NotImplementedError for a fused limit, in steps of the output, that is not rounded there as elsewhere."""
    if layer.arithmetic == "float32" and np.isfinite(quotient) and near_tie(quotient):
        raise NotImplementedError(f"in float32 its activation ends half-way between two integers, at {quotient:g}")


def check_zero_point(layer: Layer) -> None:
    """Raises NotImplementedError where XNNPACK adds the zero point before it rounds, and there is one."""
    zero_point = int(layer.output().zero_points[0])
    if layer.arithmetic == "float32" and zero_point:
        raise NotImplementedError(
            f"in float32 the zero point of its output must be 0, not {zero_point}: XNNPACK adds it before it rounds, "
            "so that ties go elsewhere; in tflm and single any is supported"
        )


def _reals(x: Value, values: IntArray) -> list[Decimal]:
    """What the integers stand for, in single precision."""
    return [Decimal(float(real)) for real in (values - x.zero_point).astype(np.float32) * np.float32(x.scale)]
