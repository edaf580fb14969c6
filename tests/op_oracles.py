"""What each op means, once more: slow, in Python's own integers and fractions, and sharing no code with golden.

``oracle(op, *samples)`` takes one sample per input, as nested lists, and gives the result as nested lists.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import cache, singledispatch
from itertools import product
from math import floor, isqrt
from typing import Any

from golden import ops


def shape_of(x: Any) -> tuple[int, ...]:
    return (len(x), *shape_of(x[0])) if isinstance(x, list) else ()


def at(x: Any, index: tuple[int, ...]) -> int:
    for i in index:
        x = x[i]
    return int(x)


def build(shape: tuple[int, ...], value) -> Any:
    """Nested lists of ``value(index)``."""

    def level(index: tuple[int, ...]) -> Any:
        if len(index) == len(shape):
            return int(value(index))
        return [level((*index, i)) for i in range(shape[len(index)])]

    return level(())


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def half_away(value: Fraction) -> int:
    return half_up(value) if value >= 0 else -half_up(-value)


def half_even(value: Fraction) -> int:
    low = floor(value)
    rest = value - low
    return low + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1))


def single(value: Fraction) -> Fraction:
    """The nearest number in IEEE single precision, ties to even."""
    if value == 0:
        return value
    exponent = 0
    while abs(value) / Fraction(2) ** exponent >= 2:
        exponent += 1
    while abs(value) / Fraction(2) ** exponent < 1 and exponent > -126:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    rounded = half_even(value / unit) * unit
    assert rounded == Fraction(struct.unpack("f", struct.pack("f", float(rounded)))[0])
    return rounded


def scaled(x: int, multiplier: int, shift: int, arithmetic: str) -> int:
    """``x * multiplier / 2**shift``, rounded as ``arithmetic`` says."""
    if arithmetic in ("half_up", "single"):
        return half_up(Fraction(x * multiplier, 2**shift))
    if arithmetic == "float32":
        return half_even(single(single(Fraction(x)) * single(Fraction(multiplier, 2**shift))))
    assert arithmetic == "tflm"
    exponent = 31 - shift
    doubled = x * 2 ** max(exponent, 0) * multiplier
    # As gemmlowp writes it: a nudge by sign, then C's division, which rounds towards zero.
    nudged = doubled + (2**30 if doubled >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    return half_away(Fraction(high, 2 ** max(-exponent, 0)))


def clip(value: int, limits: tuple[int, int]) -> int:
    return min(max(value, limits[0]), limits[1])


@singledispatch
def oracle(op: Any, *x: Any) -> Any:
    raise NotImplementedError(f"no oracle for {type(op).__name__}")


@oracle.register
def _(op: ops.Dense, x: Any) -> Any:
    def value(index: tuple[int, ...]) -> int:
        *outer, o = index
        return int(op.bias[o]) + sum(int(w) * at(x, (*outer, i)) for i, w in enumerate(op.weight[o]))

    return build((*shape_of(x)[:-1], len(op.bias)), value)


@oracle.register
def _(op: ops.Conv, x: Any) -> Any:
    rows, columns, channels = shape_of(x)
    outputs, kernel_rows, kernel_columns, inner = op.weight.shape
    assert inner * op.groups == channels
    (top, bottom), (left, right) = op.padding

    def places(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> int:
        return len(range(0, size + before + after - (kernel - 1) * dilation, stride))

    shape = (
        places(rows, top, bottom, kernel_rows, op.stride[0], op.dilation[0]),
        places(columns, left, right, kernel_columns, op.stride[1], op.dilation[1]),
        outputs,
    )

    def value(index: tuple[int, ...]) -> int:
        i, j, o = index
        total = int(op.bias[o])
        group = o // (outputs // op.groups)
        for u, v, c in product(range(kernel_rows), range(kernel_columns), range(inner)):
            row, column = i * op.stride[0] - top + u * op.dilation[0], j * op.stride[1] - left + v * op.dilation[1]
            inside = 0 <= row < rows and 0 <= column < columns
            seen = at(x, (row, column, group * inner + c)) if inside else op.padding_value
            total += int(op.weight[o, u, v, c]) * seen
        return total

    return build(shape, value)


def windows(op: Any, x: Any, of: Any) -> Any:
    rows, columns, channels = shape_of(x)
    (top, bottom), (left, right) = op.padding
    shape = (
        (rows + top + bottom - op.kernel[0]) // op.stride[0] + 1,
        (columns + left + right - op.kernel[1]) // op.stride[1] + 1,
        channels,
    )

    def value(index: tuple[int, ...]) -> int:
        i, j, c = index
        places = [(i * op.stride[0] - top + u, j * op.stride[1] - left + v) for u, v in product(*map(range, op.kernel))]
        return of([at(x, (r, k, c)) for r, k in places if 0 <= r < rows and 0 <= k < columns])

    return build(shape, value)


@oracle.register
def _(op: ops.MaxPool, x: Any) -> Any:
    return windows(op, x, max)


@oracle.register
def _(op: ops.AveragePool, x: Any) -> Any:
    return windows(op, x, lambda seen: half_away(Fraction(sum(seen), len(seen))))


@oracle.register
def _(op: ops.Sum, x: Any) -> Any:
    shape = shape_of(x)
    kept = [1 if axis in op.axes else size for axis, size in enumerate(shape)]

    def value(index: tuple[int, ...]) -> int:
        rest = iter(index)
        places = []
        for axis, size in enumerate(shape):
            if op.keep or axis not in op.axes:
                fixed = next(rest)
                places.append(range(size) if axis in op.axes else range(fixed, fixed + 1))
            else:
                places.append(range(size))
        return sum(at(x, place) for place in product(*places))

    return build(tuple(kept) if op.keep else tuple(n for a, n in enumerate(shape) if a not in op.axes), value)


@oracle.register
def _(op: ops.Relu, x: Any) -> Any:
    return build(shape_of(x), lambda index: at(x, index) if at(x, index) > 0 else 0)


@oracle.register
def _(op: ops.Clamp, x: Any) -> Any:
    return build(shape_of(x), lambda index: sorted((op.low, at(x, index), op.high))[1])


@oracle.register
def _(op: ops.Wrap, x: Any) -> Any:
    def value(index: tuple[int, ...]) -> int:
        rest = at(x, index) % 2**op.dtype.bits
        return rest - 2**op.dtype.bits if op.dtype.signed and rest >= 2 ** (op.dtype.bits - 1) else rest

    return build(shape_of(x), value)


@oracle.register
def _(op: ops.Lookup, x: Any) -> Any:
    def value(index: tuple[int, ...]) -> int:
        table = op.table.tolist()
        return (table[index[-1] if index else 0] if isinstance(table[0], list) else table)[at(x, index) - op.low]

    return build(shape_of(x), value)


@oracle.register
def _(op: ops.Requantize, x: Any) -> Any:
    multipliers, shifts = op.multiplier.reshape(-1).tolist(), op.shift.reshape(-1).tolist()

    def value(index: tuple[int, ...]) -> int:
        channel = index[-1] if op.multiplier.ndim else 0
        y = scaled(at(x, index) - op.x_zero_point, multipliers[channel], shifts[channel], op.arithmetic)
        return clip(y + op.zero_point, op.clamp or (op.dtype.min, op.dtype.max))

    return build(shape_of(x), value)


def broadcast(a: Any, b: Any, of: Any) -> Any:
    shapes = [shape_of(a), shape_of(b)]
    rank = max(map(len, shapes))
    long = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    shape = tuple(max(pair) for pair in zip(*long, strict=True))

    def value(index: tuple[int, ...]) -> int:
        found = []
        for x, own, whole in zip((a, b), shapes, long, strict=True):
            place = tuple(0 if size == 1 else i for i, size in zip(index, whole, strict=True))
            found.append(at(x, place[rank - len(own) :]))
        return of(*found)

    return build(shape, value)


@oracle.register
def _(op: ops.Add, a: Any, b: Any) -> Any:
    def value(first: int, second: int) -> int:
        terms = [
            scaled((x - zero_point) * 2**op.left_shift, multiplier, shift, op.arithmetic)
            for x, zero_point, multiplier, shift in zip(
                (first, second), op.x_zero_points, op.x_multipliers, op.x_shifts, strict=True
            )
        ]
        total = terms[0] + (-terms[1] if op.subtract else terms[1])
        y = scaled(total, op.multiplier, op.shift, op.arithmetic) + op.zero_point
        return clip(y, op.clamp or (op.dtype.min, op.dtype.max))

    return broadcast(a, b, value)


@oracle.register
def _(op: ops.Multiply, a: Any, b: Any) -> Any:
    def value(first: int, second: int) -> int:
        whole = (first - op.x_zero_points[0]) * (second - op.x_zero_points[1])
        y = scaled(whole, op.multiplier, op.shift, op.arithmetic) + op.zero_point
        return clip(y, op.clamp or (op.dtype.min, op.dtype.max))

    return broadcast(a, b, value)


@oracle.register
def _(op: ops.Concat, *x: Any) -> Any:
    def join(parts: tuple[Any, ...], depth: int) -> Any:
        if depth == 0:
            return [row for part in parts for row in part]
        return [join(rows, depth - 1) for rows in zip(*parts, strict=True)]

    return join(x, op.axis)


@oracle.register
def _(op: ops.Pad, x: Any) -> Any:
    shape = shape_of(x)
    whole = tuple(size + before + after for size, (before, after) in zip(shape, op.padding, strict=True))

    def value(index: tuple[int, ...]) -> int:
        place = tuple(i - before for i, (before, _) in zip(index, op.padding, strict=True))
        return at(x, place) if all(0 <= i < size for i, size in zip(place, shape, strict=True)) else op.value

    return build(whole, value)


@oracle.register
def _(op: ops.Slice, x: Any) -> Any:
    def value(index: tuple[int, ...]) -> int:
        return at(x, tuple(b + i * s for i, b, s in zip(index, op.begin, op.stride, strict=True)))

    return build(op.size, value)


@oracle.register
def _(op: ops.Transpose, x: Any) -> Any:
    shape = shape_of(x)

    def value(index: tuple[int, ...]) -> int:
        place = [0] * len(shape)
        for i, axis in zip(index, op.permutation, strict=True):
            place[axis] = i
        return at(x, tuple(place))

    return build(tuple(shape[axis] for axis in op.permutation), value)


@oracle.register
def _(op: ops.Reshape, x: Any) -> Any:
    flat = [at(x, index) for index in product(*map(range, shape_of(x)))]

    def value(index: tuple[int, ...]) -> int:
        place = 0
        for i, size in zip(index, op.shape, strict=True):
            place = place * size + i
        return flat[place]

    return build(op.shape, value)


@oracle.register
def _(op: ops.Argmax, x: Any) -> Any:
    shape = shape_of(x)

    def value(index: tuple[int, ...]) -> int:
        row = [at(x, (*index, i)) for i in range(shape[-1])]
        return row.index(max(row))

    return build(shape[:-1], value)


@oracle.register
def _(op: ops.Softmax, x: Any) -> Any:
    shape = shape_of(x)

    def value(index: tuple[int, ...]) -> int:
        *outer, c = index
        row = [at(x, (*outer, i)) for i in range(shape[-1])]
        return (softmax_of if op.arithmetic == "tflm" else single_softmax_of)(op, row)[c]

    return build(shape, value)


def softmax_of(op: ops.Softmax, row: list[int]) -> list[int]:
    """TensorFlow Lite Micro's softmax, statement by statement as its C++ has it, in unlimited integers."""

    def srdhm(a: int, b: int) -> int:
        whole = a * b
        nudged = whole + (2**30 if whole >= 0 else 1 - 2**30)
        return abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)

    def pot(x: int, exponent: int) -> int:
        return half_away(Fraction(x, 2**exponent))

    def saturate(x: int) -> int:
        return clip(x, (-(2**31), 2**31 - 1))

    def exp(a: int) -> int:
        if a == 0:
            return 2**31 - 1
        last = a % 2**24 - 2**24
        x = saturate(last * 2**5) + 2**28
        x2 = srdhm(x, x)
        x3, x4 = srdhm(x2, x), srdhm(x2, x2)
        rest = pot(srdhm(pot(x4, 2) + x3, 715827883) + x2, 1)
        y = 1895147668 + srdhm(1895147668, x + rest)
        factors = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
        for exponent, factor in factors.items():
            if (last - a) >> (26 + exponent) & 1:
                y = srdhm(y, factor)
        return y

    left = 31 - op.shift
    radius = floor(Fraction(31 * 2**26, 2**left))
    largest = max(row)
    terms = [exp(srdhm((v - largest) * 2**left, op.multiplier)) if largest - v <= radius else None for v in row]
    total = sum(pot(term, 12) for term in terms if term is not None)
    headroom = 32 - total.bit_length()
    a = total * 2**headroom - 2**31
    half = floor(Fraction(a + 2**31 - 1 + 1, 2))
    x = 1515870810 + srdhm(half, -1010580540)
    for _ in range(3):
        x += saturate(srdhm(x, 2**29 - srdhm(half, x)) * 4)
    scale = saturate(x * 2)
    exponent = 12 - headroom + 31 - 8
    return [-128 if term is None else clip(pot(srdhm(scale, term), exponent) - 128, (-128, 127)) for term in terms]


