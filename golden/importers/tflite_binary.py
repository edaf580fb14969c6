"""Operators of two operands, element by element: of two activations, or of one and a constant, which is a table."""

from __future__ import annotations

from math import frexp
from typing import Any

import numpy as np

from golden.arithmetic import TFLITE_MULTIPLIER_BITS, tflite_scale
from golden.importers.tflite_activations import (
    VALUES,
    check_same_quantization,
    constant_operand,
    fused_limits,
    lookup,
)
from golden.importers.tflite_file import FileTensor
from golden.importers.tflite_float32 import check_zero_point
from golden.importers.tflite_layer import S8, Layer, check_quantization
from golden.ops import Add, Multiply
from golden.types import TensorType

_XNNPACK_BITS = 20
_LEFT_SHIFT = 20
"""By which the reference shifts operands of 8 bits before it adds them."""


def add(layer: Layer) -> None:
    """ADD: both scaled to twice the larger scale, shifted left by 20, added, scaled to the output."""
    _sum(layer, subtract=False)


def sub(layer: Layer) -> None:
    """SUB: as ADD, the second operand subtracted."""
    _sum(layer, subtract=True)


def mul(layer: Layer) -> None:
    """MUL: the product of both, scaled to the output."""
    layer.count((2,))
    a, b, out = *_operands(layer), layer.output()
    check_zero_point(layer)
    multiplier, shift = layer.scale(float(a.scales[0]), float(b.scales[0]), to=float(out.scales[0]))
    op = Multiply(
        (int(a.zero_points[0]), int(b.zero_points[0])),
        multiplier,
        shift,
        int(out.zero_points[0]),
        S8,
        layer.arithmetic,
        fused_limits(layer, out),
    )
    _elementwise(layer, op)


def maximum_minimum(layer: Layer) -> None:
    """MAXIMUM and MINIMUM of an activation and a constant: limits."""
    layer.count((2,))
    place = 1 if layer.is_constant(0) else 0
    if not layer.is_constant(1 - place):
        raise NotImplementedError("it takes two activations, supported is one activation and a constant")
    x = layer.value(place)
    check_same_quantization(layer, x)
    source, bound = constant_operand(layer, x, 1 - place)
    largest = layer.operator.kind == "MAXIMUM"
    if not bound.ndim:
        layer.identity(source, (int(bound), S8.max) if largest else (S8.min, int(bound)))
    else:
        lookup(layer, source, (np.maximum if largest else np.minimum)(VALUES, bound[:, None]))


def _sum(layer: Layer, subtract: bool) -> None:
    layer.count((2,))
    a, b, out = *_operands(layer), layer.output()
    scales = [float(tensor.scales[0]) for tensor in (a, b, out)]
    if layer.arithmetic == "float32":
        multipliers, shift = _xnnpack_sum(scales)
        x_multipliers, x_shifts, left, multiplier = multipliers, (0, 0), 0, 1
    else:
        twice = 2 * max(scales[:2])
        real = [scales[0] / twice, scales[1] / twice, twice / ((1 << _LEFT_SHIFT) * scales[2])]
        (ma, sa), (mb, sb), (multiplier, shift) = (tflite_scale(number) for number in real)
        if not real[2] < 1.0 or shift < TFLITE_MULTIPLIER_BITS:
            raise ValueError("the scales of its inputs must be below 2**19 times that of its output")
        x_multipliers, x_shifts, left = (ma, mb), (sa, sb), _LEFT_SHIFT
    op = Add(
        (int(a.zero_points[0]), int(b.zero_points[0])),
        x_multipliers,
        x_shifts,
        left,
        multiplier,
        shift,
        int(out.zero_points[0]),
        S8,
        "half_up" if layer.arithmetic == "float32" else layer.arithmetic,
        fused_limits(layer, out),
        subtract,
    )
    _elementwise(layer, op)


def _xnnpack_sum(scales: list[float]) -> tuple[tuple[int, int], int]:
    """Multipliers of both operands, the larger one of 21 bits, and the shift: one rounding, ties up."""
    with np.errstate(all="ignore"):
        ratios = np.array(scales[:2], np.float32) / np.float32(scales[2])
    if not 2.0**-10 <= ratios.min() <= ratios.max() < 2.0**8:
        raise NotImplementedError("in float32 the scales of its inputs must be 2**-10 to 2**8 times that of its output")
    shift = _XNNPACK_BITS - (frexp(float(ratios.max()))[1] - 1)
    first, second = (int(np.rint(float(ratio) * 2.0**shift)) for ratio in ratios)
    return (first, second), shift


def _operands(layer: Layer) -> tuple[FileTensor, FileTensor]:
    """Both operands' tensors, of one scale each."""
    a, b = layer.tensor(0), layer.tensor(1)
    for tensor in (a, b):
        check_quantization(tensor)
        if tensor.scales.size != 1 or not S8.min <= tensor.zero_points[0] <= S8.max:
            raise ValueError(f"its operand {tensor.name!r} must have one scale and a zero point of s8")
    return a, b


def _elementwise(layer: Layer, op: Any) -> None:
    """The result of an op of two tensors; where one is constant, a table of what the op makes of all values."""
    constants = [place for place in (0, 1) if layer.is_constant(place)]
    if not constants:
        layer.result(op, layer.value(0).name, layer.value(1).name)
        return
    place = constants[0]
    x = layer.value(1 - place)
    source, numbers = constant_operand(layer, x, place)
    operands = [VALUES[:, None], np.atleast_1d(numbers)[None, :]]
    types = [TensorType((numbers.size,), S8)] * 2
    ordered = operands if place == 1 else operands[::-1]
    op.out_type(*types)
    table = op(*ordered).T
    lookup(layer, source, table if numbers.ndim else table[0])
