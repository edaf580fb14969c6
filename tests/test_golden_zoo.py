"""The built-in networks: accuracy as promised, small files, speed; and the public face of the package."""

import subprocess
import sys
import time

import numpy as np
import pytest

import golden
from golden import zoo
from golden.accuracy import accuracy
from golden.ops import Argmax, Requantize
from golden.zoo.figures import read_figures
from golden.zoo.study import WAYS, measured

LEAST_ACCURACY = {
    "iris": 0.93,
    "wine": 0.9,
    "breast_cancer": 0.95,
    "digits": 0.97,
    "mnist": 0.91,
    "letters": 0.95,
    "digits_cnn": 0.98,
    "mnist_lenet": 0.97,
    "fashion_lenet": 0.886,
    "fashion_resnet": 0.9,
    "fashion_dscnn": 0.88,
}
INT8_LOSS, FOUR_BIT_LOSS = 0.003, 0.02
"""Most that quantization may cost, of 1; and one sample of the test set, which of 36 wines is more."""
SLOW = ("mnist", "mnist_lenet", "fashion_lenet", "fashion_resnet", "fashion_dscnn")


def case(name):
    """A network as parameter of a test; skipped where its data set is not installed."""
    data = zoo.load(name).data
    missing = pytest.mark.skipif(not data.is_installed, reason=f"needs {data.title}: {data.installing}")
    return pytest.param(name, marks=[missing, *([pytest.mark.slow] if name in SLOW else [])])


ALL = [case(name) for name in zoo.NAMES]
QUICK = [case(name) for name in zoo.NAMES if name not in SLOW]


@pytest.fixture(scope="module")
def entries():
    return {name: zoo.load(name) for name in zoo.NAMES}


@pytest.mark.parametrize("name", ALL)
def test_the_figures_are_reproduced_and_int8_is_as_good_as_float(name, entries):
    entry = entries[name]
    figures, sample = entry.figures, 1 / entry.figures.test_samples
    assert len(entry.dataset["test"]) == figures.test_samples
    assert entry.float_accuracy >= LEAST_ACCURACY[name]
    assert entry.integer_accuracy >= entry.float_accuracy - max(INT8_LOSS, sample)
    # Sums in another order turn a tie here and there: a sample, or one in a thousand.
    assert entry.float_accuracy == pytest.approx(figures.float_accuracy, abs=max(0.001, 1.01 * sample))
    assert entry.integer_accuracy == pytest.approx(figures.integer_accuracy, abs=max(0.001, 1.01 * sample))


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("name", ALL)
def test_other_ways_to_quantize_cost_little(name, way, entries):
    loss = entries[name].float_accuracy - measured(entries[name], way)
    assert loss <= max(LOSS_OF_WAYS[way], 1 / entries[name].figures.test_samples)


@pytest.mark.parametrize("name", QUICK)
def test_a_network_ends_in_requantized_logits_and_argmax(name, entries):
    entry = entries[name]
    *_, logits, last = entry.graph.nodes
    assert isinstance(logits.op, Requantize)
    assert isinstance(last.op, Argmax)
    assert str(entry.graph.input_type.dtype) == str(logits.op.dtype) == "s8"
    assert entry.graph.classes == entry.dataset.classes
    assert not entry.model.training


def test_sizes_are_counted(entries):
    assert {name: (entry.parameters, entry.macs) for name, entry in entries.items()} == {
        "iris": (83, 70),
        "wine": (275, 256),
        "breast_cancer": (530, 512),
        "digits": (2410, 2368),
        "mnist": (25450, 25408),
        "letters": (7562, 7392),
        "digits_cnn": (4218, 88192),
        "mnist_lenet": (18602, 255960),
        "fashion_lenet": (24794, 341280),
        "fashion_resnet": (24730, 2001232),
        "fashion_dscnn": (0, 0),
    }
    assert all(entry.task and entry.name == name for name, entry in entries.items())


def test_loading_makes_an_own_model_each_time():
    zoo.load("iris").model.linears[0].weight[:] = 0.0
    assert zoo.load("iris").model.linears[0].weight.any()


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"no 'irsi', it has iris, wine, .*; did you mean 'iris'\?"):
        zoo.load("irsi")
    with pytest.raises(ValueError, match=f"no 'zzz', it has {', '.join(zoo.NAMES)}$"):
        zoo.load("zzz")


@pytest.mark.parametrize("name", zoo.NAMES)
def test_weights_are_shipped_and_small(name):
    assert (zoo.WEIGHTS / f"{name}.npz").stat().st_size < 60_000


@pytest.mark.parametrize("name", ["iris", pytest.param("mnist", marks=pytest.mark.slow)])
def test_training_is_deterministic_and_as_good_as_what_is_shipped(name, tmp_path, entries):
    first, second = zoo.train(name, tmp_path / "a"), zoo.train(name, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    shipped = entries[name]
    model = zoo.untrained(name)
    with np.load(first) as made:
        for number, layer in enumerate(model.linears, 1):
            layer.weight[:], layer.bias[:] = made[f"weight{number}"], made[f"bias{number}"]
    # Another machine's sums have another order, which training amplifies: the weights may differ, not their worth.
    test = shipped.dataset["test"]
    assert accuracy(model.eval(), test) >= shipped.float_accuracy - max(0.01, 1 / len(test))


def test_a_graph_survives_its_file(tmp_path, entries):
    entry = entries["digits"]
    entry.graph.save(tmp_path / "digits.graph")
    loaded = golden.Graph.load(tmp_path / "digits.graph")
    x = loaded.encode(entry.dataset["test"].x)
    assert np.array_equal(loaded(x), entry.graph(x))


def test_digits_run_at_100_000_samples_per_second(entries):
    graph = entries["digits"].graph
    x = np.random.default_rng(0).integers(-128, 128, (20_000, 64))
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        graph(x)
        best = max(best, len(x) / (time.perf_counter() - start))
    assert best >= 100_000, f"{best:,.0f} samples/s"


def test_the_public_face_of_the_package():
    assert all(hasattr(golden, name) for name in golden.__all__)
    assert golden.zoo is zoo
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = golden.nothing


def test_importing_golden_imports_no_framework():
    check = (
        "import sys, golden; print([m for m in ('sklearn', 'mlxtend', 'onnx', 'pyrtl', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
