"""``tensorgate profile``, and networks with several inputs and outputs on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from networks import perceptron

from golden import Graph, IntType, TensorType, profile
from golden.graph import Node
from golden.ops import Concat, Relu, Requantize, Sum
from sim.commands.model_argument import corner_samples
from sim.regression import numerics

S8 = IntType(8, True)


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    perceptron((4, 3, 2)).save("net.graph")
    return "net.graph"


def test_profile_shows_the_worst_layer_first(saved: str) -> None:
    status, out, err = tensorgate("profile", saved, "--samples", "50", "--seed", "3")
    assert (status, err) == (0, "")
    graph = Graph.load(saved)
    found = profile(graph, corner_samples(graph.input_type, 50, 3))
    lines = out.splitlines()
    assert lines[0] == "net: 50 samples, noise measured against its integers without rounding"
    shown = [line.split()[0] for line in lines[3:]]
    assert shown[: len(found.worst_first)] == [tensor.name for tensor in found.worst_first]
    assert set(shown) == set(graph.types)
    assert f"{found.worst_first[0].own_sqnr_db:.1f} dB" in lines[3]


def test_profile_as_json_is_one_object_without_infinities(saved: str) -> None:
    status, out, err = tensorgate("profile", saved, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["samples"] == 256
    layer = next(layer for layer in found["layers"] if layer["layer"] == "dense1")
    assert layer["exact"] is True
    assert layer["own_sqnr_db"] is None
    assert sum(layer["weights"]["counts"]) == 12
    assert sum(layer["values"]["counts"]) == 256 * 3


def test_profile_takes_inputs_and_writes_a_page_that_loads_nothing(saved: str) -> None:
    np.save("x.npy", corner_samples(Graph.load(saved).input_type, 7, 0))
    status, out, _ = tensorgate("profile", saved, "--input", "x.npy", "--html", "p.html")
    assert status == 0
    assert "7 samples" in out
    assert out.endswith("p.html: the same with histograms\n")
    page = Path("p.html").read_text()
    assert page.count("<svg") == 1 + len(Graph.load(saved).types)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page
    for name in Graph.load(saved).types:
        assert name in page


def test_a_row_for_every_column() -> None:
    graph = perceptron((4, 3, 2))
    plain = numerics.as_plain(profile(graph, corner_samples(graph.input_type, 20, 0)))
    assert {len(row) for row in numerics.rows(plain)} == {len(numerics.COLUMNS)}


def diamond() -> Graph:
    x = TensorType((3,), S8)
    nodes = (Node("left", Relu(), ("a",)), Node("both", Concat(0), ("left", "b")), Node("total", Sum((0,)), ("both",)))
    return Graph({"a": x, "b": x}, nodes, ("total", "both"))


def test_several_inputs_and_outputs_travel_as_npz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    graph = diamond()
    graph.save("two.graph")
    x = {"a": corner_samples(graph.inputs["a"], 5, 0), "b": corner_samples(graph.inputs["b"], 5, 1)}
    np.savez("x.npz", **x)
    status, out, err = tensorgate("golden", "two.graph", "--input", "x.npz", "--output", "y.npz", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["type"] == {"total": "s11[]", "both": "s8[6]"}
    with np.load("y.npz") as y:
        for name, expected in graph.run(x).items():
            np.testing.assert_array_equal(y[name], expected)
    assert tensorgate("profile", "two.graph", "--input", "x.npz").status == 0
    assert tensorgate("profile", "two.graph", "--samples", "9").status == 0


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"a": np.zeros((2, 3), int)}, "must hold the arrays a (s8[3]), b (s8[3]), not a"),
        ({"a": np.zeros((2, 3), int), "b": np.zeros((2, 4), int)}, "the array 'b' must have shape (batch, 3)"),
        ({"a": np.zeros((0, 3), int), "b": np.zeros((2, 3), int)}, "at least one sample"),
        ({"a": np.zeros((1, 3), int), "b": np.zeros((2, 3), int)}, "as many samples"),
        (None, "must be an npz file with the arrays a (s8[3]), b (s8[3])"),
    ],
)
def test_bad_inputs_of_several_are_named(arrays, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    diamond().save("two.graph")
    if arrays is None:
        Path("x.npz").write_text("no zip")
    else:
        np.savez("x.npz", **arrays)
    for words in (("golden", "two.graph", "--output", "y.npz"), ("profile", "two.graph")):
        status, out, err = tensorgate(*words, "--input", "x.npz")
        assert (status, out) == (2, "")
        assert told in err
        assert err.count("\n") == 1


def test_outputs_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = TensorType((3,), S8)
    Graph(
        {"x": x}, (Node("file", Relu(), ("x",)), Node("allow_pickle", Relu(), ("x",))), ("file", "allow_pickle")
    ).save("g")
    np.save("x.npy", corner_samples(x, 2, 0))
    assert tensorgate("golden", "g", "--input", "x.npy", "--output", "y.npz").status == 0
    with np.load("y.npz") as y:
        assert set(y.files) == {"file", "allow_pickle"}


def test_hardware_of_several_inputs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = TensorType((3,), S8)
    graph = Graph({"a": x, "b": x}, (Node("left", Requantize(1, 1, 0, S8), ("a",)),), ("left",))
    graph.save("two.graph")
    np.savez("x.npz", a=np.zeros((1, 3), int), b=np.zeros((1, 3), int))
    verify = ("verify", "two.graph", "--simulator", "pyrtl")
    for words in (("plan", "two.graph"), verify, (*verify, "--input", "x.npz")):
        status, _, err = tensorgate(*words)
        assert status == 2
        assert "one input" in err
