"""Hardware of the requantiser: a constant product, one addition that rounds and shifts the zero, and a saturation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from math import ceil

import numpy as np
import pyrtl

from golden.ops import Requantize
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.divider import DIVIDER_CYCLES, STEPS, divided, division_of
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower
from rtlgen.memories import SMALL_WORDS
from rtlgen.multiply import (
    constant_product_steps,
    multipliers_for,
    multiply_by_one_hot,
    partial_products,
    sum_in_logic,
    sum_of_partials,
    terms_in_logic,
)
from rtlgen.pipeline import Step, pipeline
from rtlgen.scale import Scale, scale_of, stored_bits
from rtlgen.serial import affine_in_phases
from rtlgen.state import Flags, counter
from rtlgen.stream import Stream, beats_of, passed_on
from rtlgen.tensor import HDLTensor
from rtlgen.weight_store import LATENCY, pack_words, weight_store

_LUT_SITES_A_LANE = 120
"""Roughly, however it multiplies."""
_LUT_SITES_A_CONSTANT_LANE = 180
"""Where the multiplier never changes: a sum of shifts."""


@candidates.register
def _(op: Requantize, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    return _choices(op, x, goal.unrolled or (goal.logic and x.lanes == 1))


@lru_cache(maxsize=4096)
def _choices(op: Requantize, x: Incoming, logic: bool) -> list[LayerPlan]:
    """What is asked again and again: it does not depend on the number of cycles."""
    return list(_forms(op, x, logic))


def _forms(op: Requantize, x: Incoming, logic: bool) -> Iterator[LayerPlan]:
    lanes = x.lanes
    scale = scale_of(op, x.reach)
    groups = scale.groups(x.type.inner, lanes)
    plan = LayerPlan("pipeline", lanes, lanes, beats_of(x.type, lanes), x.spacing_cycles)
    if groups == 1:
        depth = len(constant_steps(op, scale, lanes))
        yield replace(plan, depth_cycles=depth, lut_sites=lanes * _LUT_SITES_A_CONSTANT_LANE)
        return
    bits = scale.multiplier_type.bits
    stored = bits + scale.offset_bits
    # A store of few words is made of LUTs, each of which holds 16 bits.
    sites = lanes * (_LUT_SITES_A_LANE + (ceil(groups / 16) * stored if groups <= SMALL_WORDS else 0))
    plan = replace(plan, depth_cycles=LATENCY + 3, store_bits=groups * lanes * stored, lut_sites=sites)
    if scale.powers_of_two:
        yield plan
        return
    if logic:
        yield replace(plan, logic=True, lut_sites=sites + lanes * bits * scale.x.bits)
    cost = multipliers_for(scale.x, scale.multiplier_type)
    yield replace(plan, multipliers=lanes * cost, form="product")
    for form, phases in scale.phases.items():
        if phases.spacing_cycles <= x.spacing_cycles:
            depth = LATENCY + phases.cycles + 1
            yield replace(plan, depth_cycles=depth, multipliers=lanes * phases.multipliers, form=form)
    if x.spacing_cycles >= STEPS:
        division = division_of(op, x.reach)
        if division is not None:
            sites = lanes * (_LUT_SITES_A_LANE + (division.stored_bits if groups <= SMALL_WORDS else 0))
            stored_bits = groups * lanes * division.stored_bits
            depth = LATENCY + DIVIDER_CYCLES + 1
            yield replace(plan, depth_cycles=depth, store_bits=stored_bits, lut_sites=sites, form="division")


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
    scale = scale_of(op, x.reach)
    groups = scale.groups(x.type.inner, x.lanes)
    if groups == 1:
        return pipeline(name, x, op.out_type(x.type), constant_steps(op, scale, x.lanes))
    beat = counter(f"{name}_beat", groups, x.valid, x.reset)
    if layer.form == "division":
        return _by_division(op, x, name, groups, beat.value)
    multipliers = _padded(scale.multipliers, groups * x.lanes)
    word = _fetch(f"{name}_multiplier", multipliers, scale.multiplier_type, x.lanes, beat.value)
    offsets = [
        _offset(f"{name}_{which}", _padded(values, groups * x.lanes, values[-1]), x.lanes, beat.value)
        for which, values in scale.signs.items()
    ]
    if layer.form in scale.phases:
        return _in_phases(op, layer, x, name, scale, word, offsets)
    offsets = [_delayed(f"{name}_{which}", offset, 2) for which, offset in zip(scale.signs, offsets, strict=True)]

    types = scale.x, scale.multiplier_type

    def multiply(delayed: HDLTensor) -> HDLTensor:
        if scale.powers_of_two:
            return multiply_by_one_hot(delayed, word)
        if layer.logic:
            return terms_in_logic(delayed, word)
        return partial_products(delayed, word, types)

    def add_limbs(products: HDLTensor) -> HDLTensor:
        if layer.logic and not scale.powers_of_two:
            return sum_in_logic(products, types)
        return sum_of_partials(products, types) if layer.form == "product" else products

    def wait(beat: HDLTensor) -> HDLTensor:
        return beat

    assert LATENCY >= 1, "the input is centred while its constants are fetched"
    waiting: list[Step] = [lambda beat: _centred(op, scale, beat), *[wait] * (LATENCY - 1)]

    def finish(product: HDLTensor) -> HDLTensor:
        return _finished(op, scale, product, offsets)

    return pipeline(name, x, op.out_type(x.type), [*waiting, multiply, add_limbs, finish])


def _centred(op: Requantize, scale: Scale, beat: HDLTensor) -> HDLTensor:
    """Without its zero point, and within what has to be multiplied."""
    return (beat - op.x_zero_point).clip(scale.x.min, scale.x.max)


def _in_phases(
    op: Requantize, layer: LayerPlan, x: Stream, name: str, scale: Scale, word: HDLTensor, offsets: list[HDLTensor]
) -> Stream:
    """A product over several cycles, where beats come no faster.

    ::

        x ------ register -- register --+
                                        +-- phases -- >> shift, saturate -- register --> y
        beat --> store of constants ----+
    """
    phases = scale.phases[layer.form]
    beat = _centred(op, scale, x.data)
    for stage in range(LATENCY):
        beat = beat.register(f"{name}_stage{stage + 1}")
    flags = Flags({"valid": x.valid, "last": x.last}, x.reset).after(f"{name}_fetch", LATENCY)
    offset = offsets[0] if len(offsets) == 1 else HDLTensor.where(beat < 0, offsets[1], offsets[0])
    total = affine_in_phases(f"{name}_serial", phases, beat, word, offset, flags["valid"], x.reset)
    result = (total >> (scale.shift - phases.dropped_bits)).clip(*op.limits)
    out = flags.after(f"{name}_phases", phases.cycles)
    data = result.register(f"{name}_result", enable=out["valid"], reset=x.reset)
    done = out.after(f"{name}_result", 1)
    return passed_on(x, name, op.out_type(x.type), data, done["valid"], done["last"])


def _by_division(op: Requantize, x: Stream, name: str, groups: int, beat: pyrtl.WireVector) -> Stream:
    """A division over several cycles, where beats come no faster.

    ::

        x ------ register -- register --+
                                        +-- steps -- saturate -- register --> y
        beat --> store of constants ----+
    """
    division = division_of(op, x.reach)
    assert division is not None
    lanes, window = x.lanes, division.found.window

    def fetch(what: str, values: Sequence[int]) -> HDLTensor:
        dtype = IntType.holding(min(0, *values), max(values))
        return _fetch(f"{name}_{what}", _padded(values, groups * lanes, values[-1]), dtype, lanes, beat)

    word = (x.data - op.x_zero_point).clip(window.min, window.max)
    for stage in range(LATENCY):
        word = word.register(f"{name}_stage{stage + 1}")
    if 0 in division.live:
        word = HDLTensor.where(fetch("live", division.live), word, 0)
    flags = Flags({"valid": x.valid, "last": x.last}, x.reset).after(f"{name}_fetch", LATENCY)
    of_signs = []
    for sign, offsets in zip(("", "negative_"), division.signs, strict=False):
        parts = zip((f"{sign}high", f"{sign}low"), division.split(offsets), strict=True)
        of_signs.append([fetch(what, values) for what, values in parts])
    offset = of_signs[0]
    if len(of_signs) > 1:
        offset = [HDLTensor.where(word < 0, minus, plus) for plus, minus in zip(*of_signs, strict=True)]
    divisor = fetch("divisor", division.found.divisors)
    result = divided(name, division, word, divisor, offset[0], offset[1], flags["valid"])
    out = flags.after(f"{name}_steps", DIVIDER_CYCLES)
    data = result.clip(*op.limits).register(f"{name}_result", enable=out["valid"], reset=x.reset)
    done = out.after(f"{name}_result", 1)
    return passed_on(x, name, op.out_type(x.type), data, done["valid"], done["last"])


def constant_steps(op: Requantize, scale: Scale, lanes: int) -> list[Step]:
    """The steps where every beat has the same constants: a product of shifts and adders, and what rounds."""
    multipliers, *offsets = (  # where scales of channels are far apart, beyond 64 bits
        np.array(_padded(values, lanes) if scale.per_channel else values[:1] * lanes, dtype=object)
        for values in (scale.multipliers, *scale.signs.values())
    )
    # What is only multiplied is not worth a saturation of its own.
    centred: list[Step] = [lambda beat: beat - op.x_zero_point] if op.x_zero_point else []
    constants = [HDLTensor.constant(offset) for offset in offsets]
    return [*centred, *constant_product_steps(multipliers), lambda product: _finished(op, scale, product, constants)]


def _finished(op: Requantize, scale: Scale, product: HDLTensor, offsets: Sequence[HDLTensor]) -> HDLTensor:
    # A multiplier is positive, or nothing depends on the sign: the product has the sign of the input.
    offset = offsets[0] if len(offsets) == 1 else HDLTensor.where(product < 0, offsets[1], offsets[0])
    return ((product + offset) >> scale.shift).clip(*op.limits)


def _delayed(name: str, offset: HDLTensor, cycles: int) -> HDLTensor:
    for stage in range(cycles):
        offset = offset.register(f"{name}_after{stage + 1}")
    return offset


def _padded(values: Sequence[int], count: int, filler: int = 0) -> list[int]:
    return [*values, *[filler] * (count - len(values))]


def _fetch(name: str, values: list[int], dtype: IntType, lanes: int, beat: pyrtl.WireVector) -> HDLTensor:
    words = [pack_words(values[start : start + lanes], dtype.bits) for start in range(0, len(values), lanes)]
    return HDLTensor.unpack(weight_store(name, words, dtype.bits * lanes, beat), (lanes,), dtype)


def _offset(name: str, values: list[int], lanes: int, beat: pyrtl.WireVector) -> HDLTensor:
    """The offsets of a beat's channels, along with their multipliers: a constant, a choice of two, or a store."""
    smallest, largest = min(values), max(values)
    bits = stored_bits(values)
    if bits == 0:
        return HDLTensor.constant([smallest] * lanes)
    chosen, dtype = values, IntType.holding(smallest, largest)
    if bits == 1:
        chosen, dtype = [int(value == largest) for value in values], IntType(1, False)
    fetched = _fetch(name, chosen, dtype, lanes, beat)
    if bits > 1:
        return fetched
    return HDLTensor.where(fetched, HDLTensor.constant([largest]), HDLTensor.constant([smallest]))
