"""Graph files: round trip, identical bytes, damage, atomic writing."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from golden import ops, serialize
from golden.encoding import Encoding
from golden.graph import Graph
from golden.ops import Argmax, Dense, Relu, Requantize, Reshape
from golden.ops.op import same_op
from golden.types import IntType, TensorType


def example(weight=3):
    dense = Dense(np.array([[weight, -128, 0, 1], [2**20, 5, 0, -7]]), np.array([1000, -(2**35)]))
    requantize = Requantize(np.array([65536, 3]), np.array([16, 40]), -128, IntType(8, True))
    encodings = {
        "x": Encoding(np.array([[0.1, 1 / 3], [2.5, 1e-30]]), np.array(-7)),
        "requantize1": Encoding(np.array(0.5), np.array(-128)),
    }
    x = TensorType((2, 2), IntType(8, True))
    layers = (Reshape((4,)), dense, Relu(), requantize, Argmax())
    return Graph.chain(x, *layers, encodings=encodings, classes=("cat", "Käfer"))


def rewritten(path, change):
    """The file with its header changed by ``change(header)``."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    header = json.loads(members["graph.json"])
    change(header)
    members["graph.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "network.graph"
    example().save(path)
    return path


def test_what_is_saved_is_loaded(saved):
    graph, loaded = example(), Graph.load(saved)
    assert (loaded.inputs, loaded.outputs, loaded.classes) == (graph.inputs, graph.outputs, graph.classes)
    assert loaded.types == graph.types
    for a, b in zip(graph.nodes, loaded.nodes, strict=True):
        assert (a.name, a.inputs) == (b.name, b.inputs)
        assert same_op(a.op, b.op)
    assert loaded.encodings.keys() == graph.encodings.keys()
    for name, encoding in graph.encodings.items():
        assert np.array_equal(loaded.encodings[name].scale, encoding.scale)
        assert np.array_equal(loaded.encodings[name].zero_point, encoding.zero_point)
    x = np.arange(-8, 8).reshape(4, 2, 2)
    assert np.array_equal(loaded(x), graph(x))
    assert loaded == graph != example(weight=4)


def test_equal_graphs_give_equal_bytes_and_no_suffix_is_added(tmp_path):
    for name in ("a", "b.npz"):
        example().save(tmp_path / name)
    example(weight=4).save(tmp_path / "c")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b.npz", "c"]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b.npz").read_bytes() != (tmp_path / "c").read_bytes()


def test_numpy_reads_the_arrays(saved):
    with np.load(saved, allow_pickle=False) as file:
        assert file["dense1.weight"].tolist() == [[3, -128, 0, 1], [2**20, 5, 0, -7]]


@pytest.mark.parametrize("bound", [0, 127, 128, -128, -129, 2**15, -(2**31), 2**31, 2**62, -(2**62)])
def test_integers_are_stored_in_few_bytes_without_loss(tmp_path, bound):
    Graph.chain(TensorType((1,), IntType(1, False)), Dense(np.array([[bound]]), np.array([0])), encodings={}).save(
        tmp_path / "g"
    )
    op = Graph.load(tmp_path / "g").nodes[0].op
    assert isinstance(op, Dense)
    assert op.weight.dtype == np.int64
    assert op.weight.tolist() == [[bound]]


