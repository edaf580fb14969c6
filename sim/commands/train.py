"""The verb ``train``: a task is learnt in integers, and in simulated hardware, beside the same network in floats."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from golden.trainer.tasks import Task, task_named
from rtlgen.training import TrainerDesign
from sim.commands.checks import checking
from sim.commands.output_argument import check_page_folder, write_bytes
from sim.commands.printing import progress, say, say_json, say_table, stages, working
from sim.commands.program import program
from sim.commands.synth import judged, print_synthesis
from sim.commands.user_error import UserError, blame_user
from sim.regression.training_page import COLUMNS, page, rows
from sim.simulators.programs import require_programs
from sim.synthesis.result import Synthesis
from sim.synthesis.synthesize import require_tools, target_of
from sim.synthesis.trainers import synthesize_trainer
from sim.training.course import Course, Wishes, as_plain
from sim.training.hardware import SIMULATORS

PAGE = "index.html"
MARK = "<footer><p>Made by Tensorgate."
"""Of the folder that the verb writes; by the page and what stands in it one sees that the folder is ours."""


def train(
    task: str,
    hardware: bool,
    lanes: int | None,
    epochs: int | None,
    learning_rate_shift: int | None,
    seed: int,
    dither: int | None,
    drift: str | None,
    simulator: str | None,
    target: str | None,
    output: Path | None,
    json: bool,
) -> None:
    """Learn, compare, and show what became of it."""
    with blame_user("TASK"):
        chosen = task_named(task)
    if lanes is not None and not hardware and target is None:
        raise UserError("--lanes is of hardware: give --hardware, or --target, too")
    if simulator is not None and not hardware:
        raise UserError("--simulator is of hardware: give --hardware, too")
    simulator = simulator or SIMULATORS[0]
    if hardware:
        with blame_user():
            require_programs(simulator)
    if target is not None:
        with blame_user():
            require_tools(target_of(target))
    if output is not None:
        check_page_folder(output, PAGE, MARK)
    wishes = Wishes(epochs or chosen.epochs, learning_rate_shift or chosen.learning_rate_shift, seed, dither, drift)
    with working(f"training {task} in floats"), blame_user(f"TASK {task!r}"):
        course = Course.of(chosen, wishes)
    design: TrainerDesign | None = None
    made: Synthesis | None = None
    if hardware or target is not None:
        with blame_user("--lanes"):
            design = course.design(lanes or chosen.lanes)
    if design is not None and target is not None:
        with stages(f"{design.name} for {target}") as tell, judged(json), blame_user(f"TASK {task!r}"):
            made = synthesize_trainer(course.trainer, design, target, tell=tell)
    if design is not None and hardware:
        with _in_hardware(course, chosen, design, simulator, json) as (folder, advance):
            history, run = course.in_hardware(design, folder, simulator, advance)
    else:
        with working(f"training {task} in integers"):
            history, run = course.in_integers(), None
    content = {**as_plain(course, history, design, run), "synthesis": made and made.as_json()}
    content["lanes"] = design and design.schedule.lanes
    if output is not None:
        _write(output, course, design, content)
    if json:
        say_json(content)
    else:
        _print(content, output)


@contextmanager
def _in_hardware(
    course: Course, task: Task, design: TrainerDesign, simulator: str, json: bool
) -> Iterator[tuple[Path, Any]]:
    wishes = course.wishes
    words = [*program(), "train", task.name, "--hardware", "--lanes", str(design.schedule.lanes)]
    words += ["--epochs", str(wishes.epochs), "--learning-rate-shift", str(wishes.learning_rate_shift)]
    words += ["--seed", str(wishes.seed), "--simulator", simulator]
    words += [] if wishes.dither_seed is None else ["--dither", str(wishes.dither_seed)]
    words += [] if wishes.drift is None else ["--drift", wishes.drift]
    command = shlex.join(words)
    with (
        checking(design.name, command, json) as folder,
        progress(f"{task.name} under {simulator}", course.frames) as advance,
    ):
        yield folder, advance


def _print(content: Mapping[str, Any], output: Path | None) -> None:
    say(
        f"{content['task']}: {content['network']} on {content['data']}, "
        f"learning rate 2^-{content['learning_rate_shift']}"
    )
    for when, accuracy in content["before"].items():
        say(f"accuracy {when}: {accuracy:.1%}")
    say("")
    say_table(COLUMNS, rows(content))
    found = content["hardware"]
    if found:
        say(
            f"\nhardware under {found['simulator']}, {found['lanes']} multipliers: {found['steps']:,} steps of "
            f"training and {found['evaluations']:,} evaluations in {found['cycles']:,} cycles\n"
            f"{found['cycles_per_step']:.1f} cycles a step, {found['training_cycles']} with an update\n"
            f"every logit and loss, and the weights after every epoch, are golden's: {found['beats']:,} numbers"
        )
    if content["synthesis"]:
        say("")
        print_synthesis(content["synthesis"], "steps with an update")
    if output is not None:
        verilog = "the Verilog of its trainer, " if content["lanes"] else ""
        say(f"\n{output}: the trained network, {verilog}learning curves, a page")


def _write(folder: Path, course: Course, design: TrainerDesign | None, content: Mapping[str, Any]) -> None:
    from sim.figures import draw_learning_curve

    with blame_user("--output"):
        shown = page([content]).encode()
        folder.mkdir(exist_ok=True)
        write_bytes(folder / PAGE, shown)  # first: by it the folder is known as ours, whatever happens
        course.trainer.to_graph().save(folder / f"{course.task.name}.graph")
        if design is not None:
            design.write_verilog(folder / f"{design.name}.v")
        draw_learning_curve(content, folder / "learning_curve.svg")
