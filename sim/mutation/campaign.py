"""A campaign: mutants of a design, the testbench on each, proofs for the survivors, the score.

A short run of the testbench finds most. What survives it and is not proven at once to have no effect is what the whole
of the testbench runs on, also with samples that show some of it, if all inputs can be simulated. If that does not find
it either, all states are looked at: either it has no effect in any that is reached, or there is a hole in the stimulus,
and pins are searched that show the fault, cycle by cycle, which the testbench repeats in one more run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.effort import Effort
from sim.formal.prover import PROVEN, REFUTED, UNDECIDED, Verdict
from sim.mutation.mutants import MUTATED, Fault, make_mutants
from sim.mutation.one_fault import with_one_fault
from sim.mutation.postmortem import Keeper
from sim.mutation.product import Way
from sim.mutation.reachable import Suspects
from sim.mutation.witness import Replay, of_verdict, of_way, replays
from sim.regression.small import SMALL_SAMPLES
from sim.regression.stimulus import extreme_samples
from sim.scratch import scratch_folder
from sim.simulators.cocotb_launcher import run_mutants
from sim.tools import ToolError

QUICK_SAMPLES, QUICK_STALLED_SAMPLES, QUICK_RESETS = 24, 6, 10
"""Of the short run."""


@dataclass(frozen=True)
class MutationScore:
    """What became of the mutants.

    Args:
        name: of the design.
        mutants: that there were.
        killed: by the testbench.
        by_search: of them, those that only inputs killed which were searched for these very faults.
        equivalent: proven to be without effect; they do not count.
        by_every_input: of them, those of which that is so since no input at all shows them, see
            ``sim.mutation.every_input``.
        survived: not killed, though a search found inputs that show them: the stimulus has a hole, or these inputs
            begin in a state that no run leads to.
        undecided: nothing is known of them; they count against the score, too.
        seed: of the faults and of the stimulus.
        cycles: simulated for all of them.
        time_s: that it took.
        kept: folders of those that survived or are undecided, if they were to be kept.
    """

    name: str
    mutants: int
    killed: int
    by_search: int
    equivalent: tuple[Fault, ...]
    by_every_input: int
    survived: tuple[Fault, ...]
    undecided: tuple[Fault, ...]
    seed: int
    cycles: int
    time_s: float
    kept: tuple[Path, ...] = ()

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
            "kept": [str(folder) for folder in self.kept],
        }


def measure(
    design: Design,
    mutants: int = 200,
    seed: int = 0,
    x: IntArray | None = None,
    expected: Any = None,
    kept: Path | None = None,
    command: str = "",
) -> MutationScore:
    """Run a campaign.

    Args:
        design: the hardware.
        mutants: how many faults; fewer if there are not so many places.
        seed: of faults, samples, stalls and resets.
        x: the samples; without them such that drive the layers to their ends.
        expected: what each tensor has to be; without it what golden says.
        kept: a folder for what faults leave that are not killed, each in one of its own.
        command: that runs the campaign again, to be told there.

    Raises:
        FileNotFoundError: if Icarus or yosys is missing.
        ToolError: if a tool or the testbench crashes, or the testbench fails on the design without a fault.
    """
    started = time.monotonic()
    effort = Effort.thorough(design)
    x = extreme_samples(design.graph, SMALL_SAMPLES, seed) if x is None else x
    with scratch_folder(design.name) as folder:
        faults = make_mutants(design, mutants, seed, folder)
        bench = _Bench(design, folder, len(faults).bit_length(), seed)
        alive = bench.alive(faults, x[:QUICK_SAMPLES], expected, QUICK_STALLED_SAMPLES, QUICK_RESETS)
        suspects = Suspects.of(alive, folder)
        harmless = suspects.without_effect_in_any_state()
        suspected = [fault for fault in alive if fault not in harmless]
        hidden, showing = suspects.with_every_input(design, suspected)
        harmless += hidden
        suspected = [fault for fault in suspected if fault not in harmless]
        suspected = bench.alive(suspected, x, expected, effort.stalled, effort.resets)
        told = [fault for fault in suspected if fault in showing]
        found: set[Fault] = set()
        if told and expected is None:
            samples = np.concatenate([x, *(showing[fault] for fault in told)])
            found = {*told} - {*bench.alive(told, samples, None, effort.stalled, effort.resets)}
            suspected = [fault for fault in suspected if fault not in found]
        ways = suspects.ways(suspected)
        harmless += [fault for fault in suspected if ways[fault] == Verdict(PROVEN)]
        suspected = [fault for fault in suspected if fault not in harmless]
        # The search is for those that are not certain to show.
        known = {fault: way for fault, way in ways.items() if fault in suspected and isinstance(way, Way)}
        searched = [fault for fault in suspected if fault not in known or not known[fault].certain]
        verdicts = dict.fromkeys(suspected, Verdict(REFUTED)) | suspects.verdicts(searched)
        harmless += [fault for fault in suspected if verdicts[fault].kind == PROVEN]
        shown = [fault for fault in suspected if verdicts[fault].kind != PROVEN]
        witnesses = [of_way(known[fault]) for fault in shown if fault in known]
        witnesses += [of_verdict(verdicts[fault]) for fault in shown if verdicts[fault].witness]
        batch, repetitions = replays(design, with_one_fault(suspects.aig, 0), witnesses, x)
        still = shown
        if repetitions:
            still = bench.alive(shown, batch, None, effort.stalled, effort.resets, repetitions)
        folders = []
        if kept is not None:
            keeper = Keeper(design, folder / MUTATED, len(faults).bit_length(), kept, command)
            for fault in still:
                way = of_verdict(verdicts[fault]) or (of_way(known[fault]) if fault in known else ())
                folders.append(keeper.keep(fault, way))
    return MutationScore(
        name=design.name,
        mutants=len(faults),
        killed=len(faults) - len(harmless) - len(still),
        by_search=len(found) + len(shown) - len(still),
        equivalent=tuple(harmless),
        by_every_input=len(hidden),
        survived=tuple(fault for fault in still if verdicts[fault].kind == REFUTED),
        undecided=tuple(fault for fault in still if verdicts[fault].kind == UNDECIDED),
        seed=seed,
        cycles=bench.cycles,
        time_s=round(time.monotonic() - started, 3),
        kept=tuple(folders),
    )


class _Bench:
    """The testbench and the netlist of all mutants.

    Args:
        design: the hardware.
        folder: of the netlist.
        bits: of the input that chooses a mutant.
        seed: of the stimulus.
    """

    def __init__(self, design: Design, folder: Path, bits: int, seed: int) -> None:
        self._design, self._folder, self._bits, self._seed = design, folder, bits, seed
        self._ports = design.write_verilog(folder / "design.v").with_suffix(".json")
        self.cycles = 0

    def alive(
        self,
        tried: Sequence[Fault],
        x: IntArray,
        expected: Any,
        stalled: int,
        resets: int,
        repetitions: Sequence[Sequence[Replay]] = (),
    ) -> list[Fault]:
        """Those of the faults that the testbench does not find; ``expected`` is as of ``measure``."""
        if not tried:
            return []
        traced = self._design.plan.live.trace(x) if expected is None else expected
        of_batch = {name: values[: len(x)] for name, values in traced.items()}
        numbers = [fault.mutant for fault in tried]
        results = run_mutants(
            self._folder / MUTATED, self._ports, x, of_batch, self._folder / "bench", numbers,
            bits=self._bits, seed=self._seed, stalled=stalled, resets=resets,
            replays=[[part.as_json() for part in stretches] for stretches in repetitions],
        )  # fmt: skip
        check_results(results, numbers)
        self.cycles += sum(result["cycles"] for result in results)
        pairs = zip(tried, results[1:-1], strict=True)
        return [fault for fault, result in pairs if result["verdict"] == "survived"]


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
