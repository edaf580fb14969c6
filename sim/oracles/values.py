"""Ops that make a value of a value, or of one of each input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.oracles.nested import at, build, each, shape_of
from sim.oracles.rounding import clip, scaled


def clamp(op: Any, x: Any) -> Any:
    """The middle one of the value and both ends."""
    return each(x, lambda value: sorted((int(op.low), value, int(op.high)))[1])


def wrap(op: Any, x: Any) -> Any:
    """The lowest bits, read as the type has it."""
    values: int = 2 ** int(op.dtype.bits)

    def wrapped(value: int) -> int:
        rest = value % values
        return rest - values if op.dtype.signed and rest >= values // 2 else rest

    return each(x, wrapped)


def lookup(op: Any, x: Any) -> Any:
    """An entry of the table, or of that of the channel."""

    def value(index: tuple[int, ...]) -> int:
        table = op.table.tolist()
        own = table[index[-1] if index else 0] if isinstance(table[0], list) else table
        return int(own[at(x, index) - op.low])

    return build(shape_of(x), value)


def requantize(op: Any, x: Any) -> Any:
    """A product with the scale of the channel, rounded, from one zero point to the other."""
    multipliers, shifts = op.multiplier.reshape(-1).tolist(), op.shift.reshape(-1).tolist()

    def value(index: tuple[int, ...]) -> int:
        channel = index[-1] if op.multiplier.ndim else 0
        y = scaled(at(x, index) - op.x_zero_point, multipliers[channel], shifts[channel], op.arithmetic)
        return clip(y + op.zero_point, op.clamp or (op.dtype.min, op.dtype.max))

    return build(shape_of(x), value)


def add(op: Any, a: Any, b: Any) -> Any:
    """Each input by its scale, and their sum or difference by that of the result."""

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


def multiply(op: Any, a: Any, b: Any) -> Any:
    """The product of both by one scale."""

    def value(first: int, second: int) -> int:
        whole = (first - op.x_zero_points[0]) * (second - op.x_zero_points[1])
        y = scaled(whole, op.multiplier, op.shift, op.arithmetic) + op.zero_point
        return clip(y, op.clamp or (op.dtype.min, op.dtype.max))

    return broadcast(a, b, value)


def broadcast(a: Any, b: Any, of: Callable[[int, int], int]) -> Any:
    """``of`` every pair; what has one element along a dimension has it everywhere there."""
    shapes = [shape_of(a), shape_of(b)]
    rank = max(map(len, shapes))
    long = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    shape = tuple(max(pair) for pair in zip(*long, strict=True))

    def value(index: tuple[int, ...]) -> int:
        found = []
        for x, own, whole in zip((a, b), shapes, long, strict=True):
            place = tuple(0 if size == 1 else i for i, size in zip(index, whole, strict=True))
            found.append(at(x, place[rank - len(own) :]))
        return of(found[0], found[1])

    return build(shape, value)
