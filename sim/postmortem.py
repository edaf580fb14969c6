"""After a difference: the first register that differs and its layer, and the waves around it, cut out and as values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyrtl

from sim.lockstep import PinDifference, Pins, first_register_difference, register_values
from sim.waves import PYRTL, TESTBENCH, Clock, bits, cut, window_of

if TYPE_CHECKING:
    from rtlgen import Design

WINDOW_CYCLES = 64
"""Cycles of waves before and after the difference."""
SCOPES = {TESTBENCH: "tensorgate_bench.dut", PYRTL: "toplevel"}


def investigate(
    design: Design,
    pins: Pins,
    waves: Path | None,
    cycle: int | None,
    apart: PinDifference | None,
    folder: Path,
    layer: str | None = None,
) -> dict[str, Any]:
    """Fields of a ``Difference``: register, register_layer, register_cycle, waves, save_file, window.

    Args:
        design: with the PyRTL block to compare with.
        pins: the recording on which it happened.
        waves: the VCD file of the same run, if there is one.
        cycle: of the difference, if known.
        apart: the first pin in which Verilog and PyRTL differ, if one does.
        folder: for the window that is cut out.
        layer: that differs, if known.
    """
    if waves is None or not waves.exists():
        return {}
    last = max(cycle or 0, apart.cycle if apart else 0)
    found: dict[str, Any] = {}
    values = register_values(design, pins, last + 1)
    start = pins.reset_ends or 0
    register = first_register_difference(values, bits(waves, values, 0, last), start)
    if register:
        name, at, _, _ = register
        found = {"register": name, "register_layer": design.layer_of.get(name), "register_cycle": at}
    middle = found.get("register_cycle", cycle if cycle is not None else last)
    target = folder / "around_difference.vcd"
    cut(waves, target, min(middle, last) - WINDOW_CYCLES, max(middle, last) + WINDOW_CYCLES)
    names = signals(design, layer or found.get("register_layer"), found.get("register"))
    return {**found, **shown(design, target, names, middle if cycle is None else cycle)}


def signals(design: Design, layer: str | None, register: str | None = None) -> list[str]:
    """The wires to look at: those of the top, of the streams into and out of a layer, and a register."""
    names = ["reset", "s_axis_tvalid", "s_axis_tready", "s_axis_tlast", "s_axis_tdata"]
    streams = {port["tensor"]: port["prefix"] for port in design.ports["streams"]}
    if layer is not None and layer in streams:
        for tensor in (*design.graph.node(layer).inputs, layer):
            prefix = streams.get(tensor)
            names += [f"{prefix}_{kind}" for kind in ("valid", "last", "data")] if prefix else []
    names += [register] if register else []
    names += ["m_axis_tvalid", "m_axis_tready", "m_axis_tlast", "m_axis_tdata", "frame_error"]
    return list(dict.fromkeys(names))


def shown(design: Design, waves: Path, names: list[str], cycle: int, clock: Clock = TESTBENCH) -> dict[str, Any]:
    """Fields of a ``Difference`` about a window of waves: waves, save_file, window.

    Args:
        design: whose wires they are.
        waves: the VCD file.
        names: of the wires to look at.
        cycle: of the difference.
        clock: of the file.
    """
    return shown_of(design.block, waves, names, cycle, clock, SCOPES[clock])


def shown_of(block: pyrtl.Block, waves: Path, names: list[str], cycle: int, clock: Clock, scope: str) -> dict[str, Any]:
    """The same of a block, which is a ``scope`` in the VCD file."""
    wires = block.wirevector_by_name
    widths = {name: len(wires[name]) for name in names if name in wires}
    return window_of(waves, widths, cycle, scope, clock)
