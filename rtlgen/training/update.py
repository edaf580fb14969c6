"""Updates: the change of every weight of a word, rounded once, and the word back into the memory."""

from __future__ import annotations

import pyrtl
from pyrtl import Const, Register, WireVector, select

from golden.trainer.arithmetic import update_shift
from rtlgen.state import Flags, state
from rtlgen.tensor import HDLTensor
from rtlgen.training.frames import LEARNING_RATE_SHIFTS, Frames
from rtlgen.training.operands import S16, Operands, Write
from rtlgen.training.schedule import PRODUCT_CYCLES, Schedule
from rtlgen.training.stages import Stages, later


def updated(
    schedule: Schedule,
    fraction_bits: tuple[tuple[int, int], ...],
    slower: tuple[int, ...],
    sums: HDLTensor,
    dither_seed: int | None,
    read: Operands,
    stages: Stages,
    frames: Frames,
    address: WireVector,
    reset: WireVector,
) -> Write:
    """``W - ((g + R) >> s)``: rounded in cycle 5, shifted in 6, in 7 the new word; one cycle later behind sums.

    Args:
        schedule: of a step.
        fraction_bits: of the inputs and of the weights of each layer.
        slower: what is added to the learning rate's shift, of each layer.
        sums: what each lane's weight changes by, in cycle 4, or in cycle 5 where weights have several products.
        dither_seed: of the random number in ``R``; None to round to nearest.
        read: the weights in cycle 2.
        stages: of the word.
        frames: the learning rate.
        address: of the word, in cycle 0.
        reset: synchronous.
    """
    own = [update_shift(*bits, more) for bits, more in zip(fraction_bits, slower, strict=True)]
    late = int(schedule.convolves)
    low, high = LEARNING_RATE_SHIFTS
    up = max(0, -(min(own) + low))  # products are moved up by so many bits, so that every shift is one down
    most = max(own) + high + up
    shift = Register(max(1, most.bit_length()), "update_shift")  # in cycle 3, or 4
    lowest = min(own) + up
    moved = stages.constant(2 + late, [shift + up - lowest for shift in own], 8)
    rate = later("update_rate", frames.rate, 2 + late).zero_extended(8)
    shift.next <<= (rate + moved + Const(lowest % 256, 8))[: len(shift)]

    upper = most - up
    if dither_seed is None:
        value = pyrtl.shift_left_logical(Const(1, upper + 1), (shift - up)[: len(shift)])[1:]
    else:
        # So long after the last word of an update has been issued, its random number still counts.
        goes_on = Flags({"learns": frames.starts_learning}, reset).after("random_goes_on", PRODUCT_CYCLES + late)
        random = _xorshift32(dither_seed, goes_on["learns"], reset)
        value = pyrtl.shift_right_logical(random[32 - upper :], (Const(most, len(shift)) - shift)[: len(shift)])
    rounding = Register(most, "update_rounding")  # in cycle 4
    rounds = select(shift > up, value, Const(0, upper))
    rounding.next <<= pyrtl.concat(rounds, Const(0, up)) if up else rounds

    lanes = sums.size
    r = HDLTensor.of([rounding], [0], [(1 << most) - 1])
    rounded = ((sums << up) + HDLTensor.concat([r] * lanes)).register("update_sum")
    amount, bits = later("update_shift_of", shift, 2), rounded.dtype.bits
    ends = [-(1 << (bits - 1))], [(1 << (bits - 1)) - 1]
    changes = [
        HDLTensor.of([pyrtl.shift_right_arithmetic(rounded[lane : lane + 1].pack(rounded.dtype), amount)], *ends)
        for lane in range(lanes)
    ]
    change = HDLTensor.concat(changes).register("update_change")
    master = read.master
    for cycle in range(3, schedule.update_cycles):
        master = master.register(f"master_{cycle}")
    word = (master - change).clip(S16.min, S16.max).register("updated")
    flags = stages.flags(schedule.update_cycles)
    writes = flags["update"] & flags["end"] if schedule.convolves else flags["update"]
    return Write(writes, later("update_address", address, schedule.update_cycles), word.pack(S16))


def _xorshift32(seed: int, goes_on: WireVector, reset: WireVector) -> WireVector:
    """Marsaglia (2003), with the triple 13, 17, 5."""
    random = state("random", 32, initial=seed)
    x = random.value
    x = x ^ pyrtl.concat(x[:19], Const(0, 13))
    x = x ^ x[17:].zero_extended(32)
    x = x ^ pyrtl.concat(x[:27], Const(0, 5))
    random.drive(x, reset, enable=goes_on)
    return random.value
