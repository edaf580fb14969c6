"""The Graph: types, names, execution, encodings."""

import pickle

import numpy as np
import pytest

from golden.encoding import Encoding
from golden.graph import Graph, Node
from golden.ops import Argmax, Concat, Dense, Relu, Requantize, Reshape, Sum
from golden.types import IntType, TensorType

S8 = IntType(8, True)
X = TensorType((2,), S8)


def dense(outputs=3, inputs=2):
    return Dense(np.arange(outputs * inputs).reshape(outputs, inputs), np.ones(outputs, dtype=int))


def requantize():
    return Requantize(np.array(1), np.array(2), 0, S8)


def test_chain_names_each_op_by_its_kind_and_place():
    graph = Graph.chain(X, dense(), Relu(), requantize(), dense(2, 3), Argmax())
    assert [node.name for node in graph.nodes] == ["dense1", "relu1", "requantize1", "dense2", "argmax1"]
    assert graph.outputs == ("argmax1",)
    assert (str(graph.input_type), str(graph.output_type)) == ("s8[2]", "u1[]")
    assert graph.node("relu1").inputs == ("dense1",)


def test_chain_takes_names_and_counts_them():
    assert Graph.chain(X, Relu(), names=["rectify"]).outputs == ("rectify",)
    with pytest.raises(ValueError, match="2 ops need 2 names, not 1"):
        Graph.chain(X, Relu(), Relu(), names=["a"])


def test_trace_gives_every_tensor_and_call_the_output():
    graph = Graph.chain(X, dense(), Relu(), requantize())
    x = np.array([[1, -2], [127, 127]])
    trace = graph.trace(x)
    assert list(trace) == ["x", "dense1", "relu1", "requantize1"]
    assert trace["dense1"].tolist() == [[-1, -3, -5], [128, 636, 1144]]
    assert trace["relu1"].tolist() == [[0, 0, 0], [128, 636, 1144]]
    assert graph(x).tolist() == trace["requantize1"].tolist() == [[0, 0, 0], [32, 127, 127]]
    for name, tensor in trace.items():
        graph.types[name].check(tensor)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((Node("a", Relu(), ("x",)), Node("b", dense(1, 5), ("a",))), r"(?s)cannot take u7\[2\].*layer 'b' \(2 of 2\)"),
        ((Node("a", Relu(), ("x",)), Node("a", Relu(), ("a",))), r"(?s)'a' is used twice.*layer 'a' \(2 of 2\)"),
        ((Node("x", Relu(), ("x",)),), "(?s)'x' is used twice"),
        ((Node("a", Relu(), ("y",)),), r"(?s)unknown tensor 'y'; before this layer there are x.*layer 'a' \(1 of 1\)"),
        ((Node("a b", Relu(), ("x",)),), "must be an identifier, not 'a b'"),
    ],
)
def test_errors_name_the_layer(nodes, message):
    with pytest.raises(ValueError, match=message):
        Graph({"x": X}, nodes, (nodes[-1].name,))


def test_outputs_and_encodings_must_be_tensors_of_the_graph():
    with pytest.raises(ValueError, match="not \\['z'\\]"):
        Graph({"x": X}, (), ("z",))
    with pytest.raises(ValueError, match="not \\['z'\\]"):
        Graph({"x": X}, (), ("x",), {"z": Encoding(np.array(1.0), np.array(0))})
    with pytest.raises(ValueError, match="needs inputs and outputs"):
        Graph({"x": X}, (), ())


@pytest.mark.parametrize(
    ("x", "error"),
    [([[0.0, 1.0]], TypeError), ([[1, 2, 3]], ValueError), ([1, 2], ValueError), ([[128, 0]], ValueError)],
)
def test_bad_inputs_are_refused_by_name(x, error):
    with pytest.raises(error, match="the input 'x' must"):
        Graph.chain(X, Relu())(x)


