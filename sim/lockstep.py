"""Lockstep: the pins that a testbench recorded under one simulator, replayed in PyRTL's, cycle by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyrtl

from sim.simulators.pyrtl_compiled import CompiledBlock, is_worth_compiling

if TYPE_CHECKING:
    from rtlgen import Design

Octets = npt.NDArray[np.uint8]
CHUNK_CYCLES = 8192


@dataclass(frozen=True)
class Pins:
    """Every top pin on every cycle; a cycle is sampled in its middle.

    Args:
        octets: per pin uint8 of shape (cycles, bytes), the lowest first; unknown bits are 0.
        unknown: the same, ones where a bit was X or Z.
        inputs: names of the pins that were driven.
    """

    octets: dict[str, Octets]
    unknown: dict[str, Octets]
    inputs: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> Pins:
        """Read what the testbench recorded: per pin ``p`` the arrays ``p`` and ``p.unknown``, little-endian bytes."""
        with np.load(path) as file:
            names = [str(name) for name in file["pins"]]
            return cls(
                {name: file[name] for name in names},
                {name: file[f"{name}.unknown"] for name in names},
                tuple(str(name) for name in file["inputs"]),
            )

    @property
    def cycles(self) -> int:
        """Length of the recording."""
        return len(next(iter(self.octets.values())))

    def word(self, pin: str, cycle: int) -> int:
        """What a pin was on a cycle."""
        return int.from_bytes(self.octets[pin][cycle].tobytes(), "little")

    def words(self, pin: str, cycles: int | None = None) -> list[int]:
        """What it was on every cycle, or on the first ones."""
        return [int.from_bytes(row.tobytes(), "little") for row in self.octets[pin][:cycles]]

    @property
    def reset_ends(self) -> int | None:
        """The cycle after the first one with a reset; None if there was none."""
        places = np.flatnonzero(self.octets["reset"][:, 0] & 1)
        return int(places[0]) + 1 if len(places) else None


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
    missing = [name for name in (*driven, *outputs) if name not in pins.octets]
    if missing:
        raise ValueError(f"the recording lacks the pins {', '.join(missing)}; it has {', '.join(pins.octets)}")
    start = pins.reset_ends
    if start is None:
        raise ValueError("the recording has no reset: there is no cycle from which on the pins could be compared")
    answers = _compiled(design, pins, driven, outputs) if is_worth_compiling(block, pins.cycles) else None
    if answers is None:
        answers = _interpreted(design, pins, driven, outputs)
    # The first cycle on which any pin differs, and of those pins the first by name.
    apart = {name: (answers[name] != pins.octets[name]) | (pins.unknown[name] != 0) for name in outputs}
    first = {name: start + int(differs) for name in outputs if (differs := _first(apart[name][start:])) is not None}
    if not first:
        return None
    name = min(first, key=lambda name: (first[name], name))
    cycle = first[name]
    seen, unknown = pins.word(name, cycle), int.from_bytes(pins.unknown[name][cycle].tobytes(), "little")
    value = int.from_bytes(answers[name][cycle].tobytes(), "little")
    width = len(block.wirevector_by_name[name])
    return PinDifference(cycle, name, value, _binary(seen, unknown, width) if unknown else seen)


def _first(differs: npt.NDArray[np.bool_]) -> int | None:
    """The first row with anything true."""
    places = np.flatnonzero(differs.any(axis=1))
    return int(places[0]) if len(places) else None


def _interpreted(design: Design, pins: Pins, driven: Sequence[str], outputs: Sequence[str]) -> dict[str, Octets]:
    """What PyRTL's outputs are on every recorded cycle."""
    simulation = pyrtl.FastSimulation(tracer=None, block=design.block)
    answers: dict[str, list[bytes]] = {name: [] for name in outputs}
    sizes = {name: pins.octets[name].shape[1] for name in outputs}
    for values in zip(*(pins.words(name) for name in driven), strict=True):
        simulation.step(dict(zip(driven, values, strict=True)))
        for name in outputs:
            answers[name].append(simulation.inspect(name).to_bytes(sizes[name], "little"))
    return {
        name: np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), sizes[name]) for name, rows in answers.items()
    }


def _compiled(design: Design, pins: Pins, driven: Sequence[str], outputs: Sequence[str]) -> dict[str, Octets]:
    """The same by the block as a C program, some cycles at a time."""
    sizes = {name: pins.octets[name].shape[1] for name in outputs}
    chunks: dict[str, list[Octets]] = {name: [] for name in outputs}
    with CompiledBlock(design.block) as block:
        for first in range(0, pins.cycles, CHUNK_CYCLES):
            columns = {name: _limbs(pins.octets[name][first : first + CHUNK_CYCLES]) for name in driven}
            for name, limbs in block.run(columns, outputs).items():
                octets = np.ascontiguousarray(limbs.astype("<u8")).view(np.uint8).reshape(len(limbs), -1)
                chunks[name].append(octets[:, : sizes[name]])
    return {name: np.concatenate(parts) for name, parts in chunks.items()}


def _limbs(octets: Octets) -> npt.NDArray[np.uint64]:
    """Words of bytes as words of 64 bits."""
    cycles, size = octets.shape
    padded = np.zeros((cycles, -(-size // 8) * 8), dtype=np.uint8)
    padded[:, :size] = octets
    return padded.view("<u8").astype(np.uint64)


def register_values(design: Design, pins: Pins, cycles: int) -> dict[str, list[int]]:
    """What every named register of the block holds on the first ``cycles`` cycles of the recorded inputs."""
    block = design.block
    driven = [wire.name for wire in block.wirevector_subset(pyrtl.Input)]
    registers = sorted(wire.name for wire in block.wirevector_subset(pyrtl.Register))
    simulation = pyrtl.FastSimulation(tracer=None, block=block)
    held: dict[str, list[int]] = {name: [] for name in registers}
    for values in zip(*(pins.words(name, cycles) for name in driven), strict=True):
        simulation.step(dict(zip(driven, values, strict=True)))
        for name in registers:
            held[name].append(simulation.inspect(name))
    return held


def wire_value(design: Design, pins: Pins, wire: str, cycle: int) -> int:
    """What a named wire of the block is on one cycle of the recorded inputs."""
    block = design.block
    driven = [pin.name for pin in block.wirevector_subset(pyrtl.Input)]
    simulation = pyrtl.FastSimulation(block=block, tracer=pyrtl.SimulationTrace([block.wirevector_by_name[wire]]))
    for values in zip(*(pins.words(name, cycle + 1) for name in driven), strict=True):
        simulation.step(dict(zip(driven, values, strict=True)))
    return int(simulation.inspect(wire))


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
