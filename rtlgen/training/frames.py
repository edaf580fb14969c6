"""Frames that come in: samples with their labels, which steps take, and master weights.

A byte a beat; ``mode`` says what kind of a frame it is, from its first beat to its last::

    0 evaluate   a byte a feature, and one more, which nobody looks at
    1 train      a byte a feature, and the label
    2 load       the master weights, word by word, the first lane first, the lower byte first
    3 read       one byte: the master weights go out

Two banks of features: one is read while the other one is filled. Weights come and go when no step is running.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl
from pyrtl import Const, Input, MemBlock, Output, Register, WireVector, select

from rtlgen.state import Flags, counter, state
from rtlgen.training.control import Walker
from rtlgen.training.schedule import Schedule
from rtlgen.training.stages import later

EVALUATE, TRAIN, LOAD, READ = range(4)
LEARNING_RATE_SHIFTS = (2, 11)


@dataclass
class Frames:
    """What steps know of the sample that they take, and weights that come.

    Args:
        bank: of the features of the present step.
        label, rate: of it.
        learns: whether it is one to train.
        starts, starts_learning: a step begins; one to train.
        load_enable, load_address, load_word: a word of weights has come.
        read: the weights are to go out.
        idle: no step is running, and none is waiting.
    """

    bank: WireVector
    label: WireVector
    rate: WireVector
    learns: WireVector
    starts: WireVector
    starts_learning: WireVector
    load_enable: WireVector
    load_address: WireVector
    load_word: WireVector
    read: WireVector
    idle: WireVector


def frames_in(
    schedule: Schedule, walker: Walker, features: MemBlock, room: WireVector, busy: WireVector, reset: WireVector
) -> Frames:
    """The input port; starts a step where there is a sample, and ``room`` for its result.

    Args:
        schedule: of a step.
        walker: that takes the steps.
        features: the memory of two banks.
        room: for one more result.
        busy: results or weights are still going out.
        reset: synchronous.
    """
    inputs, classes = schedule.features, schedule.layers[-1].outputs
    data, valid, last = Input(8, "s_axis_tdata"), Input(1, "s_axis_tvalid"), Input(1, "s_axis_tlast")
    mode, rate = Input(2, "mode"), Input(4, "learning_rate_shift")
    ready, pin = WireVector(1, "input_ready"), Output(1, "s_axis_tready")
    pin <<= ready
    full = [state(f"bank{b}_full", 1) for b in range(2)]
    idle = WireVector(1, "idle")
    fills, current = state("fill_bank", 1), state("step_bank", 1, initial=1)
    is_full = select(fills.value, full[1].value, full[0].value)
    of_weights = mode[1]
    ready <<= select(of_weights, idle, is_full ^ 1)
    moves = valid & ready

    sample_moves = moves & (of_weights ^ 1)
    beat = counter("sample_beat", inputs + 1, sample_moves, reset)
    ends = sample_moves & beat.ends
    fills.drive(fills.value ^ 1, reset, enable=ends)
    bits = features.addrwidth - 1
    place = beat.value.zero_extended(max(bits, len(beat.value)))[:bits]
    features[pyrtl.concat(fills.value, place)] <<= MemBlock.EnabledWrite(data, sample_moves & (beat.ends ^ 1))

    following = current.value ^ 1
    start = walker.start
    start <<= walker.free & select(following, full[1].value, full[0].value) & room
    current.drive(following, reset, enable=start)
    kept = pyrtl.concat(mode[0], rate, data)
    about = []
    for b in range(2):
        taken = walker.finishing & (current.value == b)
        full[b].drive((ends & (fills.value == b)) | (full[b].value & (taken ^ 1)), reset)
        register = Register(len(kept), f"bank{b}_about")
        register.next <<= select(ends & (fills.value == b), kept, register)
        about.append(register)
    coming, present = select(following, about[1], about[0]), Register(len(kept), "step_about")
    present.next <<= select(start, coming, present)

    bytes_a_word = 2 * schedule.lanes
    loads = moves & (mode == LOAD)
    byte = counter("load_byte", bytes_a_word, loads, reset)
    word = counter("load_word", sum(layer.words for layer in schedule.layers), loads & byte.ends, reset)
    # Handshake, mode and state decide whether a byte counts: that takes a cycle of its own.
    came = Flags({"byte": loads, "word": loads & byte.ends}, reset).after("load_came_", 1)
    shifted = Register(8 * bytes_a_word, "load_bytes")
    shifted.next <<= select(came["byte"], pyrtl.concat(later("load_data", data, 1), shifted[8:]), shifted)
    whole = came.after("load_whole_", 1)["word"]
    address = later("load_address", word.value, 2)

    reads = moves & (mode == READ)
    ends_here = select(of_weights, select(mode[0], Const(1, 1), byte.ends & word.ends), beat.ends)
    wrong = moves & (last ^ ends_here)
    low, high = LEARNING_RATE_SHIFTS
    wrong = wrong | (ends & mode[0] & ((data >= classes) | (rate < low) | (rate > high)))
    error, error_pin = state("input_error", 1), Output(1, "frame_error")
    error.drive(error.value | wrong, reset)
    error_pin <<= error.value
    idle <<= walker.idle & ((full[0].value | full[1].value | busy | came["word"] | whole) ^ 1)
    return Frames(
        bank=current.value,
        label=present[:8],
        rate=present[8:12],
        learns=present[12],
        starts=start,
        starts_learning=start & coming[12],
        load_enable=whole,
        load_address=address,
        load_word=shifted,
        read=reads,
        idle=idle,
    )
