"""What an op would compute if nothing had to be an integer: the measure of what rounding costs.

``unrounded(op, *x)`` takes and gives real numbers in the units of the integers. It rounds nowhere, and saturates only
where saturation belongs to the function: to the limits of a requantizer, which are its ReLU, and by a ``Clamp``.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from golden import ops
from golden.broadcast import matched
from golden.ops import Op
from golden.types import FloatArray, IntArray, IntType, TensorType
from golden.window import out_shape, padded, taps


@singledispatch
def unrounded(op: Op, *x: FloatArray) -> FloatArray:
    """The result of ``op`` on real numbers, shape (batch, \\*shape).

    Ops that only move elements, compare them or add them up are the same function on real numbers. A new one that is
    not has a method ``unrounded(*x)`` in its own file.
    """
    moved: Any = getattr(op, "unrounded", op)(*x)
    return np.asarray(moved, dtype=np.float64)


def real_scale(multiplier: IntArray, shift: IntArray) -> FloatArray:
    """``multiplier / 2**shift``"""
    return np.ldexp(multiplier.astype(np.float64), -shift)


@unrounded.register
def _(op: ops.Dense, x: FloatArray) -> FloatArray:
    return np.asarray(x @ op.weight.T.astype(np.float64) + op.bias, dtype=np.float64)


@unrounded.register
def _(op: ops.Conv, x: FloatArray) -> FloatArray:
    out = out_shape(_type(x), op.kernel, op.stride, op.padding, op.dilation, "Conv")
    whole = padded(x, op.padding, op.padding_value, np.float64)
    inner, share = op.channels // op.groups, op.outputs // op.groups
    y = np.zeros((len(x), *out, op.outputs)) + op.bias
    for row, column, seen in taps(whole, out, op.kernel, op.stride, op.dilation):
        for group in range(op.groups):
            own = slice(group * share, (group + 1) * share)
            y[..., own] += seen[..., group * inner : (group + 1) * inner] @ op.weight[own, row, column].T
    return y


@unrounded.register
def _(op: ops.Requantize, x: FloatArray) -> FloatArray:
    y = (x - op.x_zero_point) * real_scale(op.multiplier, op.shift) + op.zero_point
    return np.asarray(np.clip(y, *op.limits), dtype=np.float64)


@unrounded.register
def _(op: ops.Add, a: FloatArray, b: FloatArray) -> FloatArray:
    shifts = np.array((*op.x_shifts, op.shift))
    scales = real_scale(np.array((*op.x_multipliers, op.multiplier)), shifts)
    first, second = (
        (x - zero_point) * 2.0**op.left_shift * scale
        for x, zero_point, scale in zip(matched(a, b), op.x_zero_points, scales, strict=False)
    )
    total = first - second if op.subtract else first + second
    return np.asarray(np.clip(total * scales[2] + op.zero_point, *op.limits), dtype=np.float64)


@unrounded.register
def _(op: ops.Multiply, a: FloatArray, b: FloatArray) -> FloatArray:
    first, second = (x - zero for x, zero in zip(matched(a, b), op.x_zero_points, strict=True))
    scale = float(np.ldexp(float(op.multiplier), -op.shift))
    return np.asarray(np.clip(first * second * scale + op.zero_point, *op.limits), dtype=np.float64)


@unrounded.register
def _(op: ops.AveragePool, x: FloatArray) -> FloatArray:
    out = out_shape(_type(x), op.kernel, op.stride, op.padding, (1, 1), "AveragePool")
    inside = np.ones((1, *x.shape[1:3], 1))
    total, count = (
        np.sum(
            [seen for _, _, seen in taps(padded(part, op.padding, 0.0, np.float64), out, op.kernel, op.stride)], axis=0
        )
        for part in (x, inside)
    )
    return np.asarray(total / count, dtype=np.float64)


@unrounded.register
def _(op: ops.MaxPool, x: FloatArray) -> FloatArray:
    out = out_shape(_type(x), op.kernel, op.stride, op.padding, (1, 1), "MaxPool")
    seen = taps(padded(x, op.padding, -np.inf, np.float64), out, op.kernel, op.stride)
    return np.asarray(np.max([view for _, _, view in seen], axis=0), dtype=np.float64)


@unrounded.register
def _(op: ops.Sum, x: FloatArray) -> FloatArray:
    return np.asarray(x.sum(axis=tuple(axis + 1 for axis in op.axes), keepdims=op.keep), dtype=np.float64)


@unrounded.register
def _(op: ops.Lookup, x: FloatArray) -> FloatArray:
    """Between two entries of the table a straight line: the function itself is not known here."""
    places = op.low + np.arange(op.table.shape[-1])
    if op.table.ndim == 1:
        return np.interp(x, places, op.table)
    channels = [np.interp(x[..., channel], places, row) for channel, row in enumerate(op.table)]
    return np.stack(channels, axis=-1)


@unrounded.register
def _(op: ops.Softmax, x: FloatArray) -> FloatArray:
    powers = np.exp(op.steepness * (x - x.max(axis=-1, keepdims=True)))
    return np.asarray(np.clip(256.0 * powers / powers.sum(axis=-1, keepdims=True) - 128.0, -128.0, 127.0))


@unrounded.register
def _(op: ops.Wrap, x: FloatArray) -> FloatArray:
    return np.asarray((x - op.dtype.min) % 2.0**op.dtype.bits + op.dtype.min, dtype=np.float64)


@unrounded.register
def _(op: ops.Argmax, x: FloatArray) -> FloatArray:
    return np.asarray(np.argmax(x, axis=-1), dtype=np.float64)


def _type(x: FloatArray) -> TensorType:
    return TensorType(x.shape[1:], IntType(1, False))
