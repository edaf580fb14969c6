"""Lockstep: the pins that a testbench recorded under one simulator, replayed in PyRTL's, cycle by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyrtl

if TYPE_CHECKING:
    from rtlgen import Design


@dataclass(frozen=True)
class Pins:
    """Every top pin on every cycle; a cycle is sampled in its middle.

    Args:
        words: value of each pin on each cycle; unknown bits are 0.
        unknown: ones where a bit was X or Z.
        inputs: names of the pins that were driven.
    """

    words: dict[str, list[int]]
    unknown: dict[str, list[int]]
    inputs: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> Pins:
        """Read what the testbench recorded: per pin ``p`` the arrays ``p`` and ``p.unknown``, little-endian bytes."""
        with np.load(path) as file:
            names = [str(name) for name in file["pins"]]
            return cls(
                {name: _words(file[name]) for name in names},
                {name: _words(file[f"{name}.unknown"]) for name in names},
                tuple(str(name) for name in file["inputs"]),
            )

    @property
    def cycles(self) -> int:
        """Length of the recording."""
        return len(next(iter(self.words.values())))


@dataclass(frozen=True)
class PinDifference:
    """The first pin that differs; ``verilog`` is binary with ``x`` where bits are unknown."""

    cycle: int
    pin: str
    pyrtl: int
    verilog: int | str

    def __str__(self) -> str:
        return f"cycle {self.cycle}: {self.pin} is {self.pyrtl} in PyRTL and {self.verilog} in Verilog"


def replay(design: Design, pins: Pins) -> PinDifference | None:
    """Step PyRTL through the recorded inputs and compare every output on every cycle after the first reset.

    Before its first reset Verilog's registers are undefined, so there is nothing to compare; afterwards an undefined
    bit is a difference.
    """
    block = design.block
    driven = [wire.name for wire in block.wirevector_subset(pyrtl.Input)]
    outputs = sorted(wire.name for wire in block.wirevector_subset(pyrtl.Output))
    missing = [name for name in (*driven, *outputs) if name not in pins.words]
    if missing:
        raise ValueError(f"the recording lacks the pins {', '.join(missing)}; it has {', '.join(pins.words)}")
    simulation = pyrtl.FastSimulation(tracer=None, block=block)
    resets = pins.words["reset"]
    if 1 not in resets:
        raise ValueError("the recording has no reset: there is no cycle from which on the pins could be compared")
    start = resets.index(1) + 1
    columns = [pins.words[name] for name in driven]
    for cycle, values in enumerate(zip(*columns, strict=True)):
        simulation.step(dict(zip(driven, values, strict=True)))
        if cycle < start:
            continue
        for name in outputs:
            seen, unknown = pins.words[name][cycle], pins.unknown[name][cycle]
            value = simulation.inspect(name)
            if unknown or value != seen:
                width = len(block.wirevector_by_name[name])
                return PinDifference(cycle, name, value, _binary(seen, unknown, width) if unknown else seen)
    return None


def register_values(design: Design, pins: Pins, cycles: int) -> dict[str, list[int]]:
    """What every named register of the block holds on the first ``cycles`` cycles of the recorded inputs."""
    block = design.block
    driven = [wire.name for wire in block.wirevector_subset(pyrtl.Input)]
    registers = sorted(wire.name for wire in block.wirevector_subset(pyrtl.Register))
    simulation = pyrtl.FastSimulation(tracer=None, block=block)
    held: dict[str, list[int]] = {name: [] for name in registers}
    for cycle in range(min(cycles, pins.cycles)):
        simulation.step({name: pins.words[name][cycle] for name in driven})
        for name in registers:
            held[name].append(simulation.inspect(name))
    return held


def _words(octets: np.ndarray) -> list[int]:
    return [int.from_bytes(row.tobytes(), "little") for row in octets]


def _binary(seen: int, unknown: int, width: int) -> str:
    return "".join("x" if unknown >> bit & 1 else str(seen >> bit & 1) for bit in reversed(range(width)))


def first_register_difference(
    pyrtl_values: dict[str, list[int]], verilog_values: dict[str, Sequence[str]], start: int
) -> tuple[str, int, int, str] | None:
    """The first register that differs from cycle ``start`` on: name, cycle, PyRTL's value, Verilog's binary value.

    Undefined bits of Verilog are no difference: a data register is undefined until something valid reaches it.
    """
    common = sorted(set(pyrtl_values) & set(verilog_values))
    cycles = min((len(pyrtl_values[name]) for name in common), default=0)
    for cycle in range(start, cycles):
        for name in common:
            bits, value = verilog_values[name][cycle], pyrtl_values[name][cycle]
            expected = format(value, "b").zfill(len(bits))
            if any(b in "01" and b != e for b, e in zip(bits, expected, strict=False)):
                return name, cycle, value, bits
    return None
