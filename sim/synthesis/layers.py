"""Which layer a name in the netlist belongs to: synthesis derives names of cells and nets from those in the Verilog."""

from __future__ import annotations

import re

from rtlgen.memories import memories_of
from sim.synthesis.subject import Subject

TOP = "top"
_HEADING = re.compile(r"^\s*// (\w+)$")
_DECLARED = re.compile(r"^    (?:\(\*.*?\*\) )?(?:reg|wire)(?:\[[^\]]*\])? ?(\w+)")


def layers_by_name(design: Subject) -> dict[str, str]:
    """The layer of every wire and memory in the Verilog; unnamed wires are numbered anew there, by their heading."""
    found: dict[str, str] = {}
    heading = ""
    for line in design.verilog.splitlines():
        if match := _HEADING.match(line):
            heading = match[1] if match[1] in design.plan.layers else ""
        elif match := _DECLARED.match(line):
            found[match[1]] = heading
    found |= {memory.name: memory.layer for memory in memories_of(design.block, design.plan.layers)}
    return {name: layer for name, layer in found.items() if layer}


def layer_of(name: str, layers: dict[str, str]) -> str | None:
    """The layer of a cell or net, by the longest start of its name that is one in the Verilog, if there is one."""
    plain = re.match(r"\w+", name.lstrip("\\$"))
    text = plain[0] if plain else ""
    while text:
        if text in layers:
            return layers[text]
        text = text.rpartition("_")[0]
    return None
