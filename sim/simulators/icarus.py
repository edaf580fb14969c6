"""Icarus Verilog on the emitted text, with the plain bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from golden.types import IntArray
from sim.simulators.bench import Window, read_run, write_bench
from sim.simulators.simulator import Run
from sim.tools import run_tool

if TYPE_CHECKING:
    from rtlgen import Design


@dataclass(frozen=True)
class Icarus:
    """Compiles once a run; a small design takes 0.2 s.

    Args:
        waves: of which a run leaves a VCD file, see ``sim.simulators.bench``; None for none.
    """

    name: str = "icarus"
    waves: Window | None = None

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says."""
        build.mkdir(parents=True, exist_ok=True)
        verilog = design.write_verilog(build / f"{design.name}.v")
        bench = write_bench(design, x, build, waves=self.waves)
        run_bench(bench, verilog, build)
        return read_run(design, len(x), build, self.name)


def run_bench(bench: Path, verilog: Path, build: Path, watch: Callable[[], None] | None = None) -> None:
    """Compile a bench and a design, both files in ``build``, and run it to its end.

    Raises:
        FileNotFoundError, ToolError: if Icarus is missing, or fails.
    """
    program = build / "bench.vvp"
    run_tool(["iverilog", "-g2005", "-o", program.name, bench.name, verilog.name], cwd=build)
    run_tool(["vvp", "-n", program.name], cwd=build, watch=watch)
