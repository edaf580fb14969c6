"""What a fault leaves that the testbench does not find: the netlist, its place, and the way to it as waves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rtlgen import Design
from sim.difference import Difference
from sim.mutation.mutants import MUTATED, SELECT, Fault
from sim.mutation.one_fault import DATA, PINS
from sim.mutation.witness import Cycle
from sim.regression.postmortem_page import leave
from sim.replay import SCOPE, Pins, replay, widths_of
from sim.scratch import remove_folder
from sim.simulators.beats import Beats
from sim.tools import ToolError
from sim.waves import bits, window_of

DRIVEN = ("reset", "s_axis_tvalid", "s_axis_tlast", "s_axis_tdata", "m_axis_tready")
SHOWN = (*DRIVEN, "s_axis_tready", "m_axis_tvalid", "m_axis_tlast", "m_axis_tdata", "frame_error")


@dataclass(frozen=True)
class Keeper:
    """Keeps faults of one campaign.

    Args:
        design: without a fault.
        netlist: that ``make_mutants`` has written, with all faults.
        select_bits: of its input that chooses one.
        folder: with a folder for each fault.
        command: that runs the campaign again.
    """

    design: Design
    netlist: Path
    select_bits: int
    folder: Path
    command: str

    def keep(self, fault: Fault, way: Sequence[Cycle]) -> Path:
        """Keep a fault.

        Args:
            fault: that has survived, or of which nothing is known.
            way: pins behind a reset that are to show it; empty if none are known.

        Returns:
            the folder of this one: ``difference.json``, a page, the netlist, and waves with the fault and without.
        """
        own = self.folder / re.sub(r"\W+", "-", f"{self.design.name} {fault.mutant} {fault.place}").strip("-")
        remove_folder(own)
        own.mkdir(parents=True)
        shutil.copyfile(self.netlist, own / MUTATED)
        layer = fault.signal.partition(" of ")[2] or None
        difference = Difference("mutant", f"{fault}: neither found nor proven to be none", layer=layer)
        if way:
            try:
                difference = self._along(fault, way, own, difference)
            except (FileNotFoundError, ToolError) as error:  # the campaign's score is not lost for it
                difference = replace(difference, message=f"{difference.message}; no waves: {error}")
        return leave(difference, self.command, own)

    def _along(self, fault: Fault, way: Sequence[Cycle], folder: Path, difference: Difference) -> Difference:
        """The first pin that differs on the way, if one does, with waves around it."""
        word_bits = Beats.of(self.design.ports["input"]).word_bits
        inputs = {name: word_bits if name == "s_axis_tdata" else 1 for name in DRIVEN} | {SELECT: self.select_bits}
        pins = _pins(way, word_bits)
        seen = {}
        for name, mutant in (("without", 0), ("with", fault.mutant)):
            rows = [{**row, SELECT: mutant} for row in pins]
            waves = replay([folder / MUTATED], self.design.name, inputs, rows, folder / f"{name}_fault.vcd")
            seen[name] = bits(waves, (*PINS, *DATA), 0, len(pins) - 1)
        found = _first(seen["without"], seen["with"])
        cycle = found[0] if found else len(pins) - 1
        widths = widths_of(waves)
        names = [*SHOWN[: len(DRIVEN) + 1], fault.place.split("[")[0], *SHOWN[len(DRIVEN) + 1 :]]
        shown = window_of(waves, {name: widths[name] for name in names if name in widths}, cycle, SCOPE)
        if found is None:
            message = f"{fault}: on the way that a search has found no pin differs"
            return replace(difference, message=message, **shown)
        right, wrong = (seen[name][found[1]][cycle] for name in ("without", "with"))
        message = f"{fault} survived, though {found[1]} shows it at cycle {cycle}: {wrong} instead of {right}"
        return replace(difference, message=message, cycle=cycle, golden=right, hardware=wrong, **shown)


def _first(right: Mapping[str, Sequence[str]], wrong: Mapping[str, Sequence[str]]) -> tuple[int, str] | None:
    """The first cycle behind the reset, and the pin in it, in which two runs differ where it means something."""
    for cycle in range(1, len(right["m_axis_tvalid"])):
        looked_at = (*PINS, *DATA) if right["m_axis_tvalid"][cycle] == "1" else PINS
        for pin in looked_at:
            if right[pin][cycle] != wrong[pin][cycle]:
                return cycle, pin
    return None


def _pins(way: Sequence[Cycle], word_bits: int) -> Pins:
    """A reset, then the way; words that do not matter are alternately all zeros and all ones."""
    rows: list[dict[str, int]] = [{"reset": 1}]
    for place, cycle in enumerate(way):
        word = cycle.word if cycle.word is not None else (place & 1) * ((1 << word_bits) - 1)
        levels = {"reset": cycle.reset, "s_axis_tvalid": cycle.valid, "m_axis_tready": cycle.ready}
        rows.append({**{name: int(level) for name, level in levels.items()}, "s_axis_tdata": word})
    return rows
