"""The testbench on one mutant after the other, in one simulation, each until its first finding.

The stimulus is a function of the seed and of the cycle, so until the first difference every mutant sees what the
design without a fault sees: its pins, recorded first, are compared besides all that the phases compare. Into the build
folder goes ``mutation.json``: per run ``mutant``, ``verdict`` (survived, killed or error), ``message``, ``cycles``.
``replays.json`` there says what comes before the phases: per repetition a list of stretches, each of which begins with
a reset, and has ``source_pauses``, ``sink_pauses`` (a cycle each), and the samples from ``first`` on, ``samples`` many.
"""

from __future__ import annotations

import json
import traceback
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import cocotb
from cocotb.handle import Immediate

from verif.bench import Bench, write_json
from verif.config import Config
from verif.finding import CheckError
from verif.harness import MUTANT
from verif.testbench import run_phases

REPLAYS = "replays.json"


class MutantBench(Bench):
    """A bench that stops at the first finding, and at the first pin that is not as in the ``reference``.

    Args:
        dut: handle of the bench module.
        config: what to test.
        reference: lines of the pins of the design without a fault, none for this design itself.
    """

    def __init__(self, dut: Any, config: Config, reference: list[str] | None) -> None:
        super().__init__(dut, config, running=True)
        self._reference = reference
        self.lines: list[str] = []

    async def cycle(self) -> None:
        """One cycle, and the verdict on it."""
        await super().cycle()
        line = self._line[: self._pins_end]
        if self._reference is None:
            self.lines.append(line)
        elif self.now >= len(self._reference):
            self.report("length", "the phases take longer than without the fault")
        elif line != self._reference[self.now]:
            self._compare(line, self._reference[self.now])
        if self.board.failed_at is not None:
            self.board.verdict()

    def _compare(self, line: str, reference: str) -> None:
        """What is unknown in the reference is no pin's promise, nor is the first cycle of a reset.

        While the output is not valid its data is what a register without a reset was left with, by another mutant.
        """
        promised = len(line) if reference[5] == "1" else 7
        pairs = enumerate(zip(line[:promised], reference[:promised], strict=True))
        bit = next((i for i, (a, b) in pairs if a != b and b in "01"), None) if self.now else None
        if bit is not None:
            self.report("pins", f"bit {bit} of the pins is {line[bit]}, and {reference[bit]} without the fault")


async def repeat_what_was_found(bench: Bench, replays: list[list[dict[str, Any]]]) -> None:
    """What showed a fault in a proof, cycle by cycle; after the last cycle all samples have to come out.

    Raises:
        CheckError: at the first finding.
    """
    bench.board.phase = "repeat_what_was_found"
    for stretches in replays:
        for stretch in stretches:
            await bench.reset(1)
            never = repeat(False)
            bench.source.pauses = chain(stretch["source_pauses"], never)
            bench.sink.pauses = chain(stretch["sink_pauses"], never)
            bench.send_samples(range(stretch["first"], stretch["first"] + stretch["samples"]))
            await bench.idle(len(stretch["sink_pauses"]))
        await bench.finish()


@cocotb.test()
async def every_mutant(dut: Any) -> None:
    """The design without a fault, the mutants in their order, and once more the design without a fault."""
    config = Config.load(Path(str(cocotb.plusargs["verif"])))
    mutants = [int(number) for number in str(cocotb.plusargs["mutants"]).split(",")]
    replays = json.loads((config.build / REPLAYS).read_text())
    await Bench(dut, config).idle(2)  # in reset; from here on every run starts at a falling edge
    reference: list[str] | None = None
    results: list[dict[str, Any]] = []
    for place, mutant in enumerate([0, *mutants, 0]):
        getattr(dut, MUTANT).set(Immediate(mutant))
        result: dict[str, Any] = {"mutant": mutant, "verdict": "survived", "message": ""}
        bench: MutantBench | None = None
        try:
            bench = MutantBench(dut, config, reference)
            await repeat_what_was_found(bench, replays)
            await run_phases(bench)
        except CheckError as error:
            result |= {"verdict": "killed", "message": str(error)}
        except Exception:  # ours, not the mutant's: no kill
            result |= {"verdict": "error", "message": traceback.format_exc()}
        results.append({**result, "cycles": bench.now + 1 if bench else 0})
        if place == 0:
            if result["verdict"] != "survived" or bench is None:
                break
            reference = bench.lines
    write_json(config.build / "mutation.json", results)