def single_softmax_of(op: ops.Softmax, row: list[int]) -> list[int]:
    """TensorFlow Lite's softmax on x86, statement by statement, each result rounded to single precision."""
    assert op.arithmetic == "float32"
    terms = [expf(single(Fraction(op.multiplier, 2**op.shift) * (v - max(row)))) for v in row]
    total = Fraction(0)
    for term in terms:
        total = single(total + term)
    inverse = single(1 / single(total / 256))
    return [clip(half_away(single(term * inverse)) - 128, (-128, 127)) for term in terms]


@cache
def expf(x: Fraction) -> Fraction:
    """``exp(x)`` as the C library approximates it, rounded once, where its double precision rounds at every step."""
    if x < Fraction(float.fromhex("-0x1.9fe368p6")):
        return Fraction(0)
    c0, c1, c2, inverse_of_ln2 = (
        Fraction(float.fromhex(digits))
        for digits in ("0x1.c6af84b912394p-5", "0x1.ebfce50fac4f3p-3", "0x1.62e42ff0c52d6p-1", "0x1.71547652b82fep0")
    )
    z = x * inverse_of_ln2 * 32
    k = half_even(z)
    r = (z - k) / 32
    power = 2 ** (k % 32 + 32 * 100)
    for _ in range(5):
        power = isqrt(power)
    table = Fraction(float(Fraction(power, 2**100)))
    return single((c0 * r**3 + c1 * r**2 + c2 * r + 1) * table * Fraction(2) ** (k // 32))
