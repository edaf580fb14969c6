"""A campaign: mutants of a design, the testbench on each, proofs for the survivors, the score.

What survives is tried three ways: a proof that nothing differs in any state (yosys), a proof that nothing differs in
any state that a reset leads to (ABC), or inputs that show the fault (ABC): a hole in the stimulus.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.formal.prover import PROVEN, REFUTED, UNDECIDED, Verdict
from sim.mutation.mutants import MUTATED, Fault, make_mutants
from sim.mutation.reachable import decide, lemma_holds, words_of
from sim.mutation.stimulus import extreme_samples
from sim.scratch import scratch_folder
from sim.simulators.beats import Beats
from sim.simulators.cocotb_launcher import run_mutants
from sim.tools import ToolError

SAMPLES = 96
RANDOM_RESETS, MOST_PHASES, PHASES_BEYOND = 8, 64, 4
"""Resets at random, as many as the testbench does (``verif.testbench``); then one in each cycle of the pipeline."""
STALLED_SAMPLES = 32
"""For each pair of pause patterns: enough to fill buffers in every way, and to empty them."""


@dataclass(frozen=True)
class MutationScore:
    """What became of the mutants.

    Args:
        name: of the design.
        mutants: that there were.
        killed: by the testbench.
        by_witness: of them, those that only inputs killed which were found to show them.
        equivalent: proven to be without effect; they do not count.
        survived: not killed, though a search found inputs that show them: the stimulus has a hole, or these inputs
            begin in a state that no run leads to.
        undecided: nothing is known of them; they count against the score, too.
        seed: of the faults and of the stimulus.
        cycles: simulated for all of them.
        time_s: that it took.
    """

    name: str
    mutants: int
    killed: int
    by_witness: int
    equivalent: tuple[Fault, ...]
    survived: tuple[Fault, ...]
    undecided: tuple[Fault, ...]
    seed: int
    cycles: int
    time_s: float

    @property
    def killable(self) -> int:
        """All but those without effect."""
        return self.mutants - len(self.equivalent)

    @property
    def score(self) -> float:
        """Killed of killable."""
        return self.killed / self.killable if self.killable else 1.0

    def as_json(self) -> dict[str, Any]:
        """An object for JSON."""
        return {
            **self.__dict__,
            "killable": self.killable,
            "score": self.score,
            "survived": [str(fault) for fault in self.survived],
            "equivalent": [str(fault) for fault in self.equivalent],
            "undecided": [str(fault) for fault in self.undecided],
        }


def measure(
    design: Design, mutants: int = 200, seed: int = 0, x: IntArray | None = None, expected: Any = None
) -> MutationScore:
    """Run a campaign.

    Args:
        design: the hardware.
        mutants: how many faults; fewer if there are not so many places.
        seed: of faults, samples, stalls and resets.
        x: the samples; without them such that drive the layers to their ends.
        expected: what each tensor has to be; without it what golden says.

    Raises:
        FileNotFoundError: if Icarus or yosys is missing.
        ToolError: if a tool or the testbench crashes, or the testbench fails on the design without a fault.
    """
    started = time.monotonic()
    x = extreme_samples(design.graph, SAMPLES, seed) if x is None else x
    with scratch_folder(design.name) as folder:
        faults = make_mutants(design, mutants, seed, folder)
        ports = design.write_verilog(folder / "design.v").with_suffix(".json")

        def alive_of(tried: Sequence[Fault], samples: IntArray, traced: Any) -> tuple[list[Fault], int]:
            numbers = [fault.mutant for fault in tried]
            traced = design.plan.live.trace(samples) if traced is None else traced
            results = run_mutants(
                folder / MUTATED, ports, samples, traced, folder / "bench", numbers,
                bits=len(faults).bit_length(), seed=seed, stalled=STALLED_SAMPLES, resets=_resets(design),
            )  # fmt: skip
            check_results(results, numbers)
            pairs = zip(tried, results[1:-1], strict=True)
            alive = [fault for fault, result in pairs if result["verdict"] == "survived"]
            return alive, sum(result["cycles"] for result in results)

        alive, cycles = alive_of(faults, x, expected)
        verdicts = decided(design, alive, folder)
        shown = {fault: verdict for fault, verdict in verdicts.items() if verdict.kind == REFUTED}
        samples = samples_of(design, list(shown.values()))
        if len(samples):  # that were found to show these faults
            still, more = alive_of(list(shown), samples, None)
            cycles += more
            alive = [fault for fault in alive if fault not in shown or fault in still]

    def of(kind: str) -> tuple[Fault, ...]:
        return tuple(fault for fault in alive if verdicts[fault].kind == kind)

    return MutationScore(
        name=design.name,
        mutants=len(faults),
        killed=len(faults) - len(alive),
        by_witness=len(verdicts) - len(alive),
        equivalent=of(PROVEN),
        survived=of(REFUTED),
        undecided=of(UNDECIDED),
        seed=seed,
        cycles=cycles,
        time_s=round(time.monotonic() - started, 3),
    )


def _resets(design: Design) -> int:
    """Some at random, and one in each cycle of the pipeline behind the last beat of a sample."""
    plan = design.plan
    behind = plan.latency_cycles - Beats.of(design.ports["input"]).count
    return RANDOM_RESETS + min(MOST_PHASES, max(1, behind) + PHASES_BEYOND)


def samples_of(design: Design, verdicts: Sequence[Verdict]) -> IntArray:
    """Samples of the words that show faults; words of a sample that was not finished are dropped."""
    beats, type = Beats.of(design.ports["input"]), design.graph.input_type
    found = []
    for verdict in verdicts:
        words = words_of(verdict)
        whole = len(words) // beats.count * beats.count
        if whole:
            found.append(np.clip(beats.unpack(words[:whole]), type.dtype.min, type.dtype.max))
    return np.concatenate(found) if found else np.zeros((0, *type.shape), dtype=np.int64)


def decided(design: Design, alive: Sequence[Fault], folder: Path) -> dict[Fault, Verdict]:
    """What is known of each survivor, as of ``sim.mutation.reachable.decide``; several proofs go on at once."""
    lemma = bool(alive) and lemma_holds(design, folder)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip(alive, pool.map(lambda fault: decide(design, fault, folder, lemma), alive), strict=True))


def check_results(results: list[dict[str, Any]], mutants: Sequence[int]) -> None:
    """Raise ToolError if the runs say nothing about the mutants: a failure without a fault, a crash, a lack of runs."""
    for result in results:
        if result["verdict"] == "error":
            raise ToolError(f"the testbench crashed on mutant {result['mutant']}", (), result["message"])
    for when, result in (("before", results[0]), ("after", results[-1])):
        if result["mutant"] or result["verdict"] != "survived":
            raise ToolError(
                f"the testbench fails {when} the mutants on the design without a fault: {result['message']}"
            )
    if [result["mutant"] for result in results] != [0, *mutants, 0]:
        runs = f"{len(results)} times, not on {len(mutants)} mutants and twice without a fault"
        raise ToolError(f"the testbench ran {runs}")