def test_a_graph_of_several_inputs_is_not_called_with_one():
    graph = Graph({"a": X, "b": X}, (Node("y", Relu(), ("a",)),), ("y",))
    with pytest.raises(ValueError, match="one input, not 2: a, b"):
        graph(np.zeros((1, 2), dtype=int))


def test_unknown_layers_are_named_with_what_there_is():
    with pytest.raises(ValueError, match="no layer 'z'; there are relu1"):
        Graph.chain(X, Relu()).node("z")


def test_encodings_round_half_up_saturate_and_come_back():
    encoding = Encoding(np.array([0.5, 2.0]), np.array([0, 10]))
    graph = Graph.chain(X, Relu(), encodings={"x": encoding, "relu1": encoding})
    assert graph.encode([[0.25, 1.0], [-0.25, -1.0], [1e9, -1e9]]).tolist() == [[1, 11], [0, 10], [127, -128]]
    assert graph.decode([[1, 11]]).tolist() == [[0.5, 2.0]]


def test_encoding_errors():
    graph = Graph.chain(X, Relu(), encodings={"x": Encoding(np.array(1.0), np.array(0))})
    with pytest.raises(ValueError, match=r"shape \(batch, 2\), not \(1, 3\)"):
        graph.encode([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="must be finite"):
        graph.encode([[1.0, np.nan]])
    with pytest.raises(ValueError, match="has no encoding: it takes integers, s8"):
        Graph.chain(X, Relu()).encode([[1.0, 2.0]])
    with pytest.raises(ValueError, match="positive and finite"):
        Encoding(np.array([1.0, 0.0]), np.array(0))
    assert graph.decode([[3, 4]]).tolist() == [[3, 4]]


def test_a_graph_is_immutable_and_can_be_pickled():
    inputs = {"x": X}
    graph = Graph(inputs, (Node("a", dense(), ("x",)),), ("a",))
    inputs["z"] = X
    assert list(graph.inputs) == ["x"]
    with pytest.raises(TypeError):
        graph.types["x"] = X  # type: ignore[index]
    again = pickle.loads(pickle.dumps(graph))
    assert again([[3, 4]]).tolist() == graph([[3, 4]]).tolist()


@pytest.mark.parametrize("name", ["größe", "a b", "1a", "", "a-b"])
def test_names_are_ascii_identifiers(name):
    with pytest.raises(ValueError, match="a layer's name must be an identifier, not"):
        Graph.chain(X, Relu(), names=[name])
    with pytest.raises(ValueError, match="an input's name must be an identifier, not"):
        Graph({name: X}, (Node("a", Relu(), (name,)),), ("a",))
    with pytest.raises(TypeError, match="a layer's name must be a string, not 3"):
        Graph({"x": X}, (Node(3, Relu(), ("x",)),), ("a",))  # type: ignore[arg-type]


def test_classes_must_fit_the_output():
    abc, ops = ["a", "b", "c"], (dense(3), requantize())
    assert Graph.chain(X, *ops, Argmax(), classes=abc).classes == ("a", "b", "c")
    assert Graph.chain(X, *ops, Argmax(), Reshape((1,)), classes=abc).classes == ("a", "b", "c")
    assert Graph.chain(X, *ops, classes=abc).classes == ("a", "b", "c")
    for chain in (ops, (*ops, Argmax())):
        for classes in (["a", "b"], ["a", "b", "c", "d"]):
            with pytest.raises(ValueError, match=f"tells 3 classes apart needs as many names.*, not {len(classes)}"):
                Graph.chain(X, *chain, classes=classes)
        with pytest.raises(TypeError, match="classes must be a list of strings, not 'abc'"):
            Graph.chain(X, *chain, classes="abc")
        with pytest.raises(TypeError, match="classes must be a list of strings"):
            Graph.chain(X, *chain, classes=[0, 1, 2])  # type: ignore[list-item]


def test_graphs_are_equal_by_value():
    def graph(zero_point=0, encoding=0.5, classes=("a", "b", "c"), x=X):
        ops = (dense(), Requantize(np.array(1), np.array(2), zero_point, S8))
        return Graph.chain(x, *ops, encodings={"x": Encoding(np.array(encoding), np.array(0))}, classes=classes)

    assert graph() == graph() == pickle.loads(pickle.dumps(graph()))
    assert graph() != graph(zero_point=1)
    assert graph() != graph(encoding=0.25)
    assert graph() != graph(classes=())
    assert graph() != graph(x=TensorType((2,), IntType(7, True)))
    assert graph() != "graph"
    assert graph().node("dense1") == graph().node("dense1") != graph().node("requantize1")
    assert len({graph().node("dense1"), graph().node("dense1")}) == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(graph())


def test_encodings_are_equal_by_value():
    one, same = (Encoding(np.array([0.5, 2.0]), np.array([0, 10])) for _ in range(2))
    assert one == same
    assert len({one, same}) == 1
    assert one != Encoding(np.array([0.5, 2.0]), np.array([0, 11]))
    assert one != Encoding(np.array([0.5, 3.0]), np.array([0, 10]))
    assert one != 0.5


def diamond():
    """Two inputs, a fork, a join, and two outputs, one of which is read again."""
    nodes = (
        Node("left", Relu(), ("a",)),
        Node("joined", Concat(0), ("left", "b", "a")),
        Node("total", Sum((0,)), ("joined",)),
    )
    return Graph({"a": X, "b": TensorType((3,), S8)}, nodes, ("total", "joined"), origins={"total": "sum:0"})


def test_several_inputs_outputs_and_any_fan_out():
    graph = diamond()
    a, b = np.array([[-5, 6], [7, -8]]), np.array([[1, 2, 3], [4, 5, 6]])
    found = graph.run({"a": a, "b": b})
    assert list(found) == ["total", "joined"]
    assert found["joined"].tolist() == [[0, 6, 1, 2, 3, -5, 6], [7, 0, 4, 5, 6, 7, -8]]
    assert found["total"].tolist() == [13, 21]
    assert graph.trace({"b": b, "a": a})["left"].tolist() == [[0, 6], [7, 0]]
    assert graph.origins == {"total": "sum:0"}
    with pytest.raises(ValueError, match="a graph with one output, not 2: total, joined"):
        graph({"a": a, "b": b})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"a": [[1, 2]]}, "has the inputs a, b, not a"),
        ({"a": [[1, 2]], "b": [[1, 2, 3]], "c": [[1]]}, "has the inputs a, b, not a, b, c"),
        ({"a": [[1, 2]], "b": [[1, 2, 3], [1, 2, 3]]}, "as many samples, not 1 of a, 2 of b"),
        ({"a": [[1, 2]], "b": [[1, 2]]}, r"the input 'b' must have shape \(batch, 3\), not \(1, 2\)"),
        ([[1, 2]], "a graph with one input, not 2: a, b"),
    ],
)
def test_inputs_by_name_must_be_all_of_them_and_alike(x, message):
    for use in (diamond().run, diamond().trace):
        with pytest.raises(ValueError, match=message):
            use(x)


def test_a_batch_runs_in_pieces_and_none_is_lost_or_swapped(monkeypatch):
    graph = Graph.chain(X, dense(), Relu(), requantize())
    x = np.random.default_rng(0).integers(-128, 128, (103, 2))
    whole = graph.trace(x)["requantize1"]
    for elements in (1, 7, 30, 1000):
        monkeypatch.setattr("golden.graph._ELEMENTS_AT_A_TIME", elements)
        np.testing.assert_array_equal(graph(x), whole)
    assert graph(x[:0]).shape == (0, 3)


def test_origins_are_names_of_tensors():
    with pytest.raises(ValueError, match="not \\['z'\\]"):
        Graph({"x": X}, (Node("a", Relu(), ("x",)),), ("a",), origins={"z": "there"})
