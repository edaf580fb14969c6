"""The table of ops: a row says enough for everything that is made of it; and a new op is two files and a row."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import corners
from new_ops import HALVE_ROW, MIN_POOL_ROW, WRONG, files_of, project_with
from op_cases import drawn_cases
from op_checklist import missing

import golden.ops
import golden.stub
import rtlgen
from golden import IntType, TensorType
from sim.op_table import ROWS, has_hardware, inputs_of, instance, kind_of, oracle, small_network
from sim.regression import exercises
from sim.simulators.pyrtl_simulator import Pyrtl

KINDS = ["halve", "minpool"]
FILES = {path: text for kind in KINDS for path, text in files_of(kind).items()}
TABLE = HALVE_ROW + MIN_POOL_ROW


@pytest.mark.parametrize("kind", ROWS)
def test_cases_that_a_row_makes_equal_its_oracle(kind: str) -> None:
    cases = drawn_cases(kind)
    assert len({case.name for case in cases}) == len(cases) >= 2
    for case in cases[::2]:
        assert kind_of(case.op) == kind
        x = [corners(type, 3, seed=place) for place, type in enumerate(case.inputs)]
        expected = [oracle(case.op, *samples) for samples in zip(*(batch.tolist() for batch in x), strict=True)]
        assert case.op(*x).tolist() == expected, case.name


@pytest.mark.parametrize("kind", [kind for kind in ROWS if has_hardware(kind)])
def test_the_small_network_that_a_row_makes_has_hardware(kind: str) -> None:
    graph = small_network(kind)
    assert graph.input_type.size <= 8
    assert kind in {kind_of(node.op) for node in graph.nodes}
    run = Pyrtl().run(rtlgen.generate(graph, 4), corners(graph.input_type), Path())
    np.testing.assert_array_equal(run.outputs, graph(corners(graph.input_type)))


@pytest.mark.parametrize("shape", exercises.SHAPES.values(), ids=exercises.SHAPES)
def test_exercises_that_rows_make_are_networks(shape: tuple[int, ...]) -> None:
    """And a row says which shapes its op takes: coverage asks for them."""
    kinds = [kind for kind in ROWS if exercises._fits(kind, shape)]
    flattened = ["dense"] if len(shape) == 3 else []  # what is drawn for an image makes a vector of it first
    assert sorted([*kinds, *flattened]) == sorted(kind for kind, row in ROWS.items() if len(shape) in row.ranks)
    for graph in (exercises._drawn(kinds, *shape), *(exercises._alone(kind, *shape) for kind in kinds)):
        graph(corners(graph.input_type))
        assert {kind_of(node.op) for node in graph.nodes} <= {*kinds, "concat", "reshape"}


def test_an_instance_is_the_same_for_a_seed_and_of_the_kind() -> None:
    x = TensorType((3,), IntType(12, True))
    assert instance("requantize", x, seed=3).dtype == instance("requantize", x, seed=3).dtype
    assert len({instance("clamp", x, seed=seed) for seed in range(9)}) > 5
    with pytest.raises(ValueError, match="no softmax of s12"):  # what is drawn then makes the type that it takes
        instance("softmax", x)
    assert inputs_of("concat", x) == inputs_of("add", x) == (x, x)


def test_the_type_checker_knows_every_op() -> None:
    """``make format`` writes the file."""
    path = Path(golden.ops.__path__[0]) / "__init__.pyi"
    assert path.read_text() == golden.stub.stub(golden.ops.ALL)
    assert set(golden.ops.__all__) == {"ALL", "Op", *(op.__name__ for op in golden.ops.ALL)}


def test_what_a_new_op_lacks_is_said_with_the_place() -> None:
    assert [line.split(":")[0] for line in missing("gather")] == [
        "golden/ops/gather.py",
        "rtlgen/ops/gather.py",
        "sim/op_table.py",
    ]
    assert "ROWS['gather']" in missing("gather")[-1]


TESTS = (
    "tests/test_golden_ops_table.py",
    "tests/test_golden_profiling.py",
    "tests/test_rtlgen_ops.py",
    "tests/test_sim_mutation.py",
    "tests/test_sim_coverage.py",
    "tests/test_sim_gate_level.py",
    "tests/test_sim_op_table.py",
)
WORDS = "halve or minpool or Halve or MinPool or every_op or every_kind or every_bin or share_a_file or type_checker"


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = {**os.environ, "PYTHONPATH": str(folder)}  # before the project itself
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False, env=path)


def pytest_says(folder: Path, words: str, *files: str) -> str:
    """What pytest says at the end."""
    options = ("-p", "no:cacheprovider", "-m", "not slow and not exhaustive", "-k", words)
    return python(folder, "-m", "pytest", *options, *files).stdout


@pytest.mark.slow
def test_a_new_op_is_two_files_and_a_row(tmp_path: Path) -> None:
    """A copy of the project with two more ops: they are everywhere, and the tests that follow from a row pass."""
    project_with(tmp_path, FILES, TABLE)
    assert "1 failed" in pytest_says(tmp_path, "type_checker", TESTS[-1])  # make format has to come first
    assert python(tmp_path, "-m", "golden.stub").returncode == 0
    done = python(tmp_path, "tests/check_new_ops.py")
    assert done.returncode == 0, done.stderr
    assert f"both are everywhere in {tmp_path}" in done.stdout
    told = pytest_says(tmp_path, WORDS, *TESTS)
    assert " passed" in told, told
    assert "failed" not in told, told


@pytest.mark.exhaustive
def test_the_regression_and_the_type_checker_know_a_new_op(tmp_path: Path) -> None:
    project_with(tmp_path, FILES, TABLE)
    (tmp_path / "user.py").write_text("from golden.ops import Halve, MinPool\n\nreveal_type(Halve(1, 2).high)\n")
    for written in (False, True):
        if written:
            assert python(tmp_path, "-m", "golden.stub").returncode == 0
        told = python(tmp_path, "-m", "mypy", "user.py").stdout
        assert ('revealed type is "int"' in told.lower()) == written, told
        assert ('has no attribute "Halve"' in told) != written, told
    done = python(tmp_path, "tests/check_new_ops.py", "--coverage")
    assert done.stdout.endswith("no hole\n"), done.stderr


@pytest.mark.slow
def test_tests_of_a_new_op_can_fail(tmp_path: Path) -> None:
    """With oracles that mean something else."""
    wrong = TABLE
    for before, after in WRONG:
        assert wrong.count(before) == 1
        wrong = wrong.replace(before, after)
    project_with(tmp_path, FILES, wrong)
    told = pytest_says(tmp_path, "op_equals_its_oracle and (halve or minpool)", TESTS[0])
    for kind in KINDS:
        assert f"FAILED {TESTS[0]}::test_op_equals_its_oracle[{kind} of s8[3, 4, 2], drawn 0]" in told, told


@pytest.mark.slow
@pytest.mark.parametrize("left_out", ["golden/ops/minpool.py", "rtlgen/ops/minpool.py", "sim/op_table.py"])
def test_what_is_left_out_of_a_new_op_is_said(left_out: str, tmp_path: Path) -> None:
    files = {path: text for path, text in files_of("minpool").items() if path != left_out}
    project_with(tmp_path, files, "" if left_out == "sim/op_table.py" else MIN_POOL_ROW)
    check = "import sys; sys.path.insert(0, 'tests'); from op_checklist import missing; print(missing('minpool'))"
    done = python(tmp_path, "-c", check)
    if left_out.startswith("golden"):  # hardware of nothing is not even imported
        assert done.returncode == 1
        assert done.stderr.endswith(f"hardware of an op that is not there: add {left_out}\n")
        return
    (line,) = ast.literal_eval(done.stdout)
    assert line.startswith(f"{left_out}: ")
    told = pytest_says(tmp_path, "lacks_nothing", "tests/test_rtlgen_ops.py")
    assert "1 failed" in told
    assert line in told
    if left_out.startswith("rtlgen"):  # hardware may come later, if the list of what waits for it has the op
        checklist = tmp_path / "tests" / "op_checklist.py"
        before = checklist.read_text()
        checklist.write_text(before.replace("WITHOUT_HARDWARE: set[str] = set()", 'WITHOUT_HARDWARE = {"minpool"}'))
        assert python(tmp_path, "-m", "golden.stub").returncode == 0
        told = pytest_says(tmp_path, WORDS, *TESTS)
        assert " passed" in told, told
        assert "failed" not in told, told
