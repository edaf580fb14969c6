"""Operators of one activation, number by number: most are a table of the 256 values that one can have.

``single`` is TensorFlow Lite's own code with ``TFLITE_SINGLE_ROUNDING``, as everywhere in this importer.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor, frexp

import numpy as np

from golden.arithmetic import ARITHMETICS, TFLITE_MULTIPLIER_BITS, tflite_scale
from golden.fixed_point import hard_swish as hard_swish_of
from golden.fixed_point import logistic as logistic_of
from golden.fixed_point import rounding_divide_by_power_of_two, to_16_bits
from golden.fixed_point import tanh as tanh_of
from golden.importers import tflite_float32
from golden.importers.tflite_file import FileTensor
from golden.importers.tflite_layer import DTYPES, S8, Layer, Value, check_quantization
from golden.ops import Lookup, Requantize, Reshape, Softmax
from golden.types import IntArray

_INFINITY = float("inf")
_FUSED = {0: (-_INFINITY, _INFINITY), 1: (0.0, _INFINITY), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
"""Limits by fused activation: none, RELU, RELU_N1_TO_1, RELU6."""

_MAX_TABLES = 4096
"""Of 256 entries each, for a constant that differs from element to element."""

VALUES = np.arange(S8.min, S8.max + 1, dtype=np.int64)
"""All that an activation can be."""


def fused_limits(layer: Layer, out: FileTensor) -> tuple[int, int] | None:
    """The integers that a fused activation saturates to (``CalculateActivationRangeQuantized``); None for all of s8."""
    number = layer.options["FusedActivationFunction"]
    if number not in _FUSED:
        raise NotImplementedError(f"its fused activation {number} is not supported: RELU, RELU_N1_TO_1, RELU6 are")
    return limits_of(layer, *_FUSED[number], out)


def limits_of(layer: Layer, low: float, high: float, out: FileTensor) -> tuple[int, int] | None:
    """The interval ``[low, high]`` in integers of ``out``, within s8; None for all of it."""
    ends = (max(S8.min, _quantized(layer, low, out)), min(S8.max, _quantized(layer, high, out)))
    if ends[0] > ends[1]:
        raise ValueError(f"its activation {low:g}..{high:g} leaves nothing of the output {out.name!r}")
    return None if ends == (S8.min, S8.max) else ends


def relu(layer: Layer) -> None:
    """RELU and RELU_N1_TO_1: scaled to the output, then limited."""
    layer.count((1,))
    x, out = layer.value(), layer.output()
    low, high = _FUSED[1 if layer.operator.kind == "RELU" else 2]
    limits = limits_of(layer, low, high, out)
    if x.same_quantization == (float(out.scales[0]), int(out.zero_points[0])):
        layer.identity(x.name, limits)
    else:
        _rescaled(layer, x, out, limits)


def relu6(layer: Layer) -> None:
    """RELU6: limited, not scaled."""
    layer.count((1,))
    x, out = layer.value(), layer.output()
    check_same_quantization(layer, x)
    layer.identity(x.name, limits_of(layer, 0.0, 6.0, out))


def quantize(layer: Layer) -> None:
    """QUANTIZE of 8 bits to 8 bits, signed or not: another scale and zero point."""
    layer.count((1,))
    types = ("INT8", "UINT8")
    x, out = layer.value(0, types), layer.output(0, types)
    if layer.arithmetic != "float32" or x.scale == float(out.scales[0]):
        _rescaled(layer, x, out, None)
        return
    if "UINT8" in (x.file.type, out.type):
        layer.refuse_float32("what XNNPACK makes of UINT8 has not been measured")
    with np.errstate(all="ignore"):
        ratio = float(np.float32(x.scale) / out.scales[0])
    if not 2.0**-8 <= ratio <= 2.0**7:
        raise NotImplementedError("in float32 the scale of its input must be 2**-8 to 2**7 times that of its output")
    multiplier = np.array(round(ratio * (1 << 8)))
    layer.result(
        Requantize(multiplier, np.array(8), int(out.zero_points[0]), DTYPES[out.type], "half_up", x.zero_point), x.name
    )


def logistic(layer: Layer) -> None:
    """LOGISTIC: ``1 / (1 + exp(-x))`` in fixed point, to scale 1/256 and zero point -128."""
    layer.count((1,))
    x = layer.value()
    _check_output(layer, 1 / 256, S8.min)
    if layer.arithmetic == "float32":
        lookup(layer, x.name, tflite_float32.logistic(x, VALUES))
        return
    q31 = _fixed_point(x, logistic_of)
    lookup(layer, x.name, np.where(q31 == _SATURATED, S8.max, rounding_divide_by_power_of_two(q31, 23) + S8.min))


def tanh(layer: Layer) -> None:
    """TANH in fixed point, to scale 1/128 and zero point 0."""
    layer.count((1,))
    x = layer.value()
    _check_output(layer, 1 / 128, 0)
    if layer.arithmetic == "float32":
        lookup(layer, x.name, tflite_float32.tanh(x, VALUES))
        return
    q31 = _fixed_point(x, tanh_of)
    lookup(layer, x.name, np.where(q31 == _SATURATED, S8.max, rounding_divide_by_power_of_two(q31, 24)))


def leaky_relu(layer: Layer) -> None:
    """LEAKY_RELU: one scale for numbers that are not negative, another for those that are."""
    layer.count((1,))
    x, out = layer.value(), layer.output()
    alpha = float(layer.options["Alpha"])
    identity, slope = layer.ratio(x.scale, to=out), layer.ratio(x.scale, alpha, to=out)
    centred = VALUES - x.zero_point
    if layer.arithmetic == "float32":
        with np.errstate(all="ignore"):
            y = tflite_float32.leaky_relu(centred, identity, float(np.float32(identity) * np.float32(alpha)))
        if y is not None:
            lookup(layer, x.name, y + int(out.zero_points[0]))
            return
    negative = rescale(layer, centred, abs(slope))
    y = np.where(centred >= 0, rescale(layer, centred, identity), negative if slope >= 0 else -negative)
    lookup(layer, x.name, y + int(out.zero_points[0]))


def prelu(layer: Layer) -> None:
    """PRELU: as LEAKY_RELU, with a constant slope per channel of the innermost dimension, or one for all."""
    layer.count((2,))
    x, out, alpha = layer.value(), layer.output(), layer.tensor(1)
    check_quantization(alpha)
    source, slopes = constant_operand(layer, x, 1)
    slopes = slopes - int(alpha.zero_points[0])
    centred = VALUES - x.zero_point
    slope = layer.ratio(x.scale, float(alpha.scales[0]), to=out)
    negative = rescale(layer, slopes[..., None] * centred, slope)
    y = np.where(centred >= 0, rescale(layer, centred, layer.ratio(x.scale, to=out)), negative)
    lookup(layer, source, y + int(out.zero_points[0]))


def hard_swish(layer: Layer) -> None:
    """HARD_SWISH: ``x * relu6(x + 3) / 6`` in fixed point of 16 bits."""
    layer.count((1,))
    x, out = layer.value(), layer.output()
    fine = x.scale / 128
    output, output_shift = tflite_scale(fine / float(out.scales[0]))
    reluish, reluish_shift = tflite_scale(fine / (3 / 32768))
    if output_shift < TFLITE_MULTIPLIER_BITS:
        raise ValueError("the scale of its input must be at most 128 times that of its output")
    exponents = (TFLITE_MULTIPLIER_BITS - output_shift, TFLITE_MULTIPLIER_BITS - reluish_shift)
    if min(exponents) < -15:
        raise ValueError(f"its scales {x.scale:g} and {out.scales[0]:g} shift by more than the reference's 16 bits")
    y = hard_swish_of(VALUES - x.zero_point, (to_16_bits(output), to_16_bits(reluish)), exponents)
    lookup(layer, x.name, y + int(out.zero_points[0]))


def softmax(layer: Layer) -> None:
    """SOFTMAX over the innermost dimension, to scale 1/256 and zero point -128."""
    layer.count((1,))
    x = layer.value()
    _check_output(layer, 1 / 256, S8.min)
    if layer.arithmetic == "float32":
        layer.result(tflite_float32.softmax(x.scale, float(layer.options["Beta"])), x.name)
        return
    largest = float((1 << TFLITE_MULTIPLIER_BITS) - 1) if layer.arithmetic != "single" else float((1 << 30) - 1)
    real = min(float(layer.options["Beta"]) * x.scale * (1 << 26), largest)
    if not real > 1.0:
        raise ValueError(f"its beta times the scale of its input must be above 2**-26, not {real / (1 << 26):g}")
    layer.result(Softmax(*tflite_scale(real)), x.name)


def check_same_quantization(layer: Layer, *values: Value) -> None:
    """Raises ValueError unless the output has the scale and zero point of its inputs, which the reference ignores."""
    out = layer.output()
    same = (float(out.scales[0]), int(out.zero_points[0]))
    for value in values:
        if value.same_quantization != same:
            raise ValueError(
                f"its output must have the scale and zero point of its input, {value.same_quantization}, not {same}"
            )


def constant_operand(layer: Layer, x: Value, place: int) -> tuple[str, IntArray]:
    """A constant of 8 bits as one number, or one per channel, and the tensor that has these channels.

    That is ``x``, or all of its elements in a row where the constant differs along other dimensions, too.

    Raises:
        NotImplementedError: where that would be too many, or the constant has dimensions that ``x`` lacks.
    """
    numbers = layer.constant(place, "INT8").astype(np.int64)
    if numbers.size and np.all(numbers == numbers.flat[0]) and numbers.size <= x.type.size:
        return x.name, numbers.ravel()[0]
    if numbers.ndim and numbers.size == numbers.shape[-1] == x.type.inner <= _MAX_TABLES:
        return x.name, numbers.ravel()
    shape = numbers.shape[next((i for i, d in enumerate(numbers.shape) if d != 1), numbers.ndim) :]
    fits = len(shape) <= len(x.type.shape) and all(
        d in (1, whole) for d, whole in zip(shape[::-1], x.type.shape[::-1], strict=False)
    )
    if not fits or x.type.size > _MAX_TABLES:
        raise NotImplementedError(
            f"its constant operand has the shape {numbers.shape}, supported are one number, one per channel of "
            f"{x.file.shape}, and any that broadcasts to up to {_MAX_TABLES} elements"
        )
    every = np.broadcast_to(numbers.reshape(shape), x.type.shape).ravel()
    return layer.step("flat", Reshape((x.type.size,)), x.name), every


def lookup(layer: Layer, source: str, y: IntArray) -> None:
    """The result: ``y``, shape (256,) or (channels, 256), saturated, by the value of ``source``."""
    layer.result(Lookup(np.clip(y, S8.min, S8.max), S8.min, S8), source, reshape=True)


def rescale(layer: Layer, x: IntArray, real: float) -> IntArray:
    """``x * real``, rounded as the arithmetic says (``MultiplyByQuantizedMultiplier``)."""
    multiplier, shift = tflite_scale(real)
    left = max(0, TFLITE_MULTIPLIER_BITS - shift)
    if int(np.abs(x).max()) << left >= 1 << TFLITE_MULTIPLIER_BITS:
        raise ValueError(f"a scale of {real:g} takes its numbers out of 32 bits: the reference would overflow")
    return ARITHMETICS[layer.arithmetic_of_tables](x, np.asarray(multiplier), np.asarray(shift))


_SATURATED = 1 << TFLITE_MULTIPLIER_BITS
"""What is no number of Q0.31: the function's largest value, exactly."""


