"""Every op's hardware equals its golden meaning, on every simulator, in several foldings."""

from pathlib import Path

import numpy as np
import pyrtl
import pytest
from networks import corners
from op_cases import CASES, PENDING, Case
from op_checklist import WITHOUT_HARDWARE, missing

import golden
import golden.ops
import rtlgen
import rtlgen.ops
from golden import Graph, Node, TensorType
from rtlgen.intervals import Interval
from rtlgen.lowering import Goal, Incoming, candidates, departures, lower
from sim.op_table import ROWS, kind_of
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


WITH_HARDWARE = {op for op in golden.ops.ALL if kind_of(op) not in WITHOUT_HARDWARE}


@pytest.mark.parametrize("kind", sorted({*map(kind_of, golden.ops.ALL), *rtlgen.ops.FILES, *ROWS}))
def test_an_op_lacks_nothing(kind: str) -> None:
    assert not missing(kind), f"{kind} lacks:\n  " + "\n  ".join(missing(kind))


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
