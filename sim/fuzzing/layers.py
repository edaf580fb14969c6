"""Random layers: functions that draw the parameters of an op for a tensor that is there; the table of ops names them.

They draw what the op allows, extremes on purpose. Where the drawn parameters do not fit after all, the op says so with
a ValueError, here or when its result type is asked for; the network then goes without that layer.
"""

from __future__ import annotations

from math import prod

import numpy as np

from golden.arithmetic import ARITHMETICS
from golden.ops import (
    Add,
    AveragePool,
    Clamp,
    Concat,
    Conv,
    Dense,
    Lookup,
    MaxPool,
    Multiply,
    Op,
    Pad,
    Requantize,
    Reshape,
    Slice,
    Softmax,
    Sum,
    Transpose,
    Wrap,
)
from golden.types import IntType, TensorType
from golden.window import NO_PADDING, Padding
from sim.fuzzing.draw import Draw, array, value_of

MOST_ELEMENTS = 128
"""Of a tensor: small shapes have all the corners, and simulate fast."""
MOST_PRODUCTS = 600
"""Of a layer."""
_MOST_BITS = {"half_up": 31, "tflm": 31, "single": 31, "float32": 24}
_S8 = IntType(8, True)


def any_type(draw: Draw) -> IntType:
    """Mostly int8."""
    return IntType(draw.choice((8, 8, 8, 1, 2, 4, 7, 12, 16)), draw.choice((True, True, False)))


def dense(draw: Draw, x: TensorType) -> Op:
    """Weights of 1 to 14 bits."""
    if not x.shape or len(x.shape) > 2:
        return Reshape((x.size,))
    outputs, weight, bias = draw.integer(1, 6), draw.choice((8, 8, 2, 4, 14)), draw.choice((0, 10, 50))
    _few(x.size * outputs)
    weights = array(draw, (outputs, x.inner), -(1 << (weight - 1)), (1 << (weight - 1)) - 1)
    return Dense(weights, array(draw, (outputs,), -(1 << bias), (1 << bias) - 1))


