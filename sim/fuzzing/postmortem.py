"""What a failing case leaves besides itself: the first difference, with waves around it."""

from __future__ import annotations

from pathlib import Path

import rtlgen
from rtlgen import Design
from sim.difference import Difference, VerificationError, write_facts
from sim.fuzzing.case import Case
from sim.fuzzing.check import RefusedError, check
from sim.regression.postmortem_page import write_page
from sim.scratch import remove_folder
from sim.tools import ToolError
from sim.verify import verify

SIMULATORS = {"pyrtl": ("pyrtl",), "icarus": ("pyrtl", "icarus"), "netlist": ("pyrtl",)}
"""By witness of a case: whom to ask again."""


def check_or_keep(case: Case, folder: Path, command: str) -> Design:
    """``check``; what fails is left in ``folder``, made for it, and the error says so.

    Args:
        case: to check.
        folder: for the case, ``difference.json``, a page and waves.
        command: that runs the case again.

    Raises:
        RefusedError, Exception: as of ``check``.
    """
    try:
        return check(case)
    except RefusedError:
        raise
    except Exception as error:
        try:
            keep(case, error, folder, command)
        except OSError as reason:  # what has failed is what is to be told
            error.add_note(f"not kept: {reason}")
        else:
            error.add_note(f"files: {folder}")
        raise


def keep(case: Case, error: BaseException, folder: Path, command: str) -> Difference | None:
    """``examine`` a case, and leave it in ``folder``, made for it, with a page if it differs; arguments as there.

    Raises:
        OSError: if the folder cannot be written.
    """
    remove_folder(folder)
    case.save(folder, error, command)
    difference = examine(case, error, folder, command)
    if difference:
        write_page(difference, command, folder)
    return difference


def examine(case: Case, error: BaseException, folder: Path, command: str) -> Difference | None:
    """Run a case once more, to see where it differs first; None if it differs nowhere, but fails in another way.

    Args:
        case: that fails.
        error: with which it does.
        folder: for ``difference.json``, waves, and all other files.
        command: that runs the case again.
    """
    if not isinstance(error, VerificationError):
        return None
    netlists = ("ecp5",) if case.witness == "netlist" else ()
    try:
        design = rtlgen.generate(case.graph, **case.folding)
        simulators = SIMULATORS[case.witness]
        verify(design, case.x, simulators=simulators, netlists=netlists, seed=case.seed, build=folder, command=command)
    except VerificationError as found:
        return found.difference
    except (FileNotFoundError, ToolError):  # a program is missing, or crashes: what was seen still stands
        pass
    # It takes more samples than verification runs, to be seen: what the campaign saw is all that there is.
    write_facts(error.difference, command, folder)
    return error.difference
