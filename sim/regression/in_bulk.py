"""A design's Verilog on many samples, through the fastest simulator for it, against golden and the plan's cycles."""

from __future__ import annotations

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from rtlgen.occupancy import steady_samples
from sim.budget import SPEEDS, cycles_of
from sim.difference import Difference, first_difference
from sim.scratch import scratch_folder
from sim.witnesses import BULK, cycle_difference, golden_outputs

ICARUS_S = 60.0
"""What takes Icarus longer, goes through Verilator."""


def difference_in_bulk(design: Design, x: IntArray) -> Difference | None:
    """The first wrong value or cycle, if there is one, of the samples ``x``, repeated until the pipeline is steady.

    Raises:
        FileNotFoundError, ToolError: if the simulator is missing or fails.
    """
    samples = x[np.resize(np.arange(len(x)), max(len(x), steady_samples(design.plan)))].astype(np.int64)
    time_s = SPEEDS["icarus"].time_s(len(design.block.logic), cycles_of(design.plan, len(samples)))
    simulator = BULK["icarus" if time_s <= ICARUS_S else "verilator"]
    with scratch_folder(design.name) as folder:
        run = simulator.run(design, samples, folder)
    wrong = first_difference(design, simulator.name, run, golden_outputs(design, samples))
    return wrong or cycle_difference(design, simulator.name, run)
