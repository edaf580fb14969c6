"""The predictions of the hardware on a whole test set: equal to golden's, or an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.difference import Difference, VerificationError, first_difference
from sim.simulator import Run, Simulator

PIECE_SAMPLES = 50
"""Samples between two signs of life; compiling the design again takes a small part of simulating so many."""


def hardware_outputs(
    design: Design,
    x: IntArray,
    expected: IntArray,
    simulator: Simulator,
    build: Path,
    *,
    piece: int = PIECE_SAMPLES,
    advance: Callable[[int], None] = lambda samples: None,
) -> IntArray:
    """What the design gives for the samples ``x``, shape (batch, \\*shape), which has to be ``expected``.

    Args:
        design: the hardware.
        x: the samples.
        expected: golden's outputs.
        simulator: that runs it.
        build: folder for its files.
        piece: samples a run.
        advance: is told how many samples are done, after each piece.

    Raises:
        VerificationError: at the first sample for which it is not, or comes not at all.
        FileNotFoundError, ToolError: if the simulator is missing or crashes.
    """
    runs: list[Run] = []
    for start in range(0, len(x), piece):
        samples = x[start : start + piece]
        try:
            runs.append(simulator.run(design, samples, build))
        except (TimeoutError, ValueError) as error:
            raise VerificationError(Difference(simulator.name, str(error))) from error
        advance(len(samples))
    whole = _joined(runs)
    difference = first_difference(design, simulator.name, whole, expected)
    if difference:
        raise VerificationError(difference)
    return whole.outputs


def right(outputs: IntArray, labels: IntArray) -> float:
    """Fraction of samples, 0 to 1, whose class is the index, or the first largest of the logits, in ``outputs``."""
    classes = outputs.argmax(axis=1) if outputs.ndim == 2 else outputs
    return float((classes == labels).mean())


def _joined(runs: Sequence[Run]) -> Run:
    return Run(np.concatenate([run.outputs for run in runs]), np.concatenate([run.cycles for run in runs]))
