"""Ops with fewer channels: where each channel of a result comes from, and the op that computes those that are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
import numpy.typing as npt

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
from rtlgen.intervals import Interval

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Taken:
    """A tensor that an op takes.

    Args:
        type: with all channels.
        kept: the channels that are left, in their order.
        reach: values of all channels.
    """

    type: TensorType
    kept: Places
    reach: Interval


@singledispatch
def origins(op: Op, types: Sequence[TensorType]) -> list[Places] | None:
    """For each input the channel that every channel of the result is made of, -1 for none; shape (channels,) each.

    None for an op that mixes channels: it keeps all of them.
    """
    return None


@singledispatch
def narrowed(op: Op, xs: Sequence[Taken], kept: Places) -> Op:
    """``op`` on what is left of its inputs, for the channels ``kept`` of its result."""
    return op


@origins.register(Relu)
@origins.register(Clamp)
@origins.register(Requantize)
@origins.register(Lookup)
@origins.register(MaxPool)
@origins.register(AveragePool)
@origins.register(Wrap)
def _(op: Op, types: Sequence[TensorType]) -> list[Places] | None:
    return [np.arange(types[0].inner)]


@origins.register(Add)
@origins.register(Multiply)
def _(op: Add | Multiply, types: Sequence[TensorType]) -> list[Places] | None:
    inner = op.out_type(*types).inner
    if any(type.inner != inner for type in types):
        return None
    return [np.arange(inner)] * 2


@origins.register
def _(op: Sum, types: Sequence[TensorType]) -> list[Places] | None:
    return None if len(types[0].shape) - 1 in op.axes else [np.arange(types[0].inner)]


@origins.register
def _(op: Transpose, types: Sequence[TensorType]) -> list[Places] | None:
    stays = not op.permutation or op.permutation[-1] == len(op.permutation) - 1
    return [np.arange(types[0].inner)] if stays else None


@origins.register
def _(op: Conv, types: Sequence[TensorType]) -> list[Places] | None:
    return [np.arange(op.outputs) // (op.outputs // op.groups)] if op.depthwise else None


@narrowed.register
def _(op: Conv, xs: Sequence[Taken], kept: Places) -> Op:
    weight = op.weight[kept]
    if op.groups > 1:
        return replace(op, weight=weight, bias=op.bias[kept], groups=len(xs[0].kept)) if op.depthwise else op
    bias = op.bias[kept] + _constant(weight.sum(axis=(1, 2)), xs[0])
    return replace(op, weight=weight[..., xs[0].kept], bias=bias)


@narrowed.register
def _(op: Dense, xs: Sequence[Taken], kept: Places) -> Op:
    weight = op.weight[kept]
    return replace(op, weight=weight[:, xs[0].kept], bias=op.bias[kept] + _constant(weight, xs[0]))


def _constant(weight: IntArray, x: Taken) -> IntArray:
    """What the dead channels add to every result, for weights of shape (outputs, channels)."""
    dead = np.setdiff1d(np.arange(weight.shape[1]), x.kept)
    low, high = x.reach.arrays
    assert not weight[:, dead[low[dead] != high[dead]]].any(), "a channel that changes is not dead"
    constant: IntArray = weight[:, dead] @ low[dead]
    return constant


@narrowed.register
def _(op: Requantize, xs: Sequence[Taken], kept: Places) -> Op:
    if not op.multiplier.ndim:
        return op
    return replace(op, multiplier=op.multiplier[kept], shift=op.shift[kept])


@narrowed.register
def _(op: Lookup, xs: Sequence[Taken], kept: Places) -> Op:
    return replace(op, table=op.table[kept]) if op.table.ndim == 2 else op


@origins.register
def _(op: Concat, types: Sequence[TensorType]) -> list[Places] | None:
    if op.axis != len(types[0].shape) - 1:
        return [np.arange(types[0].inner)] * len(types)
    ends = np.cumsum([type.inner for type in types])
    places = np.arange(ends[-1])
    return [
        np.where((places >= end - type.inner) & (places < end), places - (end - type.inner), -1)
        for end, type in zip(ends, types, strict=True)
    ]


@origins.register
def _(op: Pad, types: Sequence[TensorType]) -> list[Places] | None:
    return [np.pad(np.arange(types[0].inner), op.padding[-1], constant_values=-1)] if op.padding else None


@narrowed.register
def _(op: Pad, xs: Sequence[Taken], kept: Places) -> Op:
    if not op.padding:
        return op
    before, after = op.padding[-1]
    end = before + xs[0].type.inner
    own = int((kept < before).sum()), int((kept >= end).sum())
    assert own <= (before, after)
    return replace(op, padding=(*op.padding[:-1], own))


@origins.register
def _(op: Slice, types: Sequence[TensorType]) -> list[Places] | None:
    if not op.size or op.stride[-1] != 1:
        return None
    return [op.begin[-1] + np.arange(op.size[-1])]


@narrowed.register
def _(op: Slice, xs: Sequence[Taken], kept: Places) -> Op:
    if not op.size:
        return op
    begin = int((xs[0].kept < op.begin[-1]).sum())
    return replace(op, begin=(*op.begin[:-1], begin), size=(*op.size[:-1], len(kept)))


@origins.register
def _(op: Reshape, types: Sequence[TensorType]) -> list[Places] | None:
    inner = op.out_type(*types).inner
    if not op.shape or not types[0].shape or inner % types[0].inner:
        return None
    return [np.arange(inner) % types[0].inner]


@narrowed.register
def _(op: Reshape, xs: Sequence[Taken], kept: Places) -> Op:
    return replace(op, shape=(*op.shape[:-1], len(kept))) if op.shape else op
