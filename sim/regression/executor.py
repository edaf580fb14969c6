"""Running many cases on an executor; finished results are kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path

from golden.serialize import write_atomically
from sim.regression.cases import Case, CaseResult
from sim.regression.fingerprint import simulator_version
from sim.regression.run_case import run_case

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
