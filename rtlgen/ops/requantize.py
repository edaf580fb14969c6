"""Hardware of the requantiser: a constant product, one addition that rounds and shifts the zero, and a saturation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import pyrtl

from golden.ops import Requantize
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, multipliers_for
from rtlgen.multiply import LIMB_BITS, limbs, multiply_by_one_hot, multiply_in_logic
from rtlgen.pipeline import Step, pipeline
from rtlgen.staircase import narrowed
from rtlgen.state import counter
from rtlgen.stream import Stream, beats_of
from rtlgen.tensor import HDLTensor
from rtlgen.weight_store import LATENCY, pack_words, weight_store


@dataclass(frozen=True)
class _Constants:
    """The channels' constants on one common shift, so that no barrel shifter is needed.

    ``((x * m + 2**(s - 1)) >> s) == ((x * (m << k) + 2**(s + k - 1)) >> (s + k))``: every channel is brought to the
    largest shift ``s + k`` of the layer. Arithmetics of 31 bits are narrowed first, see ``rtlgen/staircase.py``.

    Args:
        x: type of what is multiplied, the input without its zero point.
        multipliers, offsets, negative_offsets: one per channel, or one for all; the latter is for negative inputs.
    """

    x: IntType
    multipliers: list[int]
    offsets: list[int]
    negative_offsets: list[int]
    shift: int

    @property
    def per_channel(self) -> bool:
        """Whether lanes need to know which channel comes along."""
        return any(len(set(values)) > 1 for values in (self.multipliers, self.offsets, self.negative_offsets))

    @property
    def multiplier_type(self) -> IntType:
        return IntType.holding(0, max(self.multipliers))

    @property
    def powers_of_two(self) -> bool:
        return all(m & (m - 1) == 0 for m in self.multipliers)

    @property
    def signs(self) -> dict[str, list[int]]:
        """The offsets by name: one of each channel, or one for each sign of the input."""
        if self.offsets == self.negative_offsets:
            return {"offset": self.offsets}
        return {"offset": self.offsets, "negative_offset": self.negative_offsets}

    @property
    def offset_bits(self) -> int:
        """Bits that the store holds of the offsets of one channel."""
        return sum(_stored_bits(values) for values in self.signs.values())


@lru_cache(maxsize=256)
def _constants(op: Requantize, x: IntType) -> _Constants:
    low, high = x.min - op.x_zero_point, x.max - op.x_zero_point
    centred = IntType.holding(low, high)
    if op.arithmetic != "half_up":
        staircase = narrowed(op, x.min, x.max)
        offsets, negative_offsets = list(staircase.offsets), list(staircase.negative_offsets)
        return _Constants(centred, list(staircase.multipliers), offsets, negative_offsets, staircase.shift)
    pairs = list(zip(op.multiplier.reshape(-1).tolist(), op.shift.reshape(-1).tolist(), strict=True))
    shift = max(s for _, s in pairs)
    multipliers = [m << (shift - s) for m, s in pairs]
    offsets = [((1 << shift - 1) if s else 0) + (op.zero_point << shift) for _, s in pairs]
    return _Constants(centred, multipliers, offsets, offsets, shift)


def _stored_bits(values: list[int]) -> int:
    """None for a constant, one to choose between two, else the values themselves."""
    different = set(values)
    return len(different) - 1 if len(different) <= 2 else IntType.holding(min(values), max(values)).bits


def _groups(constants: _Constants, inner: int, lanes: int) -> int:
    """Beats that differ in their constants; 1 where every beat has the same ones."""
    return ceil(inner / lanes) if constants.per_channel else 1


@candidates.register
def _(op: Requantize, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    lanes = x.lanes
    constants = _constants(op, x.type.dtype)
    groups = _groups(constants, x.type.inner, lanes)
    bits = constants.multiplier_type.bits
    plan = LayerPlan("pipeline", lanes, lanes, beats_of(x.type, lanes), x.spacing_cycles)
    plan = replace(plan, depth_cycles=constant_cycles(op, x.type.dtype))
    if groups == 1:
        yield plan
        return
    stored = groups * lanes * (bits + constants.offset_bits)
    plan = replace(plan, depth_cycles=LATENCY + 3, store_bits=stored)
    if constants.powers_of_two:
        yield plan
        return
    if (goal.logic and lanes == 1) or goal.unrolled:
        yield replace(plan, logic=True)
    cost = multipliers_for(constants.x.bits + (not constants.x.signed), bits + 1)
    yield replace(plan, multipliers=lanes * cost)


@departures.register
def _(op: Requantize, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return arrivals[0].later(layer.depth_cycles)


@lower.register
def requantize(op: Requantize, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """One multiplier a lane, shared by all channels that come along on it; none where the multiplier never changes.

    ::

        x ------ register -- register --+
                                        * -- register -- sum of limbs -- register -- + offset, >> shift, saturate --> y
        beat --> store of constants ----+
    """
    (x,) = xs
    constants = _constants(op, x.type.dtype)
    groups = _groups(constants, x.type.inner, x.lanes)

    def centre(beat: HDLTensor) -> HDLTensor:
        return beat - op.x_zero_point

    def finish(product: HDLTensor) -> HDLTensor:
        return _finished(op, constants, product, offsets)

    if groups == 1:
        return pipeline(name, x, op.out_type(x.type), constant_steps(op, x.type.dtype, x.lanes))

    beat = counter(f"{name}_beat", groups, x.valid, x.reset)
    multipliers = _padded(constants.multipliers, groups * x.lanes)
    word = _fetch(f"{name}_multiplier", multipliers, constants.multiplier_type, x.lanes, beat.value)
    offsets = [
        _offset(f"{name}_{which}", _padded(values, groups * x.lanes, values[-1]), x.lanes, beat.value)
        for which, values in constants.signs.items()
    ]

    def multiply(delayed: HDLTensor) -> HDLTensor:
        if constants.powers_of_two:
            return multiply_by_one_hot(delayed, word)
        if layer.logic:
            return multiply_in_logic(delayed, word)
        return HDLTensor.concat([limb * word for limb in limbs(delayed)])

    def add_limbs(products: HDLTensor) -> HDLTensor:
        parts = products.reshape(-1, x.lanes)
        low, high = _reach(constants.x, constants.multiplier_type)
        total = parts[0]
        for place in range(1, len(parts)):
            total = total + (parts[place] << (place * LIMB_BITS))
        return total.known_range(low, high)

    def wait(beat: HDLTensor) -> HDLTensor:
        return beat

    assert LATENCY >= 1, "the input is centred while its constants are fetched"
    waiting = [centre if op.x_zero_point else wait, *[wait] * (LATENCY - 1)]
    return pipeline(name, x, op.out_type(x.type), [*waiting, multiply, add_limbs, finish])


def constant_cycles(op: Requantize, x: IntType) -> int:
    """Steps of ``constant_steps``; raises what it raises."""
    _constants(op, x)
    return 2 + (op.x_zero_point != 0)


def constant_steps(op: Requantize, x: IntType, lanes: int) -> list[Step]:
    """The steps where every beat has the same constants: a product of shifts and adders, and what rounds."""
    constants = _constants(op, x)
    multiplier, *offsets = (
        HDLTensor.constant(_padded(values, lanes) if constants.per_channel else values[:1] * lanes)
        for values in (constants.multipliers, *constants.signs.values())
    )
    centred: list[Step] = [lambda beat: beat - op.x_zero_point] if op.x_zero_point else []
    return [*centred, lambda beat: beat * multiplier, lambda product: _finished(op, constants, product, offsets)]


def _finished(op: Requantize, constants: _Constants, product: HDLTensor, offsets: Sequence[HDLTensor]) -> HDLTensor:
    # A multiplier is positive, or nothing depends on the sign: the product has the sign of the input.
    offset = offsets[0] if len(offsets) == 1 else HDLTensor.where(product < 0, offsets[1], offsets[0])
    return ((product + offset) >> constants.shift).clip(*op.limits)


def _reach(x: IntType, multiplier: IntType) -> tuple[int, int]:
    return min(0, x.min * multiplier.max), max(0, x.max * multiplier.max)


def _padded(values: list[int], count: int, filler: int = 0) -> list[int]:
    return [*values, *[filler] * (count - len(values))]


def _fetch(
    name: str, values: list[int], dtype: IntType, lanes: int, beat: pyrtl.WireVector
) -> HDLTensor:
    words = [pack_words(values[start : start + lanes], dtype.bits) for start in range(0, len(values), lanes)]
    return HDLTensor.unpack(weight_store(name, words, dtype.bits * lanes, beat), (lanes,), dtype)


def _offset(name: str, values: list[int], lanes: int, beat: pyrtl.WireVector) -> HDLTensor:
    """The offsets of a beat's channels, when its sum of limbs is there: a constant, a choice of two, or a store."""
    smallest, largest = min(values), max(values)
    bits = _stored_bits(values)
    if bits == 0:
        return HDLTensor.constant([smallest] * lanes)
    chosen, dtype = values, IntType.holding(smallest, largest)
    if bits == 1:
        chosen, dtype = [int(value == largest) for value in values], IntType(1, False)
    fetched = _fetch(name, chosen, dtype, lanes, beat)
    for stage in ("product", "sum"):
        fetched = fetched.register(f"{name}_{stage}")
    if bits > 1:
        return fetched
    return HDLTensor.where(fetched, HDLTensor.constant([largest]), HDLTensor.constant([smallest]))
