"""Hardware of the rounded mean of each window: a sum, and a product with a constant instead of a division."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from golden.ops import AveragePool
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.geometry import Geometry, window_walk
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.pooled import RESULT_CYCLES, Pooling, pooled, poolings
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Walk

_PRODUCT_CYCLES = 1
_MOST_SUMS = 1 << 20
"""Sums that are tried one by one, beyond the proof."""


def _geometry(op: AveragePool, x: TensorType) -> Geometry:
    rows, columns, channels = x.shape
    out = op.out_type(x).shape
    return Geometry((rows, columns), channels, (out[0], out[1]), op.kernel, op.stride, op.padding)


def _work(op: AveragePool, x: TensorType) -> Pooling:
    geometry = _geometry(op, x)
    return Pooling(geometry.positions, geometry.taps, geometry.channels)


@candidates.register
def _(op: AveragePool, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    return poolings(_work(op, xs[0].type), xs[0], goal)


@widths.register
def _(op: AveragePool, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [_work(op, xs[0]).width(layer)]


@walk.register
def _(op: AveragePool, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    return window_walk(_geometry(op, xs[0]), layer.folds, (Loop(layer.folds, (1,)),), ())


@departures.register
def _(op: AveragePool, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    work = _work(op, xs[0])
    return of_positions("", work.positions, work.offsets(layer, _PRODUCT_CYCLES + RESULT_CYCLES))


@dataclass(frozen=True)
class _Divisor:
    """``round(x / n) == (x * multiplier + offset) >> shift``, ties away from zero; another offset for ``x < 0``."""

    multiplier: int
    offset: int
    negative_offset: int


@lru_cache(maxsize=256)
def _divisors(counts: tuple[int, ...], x: IntType) -> tuple[dict[int, _Divisor], int]:
    """The divisor for each count of summands of type ``x``, and their common shift, the smallest that is proven.

    With ``h = n // 2`` the mean is ``floor((x + h) / n)``, or ``floor((x - h + n - 1) / n)`` for a negative ``x``. With
    ``m = ceil(2**s / n)`` and ``e = m * n - 2**s``, ``v * m / 2**s`` is ``v / n + v * e / (n * 2**s)``: its floor is
    right for all ``0 <= v <= V`` if ``V * e < 2**s``, and for all ``-U <= v < n`` if ``c / 2**s`` is added, which makes
    up for ``U * e / (n * 2**s)``, and stays below ``1 / n`` itself.
    """
    for shift in range(x.bits + 2 * max(counts).bit_length() + 2):
        found = {n: _divisor(n, x, shift) for n in counts}
        exact = {n: divisor for n, divisor in found.items() if divisor is not None}
        if len(exact) == len(counts):
            for n, divisor in exact.items():
                _check(n, x, divisor, shift)
            return exact, shift
    raise AssertionError(f"no shift divides sums of {x} by {counts}")


def _divisor(n: int, x: IntType, shift: int) -> _Divisor | None:
    half, one = n // 2, 1 << shift
    m = -(-one // n)
    error = m * n - one
    greatest, smallest = x.max * n + half, max(0, half - x.min * n)
    makes_up = -(-smallest * error // n)
    if greatest * error >= one or makes_up * n + n * error >= one:
        return None
    return _Divisor(m, half * m, (n - 1 - half) * m + makes_up)


def _check(n: int, x: IntType, divisor: _Divisor, shift: int) -> None:
    """The proof once more, sum by sum."""
    if (x.max - x.min) * n > _MOST_SUMS:
        return
    sums = np.arange(x.min * n, x.max * n + 1)
    offset = np.where(sums < 0, divisor.negative_offset, divisor.offset)
    made = (sums * divisor.multiplier + offset) >> shift
    distance = np.abs(2 * (made * n - sums))
    nearest = (distance < n) | ((distance == n) & (np.abs(made * n) > np.abs(sums)))
    assert nearest.all(), f"sums of {n} values of {x} are not divided exactly"


def _counts(geometry: Geometry) -> tuple[int, ...]:
    """The numbers of places of the image that a window can have."""
    by_axis = []
    for axis in range(2):
        first = np.arange(geometry.out_size[axis]) * geometry.stride[axis] - geometry.padding[axis][0]
        inside = np.minimum(first + geometry.kernel[axis], geometry.size[axis]) - np.maximum(first, 0)
        by_axis.append(set(inside.tolist()))
    return tuple(sorted({rows * columns for rows in by_axis[0] for columns in by_axis[1]}))


@lower.register
def averagepool(op: AveragePool, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Sums of the places within the image, and how many they are; then a product with a constant for each such number.

    ::

        word --> sums ---> drain --> * constant of the count --> + offset of its sign, >> shift --> y
        inside --> count --> held ------+------------------------------+
    """
    (x,) = xs
    dtype, geometry = x.type.dtype, _geometry(op, x.type)
    counts = _counts(geometry)
    divisors, shift = _divisors(counts, dtype)
    path = walk(op, layer, [x.type])
    assert path is not None
    taps = geometry.taps
    reach = IntType.holding(min(0, dtype.min * taps), max(0, dtype.max * taps))
    made = pooled(
        x, name, layer, _work(op, x.type), path, lambda so_far, word: so_far + word, reach, counts=len(counts) > 1
    )
    held = made.out.held
    product = _chosen(held, {n: made.out.data * divisor.multiplier for n, divisor in divisors.items()})
    product = product.register(f"{name}_product")
    if held is not None:
        held = held.register(f"{name}_held")
    offset, negative_offset = (
        _chosen(held, {n: HDLTensor.constant(value) for n, value in values.items()})
        for values in (
            {n: divisor.offset for n, divisor in divisors.items()},
            {n: divisor.negative_offset for n, divisor in divisors.items()},
        )
    )
    mean = (product + HDLTensor.where(product < 0, negative_offset, offset)) >> shift
    flags = made.out.flags.after(f"{name}_product", _PRODUCT_CYCLES)
    return made.stream(name, op.out_type(x.type), mean.known_range(dtype.min, dtype.max), flags)


def _chosen(count: HDLTensor | None, values: dict[int, HDLTensor]) -> HDLTensor:
    """``values[count]``."""
    first, *others = values
    chosen = values[first]
    for n in others:
        assert count is not None, "there are several counts"
        chosen = HDLTensor.where(count == n, values[n], chosen)
    return chosen
