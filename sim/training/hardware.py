"""A whole training in simulated hardware: every answer of the emitted Verilog is golden's, in planned cycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from rtlgen.training import TrainerDesign
from rtlgen.training.frames import EVALUATE, READ, TRAIN
from sim.difference import Difference, VerificationError
from sim.simulators import icarus, verilator
from sim.simulators.programs import require_programs
from sim.training.bench import OUTPUT, TOP, write_bench
from sim.training.frames import KINDS, Frame

SIMULATORS = ("icarus", "verilator")
_STEPS = (EVALUATE, TRAIN)
_SLACK_CYCLES = 1000
_SETTLE_CYCLES = 64
_BANK_CYCLES = 2
"""From the end of a step to the first feature that its bank can take, and from the last one to the next step."""


@dataclass(frozen=True)
class HardwareRun:
    """What a simulator saw.

    Args:
        simulator: that ran it.
        cycles: in all, up to the last beat.
        steps: of training, with and without an update.
        evaluations: steps that only evaluate.
        step_cycles: of all steps of training together, as the schedule says and ``intervals`` confirm.
        intervals: from an answer to the next one, each measured and equal to the schedule.
        beats: that were compared.
    """

    simulator: str
    cycles: int
    steps: int
    evaluations: int
    step_cycles: int
    intervals: int
    beats: int

    @property
    def cycles_per_step(self) -> float:
        """Mean over the steps of training: those without an error end early."""
        return self.step_cycles / self.steps


def train_in_hardware(
    design: TrainerDesign,
    frames: Sequence[Frame],
    signature: int,
    build: Path,
    simulator: str = "icarus",
    advance: Callable[[int], None] = lambda done: None,
    waves: tuple[int, int] | None = None,
) -> HardwareRun:
    """Send all frames to the emitted Verilog back to back, and compare what comes.

    Args:
        design: the trainer.
        frames: of a ``Host``; the first one loads the weights.
        signature: of the host, after the last frame.
        build: folder for all files.
        simulator: ``icarus`` or ``verilator``.
        advance: is told now and then how many frames more have been answered.
        waves: the first and the last cycle of a VCD file, after which the run ends; None for none.

    Raises:
        ValueError: for another simulator.
        VerificationError: where a beat, a cycle or the signature differs; the run ends there.
        FileNotFoundError, ToolError: if the simulator is missing, or fails.
    """
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")
    require_programs(simulator)
    build.mkdir(parents=True, exist_ok=True)
    verilog = design.write_verilog(build / f"{design.name}.v")
    beats = sum(len(frame.expected or ()) for frame in frames)
    settle = design.schedule.training_cycles + _SETTLE_CYCLES
    bench = write_bench(design.name, frames, beats, settle, _most_cycles(design, frames), build, waves)
    judge = _Judge(simulator, frames, signature, build / OUTPUT, advance)
    if simulator == "icarus":
        icarus.run_bench(bench, verilog, build, judge.look)
    else:
        verilator.run_bench(TOP, bench, verilog, build, judge.look)
    judge.look()
    return judge.verdict()


class _Judge:
    """Reads what the bench writes while it is written."""

    def __init__(
        self, simulator: str, frames: Sequence[Frame], signature: int, output: Path, advance: Callable[[int], None]
    ) -> None:
        self.simulator, self.frames, self.signature = simulator, frames, signature
        self.output, self.advance = output, advance
        self.due = self._beats()
        self.next = next(self.due, None)
        self.left_over, self.offset, self.answered, self.compared = "", 0, 0, 0
        self.ends: list[tuple[int, int]] = []  # of each answered frame: its number, the cycle of its last beat
        self.end: list[str] | None = None

    def _beats(self) -> Iterator[tuple[int, int, int, bool]]:
        for number, frame in enumerate(self.frames):
            for place, beat in enumerate(frame.expected or ()):
                yield number, place, beat, place == len(frame.expected or ()) - 1

    def look(self) -> None:
        """Compare what has come since the last look.

        Raises:
            VerificationError: for a difference.
        """
        if not self.output.exists():
            return
        with self.output.open() as file:
            file.seek(self.offset)
            text = file.read()
            self.offset = file.tell()
        *lines, self.left_over = (self.left_over + text).split("\n")
        before = self.answered
        for line in lines:
            self._compare(line.split())
        if self.answered > before:
            self.advance(self.answered - before)

    def _compare(self, words: list[str]) -> None:
        if words[0] == "end":
            self.end = words[1:]
            return
        cycle, last, data = words
        if self.next is None:
            self._fail(f"cycle {cycle}: a beat that nobody asked for, {data}", int(cycle))
        number, place, beat, ends = self.next
        where = {"sample": number, "element": (place,), "layer": _what(self.frames[number], place, ends)}
        what = f"frame {number}, {KINDS[self.frames[number].mode]}, beat {place}"
        if data != f"{beat:04x}":
            came = str(int(data, 16)) if set(data) <= set("0123456789abcdef") else data
            hardware = int(came) if came.isdecimal() else came
            told = f"{what}: golden says {beat}, hardware {came}"
            self._fail(told, int(cycle), golden=beat, hardware=hardware, **where)
        if last != str(int(ends)):
            self._fail(f"{what}: m_axis_tlast is {last}", int(cycle), **where)
        self.compared += 1
        if ends:
            self.ends.append((number, int(cycle)))
            self.answered += 1
        self.next = next(self.due, None)

    def verdict(self) -> HardwareRun:
        """What all of it was, once the simulator has ended."""
        if self.end is None:
            self._fail("the simulator ended before the bench did", None)
        cycle, error, signature = self.end
        if error != "0":
            self._fail(f"frame_error is {error} in cycle {cycle}", int(cycle))
        if self.next is not None:
            number, place, *_ = self.next
            what = f"frame {number}, {KINDS[self.frames[number].mode]}"
            self._fail(f"{what}: beat {place} did not come in {cycle} cycles", int(cycle), sample=number)
        if signature != f"{self.signature:08x}":
            self._fail(f"the signature is {signature}, golden says {self.signature:08x}", int(cycle))
        intervals = self._check_cycles()
        modes = Counter(frame.mode for frame in self.frames)
        step_cycles = sum(frame.cycles or 0 for frame in self.frames if frame.mode == TRAIN)
        return HardwareRun(
            self.simulator, self.ends[-1][1] + 1, modes[TRAIN], modes[EVALUATE], step_cycles, intervals, self.compared
        )

    def _check_cycles(self) -> int:
        """From an answer to the next one it takes the cycles of the step whose answer the first one is; how often."""
        compared = 0
        for (number, cycle), (following, later) in pairwise(self.ends):
            frame, after = self.frames[number], self.frames[following]
            if frame.mode in _STEPS and after.mode in _STEPS and following == number + 1:
                # Features come while the step before is going on; a step that is shorter has to wait for them.
                due = frame.cycles or 0
                if due <= len(after.data) + _BANK_CYCLES:
                    continue
                compared += 1
                if later - cycle != due:
                    self._fail(
                        f"frame {following}, {KINDS[after.mode]}: its answer ends {later - cycle} cycles after that of "
                        f"the one before, the schedule says {due}",
                        later,
                        sample=following,
                        golden=due,
                        hardware=later - cycle,
                    )
        return compared

    def _fail(self, message: str, cycle: int | None, **where: Any) -> NoReturn:
        raise VerificationError(Difference(self.simulator, message, cycle=cycle, **where))


def _what(frame: Frame, place: int, ends: bool) -> str:
    """What a beat of an answer is."""
    return "weights" if frame.mode == READ else "loss" if ends else "logits"


def _most_cycles(design: TrainerDesign, frames: Sequence[Frame]) -> int:
    """After which a run has certainly hung."""
    moving = sum(len(frame.data) + len(frame.expected or ()) for frame in frames)
    steps = sum(frame.mode in _STEPS for frame in frames)
    return _SLACK_CYCLES + 4 * moving + 2 * (steps + 1) * design.schedule.training_cycles
