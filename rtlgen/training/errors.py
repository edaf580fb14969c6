"""Errors: of the outputs, which is the loss; of the layers before, through the weights; and both gathered to words."""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl
from pyrtl import Const, MemBlock, Register, WireVector, select

from golden.trainer.arithmetic import MOST_ERROR
from golden.types import IntType
from rtlgen.state import Flags, held_tensor, state
from rtlgen.tensor import HDLTensor
from rtlgen.training.forward import Logits
from rtlgen.training.operands import S8, Operands, Write
from rtlgen.training.schedule import PRODUCT_CYCLES, Schedule, tree_cycles
from rtlgen.training.stages import Stages, by_number, chosen, later, rounded


@dataclass(frozen=True)
class Errors:
    """One a cycle.

    Args:
        value: shape (1,).
        flags: ``valid``; ``closes`` for the last one of a layer, ``group`` for the last one of a place.
    """

    value: HDLTensor
    flags: Flags


@dataclass(frozen=True)
class Loss:
    """Of the outputs.

    Args:
        errors: one for every lane, 0 where it has no output.
        has_error: whether any of them is not 0, once they are all there.
        size: sum of their sizes.
        complete: high for a cycle, with ``size``.
    """

    errors: Errors
    has_error: WireVector
    size: WireVector
    complete: WireVector


def loss_of(schedule: Schedule, logits: Logits, label: WireVector, reset: WireVector) -> Loss:
    """A cycle behind the logits; see ``golden.trainer.arithmetic.output_error``."""
    likely = ((logits.value >> 2) + 32).clip(0, 64)
    is_label = logits.row == label.zero_extended(len(logits.row))
    target = HDLTensor.where(is_label, HDLTensor.constant([64]), HDLTensor.constant([0]))
    error = ((likely - target) << 1).clip(-MOST_ERROR, MOST_ERROR)
    value = HDLTensor.where(logits.flags["real"], error, HDLTensor.constant([0])).register("output_error")
    ends = {"valid": logits.flags["valid"], "closes": logits.flags["closes"], "group": logits.flags["closes"]}
    flags = Flags(ends, reset).after("loss", 1)

    going = state("loss_going", 1)
    going.drive(flags["closes"] ^ 1, reset, enable=flags["valid"])
    any_error, size = (
        state("any_error", 1),
        state("loss_size", max(7, (MOST_ERROR * schedule.layers[-1].outputs).bit_length())),
    )
    some = (value != 0).pack(IntType(1, False))
    any_error.drive(some | (any_error.value & going.value), reset, enable=flags["valid"])
    magnitude = value.maximum(-value).known_range(0, MOST_ERROR).pack(IntType(7, False))
    before = select(going.value, size.value, Const(0, len(size.value)))
    size.drive((before + magnitude)[: len(size.value)], reset, enable=flags["valid"])
    complete = state("loss_complete", 1)
    complete.drive(flags["closes"], reset)
    return Loss(Errors(value, flags), any_error.value, size.value, complete.value)


def backward(
    schedule: Schedule, weight_fraction_bits: tuple[int, ...], read: Operands, stages: Stages, reset: WireVector
) -> Errors:
    """The error of each input of a layer: a tree over the lanes, a sum over the blocks, nothing where it was 0."""
    sums, tree = read.products, tree_cycles(schedule.lanes)
    for level in range(tree):
        sums = _pairs(_pairs(sums)).register(f"backward_tree{level + 1}")
    terms = [made.sum_terms * schedule.lanes for made in schedule.passes if made.kind == "backward"]
    most = 128 * MOST_ERROR * max([schedule.lanes, *terms])
    held = held_tensor("backward_sum", 1, IntType.holding(-most, most))
    flags = stages.flags(PRODUCT_CYCLES + tree)
    total = HDLTensor.where(flags["first"], sums, held.value + sums)
    held.drive(total.known_range(held.dtype.min, held.dtype.max), flags["backward"])
    options = [rounded(held.value, weight_fraction_bits[made.layer]) for made in schedule.passes]
    y = by_number(stages.number(PRODUCT_CYCLES + tree + 1), options).register("backward_rounded")
    positive = (read.activation != 0) & (read.activation[7] ^ 1)
    gate = later("positive", positive, PRODUCT_CYCLES + tree)  # the activation came 2 cycles before the products
    clipped = y.clip(-MOST_ERROR, MOST_ERROR)
    value = HDLTensor.where(gate, clipped, HDLTensor.constant([0])).register("hidden_error")
    after = stages.flags(PRODUCT_CYCLES + tree + 3)
    out = {
        "valid": after["backward"] & after["end"],
        "closes": after["backward"] & after["closes"],
        "group": after["backward"] & after["group"],
    }
    return Errors(value, Flags(out, reset))


def gathered(
    schedule: Schedule,
    loss: Errors,
    back: Errors,
    stages: Stages,
    memory: MemBlock,
    other: Write | None,
    reset: WireVector,
) -> None:
    """Words of errors, written one cycle behind their last one; the lanes behind that are 0.

    Args:
        schedule: of a step.
        loss, back: errors, of the outputs and of hidden activations; never both in one cycle.
        stages: of the words.
        memory: of errors.
        other: what is written there besides, never in the same cycle.
        reset: synchronous.
    """
    is_loss = loss.flags["valid"]
    valid, closes = is_loss | back.flags["valid"], loss.flags["closes"] | back.flags["closes"]
    value = select(is_loss, loss.value.pack(S8), back.value.pack(S8))
    ends = WireVector(1, "gather_ends")
    bits = max(1, (schedule.lanes - 1).bit_length())
    lane = state("gather_lane", bits)
    lane.drive(select(ends, Const(0, bits), (lane.value + 1)[:bits]), reset, enable=valid)
    ends <<= loss.flags["group"] | back.flags["group"] | (lane.value == schedule.lanes - 1)
    registers = []
    for place in range(schedule.lanes):
        register = Register(8, f"gather_{place}")
        kept = select(lane.value == 0, Const(0, 8), register)
        register.next <<= select(valid, select(lane.value == place, value, kept), register)
        registers.append(register)
    width, bases = memory.addrwidth, schedule.error_base
    word = state("gather_word", width)
    word.drive(select(closes, Const(0, width), (word.value + 1)[:width]), reset, enable=valid & ends)
    below = [bases[max(0, made.layer - 1)] for made in schedule.passes]
    number = stages.number(PRODUCT_CYCLES + tree_cycles(schedule.lanes) + 3)
    base = select(is_loss, Const(bases[-2], width), chosen(number, below, width))
    address, writes = Register(width, "gather_address"), state("gather_writes", 1)
    address.next <<= (base + word.value)[:width]
    writes.drive(valid & ends, reset)
    write = Write(writes.value, address, pyrtl.concat_list(registers))
    if other is not None:
        to = other.address.zero_extended(max(width, len(other.address)))[:width]
        write = Write(
            writes.value | other.enable,
            select(other.enable, to, address),
            select(other.enable, other.word, write.word),
        )
    memory[write.address] <<= MemBlock.EnabledWrite(write.word, write.enable)


def _pairs(sums: HDLTensor) -> HDLTensor:
    count = sums.size
    if count == 1:
        return sums
    added = sums[0 : count - 1 : 2] + sums[1:count:2]
    return added if count % 2 == 0 else HDLTensor.concat([added, sums[-1:]])
