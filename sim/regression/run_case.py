"""Running one case of the regression: a pure function from its configuration to what came out."""

from __future__ import annotations

import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from golden import zoo
from golden.types import IntArray
from rtlgen import Design, generate
from rtlgen.occupancy import steady_samples
from sim.budget import NO_BOUND, samples_within
from sim.difference import Difference, VerificationError, first_difference
from sim.regression.cases import DEFAULT_MULTIPLIERS, Case, CaseResult
from sim.regression.portrait import accuracies, portrait
from sim.regression.reproduction import reproduction
from sim.scratch import remove_folder
from sim.simulators.simulator import Run
from sim.verify import verify
from sim.witnesses import BULK, cycle_difference, golden_outputs


def run_case(case: Case, build: Path) -> CaseResult:
    """Run one case in a folder of its own below ``build``. Never raises: what goes wrong is the result.

    The files are gone after success and stay after a failure.
    """
    started = time.monotonic()
    folder = build / "cases" / case.id
    facts: dict[str, Any] = {}
    verdict, message = "passed", ""
    try:
        remove_folder(folder)
        _run(case, build, folder, facts)
        remove_folder(folder)
    except VerificationError as error:
        verdict, message = "failed", f"{error.difference.witness}: {error.difference.message}"
        facts["difference"] = asdict(error.difference) | {"waves": _relative(error.difference.waves, build)}
    except Exception as error:
        verdict, message = "crashed", f"{type(error).__name__}: {error}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").write_text(traceback.format_exc())
    if verdict != "passed":
        facts["files"] = _relative(folder, build)
    return CaseResult(case, verdict, message, round(time.monotonic() - started, 3), **facts)


def _run(case: Case, build: Path, folder: Path, facts: dict[str, Any]) -> None:
    """Fill in ``facts`` as they become known: a failure keeps those that were."""
    entry = zoo.load(case.network)
    design = generate(
        entry.graph, case.multipliers or DEFAULT_MULTIPLIERS, unrolled=case.multipliers is None, name=case.network
    )
    facts["plan"] = design.plan.as_json()
    if case.patterns:
        x = _adverse(entry, case)
        facts["samples"] = len(x)
        done = verify(
            design, x, simulators=(case.simulator,), patterns=case.patterns, seed=case.seed, build=folder,
            command=reproduction(case, build), cycles=case.budget_cycles or NO_BOUND,
        )  # fmt: skip
        facts["cycles"] = done.cycles
        facts["measured"] = {"ii_cycles": done.ii_cycles, "latency_cycles": done.latency_cycles}
        return
    split = entry.dataset["test"]
    count = case.samples_of(design.plan, len(split))
    x = entry.graph.encode(split.x[:count])
    facts["samples"] = count
    if case.samples is None:
        facts["test_samples"] = len(split)
        facts["network"] = portrait(entry)
    # Back to back without stalls, and enough of them again to reach the steady state, if the budget allows.
    more = np.resize(np.arange(count), max(count, _steady(case, design)))
    run = _bulk(case, design, x[more], folder)
    facts["measured"] = {"ii_cycles": run.ii_cycles, "latency_cycles": run.latency_cycles}
    facts["cycles"] = int(run.cycles[-1]) + 1
    if case.samples is None:
        facts["accuracy"] = accuracies(entry, run.outputs[: len(x)])
    expected = golden_outputs(design, x)[more]
    difference = first_difference(design, case.simulator, run, expected) or cycle_difference(
        design, case.simulator, run
    )
    if difference:
        raise VerificationError(difference)


def _steady(case: Case, design: Design) -> int:
    """Samples of which several are under way at once, as far as the budget allows."""
    steady = steady_samples(design.plan)
    return steady if case.budget_cycles is None else samples_within(design.plan, case.budget_cycles, steady)


def _adverse(entry: zoo.Entry, case: Case) -> IntArray:
    """Samples of the test set, and integers that no sample has: both ends of the range, and anything between."""
    random, type = np.random.default_rng(case.seed), entry.graph.input_type
    typical = entry.graph.encode(entry.dataset["test"].x)
    count = case.samples or len(typical)
    typical = typical[random.permutation(len(typical))[: count - count // 2]]
    extreme = random.integers(type.dtype.min, type.dtype.max + 1, (count // 2, *type.shape))
    for row, end in zip(extreme, (type.dtype.min, type.dtype.max), strict=False):
        row[...] = end
    return np.concatenate([typical, extreme])


def _bulk(case: Case, design: Design, x: IntArray, folder: Path) -> Run:
    try:
        return BULK[case.simulator].run(design, x, folder)
    except (TimeoutError, ValueError) as error:  # no output, or an undefined one: the design's fault
        raise VerificationError(Difference(case.simulator, str(error))) from error


def _relative(path: str | Path | None, build: Path) -> str:
    """A path as seen from the build folder, so that the folder can move; empty for none."""
    return Path(path).resolve().relative_to(build.resolve()).as_posix() if path else ""
