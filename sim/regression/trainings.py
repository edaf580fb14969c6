"""The part of the regression that trains: whole courses in simulated hardware, against golden and beside floats."""

from __future__ import annotations

import json
import shlex
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any

from golden.serialize import write_atomically
from golden.trainer.tasks import TASKS
from sim.difference import VerificationError
from sim.regression.fingerprint import fingerprint
from sim.scratch import remove_folder
from sim.simulators.programs import require_programs
from sim.training.course import Course, Wishes, as_plain
from sim.workers import worker_processes

RESULTS = "training.json"
Key = tuple[str, str | None, str]
COURSES: tuple[Key, ...] = (("digits", "rotation", "verilator"), ("iris", None, "icarus"))
"""Tasks, what drifts, and the simulator; those of Verilator only where it is installed."""
MORE_COURSES: tuple[Key, ...] = (*COURSES, ("digits", None, "verilator"))
"""With one more that takes long: where several seeds are asked for."""


def run_trainings(
    build: Path,
    *,
    courses: Sequence[Key] = COURSES,
    jobs: int = 1,
    fresh: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Run all courses that have not passed with these sources yet, as of ``as_plain`` with ``verdict`` and ``message``.

    Of one that fails the files stay, in a folder of its own below ``build``; ``message`` says where.

    Args:
        build: folder for the results.
        courses: task, drift, simulator.
        jobs: courses at a time.
        fresh: run all of them, whatever there is.
        tell: is told a line about each.
    """
    now = sources()
    found = [] if fresh else read_trainings(build)
    kept = {_key(old): old for old in found if old["sources"] == now and old["verdict"] == "passed"}
    missing = [key for key in courses if key not in kept and _is_there(key[2])]
    made: dict[Key, dict[str, Any]] = {key: kept[key] for key in courses if key in kept}
    for key, course in _ran(missing, build, jobs):
        made[key] = {**course, "sources": now}
        build.mkdir(parents=True, exist_ok=True)
        write_atomically(build / RESULTS, json.dumps(_in_order(courses, made), indent=1).encode() + b"\n")
    for task, drift, simulator in courses:
        what = f"training of {task}{f' after a {drift}' if drift else ''} under {simulator}"
        ended = made.get((task, drift, simulator))
        if ended is None:
            tell(f"{what}: left out, {simulator} is not installed")
            continue
        hardware = ended["hardware"]
        told = ended["message"] or f"{hardware['steps']:,} steps, {hardware['cycles']:,} cycles, all golden's"
        tell(f"{what}: {ended['verdict']}, {told}")
    return _in_order(courses, made)


def _in_order(courses: Sequence[Key], made: Mapping[Key, dict[str, Any]]) -> list[dict[str, Any]]:
    return [made[key] for key in courses if key in made]


def _ran(courses: Sequence[Key], build: Path, jobs: int) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Courses and what came out, as they end; with several ``jobs`` in processes of their own."""
    if jobs < 2 or len(courses) < 2:
        yield from ((key, _run(key, build)) for key in courses)
        return
    with worker_processes(min(jobs, len(courses))) as pool:
        running = {pool.submit(_run, key, build): key for key in courses}
        for future in as_completed(running):
            error = future.exception()  # a worker may die
            yield running[future], _nothing(running[future], error) if error else future.result()


def sources() -> str:
    """A fingerprint of all that a course depends on."""
    return fingerprint(start=("sim", "sim.regression.trainings"))


def read_trainings(build: Path) -> list[dict[str, Any]]:
    """The courses of the last regression in ``build``; none if there has been none."""
    try:
        found = json.loads((build / RESULTS).read_text())
        keys = {"sources", "verdict", "message", "epochs", "hardware", "before", "simulator"}
        return [course for course in found if course.keys() >= keys]
    except (OSError, ValueError, AttributeError, TypeError):  # none there, or written by another version
        return []


def command_of(task: str, drift: str | None, simulator: str) -> str:
    """The command line that runs a course again."""
    return shlex.join(
        ["tensorgate", "train", task, "--hardware", "--simulator", simulator, *(["--drift", drift] if drift else [])]
    )


def _run(key: Key, build: Path) -> dict[str, Any]:
    started = time.monotonic()
    task, drift, simulator = key
    chosen = TASKS[task]
    course = Course.of(chosen, Wishes(chosen.epochs, chosen.learning_rate_shift, drift=drift))
    design = course.design(chosen.lanes)
    verdict, message = "passed", ""
    content = _nothing(key)
    folder = build / "trainings" / "-".join(word for word in key if word)
    try:
        remove_folder(folder)
        folder.mkdir(parents=True)
        history, run = course.in_hardware(design, folder, simulator)
        content = as_plain(course, history, design, run)
        remove_folder(folder)
    except VerificationError as error:
        told = VerificationError(error.difference, folder, command_of(*key))  # which leaves its facts and a page
        verdict = "failed"
        message = f"{told.difference.witness}: {told.difference.message}; files: {folder}"
    except Exception as error:  # of a tool, or ours: the others go on
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "error.txt").write_text(traceback.format_exc())
        verdict, message = "crashed", f"files: {folder}; {_told(error)}"
    time_s = round(time.monotonic() - started, 1)
    return {**content, "simulator": simulator, "verdict": verdict, "message": message, "time_s": time_s}


def _nothing(key: Key, error: BaseException | None = None) -> dict[str, Any]:
    """What there is of a course that has not come to its end."""
    task, drift, simulator = key
    return {
        "task": task,
        "drift": drift,
        "simulator": simulator,
        "hardware": None,
        "epochs": [],
        "before": {},
        "verdict": "crashed",
        "message": _told(error) if error else "",
        "time_s": 0.0,
    }


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _key(course: Mapping[str, Any]) -> Key:
    return course["task"], course["drift"], course["simulator"]


def _is_there(simulator: str) -> bool:
    try:
        require_programs(simulator)
    except FileNotFoundError:
        return False
    return True
