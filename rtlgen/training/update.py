"""Updates: the change of every weight of a word, rounded once, and the word back into the memory."""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl
from pyrtl import Const, Register, WireVector, select

from golden.trainer.arithmetic import update_shift
from rtlgen.state import Flags, state
from rtlgen.tensor import HDLTensor
from rtlgen.training.frames import LEARNING_RATE_SHIFTS, Frames
from rtlgen.training.operands import S16, Operands
from rtlgen.training.schedule import UPDATE_CYCLES
from rtlgen.training.stages import Stages, later

TAIL_CYCLES = 4
"""So long after the last word of an update has been issued, the random number and the learning rate still count."""


@dataclass(frozen=True)
class Write:
    """A word for the weight memory."""

    enable: WireVector
    address: WireVector
    word: WireVector


def updated(
    fraction_bits: tuple[tuple[int, int], ...],
    dither_seed: int | None,
    read: Operands,
    stages: Stages,
    frames: Frames,
    address: WireVector,
    reset: WireVector,
) -> Write:
    """``W - ((e a + R) >> s)``: rounded in cycle 5, shifted in 6, in 7 the new word.

    Args:
        fraction_bits: of the inputs and of the weights of each layer.
        dither_seed: of the random number in ``R``; None to round to nearest.
        read: the products in cycle 4, the weights in cycle 2.
        stages: of the word.
        frames: the learning rate.
        address: of the word, in cycle 0.
        reset: synchronous.
    """
    own = [update_shift(inputs, weights, 0) for inputs, weights in fraction_bits]
    low, high = LEARNING_RATE_SHIFTS
    up = max(0, -(min(own) + low))  # products are moved up by so many bits, so that every shift is one down
    most = max(own) + high + up
    shift = Register(max(1, most.bit_length()), "update_shift")  # in cycle 3
    lowest = min(own) + up
    moved = stages.constant(2, [shift + up - lowest for shift in own], 8)
    rate = later("update_rate", frames.rate, 2).zero_extended(8)
    shift.next <<= (rate + moved + Const(lowest % 256, 8))[: len(shift)]

    upper = most - up
    if dither_seed is None:
        value = pyrtl.shift_left_logical(Const(1, upper + 1), (shift - up)[: len(shift)])[1:]
    else:
        goes_on = Flags({"learns": frames.starts_learning}, reset).after("random_goes_on", TAIL_CYCLES)
        random = _xorshift32(dither_seed, goes_on["learns"], reset)
        value = pyrtl.shift_right_logical(random[32 - upper :], (Const(most, len(shift)) - shift)[: len(shift)])
    rounding = Register(most, "update_rounding")  # in cycle 4
    rounds = select(shift > up, value, Const(0, upper))
    rounding.next <<= pyrtl.concat(rounds, Const(0, up)) if up else rounds

    lanes = read.products.size
    r = HDLTensor.of([rounding], [0], [(1 << most) - 1])
    sums = ((read.products << up) + HDLTensor.concat([r] * lanes)).register("update_sum")
    amount, bits = later("update_shift_of", shift, 2), sums.dtype.bits
    ends = [-(1 << (bits - 1))], [(1 << (bits - 1)) - 1]
    changes = [
        HDLTensor.of([pyrtl.shift_right_arithmetic(sums[lane : lane + 1].pack(sums.dtype), amount)], *ends)
        for lane in range(lanes)
    ]
    change = HDLTensor.concat(changes).register("update_change")
    master = read.master
    for cycle in range(3, 7):
        master = master.register(f"master_{cycle}")
    word = (master - change).clip(S16.min, S16.max).register("updated")
    return Write(stages.flags(UPDATE_CYCLES)["update"], later("update_address", address, UPDATE_CYCLES), word.pack(S16))


def _xorshift32(seed: int, goes_on: WireVector, reset: WireVector) -> WireVector:
    """Marsaglia (2003), with the triple 13, 17, 5."""
    random = state("random", 32, initial=seed)
    x = random.value
    x = x ^ pyrtl.concat(x[:19], Const(0, 13))
    x = x ^ x[17:].zero_extended(32)
    x = x ^ pyrtl.concat(x[:27], Const(0, 5))
    random.drive(x, reset, enable=goes_on)
    return random.value
