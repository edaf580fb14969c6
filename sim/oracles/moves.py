"""Ops that put values into other places."""

from __future__ import annotations

from itertools import product
from typing import Any

from sim.oracles.nested import at, build, shape_of


def concat(op: Any, *x: Any) -> Any:
    """One behind the other along a dimension."""

    def join(parts: tuple[Any, ...], depth: int) -> Any:
        if depth == 0:
            return [row for part in parts for row in part]
        return [join(rows, depth - 1) for rows in zip(*parts, strict=True)]

    return join(x, op.axis)


def pad(op: Any, x: Any) -> Any:
    """Values around."""
    shape = shape_of(x)
    whole = tuple(size + before + after for size, (before, after) in zip(shape, op.padding, strict=True))

    def value(index: tuple[int, ...]) -> int:
        place = tuple(i - before for i, (before, _) in zip(index, op.padding, strict=True))
        return at(x, place) if all(0 <= i < size for i, size in zip(place, shape, strict=True)) else op.value

    return build(whole, value)


def slice_of(op: Any, x: Any) -> Any:
    """A part, with a stride."""

    def value(index: tuple[int, ...]) -> int:
        return at(x, tuple(b + i * s for i, b, s in zip(index, op.begin, op.stride, strict=True)))

    return build(op.size, value)


def transpose(op: Any, x: Any) -> Any:
    """Dimensions in another order."""
    shape = shape_of(x)

    def value(index: tuple[int, ...]) -> int:
        place = [0] * len(shape)
        for i, axis in zip(index, op.permutation, strict=True):
            place[axis] = i
        return at(x, tuple(place))

    return build(tuple(shape[axis] for axis in op.permutation), value)


def reshape(op: Any, x: Any) -> Any:
    """The same row-major order in another shape."""
    flat = [at(x, index) for index in product(*map(range, shape_of(x)))]

    def value(index: tuple[int, ...]) -> int:
        place = 0
        for i, size in zip(index, op.shape, strict=True):
            place = place * size + i
        return flat[place]

    return build(op.shape, value)
