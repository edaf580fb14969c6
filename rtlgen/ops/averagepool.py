"""Hardware of the rounded mean of each window: a sum, and a product with a constant instead of a division."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from functools import lru_cache

from golden.ops import AveragePool
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.divisors import Divisors, averaged
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.pooled import RESULT_CYCLES, pooled, poolings, walk_of, work_of
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Walk

_PRODUCT_CYCLES = 1


@candidates.register
def _(op: AveragePool, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    return poolings(work_of(op, xs[0].type), xs[0], goal)


@widths.register
def _(op: AveragePool, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [work_of(op, xs[0]).width(layer)]


@walk.register
def _(op: AveragePool, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    return walk_of(op, layer, xs[0])


@departures.register
def _(op: AveragePool, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    work = work_of(op, xs[0])
    return of_positions("", work.positions, work.offsets(layer, _PRODUCT_CYCLES + RESULT_CYCLES))


@lru_cache(maxsize=256)
def _divisors(op: AveragePool, x: TensorType) -> Divisors:
    return averaged(op, x)


@lower.register
def averagepool(op: AveragePool, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Sums of the places within the image, and how many they are; then a product with a constant for each such number.

    ::

        word --> sums ---> drain --> * constant of the count --> + offset of its sign, >> shift --> y
        inside --> count --> held ------+------------------------------+
    """
    (x,) = xs
    dtype, work = x.type.dtype, work_of(op, x.type)
    divisors = _divisors(op, x.type)
    lines, counts = divisors.lines, divisors.counts
    path = walk_of(op, layer, x.type)
    reach = IntType.holding(min(0, dtype.min * work.taps), max(0, dtype.max * work.taps))
    made = pooled(x, name, layer, work, path, operator.add, reach, counts=len(counts) > 1)
    held, total = made.out.held, made.out.data
    product = _chosen(held, counts, [total * multiplier for multiplier in lines.multipliers])
    product = product.register(f"{name}_product")
    if held is not None:
        held = held.register(f"{name}_held")
    offset, negative_offset = (
        _chosen(held, counts, [HDLTensor.constant(value) for value in values])
        for values in (lines.offsets, lines.negative_offsets)
    )
    # A multiplier is positive: the product has the sign of the sum.
    mean = (product + HDLTensor.where(product < 0, negative_offset, offset)) >> lines.shift
    flags = made.out.flags.after(f"{name}_product", _PRODUCT_CYCLES)
    return made.stream(name, op.out_type(x.type), mean.known_range(dtype.min, dtype.max), flags)


def _chosen(count: HDLTensor | None, counts: Sequence[int], values: Sequence[HDLTensor]) -> HDLTensor:
    """The value that belongs to ``count``."""
    chosen = values[0]
    for n, value in zip(counts[1:], values[1:], strict=True):
        assert count is not None, "there are several counts"
        chosen = HDLTensor.where(count == n, value, chosen)
    return chosen
