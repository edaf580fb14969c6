"""Every op's hardware equals its golden meaning, on every simulator, in several foldings."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyrtl
import pytest
from networks import corners
from op_cases import CASES, PENDING, Case
from op_checklist import missing

import golden
import golden.ops
import rtlgen
import rtlgen.ops
from golden import Graph, Node, TensorType
from rtlgen.intervals import Interval
from rtlgen.lowering import Goal, Incoming, candidates, departures, lower
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl
from sim.simulators.simulator import Simulator

SIMULATORS = (pytest.param(Pyrtl(), id="pyrtl"), pytest.param(Icarus(), id="icarus", marks=pytest.mark.slow))
FOLDINGS = (
    {"multipliers": 4},
    *(pytest.param(other, marks=pytest.mark.slow) for other in ({"multipliers": 1}, {"multipliers": 1000})),
    pytest.param({"unrolled": True}, marks=pytest.mark.slow),
)


@pytest.mark.parametrize("folding", FOLDINGS, ids=str)
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_hardware_equals_golden(case: Case, simulator: Simulator, folding: dict[str, int], tmp_path: Path) -> None:
    graph = case.graph
    stimulus = corners(graph.input_type)
    if len(case.inputs) > 1:
        # All extreme values of one input beside all of the other.
        stimulus = np.concatenate([stimulus, ~stimulus])
    if "unrolled" in folding and isinstance(case.op, golden.ops.Conv):
        with pytest.raises(NotImplementedError, match="Conv has no unrolled hardware"):
            rtlgen.plan(graph, unrolled=True)
        return
    design = rtlgen.generate(graph, **folding)
    run = simulator.run(design, stimulus, tmp_path)
    np.testing.assert_array_equal(run.outputs, graph(stimulus))
    assert (run.latency_cycles, run.ii_cycles) == (design.plan.latency_cycles, design.plan.ii_cycles)


WITHOUT_HARDWARE: set[type] = set()
"""Ops whose other half is still to be written; an op leaves this list together with its rows in ``PENDING``."""
WITH_HARDWARE = set(golden.ops.ALL) - WITHOUT_HARDWARE


@pytest.mark.parametrize("op", golden.ops.ALL, ids=lambda op: op.__name__)
def test_an_op_lacks_nothing(op: type) -> None:
    assert not missing(op), f"{op.__name__} lacks:\n  " + "\n  ".join(missing(op))


def test_what_a_new_op_lacks_is_said_with_the_place() -> None:
    """Two files are found by themselves; the checklist names the rest of what tests and campaigns hold against it."""
    told = missing(type("Gather", (), {}))
    assert [line.split(":")[0] for line in told] == [
        "golden/ops/__init__.py",
        "rtlgen/ops/gather.py",
        "tests/op_cases.py",
        "tests/op_oracles.py",
        "sim/fuzzing/layers.py",
        "sim/mutation/ops.py",
    ]
    assert "GRAPHS['gather']" in told[-1]


@pytest.mark.slow
def test_a_file_of_an_op_is_found_by_itself(tmp_path: Path) -> None:
    """Copies of both packages with one more file each: no list has to be changed for the op to be there."""
    root = Path(golden.__file__).parents[1]
    for package in ("golden", "rtlgen"):
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    relu = (tmp_path / "golden" / "ops" / "relu.py").read_text()
    (tmp_path / "golden" / "ops" / "rectify.py").write_text(relu.replace("class Relu", "class Rectify"))
    relu = (tmp_path / "rtlgen" / "ops" / "relu.py").read_text()
    (tmp_path / "rtlgen" / "ops" / "rectify.py").write_text(
        relu.replace("from golden.ops import Relu", "from golden.ops.rectify import Rectify").replace("Relu", "Rectify")
    )
    check = (
        "import golden.ops, rtlgen; from golden import Graph, IntType, TensorType\n"
        "from golden.ops.rectify import Rectify\n"
        "assert Rectify in golden.ops.ALL, golden.ops.ALL\n"
        "graph = Graph.chain(TensorType((3,), IntType(8, True)), Rectify())\n"
        "assert not rtlgen.ops_without_hardware(graph)\n"
        "graph.save('rectify.graph'); assert Graph.load('rectify.graph') == graph\n"
        "print(rtlgen.generate(graph).plan.latency_cycles, golden.__file__)\n"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout
    (tmp_path / "golden" / "ops" / "round.py").write_text('"""An op whose class is called otherwise."""\n')
    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "golden/ops/round.py must have one class that is called round" in done.stderr


def test_every_op_has_a_case() -> None:
    assert {type(case.op) for case in CASES} == WITH_HARDWARE
    assert {type(case.op) for case in CASES + PENDING} == set(golden.ops.ALL)
    names = [case.name for case in CASES + PENDING]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("function", [candidates, departures, lower], ids=lambda f: f.__name__)
@pytest.mark.parametrize("op", golden.ops.ALL, ids=lambda op: op.__name__)
def test_every_op_has_hardware_or_is_known_to_lack_it(op: type, function) -> None:
    file = f"rtlgen/ops/{op.__name__.lower()}.py"
    assert (op in function.registry) == (op in WITH_HARDWARE), f"{op.__name__}: {function.__name__} in {file}"


def test_an_op_and_its_hardware_share_a_file_name() -> None:
    for package, ops in ((golden.ops, golden.ops.ALL), (rtlgen.ops, WITH_HARDWARE)):
        stems = {path.stem for path in Path(package.__path__[0]).glob("*.py")} - {"__init__", "op"}
        assert stems == {op.__name__.lower() for op in ops}


@pytest.mark.parametrize("case", PENDING, ids=[case.name for case in PENDING])
def test_what_has_no_hardware_yet_is_refused_by_name(case: Case) -> None:
    inputs = {f"x{place}": type for place, type in enumerate(case.inputs)}
    graph = Graph(inputs, (Node("layer", case.op, tuple(inputs)),), ("layer",))
    with pytest.raises(NotImplementedError) as caught:
        rtlgen.generate(graph)
    told = "; ".join([str(caught.value), *caught.value.__notes__])
    assert f"{type(case.op).__name__} has no hardware" in told
    assert "'layer'" in told


def test_an_op_without_hardware_says_which_file_is_missing() -> None:
    class Softmax:
        def out_type(self, x: TensorType) -> TensorType:
            return x

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return x

    graph = Graph.chain(TensorType((3,), golden.IntType(8, True)), Softmax(), names=["soft"])
    with pytest.raises(NotImplementedError, match=r"Softmax has no hardware yet: add rtlgen/ops/softmax\.py") as caught:
        rtlgen.generate(graph)
    assert caught.value.__notes__ == ["in layer 'soft'"]


def test_a_wrong_requantiser_would_be_seen() -> None:
    """The comparison above can fail: hardware of another zero point differs from golden."""
    x = TensorType((2,), golden.IntType(8, True))
    right, wrong = (golden.Requantize([3, 5], [3, 4], zero, golden.IntType(8, True)) for zero in (0, 1))
    run = Pyrtl().run(rtlgen.generate(Graph.chain(x, wrong)), corners(x), Path())
    assert (run.outputs != Graph.chain(x, right)(corners(x))).any()


def test_generation_leaves_the_working_block_alone() -> None:
    before = pyrtl.working_block()
    rtlgen.generate(Graph.chain(TensorType((3,), golden.IntType(8, True)), golden.Relu()))
    assert pyrtl.working_block() is before
    assert not before.logic


def test_candidates_keep_to_their_goal() -> None:
    for _, op, inputs in CASES:
        for multipliers, ii_cycles in ((1, 1000), (6, 20), (100, 3)):
            goal = Goal(ii_cycles, multipliers)
            for layer in candidates(op, [Incoming(x, 1, Interval.of_type(x)) for x in inputs], goal):
                if layer.engine == "folded":
                    assert layer.multipliers <= multipliers
                    assert layer.ii_cycles <= ii_cycles
