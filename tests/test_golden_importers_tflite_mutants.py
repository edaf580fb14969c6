"""Networks of which one thing was changed: golden refuses them, or computes what TensorFlow Lite Micro computes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tflite_layers import Network
from tflite_reference import file_of

import golden

SCRIPT = Path(__file__).with_name("compare_tflite_mutants.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 300), *(pytest.param(n, n + 1000, marks=pytest.mark.exhaustive) for n in range(300, 7300, 1000))],
)
def test_what_golden_takes_is_equal(first, last):
    """In a process of its own: where golden is too generous the interpreter may crash."""
    pytest.importorskip("tflite_micro", reason="TensorFlow Lite Micro is not there: pip install tflite-micro")
    run = subprocess.run([sys.executable, SCRIPT, str(first), str(last)], capture_output=True, text=True, check=False)
    lines = run.stdout.replace("\r", "\n").splitlines()
    assert run.returncode == 0, (
        f"status {run.returncode}, {[line for line in lines if not line.isdigit()]}, {lines[-1]}"
    )
    results = json.loads(lines[-1])
    assert sum(results.values()) == last - first
    compared = results["equal"]
    assert compared >= 0.8 * (compared + results.get("interpreter", 0))
    assert results["refused"] >= (last - first) // 2
    assert compared >= (last - first) // 5


def broken(kind):
    """A network whose one operator contradicts its tensors, where only dimensions of 1, or counts, do."""
    net = Network(1)
    x = net.placeholder(1, 4, 1, 3)
    makers = {
        "CONV_2D": lambda: net.conv(x, 2, (1, 1)),
        "MAX_POOL_2D": lambda: net.pool("MAX_POOL_2D", x, (1, 1)),
        "ADD": lambda: net.binary("ADD", x, x),
        "MEAN": lambda: net.reduce("MEAN", x, [1], True),
        "PAD": lambda: net.pad(x, [(0, 0), (1, 0), (0, 0), (0, 0)]),
        "SLICE": lambda: net.slice(x, [0, 0, 0, 0], [1, 2, 1, 3]),
        "ARG_MAX": lambda: net.argmax(x, 3),
        "FULLY_CONNECTED": lambda: net.dense(x, 5, True),
        "SOFTMAX": lambda: net.softmax(x),
        "SQUEEZE": lambda: net.squeeze(x, 2),
        "EXPAND_DIMS": lambda: net.expand_dims(x, 1),
        "PACK": lambda: net.pack(1, x, x),
    }
    y = makers[kind]()
    shape = list(net.tensors[y].shape)
    one = shape.index(1)
    shape.insert(len(shape), shape.pop(one))
    net.tensors[y].shape = tuple(shape)
    net.output(y)
    return net


@pytest.mark.parametrize(
    "kind",
    ["CONV_2D", "MAX_POOL_2D", "ADD", "MEAN", "PAD", "SLICE", "ARG_MAX", "FULLY_CONNECTED", "SOFTMAX", "SQUEEZE",
     "EXPAND_DIMS", "PACK"],
)  # fmt: skip
def test_a_dimension_of_1_in_another_place_is_refused(kind, tmp_path):
    with pytest.raises(ValueError, match=f"operator 0, {kind}, .*the file says it makes the shape"):
        golden.from_tflite(file_of(broken(kind), tmp_path))


@pytest.mark.parametrize(("kind", "option"), [("PACK", "values_count"), ("UNPACK", "num")])
def test_counts_that_contradict_the_tensors_are_refused(kind, option, tmp_path):
    net = Network(2)
    x = net.placeholder(1, 2, 3)
    net.output(*([net.pack(1, x, x)] if kind == "PACK" else net.unpack(x, 1)))
    net.operators[0].options[option] = 3
    with pytest.raises(ValueError, match=f"operator 0, {kind}"):
        golden.from_tflite(file_of(net, tmp_path))


@pytest.mark.parametrize("type", ["FLOAT32", "INT16", "BOOL"])
def test_parts_of_another_type_are_refused(type, tmp_path):
    net = Network(3)
    parts = net.split(net.placeholder(1, 4, 3), 1, 2, 2, equal=True)
    net.output(*parts)
    net.tensors[parts[1]].type = type
    with pytest.raises(ValueError, match=f"operator 0, SPLIT, .* is {type}"):
        golden.from_tflite(file_of(net, tmp_path))


@pytest.mark.parametrize("type", ["UINT8", "INT16", "FLOAT32"])
def test_indices_are_of_32_or_64_bits(type, tmp_path):
    net = Network(4)
    y = net.argmax(net.placeholder(1, 4))
    net.output(y)
    net.tensors[y].type = type
    with pytest.raises(ValueError, match=f"its output must be INT32 or INT64, not {type}"):
        golden.from_tflite(file_of(net, tmp_path))


@pytest.mark.parametrize("axis", [1, -9, 9])
def test_squeeze_takes_dimensions_of_1_only(axis, tmp_path):
    net = Network(5)
    net.output(net.squeeze(net.placeholder(1, 4, 1, 3), 2))
    net.operators[0].options["squeeze_dims"] = [axis]
    with pytest.raises(ValueError, match="it must take dimensions of 1 out of"):
        golden.from_tflite(file_of(net, tmp_path))
