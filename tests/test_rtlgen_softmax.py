"""Softmax in hardware: sums that contradict the tables, rows behind each other, classes that are too many."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from test_rtlgen_stalls import run_stalled
from tflite_layers import Network

import golden
import rtlgen
from golden import Graph, IntType, TensorType
from golden.ops import Softmax
from rtlgen.softmax_tables import softmax_tables
from sim.simulators.pyrtl_simulator import Pyrtl

pytestmark = pytest.mark.slow  # it simulates many networks

S8 = IntType(8, True)
CONTRADICTED = Softmax(1 << 30, 8)


def rows(classes: int, count: int, seed: int) -> np.ndarray:
    """Values far apart, and values near the largest one."""
    random = np.random.default_rng(seed)
    wide, near = random.integers(-128, 128, (count, classes)), random.integers(100, 128, (count, classes))
    return np.concatenate([wide, near])


def test_a_sum_that_contradicts_the_others_is_corrected() -> None:
    """The second element of this row has a result of its own, which no numerator gives."""
    tables, differences = softmax_tables(CONTRADICTED, 5), np.array([[0, 23, 27, 77, 150]])
    total = np.array(tables.terms)[differences].sum()
    assert [(d, s) for d, s, _ in tables.exceptions] == [(23, total)]
    graph = Graph.chain(TensorType((5,), S8), CONTRADICTED)
    x = np.repeat(127 - differences, 3, axis=0)
    run = Pyrtl().run(rtlgen.generate(graph), x, Path())
    np.testing.assert_array_equal(run.outputs, graph(x))


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 24))])
def test_any_scale_is_exact(seed: int) -> None:
    random = Random(seed)
    op = Softmax(random.randint(1, (1 << 31) - 1), random.choice([0, 3, 5, 6, 6, 7, 8, 9, 12, 31]))
    classes = random.choice([1, 2, 3, 5, 7, 12])
    graph, x = Graph.chain(TensorType((classes,), S8), op), rows(classes, 40, seed)
    design = rtlgen.generate(graph)
    run = Pyrtl().run(design, x, Path())
    np.testing.assert_array_equal(run.outputs, graph(x))
    assert run.cycles.tolist() == design.plan.due_cycles(len(x)).tolist()


def test_rows_that_wait_are_exact() -> None:
    graph = Graph.chain(TensorType((3, 4), S8), Softmax(1431655765, 6))
    x = rows(4, 12, 0).reshape(-1, 3, 4)
    np.testing.assert_array_equal(run_stalled(rtlgen.generate(graph), x, 1, 0.7), graph(x))


def test_too_many_classes_are_refused_by_name() -> None:
    graph = Graph.chain(TensorType((65,), S8), Softmax(1 << 30, 8), names=["soft"])
    with pytest.raises(NotImplementedError, match="Softmax has no hardware for 65 classes, 64 at most") as caught:
        rtlgen.plan(graph)
    assert caught.value.__notes__ == ["in layer 'soft'"]


def test_single_precision_is_refused_by_name() -> None:
    graph = Graph.chain(TensorType((5,), S8), Softmax(1, 2, "float32"), names=["soft"])
    with pytest.raises(NotImplementedError, match="Softmax has no hardware in float32, in tflm only") as caught:
        rtlgen.plan(graph)
    assert caught.value.__notes__ == ["in layer 'soft'"]


def test_a_file_that_ends_in_one_has_hardware_in_tflm_only(tmp_path: Path) -> None:
    net = Network(0)
    net.output(net.softmax(net.placeholder(1, 5)))
    path = tmp_path / "net.tflite"
    path.write_bytes(net.bytes())
    assert list(rtlgen.plan(golden.from_tflite(path)).layers) == ["softmax1"]
    with pytest.raises(NotImplementedError, match="Softmax has no hardware in float32, in tflm only") as caught:
        rtlgen.plan(golden.from_tflite(path, "float32"))
    assert caught.value.__notes__ == ["in layer 'softmax1'"]
