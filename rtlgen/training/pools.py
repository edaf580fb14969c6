"""Activations on their way into the memory: of each pool the largest, and which one that was; and errors back to it."""

from __future__ import annotations

import pyrtl
from pyrtl import Const, MemBlock, Register, WireVector, select

from rtlgen.state import Flags, State, state
from rtlgen.training.control import Issue
from rtlgen.training.operands import Memories, Operands, Write
from rtlgen.training.schedule import UNPOOL_CYCLES, Schedule
from rtlgen.training.stages import Stages, later


def kept(schedule: Schedule, activation: WireVector, flags: Flags, memories: Memories, reset: WireVector) -> None:
    """Writes activations, place by place and row by row: so their addresses just count up.

    Args:
        schedule: of a step.
        activation: 7 bits, a lane a cycle.
        flags: ``hidden`` for a lane of a hidden layer, ``hidden_real`` for one that is an output; ``pooled`` if its
            layer has pools, ``pool`` in the last place of one; ``ends`` in the last lane; ``closes`` in the last lane
            of the outputs, which comes behind all others.
        memories: of the activations, and of winners.
        reset: synchronous.
    """
    writes = flags["hidden_real"]
    if schedule.has_pools:
        activation, writes = _largest(schedule, activation, flags, memories, reset)
    address = _counted("hidden_address", memories.hidden.addrwidth, writes, flags["closes"], reset)
    memories.hidden[address] <<= MemBlock.EnabledWrite(activation.zero_extended(8), writes)


def _largest(
    schedule: Schedule, activation: WireVector, flags: Flags, memories: Memories, reset: WireVector
) -> tuple[WireVector, WireVector]:
    """A register of the largest so far goes round for every lane; what is written, a cycle later."""
    lanes, bits = schedule.lanes, schedule.window_bits
    goes = flags["hidden"]
    place = state("pool_place", bits)
    ends = goes & flags["ends"]
    place.drive(select(flags["pool"], Const(0, bits), (place.value + 1)[:bits]), reset, enable=ends)
    ring = [Register(7 + bits, f"pool_{lane}") for lane in range(lanes)]
    wins = (place.value == 0) | (activation > ring[0][bits:])
    largest = select(wins, pyrtl.concat(activation, place.value), ring[0])
    for lane, register in enumerate(ring):
        behind = ring[lane + 1] if lane + 1 < lanes else largest
        register.next <<= select(goes, behind, register)
    come = {"real": flags["hidden_real"] & flags["pool"], "whole": ends & flags["pool"] & flags["pooled"]}
    after = Flags(come, reset).after("pool", 1)
    if memories.winners is not None:
        address = _counted("winner_address", memories.winners.addrwidth, after["whole"], flags["closes"], reset)
        word = pyrtl.concat_list([register[:bits] for register in ring])
        memories.winners[address] <<= MemBlock.EnabledWrite(word, after["whole"])
    return later("pool_largest", largest[bits:], 1), after["real"]


def unpooled(
    schedule: Schedule, issue: Issue, read: Operands, stages: Stages, memories: Memories, reset: WireVector
) -> Write | None:
    """Words of errors for the sums of a pool: 0 for all but the one that was the largest; None if there are none."""
    if memories.winners is None:
        return None
    lanes, bits = schedule.lanes, schedule.window_bits
    address = issue.addresses["winner"].zero_extended(max(memories.winners.addrwidth, len(issue.addresses["winner"])))
    winners = later("winners_fetched", memories.winners[address[: memories.winners.addrwidth]], 2)
    window = later("window_of", issue.addresses["window"], 2).zero_extended(bits)[:bits]
    own = [read.errors[8 * lane : 8 * lane + 8] for lane in range(lanes)]
    won = [winners[bits * lane : bits * lane + bits] == window for lane in range(lanes)]
    word = Register(8 * lanes, "unpooled")
    word.next <<= pyrtl.concat_list([select(w, e, Const(0, 8)) for w, e in zip(won, own, strict=True)])
    target = later("unpool_address", issue.addresses["target"], UNPOOL_CYCLES)
    return Write(stages.flags(UNPOOL_CYCLES)["unpool"], target, word)


def _counted(name: str, bits: int, writes: WireVector, closes: WireVector, reset: WireVector) -> WireVector:
    """Places in a memory one after the other, from the first one on in every step."""
    place: State = state(name, bits)
    place.drive(select(closes, Const(0, bits), select(writes, (place.value + 1)[:bits], place.value)), reset)
    return place.value
