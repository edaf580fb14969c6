"""Cells of the netlist that faults go into; for tests."""

from __future__ import annotations


def resetting(netlist: str, register: str) -> str:
    """The cell that chooses what the lowest bit of a register becomes in a reset."""
    cells = [cell.partition("\n  end")[0] for cell in netlist.split("\n  cell $mux ")[1:]]
    made, reset = f"connect \\Y $0\\{register}[", "connect \\S \\reset"
    (found,) = [cell for cell in cells if made in cell and reset in cell]
    return found.partition("\n")[0]
