"""One fault of the netlist that has them all: its graph, with an input that says whether the fault is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sim.formal.aig import Aig, make_aig
from sim.formal.control import INPUTS
from sim.mutation.mutants import NETLIST, SELECT, Fault, injections
from sim.mutation.register_names import named

FAULTY = "faulty"
"""The input of the graph: 0 is the design, 1 the mutant."""
PINS = ("frame_error", "s_axis_tready", "m_axis_tvalid")
DATA = ("m_axis_tlast", "m_axis_tdata")
"""Pins that always mean something, and those that do while ``m_axis_tvalid`` is high."""


def aig_of(faults: Sequence[Fault], folder: Path) -> Aig:
    """The graph of the netlist that ``make_mutants`` has written into ``folder``, with ``faults``.

    Raises:
        FileNotFoundError, ToolError: if yosys is missing or fails.
    """
    written = folder / "machine.il"
    aig = make_aig([f"read_rtlil {NETLIST}", *injections(faults), f"write_rtlil {written.name}"], "machine", folder)
    return named(aig, written.read_text())


def with_one_fault(aig: Aig, mutant: int) -> Aig:
    """The graph with no fault but this one; 0 for none. Gates that stay keep their numbers."""
    faulty = 2 * aig.nodes
    inputs, instead = {FAULTY: faulty}, {}
    for name, literal in aig.inputs.items():
        wire, _, bit = name.partition("[")
        if wire != SELECT:
            inputs[name] = literal
        else:
            instead[literal >> 1] = faulty if mutant >> int(bit[:-1]) & 1 else 0
    return replace(aig, inputs=inputs, nodes=aig.nodes + 1).with_instead(instead)


def resets_of(aig: Aig) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """What a reset makes of each bit in the design and in the mutant; None for what it leaves as it was."""
    design, mutant = (aig.after({INPUTS[2]: 1, FAULTY: faulty}) for faulty in (0, 1))
    return design, mutant
