"""Import from scikit-learn: the same predictions, and refusals with a reason."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from golden.data import load_breast_cancer, load_digits, load_iris
from golden.importers import from_sklearn
from golden.quantizer import quantize

pytestmark = pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")


def trained(kind, data, y=None, **settings):
    mlp = kind(**{"hidden_layer_sizes": (12,), "max_iter": 20, "random_state": 0, **settings})
    return mlp.fit(data.x, data.y if y is None else y)


@pytest.mark.parametrize("hidden", [(), (12,), (9, 7)])
@pytest.mark.parametrize("activation", ["relu", "identity"])
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


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_other_activations_are_refused(activation):
    mlp = trained(MLPClassifier, load_iris()["train"], activation=activation, max_iter=3)
    with pytest.raises(
        ValueError, match=f"(?s)activation '{activation}', supported is relu or identity.*in layer 1 of 2"
    ):
        from_sklearn(mlp)


def test_several_labels_per_sample_are_refused():
    data = load_iris()["train"]
    mlp = trained(MLPClassifier, data, np.eye(3, dtype=int)[data.y] | [1, 0, 0])
    with pytest.raises(ValueError, match=r"(?s)several labels per sample.*in layer 2 of 2"):
        from_sklearn(mlp)


def test_what_is_not_trained_or_no_perceptron_is_refused():
    with pytest.raises(ValueError, match="not trained yet: call its fit first"):
        from_sklearn(MLPClassifier())
    with pytest.raises(TypeError, match="takes a trained MLPClassifier or MLPRegressor, not"):
        from_sklearn(np.zeros(3))
    with pytest.raises(TypeError, match="takes a trained"):
        from_sklearn(MLPClassifier)
