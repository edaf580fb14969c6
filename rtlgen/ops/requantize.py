"""Hardware of the requantiser: a constant product, one addition that rounds and shifts the zero, and a saturation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil

import pyrtl

from golden.ops import Requantize
from golden.types import IntType, TensorType
from rtlgen.lowering import Goal, LayerPlan, candidates, departures, lower, multipliers_for
from rtlgen.multiply import LIMB_BITS, limbs, multiply_by_one_hot, multiply_in_logic
from rtlgen.pipeline import pipeline
from rtlgen.state import counter
from rtlgen.stream import Stream, beats_of
from rtlgen.tensor import HDLTensor
from rtlgen.weight_store import LATENCY, pack_words, weight_store

ARITHMETICS = ("half_up", "single")
"""Two names of one rounding: it adds half and drops bits."""


@dataclass(frozen=True)
class _Constants:
    """The channels' constants on one common shift, so that no barrel shifter is needed.

    ``((x * m + 2**(s - 1)) >> s) == ((x * (m << k) + 2**(s + k - 1)) >> (s + k))``: every channel is brought to the
    largest shift ``s + k`` of the layer.
    """

    multipliers: list[int]
    offsets: list[int]
    shift: int
    per_channel: bool

    @property
    def multiplier_type(self) -> IntType:
        return IntType.holding(0, max(self.multipliers))

    @property
    def powers_of_two(self) -> bool:
        return all(m & (m - 1) == 0 for m in self.multipliers)


def _constants(op: Requantize, inner: int) -> _Constants:
    if op.arithmetic not in ARITHMETICS:
        raise NotImplementedError(f"Requantize has no hardware for the arithmetic {op.arithmetic!r} yet")
    if op.x_zero_point:
        raise NotImplementedError(f"Requantize has no hardware for the zero point {op.x_zero_point} of its input yet")
    count = inner if op.multiplier.ndim else 1
    pairs = list(zip(op.multiplier.reshape(-1).tolist(), op.shift.reshape(-1).tolist(), strict=True))
    shift = max(s for _, s in pairs)
    multipliers = [m << (shift - s) for m, s in pairs]
    offsets = [((1 << shift - 1) if s else 0) + (op.zero_point << shift) for _, s in pairs]
    assert len(multipliers) == count
    return _Constants(multipliers, offsets, shift, len(set(multipliers)) > 1 or len(set(offsets)) > 1)


def _groups(constants: _Constants, inner: int, lanes: int) -> int:
    """Beats that differ in their constants; 1 where every beat has the same ones."""
    return ceil(inner / lanes) if constants.per_channel else 1


@candidates.register
def _(op: Requantize, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    constants = _constants(op, x.inner)
    groups = _groups(constants, x.inner, lanes)
    bits = constants.multiplier_type.bits
    plan = LayerPlan("pipeline", lanes, lanes, beats_of(x, lanes), depth_cycles=2)
    if groups == 1:
        yield plan
        return
    offset_bits = len(set(constants.offsets)) > 1
    plan = replace(plan, depth_cycles=LATENCY + 3, store_bits=groups * lanes * (bits + offset_bits))
    if constants.powers_of_two:
        yield plan
        return
    if (goal.logic and lanes == 1) or goal.unrolled:
        yield replace(plan, logic=True)
    cost = multipliers_for(x.dtype.bits + (not x.dtype.signed), bits + 1)
    yield replace(plan, multipliers=lanes * cost)


@departures.register
def _(op: Requantize, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    return [cycle + layer.depth_cycles for cycle in arrivals]


@lower.register
def requantize(op: Requantize, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """One multiplier a lane, shared by all channels that come along on it; none where the multiplier never changes.

    ::

        x ------ register -- register --+
                                        * -- register -- sum of limbs -- register -- + offset, >> shift, saturate --> y
        beat --> store of constants ----+
    """
    constants = _constants(op, x.type.inner)
    groups = _groups(constants, x.type.inner, x.lanes)
    advance = pyrtl.WireVector(1, f"{name}_advance")

    def finish(product: HDLTensor) -> HDLTensor:
        return ((product + offset) >> constants.shift).clip(*op.limits)

    if groups == 1:
        multiplier, offset = (
            HDLTensor.constant(_padded(values, x.lanes) if constants.per_channel else values[:1] * x.lanes)
            for values in (constants.multipliers, constants.offsets)
        )
        steps = [lambda beat: beat * multiplier, finish]
        return pipeline(name, x, op.out_type(x.type), steps, advance=advance)

    beat = counter(f"{name}_beat", groups, x.moves, x.reset)
    multipliers = _padded(constants.multipliers, groups * x.lanes)
    offsets = _padded(constants.offsets, groups * x.lanes, constants.offsets[-1])
    word = _fetch(f"{name}_multiplier", multipliers, constants.multiplier_type, x.lanes, beat.value, advance)
    smallest, largest = min(offsets), max(offsets)
    if smallest == largest:
        offset = HDLTensor.constant([smallest] * x.lanes)
    else:
        rounds = [int(value == largest) for value in offsets]
        choice = _fetch(f"{name}_rounds", rounds, IntType(1, False), x.lanes, beat.value, advance)
        for stage in ("product", "sum"):
            choice = choice.register(f"{name}_rounds_{stage}", enable=advance)
        offset = HDLTensor.where(choice, HDLTensor.constant([largest]), HDLTensor.constant([smallest]))

    def multiply(delayed: HDLTensor) -> HDLTensor:
        if constants.powers_of_two:
            return multiply_by_one_hot(delayed, word)
        if layer.logic:
            return multiply_in_logic(delayed, word)
        return HDLTensor.concat([limb * word for limb in limbs(delayed)])

    def add_limbs(products: HDLTensor) -> HDLTensor:
        parts = products.reshape(-1, x.lanes)
        low, high = _reach(x.type.dtype, constants.multiplier_type)
        total = parts[0]
        for place in range(1, len(parts)):
            total = total + (parts[place] << (place * LIMB_BITS))
        return total.known_range(low, high)

    steps = [*[lambda beat: beat] * LATENCY, multiply, add_limbs, finish]
    return pipeline(name, x, op.out_type(x.type), steps, advance=advance)


def _reach(x: IntType, multiplier: IntType) -> tuple[int, int]:
    return min(0, x.min * multiplier.max), max(0, x.max * multiplier.max)


def _padded(values: list[int], count: int, filler: int = 0) -> list[int]:
    return [*values, *[filler] * (count - len(values))]


def _fetch(
    name: str, values: list[int], dtype: IntType, lanes: int, beat: pyrtl.WireVector, advance: pyrtl.WireVector
) -> HDLTensor:
    words = [pack_words(values[start : start + lanes], dtype.bits) for start in range(0, len(values), lanes)]
    return HDLTensor.unpack(weight_store(name, words, dtype.bits * lanes, beat, advance), (lanes,), dtype)
