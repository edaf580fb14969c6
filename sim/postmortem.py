"""After a difference: the first register that differs, its layer, and the waves around it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.lockstep import PinDifference, Pins, first_register_difference, register_values
from sim.waves import cut, register_bits

if TYPE_CHECKING:
    from rtlgen import Design

WINDOW_CYCLES = 64
"""Cycles of waves before and after the difference."""


def investigate(
    design: Design, pins: Pins, waves: Path | None, cycle: int | None, apart: PinDifference | None, folder: Path
) -> dict[str, Any]:
    """Fields of a ``Difference``: register, register_layer, register_cycle, waves.

    Args:
        design: with the PyRTL block to compare with.
        pins: the recording on which it happened.
        waves: the VCD file of the same run, if there is one.
        cycle: of the difference, if known.
        apart: the first pin in which Verilog and PyRTL differ, if one does.
        folder: for the window that is cut out.
    """
    if waves is None or not waves.exists():
        return {}
    last = max(cycle or 0, apart.cycle if apart else 0)
    found: dict[str, Any] = {}
    values = register_values(design, pins, last + 1)
    start = pins.reset_ends or 0
    register = first_register_difference(values, register_bits(waves, values, last + 1), start)
    if register:
        name, at, _, _ = register
        found = {"register": name, "register_layer": design.layer_of.get(name), "register_cycle": at}
    middle = found.get("register_cycle", cycle if cycle is not None else last)
    target = folder / "around_difference.vcd"
    cut(waves, target, min(middle, last) - WINDOW_CYCLES, max(middle, last) + WINDOW_CYCLES)
    return {**found, "waves": str(target)}
