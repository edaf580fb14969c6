"""A word's way through the pipeline: what is known of it, so many cycles after it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from pyrtl import Const, Register, WireVector, mux

from rtlgen.state import Flags
from rtlgen.tensor import HDLTensor
from rtlgen.training.passes import Pass


def later(name: str, wire: WireVector, cycles: int) -> WireVector:
    """``wire``, so many cycles later; without a reset."""
    for cycle in range(1, cycles + 1):
        register = Register(len(wire), f"{name}_{cycle}")
        register.next <<= wire
        wire = register
    return wire


def chosen(index: WireVector, values: Sequence[int], bits: int | None = None) -> WireVector:
    """``values[index]``, the last one for an index beyond."""
    width = bits or max(1, max(values).bit_length())
    if len(set(values)) == 1:
        return Const(values[0], width)
    padded = [*values, *[values[-1]] * ((1 << len(index)) - len(values))]
    return mux(index, *(Const(value, width) for value in padded))


class Stages:
    """Flags and the number of the pass, by cycle; registers are made for as many as are asked for.

    Args:
        passes: of a step.
        flags: in the cycle of the issue.
        number: of the pass, in that cycle.
    """

    def __init__(self, passes: Sequence[Pass], flags: Flags, number: WireVector) -> None:
        self.passes = passes
        self._flags, self._numbers = [flags], [number]

    def flags(self, cycle: int) -> Flags:
        """What kind of a word it is."""
        while len(self._flags) <= cycle:
            self._flags.append(self._flags[-1].after(f"stage{len(self._flags)}_", 1))
        return self._flags[cycle]

    def number(self, cycle: int) -> WireVector:
        """Of the word's pass."""
        while len(self._numbers) <= cycle:
            self._numbers.append(later(f"pass_stage{len(self._numbers)}", self._numbers[-1], 1))
        return self._numbers[cycle]

    def constant(self, cycle: int, of_layer: Sequence[int], bits: int | None = None) -> WireVector:
        """A constant of the word's layer."""
        return chosen(self.number(cycle), [of_layer[made.layer] for made in self.passes], bits)


def by_number(number: WireVector, options: Sequence[HDLTensor]) -> HDLTensor:
    """``options[number]``, the last one for a number beyond."""
    found = options[-1]
    for place, option in enumerate(options[:-1]):
        found = HDLTensor.where(number == place, option, found)
    return found


def rounded(x: HDLTensor, shift: int) -> HDLTensor:
    """Half up by a shift to the right, or a shift to the left where it is not positive."""
    return x.rounding_shift(shift) if shift > 0 else x << -shift
