"""Damaged and unsupported TensorFlow Lite files: a clear error each, all that is unsupported at once, no hang."""

from __future__ import annotations

import re
import signal

import pytest
from command_line import tensorgate
from tflite_layers import Network
from tflite_mutations import ALLOWED, attempt, mutated, seeds, small_model
from tflite_reference import assert_equal, file_of

import golden

SECONDS_A_FILE = 20


@pytest.fixture(autouse=True)
def _no_hang():
    """An alarm that no handler of the importer catches."""

    def alarm(*_):
        pytest.exit("a damaged file takes the importer too long", 3)

    before = signal.signal(signal.SIGALRM, alarm)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_the_whole_file_is_right(tmp_path):
    (tmp_path / "a.tflite").write_bytes(small_model())
    graph = golden.from_tflite(tmp_path / "a.tflite")
    assert {"Conv", "Add", "AveragePool", "Pad", "Transpose", "Slice", "Concat", "Sum", "Lookup", "Softmax"} <= {
        type(node.op).__name__ for node in graph.nodes
    }


def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path):
    content = small_model()
    for length in range(0, len(content), 97):
        signal.alarm(SECONDS_A_FILE)
        assert attempt(tmp_path / "a.tflite", content[:length]) in ("ValueError", "NotImplementedError")


@pytest.mark.slow
@pytest.mark.parametrize("count", [150, pytest.param(20_000, marks=pytest.mark.exhaustive)])
def test_damaged_files_end_in_a_clear_error_or_a_network_that_runs(count, tmp_path):
    seen = set()
    for name, content in seeds().items():
        for seed in range(count if name == "small" else count // 10):
            signal.alarm(SECONDS_A_FILE)
            seen.add(attempt(tmp_path / "a.tflite", mutated(content, seed), seed))
    assert {"ValueError", "runs"} <= seen


def test_a_traceback_would_be_seen(tmp_path, monkeypatch):
    """The test above can fail: an importer that lets an IndexError through is noticed."""

    def careless(path):
        raise IndexError("list index out of range")

    monkeypatch.setattr("golden.from_tflite", careless)
    with pytest.raises(IndexError):
        attempt(tmp_path / "a.tflite", small_model())
    assert not issubclass(IndexError, ALLOWED)


def refused(net, tmp_path):
    with pytest.raises(ALLOWED) as caught:
        golden.from_tflite(file_of(net, tmp_path))
    return str(caught.value)


def test_everything_unsupported_is_named_at_once(tmp_path):
    net = Network(1)
    x = net.placeholder(1, 4, 4, 2)
    for kind in ("ABS", "EXP", "SQRT"):
        y = net.like(x)
        net.operator(kind, [x], y)
        net.output(y)
    text = refused(net, tmp_path)
    for index, kind in enumerate(("ABS", "EXP", "SQRT")):
        assert f"operator {index}, {kind}" in text
    assert "Supported are" in text


@pytest.mark.parametrize("type", ["FLOAT32", "UINT8", "INT16"])
def test_networks_of_other_types_are_refused(type, tmp_path):
    net = Network(2)
    x = net.placeholder(1, 4)
    net.output(net.unary("RELU", x))
    for tensor in net.tensors:
        tensor.type = type
    assert re.search(f"is {type},? ?:? ?supported (is INT8|are int8)", refused(net, tmp_path))


def test_weights_that_are_computed_are_refused(tmp_path):
    net = Network(3)
    x, weights = net.placeholder(1, 4), net.placeholder(1, 4)
    y = net.made((1, 1), 0.1)
    net.operator("FULLY_CONNECTED", [x, weights], y)
    net.output(y)
    assert "FULLY_CONNECTED" in refused(net, tmp_path)


def test_a_missing_scale_is_named(tmp_path):
    net = Network(4)
    x = net.placeholder(1, 4)
    net.output(net.unary("RELU", x))
    net.tensors[x].scales = net.tensors[x].zero_points = None
    assert "needs quantization parameters" in refused(net, tmp_path)


@pytest.mark.parametrize("place", ["input", "output"])
def test_an_index_beyond_the_tensors_is_refused(place, tmp_path):
    net = Network(5)
    x = net.placeholder(1, 4)
    net.output(net.unary("RELU", x))
    operator = net.operators[0]
    if place == "input":
        operator.inputs = [99]
    else:
        operator.outputs = [99]
    assert "99" in refused(net, tmp_path)


def test_a_split_into_nothing_is_refused(tmp_path):
    net = Network(7)
    x = net.placeholder(1, 4)
    net.split(x, 1, 2, 2, equal=True)
    net.operators[0].outputs = []
    net.output(net.unary("RELU", x))
    assert "SPLIT" in refused(net, tmp_path)


def test_a_constant_of_a_million_channels_does_not_become_tables(tmp_path):
    net = Network(8)
    x = net.placeholder(1, 1_000_000)
    net.output(net.binary("MUL", x, net.operand(1_000_000)))
    assert "its constant operand has the shape" in refused(net, tmp_path)


def test_a_dense_layer_keeps_the_dimensions_that_its_output_has(tmp_path):
    """The reference looks at the output's shape, whatever ``keep_num_dims`` says."""
    net = Network(6)
    x = net.placeholder(1, 2, 3, 4)
    y = net.dense(x, 5, True)
    net.tensors[y].shape = (6, 5)
    net.operators[-1].options["keep_num_dims"] = False
    net.output(y)
    assert_equal(net, tmp_path)


def test_the_command_line_says_it_in_one_line(tmp_path):
    path = tmp_path / "broken.tflite"
    path.write_bytes(small_model()[:1000])
    for words in (
        ("plan",),
        ("verify", "--simulator", "pyrtl"),
        ("profile",),
        ("generate", "-o", str(tmp_path / "new")),
    ):
        status, out, err = tensorgate(words[0], str(path), *words[1:])
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "broken.tflite" in err


def test_any_arithmetic_can_be_asked_for(tmp_path):
    """Ops that round nowhere are in none of them, and no reason to refuse the others."""
    net = Network(9)
    net.output(net.unary("RELU6", net.dense(net.placeholder(1, 4), 3)))
    path = file_of(net, tmp_path)
    for arithmetic in ("tflm", "single", "float32"):
        status, _, err = tensorgate("profile", str(path), "--samples", "2", "--arithmetic", arithmetic)
        assert (status, err) == (0, "")
    assert tensorgate("profile", str(path), "--arithmetic", "half_up").status == 2
