"""The one interface for bulk runs: a design and a batch in, outputs and cycles out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from golden.types import IntArray

if TYPE_CHECKING:
    from rtlgen import Design


@dataclass(frozen=True, eq=False)
class Run:
    """What a simulator saw while samples came back to back and nothing stalled.

    Args:
        outputs: shape (batch, *shape).
        cycles: shape (batch,), the cycle on which the last output beat of each sample moved, counted from the cycle
            on which the first input beat did.
    """

    outputs: IntArray
    cycles: IntArray

    @property
    def latency_cycles(self) -> int:
        """From the first input beat of the first sample to its last output beat."""
        return int(self.cycles[0])

    @property
    def ii_cycles(self) -> int | None:
        """Cycles between the last two samples; None for a single one."""
        return int(self.cycles[-1] - self.cycles[-2]) if len(self.cycles) > 1 else None

    def first_off(self, due: IntArray) -> int | None:
        """The first sample that did not come out on its cycle of ``due``, shape (batch,), if there is one."""
        off = np.flatnonzero(self.cycles != due)
        return int(off[0]) if len(off) else None


class Simulator(Protocol):
    """Anything that runs a design."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """Run the samples ``x``, shape (batch, *shape), back to back without stalls; files go below ``build``.

        Raises:
            ToolError: if an external tool fails; with its command and log.
            TimeoutError: if the design stops giving outputs.
        """
        ...


def most_cycles(design: Design, samples: int) -> int:
    """Cycles after which a run has certainly hung: several times what the plan says."""
    return 1000 + 4 * (design.plan.latency_cycles + samples * design.plan.ii_cycles)


def run_of(words: list[int], cycles: list[int], design: Design) -> Run:
    """A run from output words and the cycles on which they moved."""
    from sim.simulators.beats import Beats

    beats = Beats.of(design.ports["output"])
    return Run(beats.unpack(words), np.array(cycles[beats.count - 1 :: beats.count], dtype=np.int64))
