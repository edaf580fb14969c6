"""What values each channel of each tensor can have, from the input's type on: intervals, propagated through the ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from golden.graph import Graph
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
    Relu,
    Requantize,
    Reshape,
    Slice,
    Sum,
    Transpose,
    Wrap,
)
from golden.types import IntArray, TensorType
from rtlgen.rounding import scaled


@dataclass(frozen=True)
class Interval:
    """Smallest and largest value of each channel, the innermost dimension; shape (channels,)."""

    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def of_type(cls, type: TensorType) -> Interval:
        """All values of the type."""
        return cls((type.dtype.min,) * type.inner, (type.dtype.max,) * type.inner)

    @property
    def arrays(self) -> tuple[IntArray, IntArray]:
        """Both ends."""
        return np.array(self.low, dtype=np.int64), np.array(self.high, dtype=np.int64)


def intervals(graph: Graph) -> Mapping[str, Interval]:
    """The interval of every tensor by name."""
    found = {name: Interval.of_type(type) for name, type in graph.inputs.items()}
    for node in graph.nodes:
        types = [graph.types[name] for name in node.inputs]
        found[node.name] = interval(node.op, types, [found[name] for name in node.inputs])
    return found


@singledispatch
def interval(op: Op, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    """The interval of the result of ``op``; without better knowledge that of its type."""
    return Interval.of_type(op.out_type(*types))


def _of(low: IntArray, high: IntArray) -> Interval:
    return Interval(tuple(low.tolist()), tuple(high.tolist()))


@interval.register
def _(op: Dense, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    low, high = xs[0].arrays
    ends = op.weight * low, op.weight * high
    return _of(op.bias + np.minimum(*ends).sum(axis=1), op.bias + np.maximum(*ends).sum(axis=1))


@interval.register
def _(op: Conv, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    low, high = xs[0].arrays
    if op.padding != ((0, 0), (0, 0)):
        low, high = np.minimum(low, op.padding_value), np.maximum(high, op.padding_value)
    share = op.outputs // op.groups
    weight = op.weight.reshape(op.groups, share, op.kernel[0] * op.kernel[1], -1)
    ends = [weight * end.reshape(op.groups, 1, 1, -1) for end in (low, high)]
    lows, highs = np.minimum(*ends).sum(axis=(2, 3)), np.maximum(*ends).sum(axis=(2, 3))
    return _of(op.bias + lows.reshape(-1), op.bias + highs.reshape(-1))


@interval.register
def _(op: Requantize, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    def results(x: IntArray) -> IntArray:
        y = scaled(op.arithmetic, x - op.x_zero_point, op.multiplier.reshape(-1), op.shift.reshape(-1))
        return np.clip(y + op.zero_point, *op.limits)

    return _of(*(results(end) for end in xs[0].arrays))


@interval.register
def _(op: Relu, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    return _of(*(np.maximum(end, 0) for end in xs[0].arrays))


@interval.register
def _(op: Clamp, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    return _of(*(np.clip(end, op.low, op.high) for end in xs[0].arrays))


@interval.register(MaxPool)
@interval.register(AveragePool)
def _(op: Op, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    return xs[0]


@interval.register
def _(op: Lookup, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    tables = np.broadcast_to(op.table, (types[0].inner, op.table.shape[-1]))
    seen = [
        table[low - op.low : high - op.low + 1] for table, low, high in zip(tables, xs[0].low, xs[0].high, strict=True)
    ]
    return Interval(tuple(int(part.min()) for part in seen), tuple(int(part.max()) for part in seen))


@interval.register(Add)
@interval.register(Multiply)
def _(op: Add | Multiply, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    # Rounding keeps the order, and between its corners a sum or a product is linear along either side.
    inner = op.out_type(*types).inner
    first, second = ([np.broadcast_to(end, inner)[None] for end in x.arrays] for x in xs)
    corners = [op(a, b)[0] for a in first for b in second]
    return _of(np.minimum.reduce(corners), np.maximum.reduce(corners))


@interval.register
def _(op: Sum, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    result = op.out_type(*types)
    if len(types[0].shape) - 1 in op.axes:
        return Interval.of_type(result)
    return _of(*(end * op.terms(types[0]) for end in xs[0].arrays))


@interval.register
def _(op: Wrap, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    low, high = xs[0].arrays
    fits = (low >= op.dtype.min) & (high <= op.dtype.max)
    return _of(np.where(fits, low, op.dtype.min), np.where(fits, high, op.dtype.max))


@interval.register
def _(op: Concat, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    if op.axis == len(types[0].shape) - 1:
        return Interval(sum((x.low for x in xs), ()), sum((x.high for x in xs), ()))
    lows, highs = zip(*(x.arrays for x in xs), strict=True)
    return _of(np.minimum.reduce(lows), np.maximum.reduce(highs))


@interval.register
def _(op: Pad, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    *others, own = op.padding or ((0, 0),)  # a scalar has no dimension
    low, high = xs[0].arrays
    if any(side for sides in others for side in sides):
        low, high = np.minimum(low, op.value), np.maximum(high, op.value)
    return _of(*(np.pad(end, own, constant_values=op.value) for end in (low, high)))


@interval.register
def _(op: Slice, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    if not op.size:  # a scalar has no dimension
        return xs[0]
    places = slice(op.begin[-1], op.begin[-1] + (op.size[-1] - 1) * op.stride[-1] + 1, op.stride[-1])
    return Interval(xs[0].low[places], xs[0].high[places])


@interval.register
def _(op: Transpose, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    if not op.permutation or op.permutation[-1] == len(op.permutation) - 1:
        return xs[0]
    return _of_all(xs[0], op.out_type(*types).inner)


@interval.register
def _(op: Reshape, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    inner = op.out_type(*types).inner
    if inner % types[0].inner:
        return _of_all(xs[0], inner)
    times = inner // types[0].inner
    return Interval(xs[0].low * times, xs[0].high * times)


def _of_all(x: Interval, inner: int) -> Interval:
    """Where channels become mixed, none is known better than all of them."""
    return Interval((min(x.low),) * inner, (max(x.high),) * inner)
