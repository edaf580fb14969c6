"""The regression: ``python -m sim.regression`` runs every case, in parallel, and writes what a person wants to know.

Into the build folder go ``report.html``, ``junit.xml``, ``results.json``, ``results/`` with a file for each finished
case, which the next run does not repeat, ``training.json`` with courses of training, and ``cases/`` with what failed
cases left. A run of all cases also has to show everything that ``sim.coverage`` knows: a hole fails it, by its name.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import NoReturn

from golden import zoo
from sim.regression.cases import Case, CaseResult
from sim.regression.coverage_page import Coverage
from sim.regression.dask_cluster import cluster
from sim.regression.executor import Store, Watch, run_all
from sim.regression.fingerprint import fingerprint
from sim.regression.junit import write_junit
from sim.regression.report import measured_rows, write_report, write_results
from sim.regression.reproduction import BUILD
from sim.regression.runnable import left_out, told
from sim.regression.table import table
from sim.regression.terminal import print_summary, progress
from sim.regression.trainings import COURSES, MORE_COURSES, run_trainings
from sim.simulators.programs import require_programs
from sim.tools import TOOLS
from sim.verify import ALL, SIMULATORS
from sim.workers import worker_processes

PASSED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def regress(
    cases: Sequence[Case],
    build: str | Path,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    watch: Watch | None = None,
) -> list[CaseResult]:
    """Run what has not passed with these sources yet; results in the order of ``cases``.

    Args:
        cases: for example ``sim.regression.table.table()``.
        build: folder for results and files, made if need be.
        executor: where to run them; without it, worker processes on this machine.
        jobs: cases at a time; as many as there are processors without it.
        fresh: run all of them, whatever there is.
        watch: is told about starts and ends, see ``sim.regression.executor.Watch``.

    Raises:
        FileNotFoundError: before anything runs, if a simulator is missing.
        KeyboardInterrupt: after Ctrl-C; finished results are kept, and workers have been stopped.
    """
    build, jobs = Path(build), jobs or os.cpu_count() or 1
    store = Store(build / "results", fingerprint())
    kept = {case: found for case in cases if not fresh and (found := store.load(case))}
    missing = [case for case in cases if case not in kept]
    for result in kept.values():
        if watch:
            watch((), result)
    require_programs(*{case.simulator for case in missing})
    build.mkdir(parents=True, exist_ok=True)
    if missing and executor is not None:
        ran = run_all(missing, build, executor, jobs=jobs, store=store, watch=watch)
    elif missing:
        with worker_processes(min(jobs, len(missing))) as pool:
            ran = run_all(missing, build, pool, jobs=jobs, store=store, watch=watch)
    else:
        ran = []
    results = {**kept, **{result.case: result for result in ran}}
    return [results[case] for case in cases]


def main(arguments: Sequence[str] | None = None, executor: Executor | None = None) -> int:
    """The command; ``executor`` instead of worker processes."""
    started = time.monotonic()
    try:
        options = _parser().parse_args(arguments)
        with _sigterm_as_ctrl_c():
            cases = _chosen(options)
            if options.list:
                print("\n".join(case.id for case in cases))
                return PASSED
            again = options.fresh or bool(options.only)
            jobs = options.jobs or os.cpu_count() or 1
            elsewhere = cluster(options.dask, jobs) if options.dask else nullcontext(executor)
            with elsewhere as pool, progress(len(cases)) as watch:
                # Resolved: workers of a cluster have working folders of their own.
                build = options.build.resolve() if options.dask else options.build
                results = regress(cases, build, executor=pool, jobs=jobs, fresh=again, watch=watch)
            whole = not options.only and options.networks is None
            # Some of the cases cannot show everything; all of them have to.
            everything = whole and "icarus" in (options.simulators or ALL)
            coverage = Coverage.of(results) if everything else None
            # One case run alone does not replace the report of a whole regression.
            paths = [] if options.only else _write(results, options.build, coverage)
            wanted = MORE_COURSES if len(options.seeds) > 1 else COURSES
            courses = run_trainings(options.build, courses=wanted, jobs=jobs, fresh=again, tell=print) if whole else []
            if courses:
                write_report(results, options.build, courses)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("interrupted: finished cases are kept, the same command goes on with the others", file=sys.stderr)
        return INTERRUPTED
    print_summary(results, options.build, paths, time.monotonic() - started)
    if whole:
        print("\n".join([*told(), *_told_of_parts(results)]))
    if coverage:
        print("\n".join(coverage.told))
    right = all(result.passed for result in results) and all(course["verdict"] == "passed" for course in courses)
    return PASSED if right and (coverage is None or coverage.complete) else FAILED


def _chosen(options: argparse.Namespace) -> list[Case]:
    if options.only:
        return list(dict.fromkeys(map(Case.parse, options.only)))
    for name in options.networks or ():
        if name in left_out():
            raise ValueError(f"{name} cannot be run: {left_out()[name]}")
    networks = None if options.networks is None else dict.fromkeys(options.networks)
    return table(networks, options.simulators or _simulators(), options.seeds)


def _told_of_parts(results: Sequence[CaseResult]) -> list[str]:
    """Test sets that went through the hardware in part, and how to get more of them through it."""
    parts = [row for row in measured_rows(results) if row.whole and row.whole.samples < row.whole.test_samples]
    lines = [
        f"in part: {row.network}, {row.samples_told} test samples, by a budget of {row.whole.case.budget_cycles} cycles"
        for row in parts
        if row.whole
    ]
    if any(row.whole and row.whole.case.simulator == "icarus" for row in parts):
        lines.append(f"Verilator runs a hundred times as many: {TOOLS['verilator']}")
    return lines


def _simulators() -> tuple[str, ...]:
    """Where none are asked for: those of the three witnesses, and Verilator for long test sets if it is installed."""
    try:
        require_programs("verilator")
    except FileNotFoundError:
        return ALL
    return (*ALL, "verilator")


def _write(results: Sequence[CaseResult], build: Path, coverage: Coverage | None) -> list[Path]:
    return [write_report(results, build), write_junit(results, build, coverage), write_results(results, build)]


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Whoever stops a regression politely gets it stopped with all that it has started."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see '{self.prog} --help'")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m sim.regression",
        description="Networks x foldings x simulators x stall patterns x seeds. What has passed is not run again until "
        "the sources change.",
    )
    parser.add_argument("--build", type=Path, default=BUILD, help="folder for all files (%(default)s)")
    parser.add_argument("--jobs", type=_positive, help="cases at a time (all processors)")
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run on this Dask cluster, or on one of this machine's own ('local'), --jobs cases at a time",
    )
    choices: tuple[tuple[str, Sequence[str], Sequence[str] | None], ...] = (
        ("networks", zoo.NAMES, None),
        ("simulators", SIMULATORS, None),
    )
    for option, names, default in choices:
        parser.add_argument(
            f"--{option}",
            nargs="+",
            type=_one_of(names),
            default=default,
            metavar="NAME",
            help=f"of {', '.join(names)}",
        )
    parser.add_argument("--seeds", nargs="+", type=_natural, default=[0], metavar="N", help="of the stalls")
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="these cases alone, again")
    parser.add_argument("--fresh", action="store_true", help="run what has passed before, too")
    parser.add_argument("--list", action="store_true", help="print the cases and run none")
    return parser


def _one_of(names: Sequence[str]) -> Callable[[str], str]:
    def name(text: str) -> str:
        if text not in names:
            near = get_close_matches(text, names, n=1)
            suggestion = f"; did you mean {near[0]!r}?" if near else ""
            raise argparse.ArgumentTypeError(f"must be among {', '.join(names)}, not {text!r}{suggestion}")
        return text

    return name


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, not {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not _natural(text):
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)
