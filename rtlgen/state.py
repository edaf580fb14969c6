"""State: control registers with a synchronous reset, counters, and tensors that feed back into themselves."""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl

from golden.types import IntType
from rtlgen.tensor import HDLTensor


@dataclass
class State:
    """A control register that is ``initial`` after reset; ``drive`` says once what it becomes."""

    value: pyrtl.Register
    initial: int = 0

    def drive(
        self, next_value: pyrtl.WireVector, reset: pyrtl.WireVector, enable: pyrtl.WireVector | None = None
    ) -> None:
        """Load ``next_value`` on the next edge, if ``enable`` is high or absent; ``reset`` wins."""
        held = next_value if enable is None else pyrtl.select(enable, next_value, self.value)
        bits = len(self.value)
        self.value.next <<= pyrtl.select(reset, pyrtl.Const(self.initial & ((1 << bits) - 1), bits), held)


def state(name: str, bits: int, initial: int = 0) -> State:
    """A control register by name; a negative ``initial`` in two's complement."""
    return State(pyrtl.Register(bits, name), initial)


@dataclass
class Counter:
    """Counts 0 .. ``count - 1`` and starts again.

    Args:
        value: the present number.
        ends: high while ``value`` is the last number.
    """

    value: pyrtl.WireVector
    ends: pyrtl.WireVector


def counter(name: str, count: int, step: pyrtl.WireVector, reset: pyrtl.WireVector) -> Counter:
    """A counter that goes on when ``step`` is high; one that counts to 1 is no hardware."""
    if count == 1:
        return Counter(pyrtl.Const(0, 1), pyrtl.Const(1, 1))
    register = state(name, (count - 1).bit_length())
    ends = pyrtl.WireVector(1, f"{name}_ends")
    ends <<= register.value == count - 1
    following = pyrtl.select(ends, pyrtl.Const(0, len(register.value)), (register.value + 1)[: len(register.value)])
    register.drive(following, reset, enable=step)
    return Counter(register.value, ends)


@dataclass
class Flags:
    """Control that travels beside the data: one bit each, 0 after reset."""

    wires: dict[str, pyrtl.WireVector]
    reset: pyrtl.WireVector

    def after(self, name: str, stages: int) -> Flags:
        """The flags ``stages`` registers later, which are called ``{name}{stage}_{flag}``."""
        wires = self.wires
        for stage in range(stages):
            following = {}
            for flag, wire in wires.items():
                register = state(f"{name}{stage + 1}_{flag}", 1)
                register.drive(wire, self.reset)
                following[flag] = register.value
            wires = following
        return Flags(wires, self.reset)

    def __getitem__(self, flag: str) -> pyrtl.WireVector:
        return self.wires[flag]


@dataclass
class HeldTensor:
    """A tensor of registers without reset that what is computed from it may load: accumulators, running maxima.

    Args:
        value: what the registers hold.
        dtype: type of every element.
    """

    value: HDLTensor
    dtype: IntType

    def drive(self, next_value: HDLTensor, enable: pyrtl.WireVector) -> None:
        """Load ``next_value``, of the same shape and within ``dtype``, on every edge where ``enable`` is high."""
        for register, element in zip(self.value.wires.flat, next_value.reshape(-1, 1), strict=True):
            register.next <<= pyrtl.select(enable, element.pack(self.dtype), register)


def held_tensor(name: str, size: int, dtype: IntType) -> HeldTensor:
    """``size`` registers of ``dtype``, called ``{name}_{i}``."""
    registers = [pyrtl.Register(dtype.bits, f"{name}_{i}") for i in range(size)]
    return HeldTensor(HDLTensor.of(registers, [dtype.min] * size, [dtype.max] * size), dtype)
