"""What became of obligations: each is proven, and once more with a fault planted, which has to be found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.formal.obligations import Obligation
from sim.formal.prover import PROVEN, REFUTED, Verdict
from sim.scratch import scratch_folder
from sim.workers import worker_processes


@dataclass(frozen=True)
class Outcome:
    """Of an obligation: its verdict, that with the planted fault, and the time of both."""

    obligation: Obligation
    verdict: Verdict
    planted: Verdict
    time_s: float

    @property
    def passed(self) -> bool:
        """Proven, and the proof fails where it has to."""
        return self.verdict.kind == PROVEN and self.planted.kind == REFUTED

    def __str__(self) -> str:
        told = self.verdict.kind
        if not self.passed:
            told += f"; with a fault {self.planted.kind}"
        return f"{told}: {self.obligation.subject}: {self.obligation.what}, {self.time_s:.1f} s"


def prove(obligation: Obligation) -> Outcome:
    """The proof, and the one that has to fail."""
    started = time.monotonic()
    with scratch_folder("proof") as folder:
        verdict = obligation.decide(folder, False)
    with scratch_folder("proof") as folder:
        planted = obligation.decide(folder, True)
    return Outcome(obligation, verdict, planted, time.monotonic() - started)


def proven(chosen: Sequence[Obligation], jobs: int) -> Iterator[Outcome]:
    """Those of ``chosen`` in their order, ``jobs`` at a time."""
    with worker_processes(jobs) as pool:
        yield from pool.map(prove, chosen)
