"""Running many cases: on worker processes of their own, or on any other executor; finished results are kept on disk."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from golden.serialize import write_atomically
from sim.process_group import end_all
from sim.regression.cases import Case, CaseResult
from sim.regression.fingerprint import simulator_version
from sim.regression.run_case import run_case

PATIENCE_S = 10.0
"""How long a worker may take to end what it has started."""

Watch = Callable[[tuple[Case, ...], CaseResult | None], None]
"""Told at every start and end of a case: which cases run now, and which one has ended, if one has."""


@dataclass(frozen=True)
class Store:
    """Finished results, a JSON file a case, each with the key of what it was made from.

    Args:
        folder: where.
        sources: a fingerprint.
    """

    folder: Path
    sources: str

    def key(self, case: Case) -> str:
        """A hash of the configuration, the sources, and the simulator's version."""
        return hashlib.sha256(f"{case!r}\n{self.sources}\n{simulator_version(case.simulator)}".encode()).hexdigest()

    def load(self, case: Case) -> CaseResult | None:
        """The result of ``case``, if these sources have made one and it passed."""
        try:
            content = json.loads(self._path(case).read_text())
            if content.pop("key") != self.key(case):
                return None
            result = CaseResult.from_json(content)
        except (OSError, ValueError, KeyError, TypeError):  # none there, or written by another version
            return None
        return result if result.passed else None

    def save(self, result: CaseResult) -> None:
        """Write a result, in whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"key": self.key(result.case), **result.as_json()}, allow_nan=False, indent=1)
        write_atomically(self._path(result.case), f"{text}\n".encode())

    def _path(self, case: Case) -> Path:
        return self.folder / f"{case.id}.json"


def run_all(
    cases: Sequence[Case],
    build: Path,
    executor: Executor,
    *,
    jobs: int,
    store: Store | None = None,
    watch: Watch | None = None,
) -> list[CaseResult]:
    """Run ``cases`` on ``executor``, ``jobs`` at a time in their order; results in that order, whatever it is.

    A case that raises, or takes its worker down, is a crashed case and not the end.

    Args:
        cases: what to run.
        build: the folder for all files.
        executor: any; each case is one call of ``run_case``.
        jobs: cases that are handed over at once, so that what is handed over is what runs.
        store: keeps every result as soon as it is there.
        watch: is told about starts and ends.
    """
    waiting = list(reversed(cases))
    running: dict[Future[CaseResult], Case] = {}
    results: dict[Case, CaseResult] = {}

    def tell(result: CaseResult | None) -> None:
        if watch:
            watch(tuple(running.values()), result)

    def start(case: Case) -> Future[CaseResult]:
        try:
            return executor.submit(run_case, case, build)
        except Exception as error:  # a pool that has lost a worker takes nothing any more
            broken: Future[CaseResult] = Future()
            broken.set_exception(error)
            return broken

    while waiting or running:
        while waiting and len(running) < jobs:
            case = waiting.pop()
            running[start(case)] = case
            tell(None)
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            case = running.pop(future)
            error = future.exception()
            if isinstance(error, Exception):
                result = CaseResult(case, "crashed", f"{type(error).__name__}: {error}")
            else:
                result = future.result()
            results[case] = result
            if store:
                store.save(result)
            tell(result)
    return [results[case] for case in cases]


@contextmanager
def worker_processes(jobs: int) -> Iterator[Executor]:
    """A pool of processes with one thread each; an exception (Ctrl-C) stops them and all that they have started."""
    others = set(multiprocessing.active_children())
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ.update(dict.fromkeys(threads, "1"))  # read by numpy as a worker imports it
    # Spawned, not forked: this process may have threads, a progress bar for one.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start_worker)
    try:
        with _deaf_to_ctrl_c():
            for _ in range(jobs):
                pool.submit(os.getpid)  # starts the workers here and now
        yield pool
    except BaseException:
        _stop(set(multiprocessing.active_children()) - others)
        pool.shutdown(cancel_futures=True)
        raise
    else:
        pool.shutdown()
    finally:
        for name, value in threads.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _start_worker() -> None:
    """So that one signal stops a worker along with the simulator that it has started, and no other signal does."""

    def end(number: int, frame: FrameType | None) -> None:
        end_all()
        os._exit(128 + number)

    with suppress(PermissionError):
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, end)


def _stop(workers: Collection[BaseProcess]) -> None:
    """End workers and all that they have started."""
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + PATIENCE_S
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
        worker.kill()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started meanwhile ignore Ctrl-C for good: a terminal sends it to them too, and they are not to talk."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
