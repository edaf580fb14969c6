"""Checks that a command line asks for: a folder for their files, kept after a failure, and what is printed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.commands.printing import as_text
from sim.commands.user_error import blame_user
from sim.difference import Difference, VerificationError, first_difference, in_network
from sim.scratch import scratch_folder
from sim.simulators.programs import require_programs
from sim.simulators.simulator import Run, Simulator
from sim.simulators.verilator import Verilator
from sim.tools import ToolError
from sim.witnesses import locate

PIECE_SAMPLES = 50
"""Samples between two signs of life; compiling the design again takes a small part of simulating so many."""


class CheckFailedError(Exception):
    """Witnesses differ; the message is all that is printed of it."""


def check_tools(simulators: Sequence[str]) -> None:
    """Whether the programs that ``simulators`` need are there, before anything takes time.

    Raises:
        UserError: if one is missing; it says how to install it.
    """
    with blame_user():
        require_programs(*simulators)


@contextmanager
def checking(name: str, command: str, json: bool) -> Iterator[Path]:
    """A folder for the check of the design called ``name``: gone afterwards, but after a failure it stays.

    Raises:
        CheckFailedError: for a VerificationError inside.
        ToolError: as inside, with a note of the folder.
    """
    with scratch_folder(name, (CheckFailedError, ToolError)) as folder:
        try:
            yield folder
        except VerificationError as error:
            told = VerificationError(error.difference, folder, command)
            raise CheckFailedError(as_text(told.as_json()) if json else str(told)) from error
        except ToolError as error:
            error.add_note(f"files: {folder}")
            raise


def check_outputs(
    design: Design,
    x: IntArray,
    expected: IntArray,
    simulator: Simulator,
    build: Path,
    advance: Callable[[int], None],
) -> IntArray:
    """What the design gives for the samples ``x``, shape (batch, \\*shape), which has to be ``expected``.

    Args:
        design: the hardware.
        x: the samples.
        expected: golden's outputs.
        simulator: that runs it.
        build: folder for its files.
        advance: is told after each piece how many samples it had.

    Raises:
        VerificationError: at the first sample for which it is not, or that never comes.
        ToolError: if the simulator crashes.
    """
    # Verilator takes long to build and no time to run.
    piece = len(x) if isinstance(simulator, Verilator) else PIECE_SAMPLES
    runs: list[Run] = []
    for start in range(0, len(x), piece):
        samples = x[start : start + piece]
        try:
            runs.append(simulator.run(design, samples, build))
        except (TimeoutError, ValueError) as error:  # no output, or an undefined one
            raise VerificationError(Difference(simulator.name, str(error))) from error
        advance(len(samples))
    whole = Run(np.concatenate([run.outputs for run in runs]), np.concatenate([run.cycles for run in runs]))
    difference = first_difference(design, simulator.name, whole, expected)
    if difference:
        raise VerificationError(in_network(design, locate(design, difference, x, build, seed=0)))
    return whole.outputs
