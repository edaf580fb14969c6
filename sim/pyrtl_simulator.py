"""PyRTL's own simulation of the generated block: what the generator meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyrtl

from golden.types import IntArray
from sim.beats import Beats
from sim.simulator import Run, most_cycles, run_of

if TYPE_CHECKING:
    from rtlgen import Design


@dataclass(frozen=True)
class Pyrtl:
    """PyRTL's simulation that turns the block into Python code."""

    name: str = "pyrtl"

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says; needs no files."""
        port = Beats.of(design.ports["input"])
        stimulus, expected = port.pack(x), len(x) * Beats.of(design.ports["output"]).count
        simulation = pyrtl.FastSimulation(tracer=None, block=design.block)
        pins = {"reset": 1, "s_axis_tdata": 0, "s_axis_tvalid": 0, "s_axis_tlast": 0, "m_axis_tready": 1}
        simulation.step(pins)
        pins["reset"] = 0
        words: list[int] = []
        cycles: list[int] = []
        sent, limit = 0, most_cycles(design, len(x))
        for cycle in range(limit):
            if sent < len(stimulus):
                pins["s_axis_tdata"], pins["s_axis_tvalid"] = stimulus[sent], 1
                pins["s_axis_tlast"] = int((sent + 1) % port.count == 0)
            else:
                pins["s_axis_tvalid"] = 0
            simulation.step(pins)
            if simulation.inspect("s_axis_tready"):
                sent += pins["s_axis_tvalid"]
            if simulation.inspect("m_axis_tvalid"):
                words.append(simulation.inspect("m_axis_tdata"))
                cycles.append(cycle)
                if len(words) == expected:
                    return run_of(words, cycles, design)
        raise TimeoutError(f"{design.name} under PyRTL gave {len(words)} of {expected} output beats in {limit} cycles")
