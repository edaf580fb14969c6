"""Ops that make a value of many: sums of products, windows, sums, the place of the largest."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

from sim.oracles.nested import at, build, shape_of
from sim.oracles.rounding import half_away


def dense(op: Any, x: Any) -> Any:
    """Along the innermost dimension, for every position."""

    def value(index: tuple[int, ...]) -> int:
        *outer, o = index
        return int(op.bias[o]) + sum(int(w) * at(x, (*outer, i)) for i, w in enumerate(op.weight[o]))

    return build((*shape_of(x)[:-1], len(op.bias)), value)


def conv(op: Any, x: Any) -> Any:
    """Over a window that sees the padding value beyond the border, group by group."""
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


def maxpool(op: Any, x: Any) -> Any:
    """The largest of a window."""
    return windows(op, x, max)


def averagepool(op: Any, x: Any) -> Any:
    """The mean of a window, ties away from zero."""
    return windows(op, x, lambda seen: half_away(Fraction(sum(seen), len(seen))))


def windows(op: Any, x: Any, of: Callable[[list[int]], int]) -> Any:
    """``of`` what each window sees within the border."""
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


def sum_of(op: Any, x: Any) -> Any:
    """Over some dimensions."""
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


def argmax(op: Any, x: Any) -> Any:
    """The first place of the largest along the innermost dimension."""
    shape = shape_of(x)

    def value(index: tuple[int, ...]) -> int:
        row = [at(x, (*index, i)) for i in range(shape[-1])]
        return row.index(max(row))

    return build(shape[:-1], value)
