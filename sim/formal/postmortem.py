"""What a proof leaves that does not come out as it has to: its files, its facts, the way to the failure as waves."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

from sim.difference import Difference, VerificationError
from sim.formal.outcomes import Outcome
from sim.formal.prover import PROVEN, Verdict
from sim.formal.ranges import HARNESS
from sim.fuzzing.case import Case
from sim.fuzzing.postmortem import examine
from sim.regression.postmortem_page import leave
from sim.regression.reproduction import python
from sim.replay import SCOPE, pins_of, replay, widths_of
from sim.scratch import remove_folder
from sim.tools import ToolError
from sim.waves import bits as bits_of
from sim.waves import window_of

BAD = "bad"
FILES = (f"{HARNESS}.v", "design.v", "optimised.v")
MULTIPLIERS = 64
"""Of the hardware of a case."""
_UNNAMED = re.compile(r"(tmp|const_?)\d.*|clk")
_PORTS = re.compile(r"\binput\b\s*(?:\[(\d+)( - 1)?:0\])?\s*([\w, \n]+?)(?=,?\s*(?:\binput\b|\boutput\b|[;)]))")


def kept(outcome: Outcome, folder: Path) -> str:
    """``keep``, and a line that says where; or, of a program that fails, why it is not."""
    try:
        return f"files: {keep(outcome, folder)}"
    except (FileNotFoundError, ToolError) as error:
        return f"not kept: {error}"


def keep(outcome: Outcome, folder: Path) -> Path:
    """Decide once more what has failed, with all files kept.

    Args:
        outcome: that has not passed.
        folder: with a folder for each such outcome.

    Returns:
        the folder of this one: ``difference.json``, a page, the files of the proof, and waves where there is a way.

    Raises:
        FileNotFoundError, ToolError: if a program is missing or fails.
    """
    obligation = outcome.obligation
    own = folder / re.sub(r"\W+", "-", f"{obligation.subject} {obligation.what}")
    remove_folder(own)
    own.mkdir(parents=True)
    planted = outcome.verdict.kind == PROVEN
    verdict = obligation.decide(own, planted)
    command = shlex.join([python(), "-m", "sim.formal", obligation.subject, "--what", obligation.what])
    message = f"{obligation.what}: {'with a fault planted, ' if planted else ''}{verdict.kind}"
    if "@" not in verdict.witness:
        message += f"; {verdict.witness or 'no way to a failure is known'}"
    difference = Difference("proof", message, layer=obligation.subject)
    if verdict.case is not None:
        difference = _of_case(Case(*verdict.case, MULTIPLIERS), difference, own, command)
    elif verdict.pins or "@" in verdict.witness:
        difference = _of_way(verdict, difference, own)
    return leave(difference, command, own)


def _of_case(case: Case, difference: Difference, folder: Path, command: str) -> Difference:
    """A network and an input of it that refute: what verification says of them, kept as a case of its own."""
    case.save(folder)
    apart = examine(case, VerificationError(difference), folder, command)
    if apart is None or apart is difference:
        return difference
    return replace(apart, message=f"{difference.message}; {apart.message}")


def _of_way(verdict: Verdict, difference: Difference, folder: Path) -> Difference:
    """The harness once more under Icarus, with the pins that lead to the failure."""
    pins = verdict.pins or pins_of(verdict.witness)
    ports = _PORTS.findall((folder / FILES[0]).read_text())
    inputs = {name: int(last or 0) + (not less) for last, less, names in ports for name in re.findall(r"\w+", names)}
    del inputs["clk"]
    if not any("reset" in row for row in pins):  # visits of states begin behind a reset
        pins = [{"reset": 1}, *pins]
    files = [folder / name for name in FILES if (folder / name).exists()]
    waves = replay(files, HARNESS, inputs, pins, folder / "way.vcd")
    widths = {name: width for name, width in widths_of(waves).items() if not _UNNAMED.fullmatch(name)}
    cycle = len(pins) - 1
    if BAD in widths:
        levels = bits_of(waves, [BAD], 0, cycle)[BAD]
        if "1" in levels:
            cycle = levels.index("1")
            difference = replace(difference, cycle=cycle, golden=0, hardware=levels[cycle])
        else:  # the search may begin with registers that hold anything
            difference = replace(
                difference, message=f"{difference.message}; Icarus, from unknown registers, shows none"
            )
    return replace(difference, cycle=cycle, **window_of(waves, widths, cycle, SCOPE))
