"""Float models: layers, modes, messages."""

import numpy as np
import pytest

from golden.model import Linear, ReLU, Sequential, SoftMax


def classifier():
    return Sequential([Linear(2, 3), ReLU(), Linear(3, 2), SoftMax()])


def test_linear_is_a_product_and_a_bias():
    layer = Linear.from_weights([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]], [0.5, 0.0, 1.0])
    assert layer(np.array([[1.0, 10.0]])).tolist() == [[21.5, 43.0, -9.0]]


def test_initial_weights_depend_on_the_seed_alone():
    assert np.array_equal(Linear(4, 3, seed=1).weight, Linear(4, 3, seed=1).weight)
    assert not np.array_equal(Linear(4, 3, seed=1).weight, Linear(4, 3, seed=2).weight)
    layer = Linear(4, 3)
    first = layer.weight.copy()
    layer.weight += 1.0
    layer.reset()
    assert np.array_equal(layer.weight, first)


def test_softmax_gives_probabilities_in_training_and_the_first_largest_in_evaluation():
    x = np.array([[0.0, np.log(3.0)], [1000.0, 1000.0]])
    layer = SoftMax()
    np.testing.assert_allclose(layer(x), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-12)  # the rounding of exp and log
    assert layer.eval() is layer
    assert layer(x).tolist() == [1, 0]
    assert layer.train() is layer
    assert layer.training


def test_the_mode_reaches_the_layers_and_is_visible():
    model = classifier()
    x = np.ones((5, 2))
    assert model.training
    assert model(x).shape == (5, 2)
    assert model.eval() is model
    assert not model.training
    assert model(x).shape == (5,)
    assert model.train()(x).shape == (5, 2)
    assert np.array_equal(model.logits(x), model.eval().logits(x))


def test_parameters_are_the_arrays_themselves():
    model = classifier()
    assert [array.shape for array in model.parameters()] == [(3, 2), (3,), (2, 3), (2,)]
    assert model.parameters()[0] is model.linears[0].weight


def test_a_model_reads_like_its_source():
    assert repr(classifier()) == "Sequential([Linear(2, 3), ReLU(), Linear(3, 2), SoftMax()])"


def test_trace_holds_every_result():
    trace = classifier().trace(np.ones((1, 2)))
    assert len(trace) == 5
    assert np.array_equal(np.maximum(trace[1], 0), trace[2])


def test_features_that_do_not_fit_are_refused_at_once():
    with pytest.raises(ValueError, match=r"(?s)Linear\(8, 2\) cannot take the 3 features.*in layer 3 of 3"):
        Sequential([Linear(2, 3), ReLU(), Linear(8, 2)])


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match=r"(?s)such as ReLU\(\), not <class.*in layer 2 of 2"):
        Sequential([Linear(2, 3), ReLU])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="not 'relu'"):
        Sequential(["relu"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="at least one layer"):
        Sequential([])


@pytest.mark.parametrize("x", [np.ones((1, 3)), np.ones(2), np.ones((1, 1, 2))])
def test_bad_batches_are_refused_with_the_layer(x):
    with pytest.raises(ValueError, match=r"(?s)Linear\(2, 3\) needs floats of shape \(batch, 2\).*in layer 1 of 4"):
        classifier()(x)


@pytest.mark.parametrize("features", [(0, 1), (1, -1), (1.5, 1), (True, 1)])
def test_linear_needs_positive_feature_counts(features):
    with pytest.raises(ValueError, match="must be a positive int"):
        Linear(*features)


def test_linear_from_weights_checks_shapes():
    with pytest.raises(ValueError, match=r"not \(1, 2\) and \(2,\)"):
        Linear.from_weights([[1.0, 2.0]], [0.0, 0.0])


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["a", "b", "c"], ValueError, "the 2 outputs of a Sequential need as many classes, not 3"),
        ("ab", TypeError, "classes must be a list of strings, not 'ab'"),
        ([0, 1], TypeError, r"classes must be a list of strings, not \(0, 1\)"),
    ],
)
def test_classes_must_fit_the_outputs(classes, error, message):
    with pytest.raises(error, match=message):
        Sequential([Linear(2, 3), ReLU(), Linear(3, 2), SoftMax()], classes)
    assert Sequential([Linear(2, 2)], ["a", "b"]).classes == ("a", "b")
    assert Sequential([Linear(2, 3), lambda x: x[:, :2]], ["a", "b"]).classes == ("a", "b")  # its outputs are unknown
