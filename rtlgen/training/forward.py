"""Forward: sums, and the one requantiser that they go through, lane by lane."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import pyrtl
from pyrtl import Const, Register, WireVector, select

from golden.trainer.arithmetic import HIDDEN_FRACTION_BITS, LOGIT_FRACTION_BITS, MOST_ACTIVATION
from golden.types import IntType
from rtlgen.state import Flags, HeldTensor, counter, held_tensor, state
from rtlgen.tensor import HDLTensor
from rtlgen.training.operands import S16, Memories
from rtlgen.training.pools import kept
from rtlgen.training.schedule import PRODUCT_CYCLES, Schedule
from rtlgen.training.stages import Stages, by_number, chosen, later, rounded

_MOST_PRODUCT = 128 * 128


@dataclass(frozen=True)
class Logits:
    """What comes out of the last layer, one a cycle.

    Args:
        value: shape (1,).
        row: of the output, at least 8 bits.
        flags: ``valid`` for every lane, ``real`` for one that has an output, ``closes`` for the last lane.
    """

    value: HDLTensor
    row: WireVector
    flags: Flags


def forward(
    schedule: Schedule,
    fraction_bits: tuple[tuple[int, int], ...],
    sums: HeldTensor,
    stages: Stages,
    memories: Memories,
    reset: WireVector,
) -> Logits:
    """Accumulators in cycle 5, in the drain from cycle 6 on, rounded in 7, saturated and written in 8.

    Args:
        schedule: of a step.
        fraction_bits: of the inputs and of the weights of each layer.
        sums: in cycle 5.
        stages: of the word.
        memories: of the activations, and of which of a pool was the largest.
        reset: synchronous.
    """
    layers, lanes = schedule.layers, schedule.lanes
    flags = stages.flags(PRODUCT_CYCLES + 1)
    loads = flags["forward"] & flags["end"]
    drain = [Register(sums.dtype.bits, f"drain_{lane}") for lane in range(lanes)]
    for lane, register in enumerate(drain):
        behind = drain[lane + 1] if lane + 1 < lanes else register
        register.next <<= select(loads, sums.value[lane : lane + 1].pack(sums.dtype), behind)
    draining = state("draining", 1)
    place = counter("drain_lane", lanes, draining.value, reset)
    draining.drive(loads | (draining.value & (place.ends ^ 1)), reset)
    number_of_word = stages.number(PRODUCT_CYCLES + 1)
    about = Register(3 + len(number_of_word), "drain_about")
    kind = pyrtl.concat(flags["closes"], flags["group"], flags["pool"], number_of_word)
    about.next <<= select(loads, kind, about)
    number, pool, group, closes = about[:-3], about[-3], about[-2] & place.ends, about[-1] & place.ends
    row = _row(schedule, draining.value, place.ends, pool, group, reset)

    last = len(layers) - 1
    shifts = [
        inputs + weights - (LOGIT_FRACTION_BITS if place == last else HIDDEN_FRACTION_BITS)
        for place, (inputs, weights) in enumerate(fraction_bits)
    ]
    head = HDLTensor.of([drain[0]], [sums.dtype.min], [sums.dtype.max])
    y = by_number(number, [rounded(head, shift) for shift in shifts]).register("drain_rounded")
    value = y.clip(S16.min, S16.max).register("logit")
    activation = y.clip(0, MOST_ACTIVATION).register("activation")
    real = row < chosen(number, [layer.outputs for layer in layers], len(row))
    is_last = number == last
    out = Flags(
        {
            "valid": draining.value & is_last,
            "real": draining.value & is_last & real,
            "hidden": draining.value & (is_last ^ 1),
            "hidden_real": draining.value & real & (is_last ^ 1),
            "pool": pool,
            "pooled": chosen(number, [int(layer.has_pools) for layer in layers], 1),
            "ends": place.ends,
            "closes": draining.value & is_last & closes,
        },
        reset,
    ).after("drained", 2)
    kept(schedule, activation.pack(IntType(7, False)), out, memories, reset)
    return Logits(value, later("drain_row_of", row, 2), out)


def summed(schedule: Schedule, products: HDLTensor, stages: Stages) -> HeldTensor:
    """The accumulator of each lane, in cycle 5: of forward passes, and of updates where weights have several products.

    Args:
        schedule: of a step.
        products: in cycle 4.
        stages: of the word.
    """
    layers = schedule.layers
    places = [prod(layer.geometry.out) for layer in layers if layer.geometry]
    most = _MOST_PRODUCT * max(*places, *(layer.columns for layer in layers), 1)
    sums = held_tensor("sum", schedule.lanes, IntType.holding(-most, most))
    flags = stages.flags(PRODUCT_CYCLES)
    total = HDLTensor.where(flags["first"], products, sums.value + products)
    takes = flags["forward"] | flags["update"] if schedule.convolves else flags["forward"]
    sums.drive(total.known_range(sums.dtype.min, sums.dtype.max), takes)
    return sums


def _row(
    schedule: Schedule, goes: WireVector, ends: WireVector, pool: WireVector, group: WireVector, reset: WireVector
) -> WireVector:
    """The output that is being drained; a block comes as often as a pool has places."""
    row = state("drain_row", max(8, (max(layer.blocks for layer in schedule.layers) * schedule.lanes).bit_length()))
    bits = len(row.value)
    following = select(group, Const(0, bits), (row.value + 1)[:bits])
    if schedule.has_pools:
        block = state("drain_block", bits)  # its first row
        again = select(ends & (pool ^ 1), block.value, following)
        block.drive(following, reset, enable=goes & ends & pool)
        following = again
    row.drive(following, reset, enable=goes)
    return row.value