def _fixed_point(x: Value, function: Callable[[IntArray], IntArray]) -> IntArray:
    """``function`` of all values of ``x`` brought to Q4.27; beyond its range minus or plus ``_SATURATED``."""
    multiplier, exponent = frexp(x.scale * (1 << 27))
    if not 0 <= exponent <= 62:
        raise ValueError(f"the scale of its input, {x.scale:g}, must be 2**-28 to 2**35: the reference shifts by it")
    radius = (15 << 27) >> exponent
    centred = VALUES - x.zero_point
    inside = np.abs(centred) < radius
    q27 = ARITHMETICS["tflm"](
        np.where(inside, centred, 0),
        np.asarray(int(multiplier * 2.0**TFLITE_MULTIPLIER_BITS)),
        np.asarray(TFLITE_MULTIPLIER_BITS - exponent),
    )
    # A radius of 0 leaves nothing inside, and zero itself is taken for small.
    return np.where(inside, function(q27), np.where(centred > -radius, _SATURATED, -_SATURATED))


def _rescaled(layer: Layer, x: Value, out: FileTensor, limits: tuple[int, int] | None) -> None:
    multiplier, shift = (np.array(number) for number in tflite_scale(x.scale / float(out.scales[0])))
    zero_point, dtype, arithmetic = int(out.zero_points[0]), DTYPES[out.type], layer.arithmetic_of_tables
    layer.result(Requantize(multiplier, shift, zero_point, dtype, arithmetic, x.zero_point, limits), x.name)


def _check_output(layer: Layer, scale: float, zero_point: int) -> None:
    out = layer.output()
    if (float(out.scales[0]), int(out.zero_points[0])) != (scale, zero_point):
        raise ValueError(
            f"its output must have the scale {scale} and the zero point {zero_point}, "
            f"not {out.scales[0]:g} and {out.zero_points[0]}"
        )


def _quantized(layer: Layer, real: float, out: FileTensor) -> int:
    """``zero_point + round(real / scale)`` in single precision, halves away from zero; an infinity stays outside."""
    if abs(real) == _INFINITY:
        return S8.max if real > 0 else S8.min
    with np.errstate(over="ignore"):
        quotient = float(np.float32(real) / out.scales[0])
    if abs(quotient) > 2**31 - 1:
        raise ValueError(f"the scale of its output {out.name!r} is too small for its activation")
    tflite_float32.check_limit(layer, quotient)
    return int(out.zero_points[0]) + (1 if quotient >= 0 else -1) * floor(abs(quotient) + 0.5)
