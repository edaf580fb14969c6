"""Forward: sums, and the one requantiser that they go through, lane by lane."""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl
from pyrtl import MemBlock, Register, WireVector, select

from golden.trainer.arithmetic import HIDDEN_FRACTION_BITS, LOGIT_FRACTION_BITS, MOST_ACTIVATION
from golden.types import IntType
from rtlgen.state import Flags, counter, held_tensor, state
from rtlgen.tensor import HDLTensor
from rtlgen.training.operands import S16
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
    products: HDLTensor,
    stages: Stages,
    hidden: MemBlock,
    reset: WireVector,
) -> Logits:
    """Accumulators in cycle 5, in the drain from cycle 6 on, rounded in 7, saturated and written in 8.

    Args:
        schedule: of a step.
        fraction_bits: of the inputs and of the weights of each layer.
        products: in cycle 4.
        stages: of the word.
        hidden: the memory of the activations.
        reset: synchronous.
    """
    layers, lanes = schedule.layers, schedule.lanes
    most = _MOST_PRODUCT * max(layer.columns for layer in layers)
    sums = held_tensor("sum", lanes, IntType.holding(-most, most))
    flags = stages.flags(PRODUCT_CYCLES)
    total = HDLTensor.where(flags["first"], products, sums.value + products)
    sums.drive(total.known_range(sums.dtype.min, sums.dtype.max), flags["forward"])

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
    about = Register(1 + len(number_of_word), "drain_about")
    about.next <<= select(loads, pyrtl.concat(flags["closes"], number_of_word), about)
    number, closes = about[:-1], about[-1] & place.ends
    row = state("drain_row", max(8, (max(layer.blocks for layer in layers) * lanes).bit_length()))
    next_row = select(closes, pyrtl.Const(0, len(row.value)), (row.value + 1)[: len(row.value)])
    row.drive(next_row, reset, enable=draining.value)

    last = len(layers) - 1
    shifts = [
        inputs + weights - (LOGIT_FRACTION_BITS if place == last else HIDDEN_FRACTION_BITS)
        for place, (inputs, weights) in enumerate(fraction_bits)
    ]
    head = HDLTensor.of([drain[0]], [sums.dtype.min], [sums.dtype.max])
    y = by_number(number, [rounded(head, shift) for shift in shifts]).register("drain_rounded")
    value = y.clip(S16.min, S16.max).register("logit")
    activation = y.clip(0, MOST_ACTIVATION).register("activation")
    real = row.value < chosen(number, [layer.outputs for layer in layers], len(row.value))
    is_last = number == last
    out = Flags(
        {
            "valid": draining.value & is_last,
            "real": draining.value & is_last & real,
            "hidden": draining.value & real & (is_last ^ 1),
            "closes": draining.value & is_last & closes,
        },
        reset,
    ).after("drained", 2)
    row_out = later("drain_row_of", row.value, 2)
    base = later("drain_base", chosen(number, [*schedule.hidden_base, 0], hidden.addrwidth), 2)
    address = (row_out + base).zero_extended(max(hidden.addrwidth, len(row.value) + 1))[: hidden.addrwidth]
    byte = activation.pack(IntType(7, False)).zero_extended(8)
    hidden[address] <<= MemBlock.EnabledWrite(byte, out["hidden"])
    return Logits(value, row_out, out)
