"""What differs first, said so that a person finds the place and a program can read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from golden.types import IntArray
from sim.simulators.simulator import Run

if TYPE_CHECKING:
    from rtlgen import Design
    from sim.simulators.pyrtl_simulator import Tap


@dataclass(frozen=True)
class Difference:
    """The first difference.

    Args:
        witness: who differs from golden, or from the plan: ``pyrtl``, ``icarus``, ``verilator``, ``testbench``; or
            ``lockstep`` where Verilog and PyRTL differ.
        message: one sentence.
        layer, sample, element, cycle, golden, hardware: where, and the two values; None where it is about no value.
        pyrtl: what PyRTL's simulation has there, if somebody asked.
        register, register_layer, register_cycle: the first register in which Verilog and PyRTL differ, if they do.
        waves: a waveform file around the cycle.
        save_file: opens it in GTKWave on the wires that tell most.
        window: what these wires held around the cycle: ``first_cycle``, ``cycle``, and ``signals``, values by name.
        smaller: a command that shows it with fewer samples, if fewer do.
    """

    witness: str
    message: str
    layer: str | None = None
    sample: int | None = None
    element: tuple[int, ...] | None = None
    cycle: int | None = None
    golden: int | str | None = None
    hardware: int | str | None = None
    pyrtl: int | str | None = None
    register: str | None = None
    register_layer: str | None = None
    register_cycle: int | None = None
    waves: str | None = None
    save_file: str | None = None
    window: Mapping[str, Any] = field(default_factory=dict)
    smaller: str | None = None

    @classmethod
    def of_finding(cls, finding: Mapping[str, Any]) -> Difference:
        """From a finding of the testbench."""
        element = finding.get("element")
        return cls(
            witness="testbench",
            message=f"{finding['phase']}: {finding['message']}",
            layer=finding.get("tensor"),
            sample=finding.get("sample"),
            element=tuple(element) if element is not None else None,
            cycle=finding.get("cycle"),
            golden=finding.get("golden"),
            hardware=finding.get("hardware"),
        )


class VerificationError(AssertionError):
    """Witnesses disagree.

    Args:
        difference: the first one.
        folder: where the files of the run are; ``difference.json`` and a page are written into it.
        command: what reproduces it.
    """

    def __init__(self, difference: Difference, folder: Path | None = None, command: str | None = None) -> None:
        self.difference, self.folder, self.command = difference, folder, command
        super().__init__(difference.message)
        if folder is not None:
            from sim.regression.postmortem_page import leave  # which is about what is defined here

            try:
                leave(difference, command, folder)
            except Exception as error:  # what differs is what is to be told
                self.add_note(f"not kept: {error}")

    def as_json(self) -> dict[str, Any]:
        """An object for JSON."""
        return _facts(self.difference, self.command, self.folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._again, (self.difference, self.folder, self.command)

    @classmethod
    def _again(cls, difference: Difference, folder: Path | None, command: str | None) -> VerificationError:
        """The error in another process, where nothing is written once more."""
        error = cls(difference)
        error.folder, error.command = folder, command
        return error

    def __str__(self) -> str:
        difference = self.difference
        lines = [f"{difference.witness}: {difference.message}"]
        if difference.register:
            lines.append(
                f"  the first register in which Verilog and PyRTL differ is {difference.register}, layer "
                f"{difference.register_layer or 'top'}, at cycle {difference.register_cycle}"
            )
        if difference.pyrtl is not None:
            lines.append(f"  golden {difference.golden}, PyRTL {difference.pyrtl}, Verilog {difference.hardware}")
        if difference.waves:
            lines.append(f"  waves around it: {difference.waves}")
        if difference.save_file:
            lines.append(f"  to look at them: gtkwave {difference.save_file}")
        if difference.smaller:
            lines.append(f"  with fewer samples: {difference.smaller}")
        if self.command:
            lines.append(f"  reproduce with: {self.command}")
        if self.folder:
            lines.append(f"  files: {self.folder}")
        return "\n".join(lines)


def _facts(difference: Difference, command: str | None, folder: Path | None) -> dict[str, Any]:
    return {"verdict": "different", **asdict(difference), "command": command, "folder": str(folder)}


def write_facts(difference: Difference, command: str | None, folder: Path) -> None:
    """Write ``difference.json`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "difference.json").write_text(json.dumps(_facts(difference, command, folder), indent=1) + "\n")


def in_network(design: Design, seen: Difference) -> Difference:
    """A difference with the element as the network counts it: streams have no dead channels."""
    if seen.layer is None or not seen.element:
        return seen
    element = design.plan.live.element(seen.layer, seen.element)
    if element == seen.element:
        return seen
    message = f"{seen.message}; without the dead channels before it: in the network it is {list(element)}"
    return replace(seen, element=element, message=message)


def first_difference(design: Design, witness: str, run: Run, expected: IntArray) -> Difference | None:
    """Where the outputs of a run first differ from golden."""
    places = np.argwhere(run.outputs != expected)
    if not len(places):
        return None
    place = tuple(int(index) for index in places[0])
    sample, element = place[0], place[1:]
    layer, golden, hardware = design.graph.outputs[0], int(expected[place]), int(run.outputs[place])
    return Difference(
        witness,
        f"{layer}{list(element) if element else ''} of sample {sample}: golden {golden}, {witness} {hardware} "
        f"(cycle {int(run.cycles[sample])}; {len(places)} of {expected.size} values differ)",
        layer=layer,
        sample=sample,
        element=element,
        cycle=int(run.cycles[sample]),
        golden=golden,
        hardware=hardware,
    )


def first_layer_difference(
    design: Design, seen: Mapping[str, Tap], expected: Mapping[str, IntArray], first_sample: int
) -> Difference | None:
    """The first layer, in network order, whose stream differs from golden; samples count from ``first_sample``."""
    for layer in design.plan.layers:
        tap, golden = seen[layer], expected[layer]
        whole = min(len(tap.tensors), len(golden))
        places = np.argwhere(tap.tensors[:whole] != golden[:whole])
        if len(places):
            place = tuple(int(index) for index in places[0])
            sample, element = place[0], place[1:]
            hardware, cycle = int(tap.tensors[place]), int(tap.cycles[sample][-1])
            message = (
                f"{layer}{list(element) if element else ''} of sample {first_sample + sample}: "
                f"golden {int(golden[place])}, pyrtl {hardware} (cycle {cycle})"
            )
            return Difference(
                "pyrtl",
                message,
                layer=layer,
                sample=first_sample + sample,
                element=element,
                cycle=cycle,
                golden=int(golden[place]),
                hardware=hardware,
            )
        if whole < len(golden):
            message = f"{layer} gave {whole} of {len(golden)} samples"
            return Difference("pyrtl", message, layer=layer, sample=first_sample + whole)
    return None