def test_a_new_op_needs_no_change(tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Pool:
        window: tuple[int, int]
        mode: str
        table: tuple[IntType, ...]
        stride: int | None = None

        def out_type(self, x):
            return x

        def __call__(self, x):
            return x

    monkeypatch.setattr(ops, "ALL", (*ops.ALL, Pool))
    pool = Pool((2, 3), "max", (IntType(4, False),))
    Graph.chain(TensorType((2,), IntType(8, True)), pool).save(tmp_path / "g")
    assert Graph.load(tmp_path / "g").nodes[0].op == pool


def test_a_field_that_a_file_cannot_hold_is_named(tmp_path):
    @dataclass(frozen=True)
    class Odd:
        thing: object

        def out_type(self, x):
            return x

        def __call__(self, x):
            return x

    with pytest.raises(NotImplementedError, match=r"odd1\.thing is a object, which a graph file cannot hold yet"):
        Graph.chain(TensorType((2,), IntType(8, True)), Odd(object())).save(tmp_path / "g")
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_said_in_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^there is no graph file '.*nothing'$"):
        Graph.load(tmp_path / "nothing")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^there is no folder '.*gone' to write g to$"):
        example().save(tmp_path / "gone" / "g")


def test_every_truncation_is_refused_with_the_path(saved):
    content = saved.read_bytes()
    for length in range(0, len(content), 97):
        saved.write_bytes(content[:length])
        with pytest.raises(
            ValueError, match=r"network\.graph' is not a graph file, or a truncated one: expected a zip"
        ):
            Graph.load(saved)


@pytest.mark.slow
def test_every_damaged_byte_is_refused_or_harmless(saved):
    content, x = saved.read_bytes(), np.arange(-8, 8).reshape(4, 2, 2)
    expected = example()(x)
    flips = (0x01, 0x55, 0x80, 0xFF)
    end = range(len(content) - 22, len(content))  # the zip's directory of directories: every bit of it matters
    damage = [(i, flips[i % 4]) for i in range(0, len(content), 5)] + [(i, flip) for i in end for flip in flips]
    for position, flip in damage:
        saved.write_bytes(content[:position] + bytes([content[position] ^ flip]) + content[position + 1 :])
        try:
            graph = Graph.load(saved)
        except ValueError as error:
            assert "network.graph" in str(error)  # noqa: PT017
        else:
            assert np.array_equal(graph(x), expected), position


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG", b"{}"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ValueError, match="other' is not a graph file"):
        Graph.load(tmp_path / "other")


def test_another_zip_is_refused(tmp_path):
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"a graph file holds graph\.json, this one a\.npy"):
        Graph.load(tmp_path / "arrays.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(version=2), "has version 2, this program reads up to 1: a newer one wrote it"),
        (lambda h: h.update(format="other"), "must say it is a tensorgate-graph"),
        (lambda h: h["nodes"][1].update(op="Conv9"), "'dense1' is of the unknown op 'Conv9'; known: Add, Argmax"),
        (lambda h: h["nodes"][0]["fields"].update(shape={"tuple": [5]}), r"Reshape to \(5,\).*in layer 'reshape1'"),
        (lambda h: h["nodes"][0]["fields"].update(extra=1), "'reshape1' is no valid Reshape"),
        (lambda h: h["nodes"][0]["fields"].update(shape={"set": [4]}), "unknown kind 'set'"),
        (lambda h: h["nodes"][1]["fields"].update(weight={"array": "gone"}), "KeyError 'gone'"),
        (lambda h: h.pop("outputs"), "KeyError 'outputs'"),
        (lambda h: h.update(nodes=3), "TypeError"),
        (lambda h: h["inputs"].update(x=["f8", [2, 2]]), "must look like s8 or u4, not 'f8'"),
        (lambda h: h["encodings"]["x"].update(scale=-1.0), "positive and finite"),
        (lambda h: h.update(version=True), "version of its format must be a positive int, not True"),
        (lambda h: h.update(version=0), "version of its format must be a positive int, not 0"),
        (lambda h: h.update(version=1.0), r"version of its format must be a positive int, not 1\.0"),
        (lambda h: h.update(classes="ab"), "the classes must be a list of strings, not 'ab'"),
        (lambda h: h.update(classes=[0, 1]), r"the classes must be a list of strings, not \[0, 1\]"),
        (lambda h: h.update(classes=["a", "b", "c"]), "tells 2 classes apart needs as many names of classes, not 3"),
        (lambda h: h.update(outputs="argmax1"), "the outputs must be a list of strings, not 'argmax1'"),
        (lambda h: h["nodes"][0].update(inputs="x"), "the inputs of layer 'reshape1' must be a list of strings"),
        (lambda h: h["nodes"][0].update(name=3), "a layer's name must be a string, not 3"),
    ],
)
def test_a_file_that_is_no_valid_graph_says_why(saved, change, message):
    with pytest.raises(ValueError, match=rf"network\.graph' is not a valid graph file: .*{message}"):
        Graph.load(rewritten(saved, change))


def test_no_pickle_is_ever_read(saved):
    with zipfile.ZipFile(saved, "a") as file, file.open("evil.npy", "w") as member:
        np.lib.format.write_array(member, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"valid graph file: .*allow_pickle=False"):
        Graph.load(saved)


def test_an_interrupted_write_keeps_the_old_file_and_leaves_nothing(saved, monkeypatch):
    before = saved.read_bytes()

    def interrupted(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        serialize.save_graph(example(weight=9), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
