"""How much of everything the testbench does with a design."""

from __future__ import annotations

from dataclasses import dataclass

from rtlgen import Design
from sim.simulators.beats import Beats

RANDOM_RESETS, MOST_PHASES, PHASES_BEYOND = 8, 64, 4
"""Resets at random, as many as the testbench does (``verif.testbench``); then one in each cycle of the pipeline."""


@dataclass(frozen=True)
class Effort:
    """What is usual.

    Args:
        samples: of those given, that are watched in every layer; all of them also behind a reset.
        stalled: samples for each pair of pause patterns.
        resets: in mid-sample.
    """

    samples: int = 32
    stalled: int = 3
    resets: int = 4

    @classmethod
    def thorough(cls, design: Design) -> Effort:
        """What finds every fault in the hardware of an op kind: samples enough to fill buffers in every way and to
        empty them, and a reset in each cycle of the pipeline behind the last beat of a sample.
        """
        behind = design.plan.latency_cycles - Beats.of(design.ports["input"]).count
        return cls(samples=128, stalled=32, resets=RANDOM_RESETS + min(MOST_PHASES, max(1, behind) + PHASES_BEYOND))


USUAL = Effort()
