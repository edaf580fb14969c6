"""``tensorgate profile``, and networks with several inputs and outputs on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from networks import perceptron

import golden
from golden import Graph, IntType, TensorType, profile, zoo
from golden.graph import Node
from golden.ops import Concat, Dense, Relu, Requantize, Sum
from golden.profiling import FLOATS, INTEGERS
from sim.commands.model_argument import corner_samples
from sim.regression import numerics

S8 = IntType(8, True)
DATA = Path(__file__).parent / "data"


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
    assert lines[0] == f"net: 50 samples, noise measured against {INTEGERS}"
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


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that ends in .tflite, and a graph behind it."""
    monkeypatch.chdir(tmp_path)
    Path("net.tflite").write_bytes(b"stands for a file")
    monkeypatch.setattr("golden.from_tflite", lambda path, arithmetic: perceptron((4, 3, 2)))
    return "net.tflite"


def test_a_file_of_integers_says_what_its_noise_cannot_show(published: str) -> None:
    status, out, _ = tensorgate("profile", published, "--samples", "9", "--html", "p.html")
    told = "no float network is there, so what the rounding of weights cost is not in it"
    assert status == 0
    assert told in out.splitlines()[0]
    assert told in " ".join(Path("p.html").read_text().split())
    assert told in json.loads(tensorgate("profile", published, "--json").out)["reference"]


def test_built_in_networks_are_measured_against_their_floats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    graph = zoo.load("iris").graph
    np.save("x.npy", graph.encode(zoo.load("iris").dataset["test"].x))
    stored, given = (
        json.loads(tensorgate("profile", "iris", *more, "--json").out) for more in ([], ["--input", "x.npy"])
    )
    assert stored["reference"] == given["reference"] == FLOATS
    # Encoded samples are what they are: their own rounding, which the test set's has, is not there.
    noise = [{layer["layer"]: layer["sqnr_db"] for layer in found["layers"]} for found in (stored, given)]
    assert noise[1]["x"] is None
    assert noise[0]["x"] > 30
    assert noise[1]["requantize1"] > noise[0]["requantize1"]


def test_a_float_file_is_quantized_by_the_floats_of_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx", reason="pip install onnx")
    monkeypatch.chdir(tmp_path)
    file = str(DATA / "lenet.onnx")
    x = np.random.default_rng(0).normal(size=(20, 14, 14, 1))
    np.save("x.npy", x)
    status, out, err = tensorgate("profile", file, "--input", "x.npy", "--json")
    assert (status, err.count("Error")) == (0, 0)
    found = json.loads(out)
    assert (found["reference"], found["samples"]) == (FLOATS, 20)
    network = golden.from_onnx(file)
    assert isinstance(network, golden.Network)
    graph = golden.quantize(network, x)
    expected = profile(graph, graph.encode(x), network, x)
    assert [layer["layer"] for layer in found["layers"]][:3] == [t.name for t in expected.worst_first][:3]
    np.save("wrong.npy", x[:, 1:])
    np.save("integers.npy", x.astype(int))
    for words, told in (
        ([], "holds a float network: --input must be an npy file of floats"),
        (["--input", "x.npy", "--arithmetic", "tflm"], "--arithmetic is for integer networks"),
        (["--input", "wrong.npy"], "must hold floats of shape (batch, 14, 14, 1), at least one sample, not float64"),
        (["--input", "integers.npy"], "must hold floats of shape"),
        (["--input", file], "must be an npy file of floats"),
    ):
        status, out, err = tensorgate("profile", file, *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert told in err


def test_the_numbers_of_a_profile_travel_to_its_rows_and_page() -> None:
    """The worst layer first, whole ranges in the histograms, saturation and noise as they were measured."""
    rng = np.random.default_rng(0)
    scales = [np.array(1), np.array(7)], [np.array(1), np.array(14)]
    first, second = (Dense(rng.integers(-127, 128, (6, 6)), rng.integers(-500, 500, 6)) for _ in range(2))
    ops = [first, Requantize(*scales[0], -28, S8), second, Requantize(*scales[1], 0, S8)]
    graph = Graph.chain(TensorType((6,), S8), *ops)
    x = rng.integers(-128, 128, (200, 6))
    measured = profile(graph, x)
    plain = numerics.as_plain(measured)
    by_name = {tensor.name: tensor for tensor in measured.tensors}

    assert plain["noisy"] == 2
    noise = [layer["own_sqnr_db"] for layer in plain["layers"][:2]]
    assert noise == sorted(noise)
    assert plain["layers"][0]["layer"] == "requantize2"  # it has the fewer steps left
    assert all(layer["own_sqnr_db"] is None for layer in plain["layers"][2:])
    unsaturated = first(x) * 2.0**-7 - 28
    for layer in plain["layers"]:
        tensor = by_name[layer["layer"]]
        values = graph.trace(x)[layer["layer"]]
        limits = graph.types[layer["layer"]].dtype
        shown = layer["values"]
        assert sum(shown["counts"]) == values.size
        assert (shown["low"], shown["high"]) == (values.min(), values.max())
        assert (shown["type_low"], shown["type_high"]) == (limits.min, limits.max)
        if limits.bits <= 8:  # a histogram over all that the type holds: an empty margin is seen
            assert shown["edges"][0] == limits.min - 0.5
            assert shown["edges"][-1] >= limits.max + 0.5
        assert layer["sqnr_db"] == pytest.approx(tensor.sqnr_db, abs=1e-3) or layer["exact_so_far"]
    saturated = next(layer for layer in plain["layers"] if layer["layer"] == "requantize1")
    assert saturated["saturated_low"] == (np.floor(unsaturated + 0.5) < -128).mean() > 0
    assert saturated["saturated_high"] == (np.floor(unsaturated + 0.5) > 127).mean() > 0
    weights = next(layer for layer in plain["layers"] if layer["layer"] == "dense1")["weights"]
    assert sum(weights["counts"]) == 36
    assert (weights["low"], weights["high"]) == (first.weight.min(), first.weight.max())

    columns = dict(zip(numerics.COLUMNS, zip(*numerics.rows(plain), strict=True), strict=True))
    assert columns["layer"] == tuple(layer["layer"] for layer in plain["layers"])
    assert columns["saturated low"][columns["layer"].index("requantize1")] == f"{saturated['saturated_low']:.2%}"
    assert columns["SQNR own"][0] == f"{noise[0]:.1f} dB"
    assert columns["SQNR own"][columns["layer"].index("dense1")] == "exact"
    page = numerics.page("net", graph, plain)
    places = [page.index(f'<th scope="row">{layer["layer"]}</th>') for layer in plain["layers"]]
    assert places == sorted(places)
    assert f"{noise[0]:.1f} dB" in page
    assert f"{100 * saturated['saturated_low']:.2f} %" in page
    title = "How often each value occurs in requantize1: histogram of its values, from -128 to 127"
    assert title in page


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
