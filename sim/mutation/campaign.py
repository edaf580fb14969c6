"""A campaign: mutants of a design, the testbench on each, proofs for the survivors, the score."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from golden.types import IntArray
from rtlgen import Design
from sim.mutation.mutants import MUTATED, Fault, make_mutants
from sim.mutation.proof import proven_equivalent
from sim.mutation.stimulus import extreme_samples
from sim.scratch import scratch_folder
from sim.simulators.cocotb_launcher import run_mutants
from sim.tools import ToolError

SAMPLES = 24
PROOF_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class MutationScore:
    """What became of the mutants.

    Args:
        name: of the design.
        mutants: that there were.
        killed: by the testbench.
        equivalent: proven to be without effect; they do not count.
        undecided: neither killed nor proven; they count against the score.
        seed: of the faults and of the stimulus.
        cycles: simulated for all of them.
        time_s: that it took.
    """

    name: str
    mutants: int
    killed: int
    equivalent: tuple[Fault, ...]
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
    expected = design.plan.live.trace(x) if expected is None else expected
    with scratch_folder(design.name) as folder:
        faults = make_mutants(design, mutants, seed, folder)
        ports = design.write_verilog(folder / "design.v").with_suffix(".json")
        results = run_mutants(folder / MUTATED, ports, x, expected, folder / "bench", len(faults), seed=seed)
        check_results(results, len(faults))
        alive = [fault for fault, result in zip(faults, results[1:-1], strict=True) if result["verdict"] == "survived"]
        equivalent = proven_equivalent(design.name, alive, folder, PROOF_TIMEOUT_S) if alive else []
    return MutationScore(
        name=design.name,
        mutants=len(faults),
        killed=len(faults) - len(alive),
        equivalent=tuple(equivalent),
        undecided=tuple(fault for fault in alive if fault not in equivalent),
        seed=seed,
        cycles=sum(result["cycles"] for result in results),
        time_s=round(time.monotonic() - started, 3),
    )


def check_results(results: list[dict[str, Any]], mutants: int) -> None:
    """Raise ToolError if the runs say nothing about the mutants: a failure without a fault, a crash, a lack of runs."""
    for result in results:
        if result["verdict"] == "error":
            raise ToolError(f"the testbench crashed on mutant {result['mutant']}", (), result["message"])
    for when, result in (("before", results[0]), ("after", results[-1])):
        if result["mutant"] or result["verdict"] != "survived":
            raise ToolError(
                f"the testbench fails {when} the mutants on the design without a fault: {result['message']}"
            )
    if [result["mutant"] for result in results] != [0, *range(1, mutants + 1), 0]:
        raise ToolError(f"the testbench ran {len(results)} times, not on {mutants} mutants and twice without a fault")
