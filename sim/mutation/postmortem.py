"""What a fault leaves that the testbench does not find: the netlist, its place, and the way to it as waves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rtlgen import Design
from sim.difference import Difference, VerificationError
from sim.mutation.mutants import MUTATED, SELECT, Fault
from sim.mutation.one_fault import DATA, PINS
from sim.mutation.witness import Cycle
from sim.regression.postmortem_page import write_page
from sim.replay import SCOPE, Pins, replay, widths_of
from sim.scratch import remove_folder
from sim.simulators.beats import Beats
from sim.waves import bits, window_of

DRIVEN = ("reset", "s_axis_tvalid", "s_axis_tlast", "s_axis_tdata", "m_axis_tready")


def keep(
    design: Design, fault: Fault, way: Sequence[Cycle], netlist: Path, select_bits: int, folder: Path, command: str
) -> Path:
    """Keep one fault.

    Args:
        design: without it.
        fault: that has survived.
        way: pins behind a reset that are to show it; empty if none are known.
        netlist: that ``make_mutants`` has written, with all faults.
        select_bits: of its input that chooses one.
        folder: with a folder for each such fault.
        command: that runs the campaign again.

    Returns:
        the folder of this one: ``difference.json``, a page, the netlist, and waves with the fault and without.
    """
    own = folder / re.sub(r"\W+", "-", f"{design.name} {fault}").strip("-")
    remove_folder(own)
    own.mkdir(parents=True)
    shutil.copyfile(netlist, own / MUTATED)
    wire = fault.place.split("[")[0]
    difference = Difference("mutant", f"{fault} survived, no way to show it is known", layer=design.layer_of.get(wire))
    if way:
        difference = _along(design, fault, wire, way, select_bits, own, difference)
    VerificationError(difference, own, command)  # writes its facts into the folder
    write_page(difference, command, own)
    return own


def _along(
    design: Design,
    fault: Fault,
    wire: str,
    way: Sequence[Cycle],
    select_bits: int,
    folder: Path,
    difference: Difference,
) -> Difference:
    """The first pin that differs on the way, if one does, with waves around it."""
    word_bits = Beats.of(design.ports["input"]).word_bits
    inputs = {name: word_bits if name == "s_axis_tdata" else 1 for name in DRIVEN} | {SELECT: select_bits}
    pins = _pins(way, word_bits)
    seen = {}
    for name, mutant in (("without", 0), ("with", fault.mutant)):
        rows = [{**row, SELECT: mutant} for row in pins]
        waves = replay([folder / MUTATED], design.name, inputs, rows, folder / f"{name}_fault.vcd")
        seen[name] = bits(waves, (*PINS, *DATA), 1, len(pins) - 1)
    right, wrong = seen["without"], seen["with"]
    found = None
    for place in range(len(pins) - 1):
        valid = right["m_axis_tvalid"][place] == "1"
        looked_at = (*PINS, *DATA) if valid else PINS
        found = next(((place, pin) for pin in looked_at if right[pin][place] != wrong[pin][place]), None)
        if found:
            break
    cycle = found[0] + 1 if found else len(pins) - 1
    names = [*DRIVEN, "s_axis_tready", wire, "m_axis_tvalid", "m_axis_tlast", "m_axis_tdata", "frame_error"]
    all_widths = widths_of(waves)
    widths = {name: all_widths[name] for name in names if name in all_widths}
    shown = window_of(waves, widths, cycle, SCOPE)
    if found is None:
        return replace(
            difference, message=f"{fault} survived, on the way that a search has found no pin differs", **shown
        )
    place, pin = found
    was, should = wrong[pin][place], right[pin][place]
    message = f"{fault} survived, though {pin} shows it at cycle {cycle}: {was} instead of {should}"
    return replace(difference, message=message, cycle=cycle, golden=should, hardware=was, **shown)


def _pins(way: Sequence[Cycle], word_bits: int) -> Pins:
    """A reset, then the way; words that do not matter are alternately all zeros and all ones."""
    rows: list[dict[str, int]] = [{"reset": 1}]
    for place, cycle in enumerate(way):
        word = cycle.word if cycle.word is not None else (place & 1) * ((1 << word_bits) - 1)
        levels = {"reset": cycle.reset, "s_axis_tvalid": cycle.valid, "m_axis_tready": cycle.ready}
        rows.append({**{name: int(level) for name, level in levels.items()}, "s_axis_tdata": word})
    return rows
