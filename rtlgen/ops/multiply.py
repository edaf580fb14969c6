"""Hardware of the product of two tensors: a multiplier a lane, then what a requantiser does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from golden.ops import Multiply, Requantize
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.intervals import Interval
from rtlgen.join import Datapath, join_departures, join_foldings, join_walk, join_widths, joined
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.multiply import multipliers_for, partial_products, sum_in_logic, sum_of_partials, terms_in_logic
from rtlgen.ops.requantize import constant_steps
from rtlgen.scale import Scale, scale_of
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Walk


@lru_cache(maxsize=256)
def _operand(x: IntType, zero_point: int) -> IntType:
    """Type of what is multiplied."""
    return IntType.holding(x.min - zero_point, x.max - zero_point)


@candidates.register
def _(op: Multiply, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    a, b = (x.type for x in xs)
    first, second = (_operand(x.dtype, zero) for x, zero in zip((a, b), op.x_zero_points, strict=True))
    cost = multipliers_for(first, second)
    depth_cycles = any(op.x_zero_points) + 2 + len(constant_steps(*_scale(op, a.dtype, b.dtype), 1))
    for folding in join_foldings(xs, op.out_type(a, b), goal):
        layer = replace(folding, depth_cycles=depth_cycles)
        if layer.lanes_out == 1 or goal.unrolled:
            yield replace(layer, logic=True, lut_sites=layer.lut_sites + layer.lanes_out * first.bits * second.bits)
        yield replace(layer, multipliers=layer.lanes_out * cost)


@walk.register
def _(op: Multiply, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    return join_walk(layer, xs, op.out_type(*xs))


@widths.register
def _(op: Multiply, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return join_widths(layer, xs, op.out_type(*xs))


@departures.register
def _(op: Multiply, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return join_departures(layer, join_walk(layer, xs, op.out_type(*xs)))


@lower.register
def multiply(op: Multiply, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Lane by lane.

    ::

        a --> - za --+
                     * -- register -- sum of limbs -- register -- * m -- register -- + offset, >> shift, saturate --> y
        b --> - zb --+
    """
    a, b = (x.type for x in xs)
    first, second = (_operand(x.dtype, zero) for x, zero in zip((a, b), op.x_zero_points, strict=True))
    lanes = layer.lanes_out

    def centre(place: int, word: HDLTensor) -> HDLTensor:
        if not any(op.x_zero_points):
            return word
        return (word - op.x_zero_points[place]).register(f"{name}_{'ab'[place]}_centred")

    def product(x: HDLTensor, y: HDLTensor) -> HDLTensor:
        x, y = (HDLTensor.concat([operand] * lanes) if operand.size < lanes else operand for operand in (x, y))
        return terms_in_logic(x, y) if layer.logic else partial_products(x, y, (first, second))

    def wait(products: HDLTensor) -> HDLTensor:
        return products

    def add_limbs(products: HDLTensor) -> HDLTensor:
        total = (sum_in_logic if layer.logic else sum_of_partials)(products, (first, second))
        return total.known_range(reach.min, reach.max)

    reach = _reach(op, a.dtype, b.dtype)
    steps = [wait, add_limbs, *constant_steps(*_scale(op, a.dtype, b.dtype), lanes)]
    return joined(
        name,
        layer,
        join_walk(layer, [a, b], op.out_type(a, b)),
        xs,
        op.out_type(a, b),
        Datapath(centre, int(any(op.x_zero_points)), product, steps),
    )


def _reach(op: Multiply, a: IntType, b: IntType) -> IntType:
    """What the product can be: of the operands' values, of which their types may hold more."""
    (a_low, a_high), (b_low, b_high) = (
        (x.min - zero, x.max - zero) for x, zero in zip((a, b), op.x_zero_points, strict=True)
    )
    ends = [x * y for x in (a_low, a_high) for y in (b_low, b_high)]
    return IntType.holding(min(ends), max(ends))


@lru_cache(maxsize=256)
def _scale(op: Multiply, a: IntType, b: IntType) -> tuple[Requantize, Scale]:
    """What follows the product is a requantiser."""
    requantize = Requantize(
        np.array(op.multiplier), np.array(op.shift), op.zero_point, op.dtype, op.arithmetic, clamp=op.clamp
    )
    reach = _reach(op, a, b)
    return requantize, scale_of(requantize, Interval((reach.min,), (reach.max,)))
