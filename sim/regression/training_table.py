"""What training in integers reaches beside floats, and what its hardware takes of a device: the README's table.

``python -m sim.regression.training_table`` trains every task from several seeds in integers and in floats, runs one of
the courses in emitted Verilog, synthesizes the trainer, and prints the table; ``--readme FILE`` puts it there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from golden.trainer.float_reference import LEARNING_RATES, FloatTrainer, float_curve
from golden.trainer.tasks import TASKS, Task
from sim.difference import VerificationError
from sim.regression.readme import put_between_markers
from sim.regression.trainings import command_of
from sim.scratch import scratch_folder
from sim.simulators.programs import require_programs
from sim.synthesis.result import SynthesisError
from sim.synthesis.synthesize import require_tools, target_of
from sim.synthesis.trainers import synthesize_trainer
from sim.tools import ToolError
from sim.training.course import Course, Wishes

MARKER = "training"
TARGET = "ecp5-85k"
SEEDS = range(5)
TIMED_STEPS = 3000
HEAD = (
    "task",
    "network",
    "floats",
    "integers",
    "multipliers",
    "a step (cycles)",
    "on average",
    "LUT + 2 carry",
    "FF",
    "block RAM",
    "clock (MHz)",
    "hardware (steps/s)",
    "numpy (steps/s)",
)


def accuracies(task: Task) -> tuple[float, float]:
    """Mean accuracy on the test split over all seeds: in floats at the best learning rate, and in integers."""
    data, integers = task.load(0), []
    floats: dict[float, list[float]] = {rate: [] for rate in LEARNING_RATES}
    for seed in SEEDS:
        trainer = task.trainer(data, seed)
        train, test = ((trainer.encode(data[name].x), np.asarray(data[name].y)) for name in ("train", "test"))
        for rate, reached in floats.items():
            reached.append(float_curve(trainer.layers, train, test, task.epochs, seed, (rate,)).accuracy[-1])
        trainer.fit(data["train"], task.epochs, task.learning_rate_shift, seed=seed)
        integers.append(float((trainer.predict(test[0]) == test[1]).mean()))
    return max(float(np.mean(reached)) for reached in floats.values()), float(np.mean(integers))


def steps_per_s(course: Course) -> float:
    """Of numpy in floats, on this machine's processor."""
    floats, (x, y) = FloatTrainer(course.trainer.layers), course.train
    started = time.perf_counter()
    for step in range(TIMED_STEPS):
        floats.step(x[step % len(x)], int(y[step % len(x)]), 0.01)
    return TIMED_STEPS / (time.perf_counter() - started)


def row(task: Task, simulator: str) -> list[str]:
    """One line of the table."""
    in_floats, in_integers = accuracies(task)
    course = Course.of(task, Wishes(task.epochs, task.learning_rate_shift))
    in_numpy = steps_per_s(course)
    design = course.design(task.lanes)
    made = synthesize_trainer(course.trainer, design, TARGET).as_json()
    with scratch_folder(design.name, (VerificationError,)) as folder:
        try:
            _, run = course.in_hardware(design, folder, simulator)
        except VerificationError as error:
            raise VerificationError(error.difference, folder, command_of(task.name, None, simulator)) from error
    return [
        task.name,
        task.layers,
        f"{in_floats:.1%}",
        f"{in_integers:.1%}",
        str(made["multipliers"]),
        f"{design.schedule.training_cycles:,}",
        f"{run.cycles_per_step:,.0f}",
        f"{made['luts'] + 2 * made['carries']:,}",
        f"{made['flip_flops']:,}",
        str(made["block_rams"]),
        f"{made['clock_mhz']:.1f}",
        f"{made['clock_mhz'] * 1e6 / run.cycles_per_step:,.0f}",
        f"{in_numpy:,.0f}",
    ]


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The table."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---|---|{'--:|' * (len(HEAD) - 2)}", *(f"| {' | '.join(r)} |" for r in rows)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.training_table", description="Train everything.")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}; all without any")
    parser.add_argument("--simulator", choices=("icarus", "verilator"), default="verilator")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    options = parser.parse_args(arguments)
    if wrong := [name for name in options.tasks if name not in TASKS]:
        parser.error(f"a task must be one of {', '.join(TASKS)}, not {wrong[0]!r}")
    if options.tasks and options.readme:
        parser.error("the README's table has all tasks, not some of them")
    try:
        require_tools(target_of(TARGET))
        require_programs(options.simulator)
        rows = []
        for name in options.tasks or TASKS:
            rows.append(row(TASKS[name], options.simulator))
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
        if options.readme:
            put_between_markers(options.readme, MARKER, markdown(rows))
        else:
            print(markdown(rows))
    except (ToolError, SynthesisError, VerificationError) as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
