"""Running one case of the regression: a pure function from its configuration to what came out."""

from __future__ import annotations

import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from golden import zoo
from golden.graph import Graph
from golden.types import IntArray
from rtlgen import Design, generate
from rtlgen.occupancy import steady_samples
from sim.budget import DEFAULT_MULTIPLIERS, NO_BOUND, samples_within
from sim.difference import Difference, VerificationError, first_difference, in_network
from sim.effort import USUAL, Effort
from sim.regression import small
from sim.regression.cases import Case, CaseResult
from sim.regression.exercises import EXERCISE_SAMPLES, exercise, exercise_samples
from sim.regression.portrait import accuracies, portrait
from sim.regression.reproduction import reproduction
from sim.regression.stimulus import extreme_samples
from sim.scratch import remove_folder
from sim.simulators.simulator import Run
from sim.structure import replayed
from sim.verify import verify, verify_command
from sim.witnesses import BULK, check_bulk, check_hostile, cycle_difference, fewer_samples, golden_outputs, locate


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
        difference = error.difference
        facts["difference"] = asdict(difference) | {
            name: _relative(path, build)
            for name, path in (("waves", difference.waves), ("save_file", difference.save_file))
        }
    except Exception as error:
        verdict, message = "crashed", f"{type(error).__name__}: {error}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").write_text(traceback.format_exc())
    if verdict != "passed":
        facts["files"] = _relative(folder, build)
    return CaseResult(case, verdict, message, round(time.monotonic() - started, 3), **facts)


def _run(case: Case, build: Path, folder: Path, facts: dict[str, Any]) -> None:
    """Fill in ``facts`` as they become known: a failure keeps those that were."""
    graph = _graph(case)
    design = generate(
        graph, case.multipliers or DEFAULT_MULTIPLIERS, unrolled=case.multipliers is None, name=case.network
    )
    facts["plan"] = design.plan.as_json()
    if case.patterns:
        x = _adverse(case, graph)
        facts["samples"] = len(x)
        if case.simulator == "verilator":
            try:
                _structure(case, design, x, folder, facts)
            except VerificationError as error:
                raise VerificationError(
                    in_network(design, error.difference), folder, reproduction(case, build)
                ) from error
            return
        done = verify(
            design, x, simulators=(case.simulator,), patterns=case.patterns, seed=case.seed, build=folder,
            command=reproduction(case, build), cycles=case.budget_cycles or NO_BOUND, thorough=case.is_small,
        )  # fmt: skip
        facts["cycles"], facts["covered"] = done.cycles, done.covered
        facts["measured"] = {"ii_cycles": done.ii_cycles, "latency_cycles": done.latency_cycles}
        return
    entry = zoo.load(case.network)
    split = entry.dataset["test"]
    count = case.samples_of(design.plan, len(split))
    x = entry.graph.encode(split.x[:count])
    facts["samples"] = count
    if case.samples is None:
        facts["test_samples"] = len(split)
        facts["network"] = portrait(entry)
    # Back to back without stalls, and enough of them again to reach the steady state, if the budget allows.
    more = np.resize(np.arange(count), max(count, _steady(case, design)))
    try:
        run = _bulk(case, design, x[more], folder)
    except VerificationError as error:
        raise _located(case, design, error.difference, x, folder) from error
    facts["measured"] = {"ii_cycles": run.ii_cycles, "latency_cycles": run.latency_cycles}
    facts["cycles"] = int(run.cycles[-1]) + 1
    if case.samples is None:
        facts["accuracy"] = accuracies(entry, run.outputs[: len(x)])
    expected = golden_outputs(design, x)[more]
    difference = first_difference(design, case.simulator, run, expected) or cycle_difference(
        design, case.simulator, run
    )
    if difference:
        raise _located(case, design, difference, x, folder)


def _graph(case: Case) -> Graph:
    if case.is_small:
        return small.GRAPHS[small.NAMES[case.network]]()
    return exercise(case.network) if case.is_exercise else zoo.load(case.network).graph


def _located(case: Case, design: Design, seen: Difference, x: IntArray, folder: Path) -> VerificationError:
    """A difference at the output, traced back to its layer, with waves, and with what it takes to see it again."""
    found = in_network(design, locate(design, seen, x, folder, case.seed))

    def again(fewer: IntArray) -> None:
        check_bulk(design, BULK[case.simulator], fewer, golden_outputs(design, fewer), folder / "smaller")

    fewer = fewer_samples(seen, x, again)
    if fewer is not None:
        simulators = (case.simulator,)
        found = replace(found, smaller=verify_command(design, fewer, simulators, (), 0, folder, "x_smaller.npy"))
    return VerificationError(found, folder, reproduction(case, folder.parents[1]))


def _structure(case: Case, design: Design, x: IntArray, folder: Path, facts: dict[str, Any]) -> None:
    """The testbench under Icarus, and its pins under Verilator."""
    effort = Effort.thorough(design) if case.is_small else USUAL
    watched = x[: effort.samples]
    budget = case.budget_cycles or NO_BOUND
    tensors = design.plan.live.trace(watched)
    _, pins = check_hostile(design, watched, tensors, folder, case.seed, case.patterns, budget, effort)
    facts["cycles"] = pins.cycles
    facts["structure"] = asdict(replayed(design, pins, folder / "verilator", case.seed))


def _steady(case: Case, design: Design) -> int:
    """Samples of which several are under way at once, as far as the budget allows."""
    steady = steady_samples(design.plan)
    return steady if case.budget_cycles is None else samples_within(design.plan, case.budget_cycles, steady)


def _adverse(case: Case, graph: Graph) -> IntArray:
    """Samples of the test set, and integers that no sample has: both ends of the range, and anything between."""
    random, type = np.random.default_rng(case.seed), graph.input_type
    if case.is_small:
        return extreme_samples(graph, case.samples or small.SMALL_SAMPLES, case.seed)
    if case.is_exercise:
        return exercise_samples(type, case.samples or EXERCISE_SAMPLES, case.seed)
    entry = zoo.load(case.network)
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
