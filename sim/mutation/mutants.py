"""Mutants: yosys injects faults into the emitted Verilog; an input of one netlist chooses which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rtlgen import Design
from sim.mutation.place import Places
from sim.synthesis.yosys import PROGRAM
from sim.tools import run_tool

NETLIST, FAULTS, MUTATED = "netlist.il", "faults.txt", "mutants.v"
SELECT = "mutsel"
_STREAM = ("data", "last", "ready", "valid")
_SPARE = 100
_NOT_A_BIT = re.compile(r"-port \\?(CLK|WR_CLK|RD_(EN|CLK|ARST|SRST))\b")
"""The clock, which is no signal of ours, and ports of a memory of which yosys insists that they stay constants."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        mutant: the number that chooses it, from 1 on.
        arguments: of yosys's command mutate.
        signal: the named signal that its place is or leads to, see ``sim.mutation.place``.
    """

    mutant: int
    arguments: str
    signal: str = field(default="", compare=False)

    @property
    def mode(self) -> str:
        """What is done to the bit: inv, const0, const1, cnot0 (inverted where another bit is 0), cnot1."""
        return self._field("mode") or "?"

    @property
    def place(self) -> str:
        """The bit by the name of its wire, or else by its cell and port."""
        wire, bit = self._field("wire"), self._field("wirebit")
        if wire:
            return f"{wire}[{bit or 0}]"
        return f"{self._field('cell')}.{self._field('port')}[{self._field('portbit')}]"

    @property
    def source(self) -> str:
        """The line of ``design.v`` that its cell came from."""
        return self._field("src") or ""

    def result(self, netlist: str) -> str:
        """The named wire that its cell makes, as the netlist says that it is in; empty if there is none."""
        cell = netlist.partition(f" {self._field('cell')}\n")[2].partition("\n  end\n")[0]
        match = re.search(r"connect \\[QY] .*?\\(\w+)", cell)
        return match[1] if match else ""

    def _field(self, name: str) -> str | None:
        match = re.search(rf"-{name} (\S+)", self.arguments)
        return match[1].removeprefix("\\") if match else None

    def __str__(self) -> str:
        told = f"{self.mode} at {self.place}"
        return f"{told} (towards {self.signal})" if self.signal and self.signal != self.place.split("[")[0] else told


NO_FAULT = Fault(0, "-mode none")
"""The design as it is."""


def make_mutants(design: Design, count: int, seed: int, folder: Path) -> list[Fault]:
    """Choose up to ``count`` faults and write the netlist that has them all, ``MUTATED``, into ``folder``.

    Raises:
        FileNotFoundError, ToolError: if yosys is missing or fails.
    """
    (folder / "design.v").write_text(design.verilog)
    listing = [
        f"read_verilog design.v; hierarchy -check -top {design.name}",
        # The testbench looks at the streams between layers, even at one that is constant.
        f"setattr -set keep 1 {' '.join(f'w:*_out_{wire}' for wire in _STREAM)}; prep -flatten -top {design.name}",
        # Where nothing is written, yosys takes address and data of a memory for unknown; hardware has none of that.
        "opt_expr -mux_undef; opt_clean",
        f"mutate -list {count + _SPARE} -seed {seed} -o {FAULTS}",
        f"write_rtlil {NETLIST}",
    ]
    _yosys("\n".join(listing), "list.ys", folder)
    listed = (line.removeprefix("mutate ") for line in (folder / FAULTS).read_text().splitlines())
    lines = [line for line in listed if line.strip() and not _NOT_A_BIT.search(line)]
    faults = [Fault(number, line) for number, line in enumerate(lines[:count], 1)]
    places, netlist = Places(design), (folder / NETLIST).read_text()
    faults = [
        replace(fault, signal=places.of(fault.place) or places.of(fault.source) or places.of(fault.result(netlist)))
        for fault in faults
    ]
    injecting = [f"read_rtlil {NETLIST}", *injections(faults), f"write_verilog -noattr {MUTATED}"]
    _yosys("\n".join(injecting), "inject.ys", folder)
    return faults


def injections(faults: Sequence[Fault]) -> list[str]:
    """Commands of yosys that put ``faults`` into the netlist that is read; the input ``SELECT`` chooses one."""
    bits = max((fault.mutant for fault in faults), default=1).bit_length()
    return [
        f"mutate -ctrl {SELECT} {bits} {fault.mutant} {fault.arguments}" for fault in faults if fault.mode != "none"
    ]


def _yosys(script: str, name: str, folder: Path) -> None:
    (folder / name).write_text(script + "\n")
    run_tool([PROGRAM, "-q", "-s", name], cwd=folder, log=folder / "yosys.log")
