"""What a proof leaves that does not come out as it has to: its files, its facts, the way to the failure as waves."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from sim.difference import Difference, VerificationError
from sim.formal.outcomes import Outcome
from sim.formal.prover import PROVEN, Verdict
from sim.fuzzing.case import Case
from sim.fuzzing.postmortem import examine
from sim.regression.postmortem_page import write_page
from sim.replay import SCOPE, pins_of, replay, widths_of
from sim.scratch import remove_folder
from sim.waves import bits as bits_of
from sim.waves import window_of

HARNESS, BAD = "harness", "bad"
FILES = (f"{HARNESS}.v", "design.v", "optimised.v")
MULTIPLIERS = 64
"""Of the hardware of a case."""
_UNNAMED = re.compile(r"(tmp|const_?)\d.*|clk")
_INPUTS = re.compile(r"\binput\b\s*(?:\[[^\]]*\])?\s*([\w, \n]+?)(?=,?\s*(?:\binput\b|\boutput\b|[;)]))")


def keep(outcome: Outcome, folder: Path) -> Path:
    """Decide once more what has failed, with all files kept.

    Args:
        outcome: that has not passed.
        folder: with a folder for each such outcome.

    Returns:
        the folder of this one: ``difference.json``, a page, the files of the proof, and waves where there is a way.
    """
    obligation = outcome.obligation
    own = folder / re.sub(r"\W+", "-", f"{obligation.subject} {obligation.what}")
    remove_folder(own)
    own.mkdir(parents=True)
    planted = outcome.verdict.kind == PROVEN
    verdict = obligation.decide(own, planted)
    command = f"python -m sim.formal '{obligation.subject}'"
    what = f"with a fault planted, {verdict.kind}" if planted else verdict.kind
    message = f"{obligation.what}: {what}"
    if "@" not in verdict.witness:
        message += f"; {verdict.witness or 'no way to a failure is known'}"
    difference = Difference("proof", message, layer=obligation.subject)
    if verdict.case is not None:
        difference = _of_case(verdict, difference, own, command)
    elif verdict.witness and (own / FILES[0]).exists():
        difference = _of_way(verdict, difference, own)
    VerificationError(difference, own, command)  # writes its facts into the folder
    write_page(difference, command, own)
    return own


def _of_case(verdict: Verdict, difference: Difference, folder: Path, command: str) -> Difference:
    """A network and an input of it that refute: what verification says of them, kept as a case of its own."""
    assert verdict.case is not None
    case = Case(*verdict.case, MULTIPLIERS)
    case.save(folder)
    apart = examine(case, VerificationError(difference), folder, command)
    if apart is None or apart is difference:
        return difference
    return replace(apart, message=f"{difference.message}; {apart.message}")


def _of_way(verdict: Verdict, difference: Difference, folder: Path) -> Difference:
    """The harness once more under Icarus, with the pins that lead to the failure."""
    pins, bits = pins_of(verdict.witness)
    names = [name for part in _INPUTS.findall((folder / FILES[0]).read_text()) for name in re.findall(r"\w+", part)]
    inputs = {name: bits[name] for name in names if name in bits and name != "clk"}
    if "reset" not in inputs:  # visits of states begin behind a reset
        inputs["reset"] = 1
        pins = [{"reset": 1}, *pins]
    files = [folder / name for name in FILES if (folder / name).exists()]
    waves = replay(files, HARNESS, inputs, pins, folder / "way.vcd")
    widths = {name: width for name, width in widths_of(waves).items() if not _UNNAMED.fullmatch(name)}
    levels = bits_of(waves, [BAD], 0, len(pins) - 1)[BAD]
    cycle = levels.index("1") if "1" in levels else len(pins) - 1
    return replace(difference, cycle=cycle, golden=0, hardware=levels[cycle], **window_of(waves, widths, cycle, SCOPE))
