"""A design's Verilog on many samples, through the fastest simulator for it, against golden and the plan's cycles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from rtlgen.occupancy import steady_samples
from sim.budget import SPEEDS, cycles_of
from sim.difference import Difference, VerificationError, in_network
from sim.scratch import scratch_folder
from sim.verify import verify_command
from sim.witnesses import BULK, check_bulk, fewer_samples, golden_outputs, locate

ICARUS_S = 60.0
"""What takes Icarus longer, goes through Verilator."""


def check_in_bulk(design: Design, x: IntArray) -> None:
    """The samples ``x``, repeated until the pipeline is steady: every value is golden's, on the cycle of the plan.

    Raises:
        VerificationError: at the first difference; its folder has waves, and a page with them drawn.
        FileNotFoundError, ToolError: if the simulator is missing or fails.
    """
    x = x.astype(np.int64)
    time_s = SPEEDS["icarus"].time_s(len(design.block.logic), cycles_of(design.plan, _steady(design, x)))
    simulator = BULK["icarus" if time_s <= ICARUS_S else "verilator"]
    with scratch_folder(design.name, (VerificationError,)) as folder:
        try:
            check_bulk(design, simulator, x, golden_outputs(design, x), folder)
        except VerificationError as error:
            raise _examined(design, error.difference, x, folder) from error


def _steady(design: Design, x: IntArray) -> int:
    return max(len(x), steady_samples(design.plan))


def _examined(design: Design, seen: Difference, x: IntArray, folder: Path) -> VerificationError:
    """A difference traced back to its layer, with waves, a page, and the commands that show it again."""
    found = in_network(design, locate(design, seen, x, folder, seed=0))
    simulator = BULK[seen.witness]

    def again(fewer: IntArray) -> None:
        check_bulk(design, simulator, fewer, golden_outputs(design, fewer), folder / "smaller")

    fewer = fewer_samples(seen, x, again)
    if fewer is not None:
        found = replace(found, smaller=verify_command(design, fewer, (simulator.name,), (), 0, folder, "x_smaller.npy"))
    command = verify_command(design, x, (simulator.name,), (), 0, folder)
    return VerificationError(found, folder, command)
