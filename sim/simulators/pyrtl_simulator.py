"""PyRTL's own simulation of the generated block: what the generator meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyrtl

from golden.types import IntArray
from sim.simulators.beats import Beats
from sim.simulators.simulator import Run, most_cycles, run_of

if TYPE_CHECKING:
    from rtlgen import Design


@dataclass(frozen=True)
class Pyrtl:
    """PyRTL's simulation that turns the block into Python code."""

    name: str = "pyrtl"

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says; needs no files."""
        expected = len(x) * Beats.of(design.ports["output"]).count
        words: list[int] = []
        cycles: list[int] = []
        for cycle, inspect in _cycles(design, x):
            if inspect("m_axis_tvalid"):
                words.append(inspect("m_axis_tdata"))
                cycles.append(cycle)
                if len(words) == expected:
                    return run_of(words, cycles, design)
        raise TimeoutError(f"{design.name} under PyRTL gave {len(words)} of {expected} output beats")


@dataclass(frozen=True, eq=False)
class Tap:
    """What went over the stream of a layer.

    Args:
        tensors: shape (batch, *shape), of the samples that came through completely.
        cycles: shape (batch, beats), when each beat moved.
    """

    tensors: IntArray
    cycles: IntArray


def taps(design: Design, x: IntArray) -> dict[str, Tap]:
    """Every layer's stream while the samples ``x`` run back to back, as far as they come."""
    streams = design.ports["streams"]
    words: dict[str, list[int]] = {port["tensor"]: [] for port in streams}
    cycles: dict[str, list[int]] = {port["tensor"]: [] for port in streams}
    wires = [tuple(f"{port['prefix']}_{wire}" for wire in ("valid", "ready", "data")) for port in streams]
    for cycle, inspect in _cycles(design, x, [name for names in wires for name in names]):
        for tensor, (valid, ready, data) in zip(words, wires, strict=True):
            if inspect(valid) and inspect(ready):
                words[tensor].append(inspect(data))
                cycles[tensor].append(cycle)
    found = {}
    for port in streams:
        beats = Beats.of(port)
        whole = len(words[port["tensor"]]) // beats.count * beats.count
        moved = np.array(cycles[port["tensor"]][:whole], dtype=np.int64).reshape(-1, beats.count)
        found[port["tensor"]] = Tap(beats.unpack(words[port["tensor"]][:whole]), moved)
    return found


def _cycles(design: Design, x: IntArray, wires: Sequence[str] = ()) -> Iterator[tuple[int, Callable[[str], int]]]:
    """Steps through the samples back to back; yields every cycle after the reset with a function that reads wires.

    Without ``wires`` only ports and registers can be read, which is faster.
    """
    port = Beats.of(design.ports["input"])
    stimulus = port.pack(x)
    tracer = pyrtl.SimulationTrace([design.block.wirevector_by_name[name] for name in wires]) if wires else None
    simulation = pyrtl.FastSimulation(tracer=tracer, block=design.block)
    pins = {"reset": 1, "s_axis_tdata": 0, "s_axis_tvalid": 0, "s_axis_tlast": 0, "m_axis_tready": 1}
    simulation.step(pins)
    pins["reset"] = 0
    sent = 0
    for cycle in range(most_cycles(design, len(x))):
        if sent < len(stimulus):
            pins["s_axis_tdata"], pins["s_axis_tvalid"] = stimulus[sent], 1
            pins["s_axis_tlast"] = int((sent + 1) % port.count == 0)
        else:
            pins["s_axis_tvalid"] = 0
        simulation.step(pins)
        sent += pins["s_axis_tvalid"] and simulation.inspect("s_axis_tready")
        yield cycle, simulation.inspect
