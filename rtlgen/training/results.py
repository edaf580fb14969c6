"""Frames that go out: the logits of a step and its loss, or the master weights; 16 bits a beat.

A result is the logits, then the loss: the sum of the sizes of the errors, 0 of a step that only evaluates. There is
room for two; no step begins that would find none (rule 5 of ``rtlgen/stream.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl
from pyrtl import Const, Input, MemBlock, Output, Register, WireVector, select

from rtlgen.state import counter, state
from rtlgen.training.errors import Loss
from rtlgen.training.forward import Logits
from rtlgen.training.frames import Frames
from rtlgen.training.operands import S16
from rtlgen.training.schedule import Schedule

_RESULTS = 2


@dataclass
class Port:
    """The output port, to be driven by ``results_out``.

    Args:
        room: for one more result.
        busy: something is still to go out.
        reading: weights are going out; ``read_address`` is the word to fetch.
    """

    room: WireVector
    busy: WireVector
    reading: WireVector
    read_address: WireVector


def port(schedule: Schedule) -> Port:
    """The wires, before there is anything to drive them."""
    words = sum(layer.words for layer in schedule.layers)
    return Port(
        WireVector(1, "output_room"),
        WireVector(1, "output_busy"),
        WireVector(1, "output_reading"),
        WireVector(max(1, (words - 1).bit_length()), "read_address"),
    )


def results_out(
    schedule: Schedule,
    out: Port,
    frames: Frames,
    logits: Logits,
    loss: Loss,
    weights_fetched: WireVector,
    reset: WireVector,
) -> None:
    """Drives the port."""
    data, last, pin = Output(16, "m_axis_tdata"), Output(1, "m_axis_tlast"), Output(1, "m_axis_tvalid")
    ready, valid = Input(1, "m_axis_tready"), WireVector(1, "output_valid")
    pin <<= valid
    moves = valid & ready
    reading, weight, weight_valid, weight_last = _weights(schedule, out, frames, weights_fetched, moves, reset)

    n = schedule.layers[-1].outputs
    places = _RESULTS * n
    memory = MemBlock(16, max(1, (places - 1).bit_length()), "logits", max_read_ports=1, asynchronous=True)
    write = counter("logits_write", places, logits.flags["real"], reset)
    memory[_wide(write.value, memory)] <<= MemBlock.EnabledWrite(logits.value.pack(S16), logits.flags["real"])
    result_moves = moves & (weight_valid ^ 1)
    beat = counter("result_beat", n + 1, result_moves, reset)
    read = counter("logits_read", places, result_moves & (beat.ends ^ 1), reset)
    ends = result_moves & beat.ends

    kinds, come, gone = state("results_learn", _RESULTS), state("result_come", 1), state("result_gone", 1)
    begun = state("result_begun", 1)
    begun.drive(begun.value ^ 1, reset, enable=frames.starts)
    bits = [select(frames.starts & (begun.value == b), frames.starts_learning, kinds.value[b]) for b in range(_RESULTS)]
    kinds.drive(pyrtl.concat_list(bits), reset)
    come.drive(come.value ^ 1, reset, enable=loss.complete)
    gone.drive(gone.value ^ 1, reset, enable=ends)
    learnt = select(come.value, kinds.value[1], kinds.value[0])
    size = select(learnt, loss.size.zero_extended(16), Const(0, 16))
    losses = []
    for b in range(_RESULTS):
        register = Register(16, f"loss_of_{b}")
        register.next <<= select(loss.complete & (come.value == b), size, register)
        losses.append(register)

    whole, underway = state("results_whole", 2), state("results_underway", 2)
    whole.drive(_counted(whole.value, loss.complete, ends), reset)
    underway.drive(_counted(underway.value, frames.starts, ends), reset)
    valid <<= weight_valid | (whole.value != 0)
    result = select(beat.ends, select(gone.value, losses[1], losses[0]), memory[_wide(read.value, memory)])
    data <<= select(weight_valid, weight, result)
    last <<= select(weight_valid, weight_last, beat.ends)
    out.room <<= (underway.value != _RESULTS) & (reading ^ 1)  # weights are read by the one port that steps need
    out.busy <<= (underway.value != 0) | reading


def _weights(
    schedule: Schedule, out: Port, frames: Frames, fetched: WireVector, moves: WireVector, reset: WireVector
) -> tuple[WireVector, WireVector, WireVector, WireVector]:
    """Whether weights go out, a beat of them, whether there is one, and whether it is the last."""
    words, lanes = sum(layer.words for layer in schedule.layers), schedule.lanes
    reading, wait, there = state("reading", 1), state("read_wait", 2), state("read_there", 1)
    lane = counter("read_lane", lanes, moves & there.value, reset)
    word = counter("read_word", words, moves & there.value & lane.ends, reset)
    done = moves & there.value & lane.ends
    over = done & word.ends
    reading.drive(frames.read | (reading.value & (over ^ 1)), reset)
    # Two cycles from an address to its word: the address, the register behind the memory.
    asks = frames.read | (done & (word.ends ^ 1))
    wait.drive(pyrtl.concat(wait.value[0], asks), reset)
    comes = wait.value[1]
    there.drive(comes | (there.value & (done ^ 1)), reset)
    beats = Register(16 * lanes, "read_beats")
    moved = pyrtl.concat(Const(0, 16), beats[16:]) if lanes > 1 else beats
    beats.next <<= select(comes, fetched, select(moves & there.value, moved, beats))
    out.reading <<= reading.value
    out.read_address <<= word.value
    return reading.value, beats[:16], there.value, lane.ends & word.ends


def _counted(number: WireVector, more: WireVector, less: WireVector) -> WireVector:
    change = pyrtl.concat(less & (more ^ 1), more ^ less)
    return (number + change)[:2]


def _wide(place: WireVector, memory: MemBlock) -> WireVector:
    return place.zero_extended(memory.addrwidth)
