"""What values each channel of each tensor can have, from the input's type on: intervals, propagated through the ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from golden.graph import Graph
from golden.ops import AveragePool, Clamp, Conv, Dense, MaxPool, Op, Relu, Requantize, Reshape
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
def _(op: Reshape, types: Sequence[TensorType], xs: Sequence[Interval]) -> Interval:
    inner = op.out_type(*types).inner
    if inner % types[0].inner:
        return Interval.of_type(op.out_type(*types))
    times = inner // types[0].inner
    return Interval(xs[0].low * times, xs[0].high * times)
