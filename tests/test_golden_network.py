"""Networks: built from a Sequential and by hand, run in pieces, and their messages."""

import numpy as np
import pytest

from golden import accuracy, predict
from golden.data import Split
from golden.layers import Add, BatchNorm2d, Concat, Conv2d, Flatten, GlobalAvgPool2d, ReLU6, Residual
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.network import Network, Step, step_name


def norm(channels):
    return BatchNorm2d(np.ones(channels), np.zeros(channels), np.zeros(channels), np.ones(channels))


def residual():
    block = Residual([Conv2d(4, 4, 3, padding=1, seed=1), norm(4), ReLU6()], [Conv2d(4, 4, 1, seed=2)])
    layers = [Conv2d(2, 4, 3, padding=1), ReLU(), block, Residual([ReLU()]), GlobalAvgPool2d(), Linear(4, 3), SoftMax()]
    return Sequential(layers, ["a", "b", "c"])


def images(count=5):
    return np.random.default_rng(0).normal(size=(count, 6, 6, 2))


def test_a_sequential_becomes_steps_without_residuals():
    network = Network.of(residual(), (6, 6, 2))
    assert [(step.name, step.inputs) for step in network.steps] == [
        ("conv1", ("x",)),
        ("relu1", ("conv1",)),
        ("conv2", ("relu1",)),
        ("batchnorm1", ("conv2",)),
        ("relu2", ("batchnorm1",)),
        ("conv3", ("relu1",)),
        ("add1", ("relu2", "conv3")),
        ("relu3", ("add1",)),
        ("add2", ("relu3", "add1")),
        ("globalavgpool1", ("add2",)),
        ("linear1", ("globalavgpool1",)),
        ("softmax1", ("linear1",)),
    ]
    assert network.shapes["add2"] == (6, 6, 4)
    assert network.shapes["softmax1"] == (3,)
    assert (network.outputs, network.classes) == (("softmax1",), ("a", "b", "c"))


def test_it_computes_what_the_sequential_computes():
    model = residual()
    network, x = Network.of(model, (6, 6, 2)), images()
    assert np.array_equal(network(x), model(x))
    assert np.array_equal(network.logits(x), model.logits(x))
    model.eval()  # the layers are shared
    assert network(x).tolist() == model(x).tolist() == network.logits(x).argmax(axis=1).tolist()
    assert np.array_equal(network.trace(x)["linear1"], model.logits(x))
    assert set(network.trace(x)) == {"x", *(step.name for step in network.steps)}
    assert len(network.parameters()) == len(model.parameters()) == 2 + 2 + 4 + 2 + 2
    assert network.parameters()[0] is model.layers[0].weight


def test_a_batch_is_run_piece_by_piece(monkeypatch):
    network, x = Network.of(residual(), (6, 6, 2)), images(11)
    whole = network(x)
    monkeypatch.setattr("golden.network._ELEMENTS_AT_A_TIME", 4 * 6 * 6 * 4)
    np.testing.assert_allclose(network(x), whole, atol=1e-14)  # other matrix products
    assert network(x[:0]).shape == (0, 3)


def test_several_inputs_and_outputs():
    steps = (Step("sum", Add(), ("a", "b")), Step("pair", Concat(), ("a", "sum")), Step("unused", ReLU(), ("a",)))
    network = Network({"a": (2,), "b": (2,)}, steps, ("pair", "sum", "a"))
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, -5.0]])
    made = network({"b": b, "a": a})
    assert list(made) == ["pair", "sum", "a"]
    assert made["pair"].tolist() == [[1.0, 2.0, 4.0, -3.0]]
    assert made["a"].tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match="needs its inputs by name: a, b"):
        network(a)
    with pytest.raises(ValueError, match="has the inputs a, b, not a"):
        network({"a": a})
    with pytest.raises(ValueError, match="as many samples, not 1 of a, 2 of b"):
        network({"a": a, "b": np.ones((2, 2))})
    with pytest.raises(ValueError, match=r"the input 'b' must have shape \(batch, 2\), not \(1, 3\)"):
        network({"a": a, "b": np.ones((1, 3))})


def test_names_of_steps_are_never_prefixes_with_an_underscore():
    taken = []
    for layer in [ReLU(), ReLU6(), Conv2d(1, 1, 1), Conv2d(1, 1, 1), norm(1), lambda x: x, SoftMax()] * 7:
        taken.append(step_name(layer, taken))
    assert len(set(taken)) == len(taken)
    assert taken[:7] == ["relu1", "relu2", "conv1", "conv2", "batchnorm1", "function1", "softmax1"]
    assert not any("_" in name for name in taken)


def test_the_first_layer_that_does_not_fit_is_named():
    model = Sequential([Conv2d(2, 4, 3), Flatten(), Linear(10, 3)])
    with pytest.raises(ValueError, match=r"(?s)Linear\(10, 3\) needs.*in step 'linear1' \(3 of 3\): Linear\(10, 3\)"):
        Network.of(model, (6, 6, 2))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([Step("y", ReLU(), ("z",))], r"(?s)unknown tensor 'z'; before this step there are x.*in step 'y' \(1 of 1\)"),
        ([Step("x", ReLU(), ("x",))], "'x' is used twice"),
        ([Step("1y", ReLU(), ("x",))], "must be an identifier, not '1y'"),
        ([Step("a", Add(), ("x",)), Step("y", ReLU(), ("x",))], "(?s)missing 1 required.*in step 'a'"),
        ([Step("y", ReLU, ("x",))], "must be a layer object"),
        ([Step("y", lambda x: x[0], ("x",))], "as many samples as it gets"),
        ([], r"needs inputs and outputs among its tensors x, not \('y',\)"),
    ],
)
def test_what_does_not_fit_is_refused(steps, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Network({"x": (2,)}, tuple(steps), ("y",))


def test_classes_and_shapes_are_checked():
    with pytest.raises(ValueError, match="the 2 outputs of a Network need as many classes, not 3"):
        Network({"x": (2,)}, (Step("y", SoftMax(), ("x",)),), ("y",), ("a", "b", "c"))
    for shape in ((0,), 3, (2.0,), "23"):
        with pytest.raises(ValueError, match="the shape of the input 'x' must be positive ints"):
            Network({"x": shape}, (), ("x",))
    with pytest.raises(ValueError, match="no step 'b'; there are y"):
        Network({"x": (2,)}, (Step("y", ReLU(), ("x",)),), ("y",)).step("b")


def test_accuracy_takes_networks():
    model = residual()
    network, x = Network.of(model, (6, 6, 2)), images(20)
    y = model.logits(x).argmax(axis=1)
    assert np.array_equal(predict(network, Split(x, y)), y)
    assert accuracy(network, Split(x, (y + 1) % 3)) == 0.0
