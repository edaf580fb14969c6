"""Functional coverage: what is declared, what hits it, and that a hole fails the regression under its name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from junitparser import JUnitXml
from op_cases import CASES, PENDING

import rtlgen
from golden import ops
from golden.arithmetic import ARITHMETICS
from golden.coverage import END, KINDS, PROPERTIES, TIE, classes_of, kind_of, seen
from golden.ops import AveragePool, Clamp, Relu, Requantize, Softmax, Wrap
from golden.types import IntType
from sim import verify
from sim.coverage import bins, covered, holes, merged
from sim.regression import exercises
from sim.regression.cases import Case, CaseResult
from sim.regression.coverage_page import Coverage
from sim.regression.exercises import exercise, exercise_samples
from sim.regression.regress import main
from sim.simulators.cocotb_launcher import PATTERNS
from sim.witnesses import check_hostile

S8 = IntType(8, True)
ALL_OF_THEM = {str(bin): 1 for bin in bins() if bin.impossible is None}


def of(property: str, op: Any, *xs: Any) -> set[str]:
    batches = [np.asarray(x, dtype=np.int64).reshape(1, -1) for x in xs]
    return {bin for name, bin in seen(op, batches) if name == property}


def test_every_op_is_a_kind_and_every_arithmetic_of_it() -> None:
    assert {kind_of(case.op).partition(" ")[0] for case in CASES + PENDING} == {
        kind.partition(" ")[0] for kind in KINDS
    }
    assert {kind.partition(" ")[0] for kind in KINDS} == {op.__name__ for op in ops.ALL}
    assert [kind for kind in KINDS if kind.startswith("Add ")] == [f"Add {name}" for name in ARITHMETICS]


def test_bins_have_names_of_their_own_and_every_impossible_one_a_reason() -> None:
    names = [str(bin) for bin in bins()]
    assert len(names) == len(set(names))
    assert all(bin.impossible is None or len(bin.impossible) > 10 for bin in bins())
    assert 0 < sum(bin.impossible is not None for bin in bins()) < len(names) / 2


@pytest.mark.parametrize(
    ("op", "x", "ends"),
    [
        (Relu(), [-1], {"at the low end"}),
        (Relu(), [0, 5], {"between"}),
        (Clamp(-3, 3), [-3, 3], {"between"}),
        (Clamp(-3, 3), [-4, 4], {"at the low end", "at the high end"}),
        (Wrap(IntType(4, True)), [7, 8], {"between", "at the high end"}),
        (Requantize(np.array(1), np.array(0), 0, IntType(4, True)), [-9, 0], {"at the low end", "between"}),
        (Requantize(np.array(1), np.array(0), 0, S8, clamp=(-2, 2)), [3], {"at the high end"}),
        (Softmax(1 << 30, 5), [9], {"at the high end"}),
        (Softmax(1 << 30, 8), [9, 9], {"between"}),
    ],
)
def test_an_end_is_hit_where_a_result_would_go_beyond_it(op: Any, x: list[int], ends: set[str]) -> None:
    assert of(END, op, x) == ends


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_ties_of_either_sign_are_told_apart(arithmetic: str) -> None:
    tflite = arithmetic in ("tflm", "single")
    half = Requantize(np.array(1 << 30 if tflite else 1), np.array(31 if tflite else 1), 0, S8, arithmetic)
    assert of(TIE, half, [3]) == {"of a positive"}
    assert of(TIE, half, [-3]) == {"of a negative"}
    assert of(TIE, half, [2, -4]) == {"none"}


def test_a_tie_in_the_second_rounding_of_tflm_is_one() -> None:
    eighth = Requantize(np.array(1 << 30), np.array(33), 0, S8, "tflm")
    assert of(TIE, eighth, [4]) == {"of a positive"}  # 4 / 2 is no tie, 2 / 4 is


def test_ties_of_means() -> None:
    x = np.array([[1, 2, -1, -2, 1, 1]]).reshape(1, 1, 6, 1)
    assert {bin for name, bin in seen(AveragePool((1, 2), (1, 2)), [x]) if name == TIE} == set(PROPERTIES[TIE])


def test_shapes_are_classes() -> None:
    assert classes_of(()) == ["scalar"]
    assert classes_of((2, 3)) == ["rows"]
    assert classes_of((1, 1, 1, 1)) == ["image", "one element"]


def test_exercises_hit_every_bin_of_values() -> None:
    """What golden alone can tell, without hardware: all bins that do not ask how a sample went through."""
    found: dict[str, int] = {}
    for name in exercises.NAMES:
        graph = exercise(name)
        tensors = graph.trace(exercise_samples(graph.input_type, exercises.EXERCISE_SAMPLES, 0))
        for node in graph.nodes:
            for property, bin in seen(node.op, [tensors[x] for x in node.inputs]):
                for shape in classes_of(tensors[node.inputs[0]].shape[1:]):
                    found[f"{kind_of(node.op)}, {shape} / {property} / {bin}"] = 1
    wanted = [f"{bin.of} / {bin.property.partition(',')[0]} / {bin.bin}" for bin in bins() if bin.impossible is None]
    assert not [name for name in wanted if name.split(" / ")[1] in PROPERTIES and name not in found]


def design_of(name: str) -> tuple[rtlgen.Design, Any]:
    graph = exercise(name)
    return rtlgen.generate(graph, 4, name=name), exercise_samples(graph.input_type, 8, 0)


@pytest.mark.slow
def test_a_testbench_that_never_stalls_leaves_holes_and_the_run_fails(
    no_trainings: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    design, x = design_of("scales_scalar")
    tensors = design.plan.live.trace(x)
    calm, _ = check_hostile(design, x, tensors, tmp_path / "calm", 0, (), phases=("every_sample_without_stalls",))
    found = covered(design, x, calm)
    missing = {str(bin) for bin in holes(found)}
    assert {
        "Requantize tflm, scalar / tie, under stalls / of a positive",
        "output port / flow / held up",
        "Relu / reset / amid a tensor",
    } <= missing
    assert "Requantize tflm, scalar / tie, at full speed / of a positive" not in missing
    # All that this network can show, and everything else: what a regression has whose testbench never stalls.
    shown = {name: 1 for name in ALL_OF_THEM if "under stalls" not in name and name != "output port / flow / held up"}
    assert set(found) <= set(shown)
    assert run(shown, tmp_path / "run") == 1
    assert "never seen: " in capsys.readouterr().out


@pytest.mark.slow
def test_stalls_resets_and_full_buffers_are_seen(tmp_path: Path) -> None:
    design, x = design_of("chain_vector")
    found = verify(design, x, simulators="icarus", build=tmp_path).covered
    for bin in (
        "Requantize half_up, vector / end, under stalls / between",
        "Dense / buffer / full",
        "Dense / buffer / drained",
        "Dense / buffer at a reset / full",
        "Dense, vector / passed / behind a reset",
        "Requantize half_up, vector / end, behind a reset / between",
        "Dense / flow / held up",
        "Argmax / flow / moves",
        "output port / flow / held up",
        "output port / buffer / full",
        "input port / flow / held up",
        "input port / reset / before its first beat",
        "input port / reset / amid a tensor",
    ):
        assert found.get(bin), bin


class Told(Executor):
    """Every case passes at once, and has hit what it is told."""

    def __init__(self, hits: Callable[[Case], dict[str, int]]) -> None:
        self.hits = hits

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(CaseResult(args[0], "passed", samples=1, cycles=1, covered=self.hits(args[0])))
        return future


@pytest.fixture
def no_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.regression.regress.run_trainings", lambda *arguments, **options: [])


def run(hits: dict[str, int], build: Path, *options: str) -> int:
    return main(["--build", str(build), *options], Told(lambda case: hits if case.network == "iris" else {}))


@pytest.mark.slow
def test_a_hole_fails_the_regression_under_its_name(
    no_trainings: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hole = "Concat / buffer / full"
    hits = {name: count for name, count in ALL_OF_THEM.items() if name != hole}
    assert run(hits, tmp_path) == 1
    assert f"never seen: {hole}" in capsys.readouterr().out
    assert hole in (tmp_path / "report.html").read_text()
    assert JUnitXml.fromfile(str(tmp_path / "junit.xml")).failures == 1
    assert run(ALL_OF_THEM, tmp_path, "--fresh") == 0
    assert f"coverage: {len(ALL_OF_THEM)} of {len(ALL_OF_THEM)} bins" in capsys.readouterr().out


@pytest.mark.slow
def test_what_was_said_to_be_impossible_must_not_happen(
    no_trainings: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run({**ALL_OF_THEM, "Relu, rows / end, under stalls / at the high end": 1}, tmp_path) == 1
    assert (
        "said to be impossible, and seen: Relu, rows / end, under stalls / at the high end" in capsys.readouterr().out
    )


@pytest.mark.slow
def test_a_part_of_the_regression_need_not_show_everything(no_trainings: None, tmp_path: Path) -> None:
    assert run({}, tmp_path, "--networks", "iris") == 0
    assert run({}, tmp_path, "--simulators", "pyrtl") == 0


def test_what_a_failed_case_has_hit_does_not_count() -> None:
    case = Case("iris", 16, "icarus", PATTERNS, samples=4)
    hit = CaseResult(case, "passed", covered={"Relu / flow / moves": 2})
    assert Coverage.of([hit, hit]).found == {"Relu / flow / moves": 4}
    assert Coverage.of([replace(hit, verdict="failed")]).found == {}


def test_runs_add_up() -> None:
    assert merged([{"a": 1}, {"a": 2, "b": 1}]) == {"a": 3, "b": 1}


def test_every_bin_has_its_place_in_the_page() -> None:
    shown = [bin for matrix in Coverage({}, {}).matrices for cells in matrix.rows.values() for bin, _ in cells]
    those = {bin.of for bin in bins() if bin.impossible is None}
    assert sorted(map(str, shown)) == sorted(str(bin) for bin in bins() if bin.of in those)
    assert "Conv, vector" not in those