def conv(draw: Draw, x: TensorType) -> Op:
    """Full, grouped and depthwise, with any window, padding, stride and dilation."""
    rows, columns, channels = _image(x)
    kernel = draw.integer(1, 3), draw.integer(1, 3)
    groups = draw.choice([n for n in range(1, channels + 1) if channels % n == 0])
    outputs = groups * draw.integer(1, max(1, 6 // groups))
    padding = _borders(draw, kernel)
    shape = (outputs, *kernel, channels // groups)
    _few(prod(shape) * (rows + 2) * (columns + 2))
    bits = draw.choice((8, 8, 2, 4, 12))
    return Conv(
        array(draw, shape, -(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        array(draw, (outputs,), -500, 500),
        stride=(draw.choice((1, 1, 2, 3)), draw.choice((1, 1, 2, 3))),
        padding=padding,
        dilation=(draw.choice((1, 1, 1, 2)), draw.choice((1, 1, 1, 2))),
        groups=groups,
        padding_value=value_of(draw, x.dtype),
    )  # a window of a dilated kernel that does not fit is refused by the op


def conv_around(draw: Draw, x: TensorType) -> Op:
    """A convolution that keeps the shape, as before the sum of a residual block."""
    rows, columns, channels = _image(x)
    kernel = draw.choice((1, 3)), draw.choice((1, 3))
    groups = draw.choice((1, channels))
    shape = (channels, *kernel, channels // groups)
    _few(prod(shape) * rows * columns)
    half = (kernel[0] // 2,) * 2, (kernel[1] // 2,) * 2
    weight, bias = array(draw, shape, -128, 127), array(draw, (channels,), -500, 500)
    return Conv(weight, bias, padding=half, groups=groups, padding_value=value_of(draw, x.dtype))


def requantize(draw: Draw, x: TensorType, dtype: IntType | None = None) -> Requantize:
    """To any type, in any arithmetic, with scales from those that fit to those that flush or saturate everything."""
    arithmetic = draw.choice(tuple(ARITHMETICS))
    dtype = dtype or any_type(draw)
    x_zero_point = draw.choice((0, 0, 0, value_of(draw, x.dtype)))
    count = draw.choice((1, x.inner))
    pairs = [_scale(draw, x.dtype.bits + 1, dtype, arithmetic) for _ in range(min(count, 4))]
    several = count > 1 or (count == 1 == x.inner and bool(x.shape) and draw.choice((False, True)))
    multipliers, shifts = zip(*pairs, strict=True)
    return Requantize(
        np.resize(np.array(multipliers), count) if several else multipliers[0],
        np.resize(np.array(shifts), count) if several else shifts[0],
        value_of(draw, dtype),
        dtype,
        arithmetic,
        x_zero_point,
        _clamp(draw, dtype),
    )


def add(draw: Draw, a: TensorType, b: TensorType) -> Op:
    """A sum or a difference of two scales."""
    arithmetic, dtype, left = draw.choice(tuple(ARITHMETICS)), any_type(draw), draw.choice((0, 20, 7, 14))
    pairs = [_scale(draw, x.dtype.bits + 1 + left, IntType(min(50, x.dtype.bits + left), True), arithmetic)
             for x in (a, b)]  # fmt: skip
    multiplier, shift = _scale(draw, max(a.dtype.bits, b.dtype.bits) + 1 + left, dtype, arithmetic)
    (first, first_shift), (second, second_shift) = pairs
    return Add(
        (draw.choice((0, value_of(draw, a.dtype))), draw.choice((0, value_of(draw, b.dtype)))),
        (first, second),
        (first_shift, second_shift),
        left,
        multiplier,
        shift,
        value_of(draw, dtype),
        dtype,
        arithmetic,
        _clamp(draw, dtype),
        draw.choice((False, False, True)),
    )


def multiply(draw: Draw, a: TensorType, b: TensorType) -> Op:
    """A product."""
    arithmetic, dtype = draw.choice(tuple(ARITHMETICS)), any_type(draw)
    multiplier, shift = _scale(draw, a.dtype.bits + b.dtype.bits + 1, dtype, arithmetic)
    zero_points = draw.choice((0, value_of(draw, a.dtype))), draw.choice((0, value_of(draw, b.dtype)))
    clamp = _clamp(draw, dtype)
    return Multiply(zero_points, multiplier, shift, value_of(draw, dtype), dtype, arithmetic, clamp)


def reshape(draw: Draw, x: TensorType) -> Op:
    """To two or three dimensions, or to one."""
    rows = draw.choice([n for n in range(1, x.size + 1) if x.size % n == 0])
    rest = x.size // rows
    columns = draw.choice([n for n in range(1, rest + 1) if rest % n == 0])
    return Reshape(draw.choice(((x.size,), (rows, rest), (rows, columns, rest // columns))))


def pool(draw: Draw, x: TensorType) -> tuple[tuple[int, int], tuple[int, int], Padding]:
    """Kernel, stride and padding of any window, or of one that is all of it."""
    rows, columns, _ = _image(x)
    kernel = draw.choice(((draw.integer(1, min(3, rows)), draw.integer(1, min(3, columns))), (rows, columns)))
    return kernel, (draw.integer(1, 3), draw.integer(1, 3)), _borders(draw, kernel)


def max_pool(draw: Draw, x: TensorType) -> Op:
    """Any window, or all of it."""
    return MaxPool(*pool(draw, x))


def average_pool(draw: Draw, x: TensorType) -> Op:
    """Any window, or all of it."""
    return AveragePool(*pool(draw, x))


def sum_of(draw: Draw, x: TensorType) -> Op:
    """Over any dimensions."""
    axes = [axis for axis in range(len(x.shape)) if draw.choice((True, False))]
    return Sum(tuple(axes), draw.choice((False, True)))


def clamp(draw: Draw, x: TensorType) -> Op:
    """Within the type or beyond it."""
    low, high = sorted(draw.integer(x.dtype.min - 3, x.dtype.max + 3) for _ in range(2))
    return Clamp(low, high)


def wrap(draw: Draw, x: TensorType) -> Op:
    """To any type."""
    return Wrap(any_type(draw))


def lookup(draw: Draw, x: TensorType) -> Op:
    """Any table, for all channels or for each."""
    if x.dtype.bits > 8:
        return requantize(draw, x, _S8)
    dtype, values = any_type(draw), 1 << x.dtype.bits
    shape = draw.choice(((values,), (x.inner, values)))
    return Lookup(array(draw, shape, dtype.min, dtype.max), x.dtype.min, dtype)


def softmax(draw: Draw, x: TensorType) -> Op:
    """Flat to steep."""
    if x.dtype != _S8:
        return requantize(draw, x, _S8)
    return Softmax(draw.integer(1 << 30, (1 << 31) - 1), draw.integer(3, 10))


def pad(draw: Draw, x: TensorType) -> Op:
    """On any side of any dimension."""
    padding = [(draw.choice((0, 0, 1, 2)), draw.choice((0, 0, 1, 3))) for _ in x.shape]
    return Pad(tuple(padding), value_of(draw, x.dtype))


def part(draw: Draw, x: TensorType) -> Op:
    """Any part, with any stride."""
    begin, size, stride = [], [], []
    for count in x.shape:
        first, step = draw.integer(0, count - 1), draw.integer(1, 3)
        begin.append(first)
        size.append(draw.integer(1, (count - 1 - first) // step + 1))
        stride.append(step)
    return Slice(tuple(begin), tuple(size), tuple(stride))


def transpose(draw: Draw, x: TensorType) -> Op:
    """Any order of dimensions."""
    left = list(range(len(x.shape)))
    return Transpose(tuple(left.pop(draw.integer(0, len(left) - 1)) for _ in x.shape))


def concat(draw: Draw, x: TensorType, *others: TensorType) -> Op:
    """Along any dimension."""
    return Concat(draw.integer(0, max(0, len(x.shape) - 1)))


def _few(products: int) -> None:
    if products > MOST_PRODUCTS:
        raise ValueError(f"{products} products take too long to simulate")


def _image(x: TensorType) -> tuple[int, int, int]:
    if len(x.shape) != 3:
        raise ValueError(f"{x} is no image")
    return x.shape[0], x.shape[1], x.shape[2]


def _borders(draw: Draw, kernel: tuple[int, int]) -> Padding:
    if draw.choice((True, False)):
        return NO_PADDING
    (top, bottom), (left, right) = ([draw.integer(0, size - 1) for _ in range(2)] for size in kernel)
    return (top, bottom), (left, right)


def _clamp(draw: Draw, dtype: IntType) -> tuple[int, int] | None:
    if draw.choice((True, True, False)):
        return None
    low, high = sorted(draw.integer(dtype.min, dtype.max) for _ in range(2))
    return low, high


def _scale(draw: Draw, x_bits: int, dtype: IntType, arithmetic: str) -> tuple[int, int]:
    """Multiplier and shift: one, a power of two with its ties, one that fits ``dtype``, zero, very small or large."""
    kind = draw.choice(("one", "fits", "fits", "fits", "power", "ties", "zero", "small", "large"))
    most = _MOST_BITS[arithmetic]
    bits = min(most, max(1, 61 - x_bits))
    if kind == "one":
        return (1 << 30, 30) if arithmetic == "tflm" else (1, 0)
    if kind == "zero":
        return 0, draw.choice((31, 0, 62))
    multiplier = draw.integer(1 << (bits - 1), (1 << bits) - 1)
    if kind == "small":
        return multiplier, 62
    fitting = min(62, max(0, bits + x_bits - dtype.bits - draw.integer(0, 4)))
    if kind == "large":
        return multiplier, max(0, fitting - draw.integer(4, 20))
    if kind == "power":
        return 1 << (bits - 1), fitting
    if kind == "ties":
        return 1 << (bits - 1), bits - 1 + draw.integer(1, 3)
    return multiplier, fitting
