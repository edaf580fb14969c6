"""Netlists to simulate: the one that synthesis makes, and one whose streams can be watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtlgen import Design
from rtlgen.memories import memories_of
from sim.synthesis import yosys
from sim.synthesis.netlist_simulator import NETLIST, NetlistIcarus, cells_of
from sim.synthesis.targets import Family
from sim.tools import ToolError, run_tool

PROBED = "netlist_probed.v"
SCRIPT = "netlists.ys"


@dataclass(frozen=True)
class Netlists:
    """What synthesis made of a design.

    Args:
        simulator: runs the netlist exactly as ``tensorgate synth`` makes it.
        probed: Verilog of a netlist, its cells included, in which all wires of all streams have been kept; in the
            exact one many of them are merged into the logic around them.
    """

    simulator: NetlistIcarus
    probed: Path


def write_netlists(
    designs: Sequence[Design], family: Family, folder: Path, timeout: float | None = None
) -> list[Netlists]:
    """Synthesize each design twice; all of them in one process, which takes seconds to start.

    Args:
        designs: each with a name of its own.
        family: what for.
        folder: for all files; each design has a subfolder of its name.
        timeout: seconds.

    Raises:
        SynthesisError: if a memory cannot become what it is to be.
        FileNotFoundError: if yosys is not installed.
        ToolError: if it fails, or takes more than ``timeout`` seconds.
    """
    made = []
    for design in designs:
        own = folder / design.name
        own.mkdir(parents=True, exist_ok=True)
        (folder / f"{design.name}.v").write_text(design.verilog)
        made.append(Netlists(NetlistIcarus(family, own), own / PROBED))
    lines = [line for design in designs for line in _commands(design, family)]
    (folder / SCRIPT).write_text("\n".join(lines) + "\n")
    try:
        run_tool([yosys.PROGRAM, "-q", "-s", SCRIPT], cwd=folder, timeout=timeout)
    except ToolError as error:
        memories = [memory for design in designs for memory in memories_of(design.block, design.plan.layers)]
        raise yosys.told(error, memories, family) from None
    cells = cells_of(family)
    for netlists in made:
        netlists.probed.write_text(f"{cells}\n{netlists.probed.read_text()}")
    return made


def _commands(design: Design, family: Family) -> Iterator[str]:
    memories = memories_of(design.block, design.plan.layers)
    wires = [
        f"{stream['prefix']}_{kind}"
        for stream in design.ports["streams"]
        for kind in ("data", "valid", "ready", "last")
    ]
    for file, kept in ((NETLIST, []), (PROBED, wires)):
        yield "design -reset"
        yield from yosys.synthesis(design.name, memories, family, kept)
        # Icarus takes long to read a module instance for each gate of a multiplier.
        yield f"write_verilog -noattr {'-noexpr' if family.cells else ''} {design.name}/{file}"
