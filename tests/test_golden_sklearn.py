"""Import from scikit-learn: the same predictions, and refusals with a reason."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from golden.data import load_breast_cancer, load_digits, load_iris
from golden.importers import from_sklearn
from golden.quantizer import quantize
from rtlgen import generate
from sim.simulators.pyrtl_simulator import Pyrtl

pytestmark = pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")


def trained(kind, data, y=None, **settings):
    mlp = kind(**{"hidden_layer_sizes": (12,), "max_iter": 20, "random_state": 0, **settings})
    return mlp.fit(data.x, data.y if y is None else y)


@pytest.mark.parametrize("hidden", [(), (12,), (9, 7)])
@pytest.mark.parametrize("activation", ["relu", "identity", "tanh", "logistic"])
def test_a_classifier_predicts_what_it_did(hidden, activation):
    data = load_digits()["train"]
    mlp = trained(MLPClassifier, data, hidden_layer_sizes=hidden, activation=activation)
    model = from_sklearn(mlp)
    # scikit-learn's own products in another order: the last digits may differ
    np.testing.assert_allclose(model(data.x), mlp.predict_proba(data.x), atol=1e-9)
    assert np.array_equal(mlp.classes_[model.eval()(data.x)], mlp.predict(data.x))


def test_two_classes_become_two_outputs():
    data = load_breast_cancer()["train"]
    x = (data.x - data.x.mean(axis=0)) / data.x.std(axis=0)
    names = np.array(["malignant", "benign"])[data.y]
    mlp = MLPClassifier((8,), max_iter=20, random_state=0).fit(x, names)
    model = from_sklearn(mlp)
    assert model.linears[-1].out_features == 2
    assert model.classes == ("benign", "malignant")
    assert not model.linears[-1].weight[0].any()
    assert np.array_equal(mlp.classes_[model.eval()(x)], mlp.predict(x))
    graph = quantize(model, x)
    assert graph.classes == model.classes
    assert (mlp.classes_[graph(graph.encode(x))] == mlp.predict(x)).mean() > 0.98


@pytest.mark.parametrize("targets", [1, 2])
def test_a_regressor_gives_the_same_numbers(targets):
    data = load_iris()["train"]
    y = data.x[:, 0] * 3.0 if targets == 1 else data.x[:, :2]
    mlp = trained(MLPRegressor, data, y)
    model = from_sklearn(mlp)
    # as above: sums in another order
    np.testing.assert_allclose(model(data.x), mlp.predict(data.x).reshape(-1, targets), atol=1e-9)


def test_single_precision_is_taken():
    data = load_iris()["train"]
    mlp = MLPClassifier((5,), max_iter=5, random_state=0).fit(data.x.astype(np.float32), data.y)
    assert mlp.coefs_[0].dtype == np.float32
    assert from_sklearn(mlp).linears[0].weight.dtype == np.float64


def test_an_activation_that_another_release_may_have_is_refused():
    mlp = trained(MLPClassifier, load_iris()["train"], hidden_layer_sizes=(5, 4), max_iter=3)
    mlp.activation = "gelu"
    told = "'gelu' is not supported, only identity, logistic, relu, tanh"
    with pytest.raises(ValueError, match=f"(?s)layer 1 of 3: .*{told}; layer 2 of 3: .*{told}$"):
        from_sklearn(mlp)


def test_several_labels_per_sample_are_refused():
    data = load_iris()["train"]
    mlp = trained(MLPClassifier, data, np.eye(3, dtype=int)[data.y] | [1, 0, 0])
    with pytest.raises(ValueError, match="layer 2 of 2: several labels per sample are not supported"):
        from_sklearn(mlp)


def test_everything_that_is_wrong_is_said_at_once():
    data = load_iris()["train"]
    mlp = trained(MLPClassifier, data, np.eye(3, dtype=int)[data.y] | [1, 0, 0], max_iter=3)
    mlp.activation = "gelu"
    mlp.intercepts_[1][0] = np.inf
    with pytest.raises(ValueError) as caught:
        from_sklearn(mlp)
    text = str(caught.value)
    assert text.startswith("this MLPClassifier cannot be imported: layer 1 of 2: the activation 'gelu'")
    assert "layer 2 of 2: a weight or bias is NaN or infinite" in text
    assert "layer 2 of 2: several labels per sample" in text
    regressor = trained(MLPRegressor, data, max_iter=3)
    regressor.out_activation_ = "exp"
    regressor.coefs_[0][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"layer 1 of 2: a weight .*; layer 2 of 2: the output activation 'exp'"):
        from_sklearn(regressor)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_smooth_activations_become_tables_with_hardware(activation):
    data = load_digits()["train"]
    mlp = trained(MLPClassifier, data, activation=activation, hidden_layer_sizes=(14,), max_iter=60)
    graph = quantize(from_sklearn(mlp), data.x)
    kinds = [type(node.op).__name__ for node in graph.nodes]
    assert kinds == ["Dense", "Requantize", "Lookup", "Dense", "Requantize", "Argmax"]
    # int8 of a network of 14 neurons: a wrong table leaves a third of these answers.
    assert (mlp.classes_[graph(graph.encode(data.x))] == mlp.predict(data.x)).mean() > 0.97
    design = generate(graph, multipliers=8, name="smooth")
    x = graph.encode(data.x[:20])
    np.testing.assert_array_equal(Pyrtl().run(design, x, Path()).outputs, graph(x))


def test_what_is_not_trained_or_no_perceptron_is_refused():
    with pytest.raises(ValueError, match="not trained yet: call its fit first"):
        from_sklearn(MLPClassifier())
    with pytest.raises(TypeError, match="takes a trained MLPClassifier or MLPRegressor, not"):
        from_sklearn(np.zeros(3))
    with pytest.raises(TypeError, match="takes a trained"):
        from_sklearn(MLPClassifier)
