import numpy as np
import pytest

from golden.data import Dataset, Split


def two_splits():
    train = Split(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1]))
    test = Split(np.array([[5.0, 6.0]]), np.array([1]))
    return Dataset({"train": train, "test": test}, ["width", "height"], ["cat", "dog"])


def test_a_dataset_maps_names_to_splits():
    data = two_splits()
    assert data.get_names() == tuple(data) == ("train", "test")
    assert len(data) == 2
    assert [len(split) for split in data.values()] == [2, 1]
    assert data["train"].x.tolist() == [[1, 2], [3, 4]]
    assert data["test"].y.tolist() == [1]
    assert (data.feature_names, data.classes) == (("width", "height"), ("cat", "dog"))
    assert (data.feature_shape, data.features) == ((2,), 2)
    assert "test" in data
    assert "all" not in data
    assert repr(data) == "Dataset(train: 2, test: 1; samples of [2], 2 classes)"


def test_an_unknown_split_names_those_there_are():
    with pytest.raises(KeyError, match="no split 'tset'; there are train, test"):
        two_splits()["tset"]
    assert two_splits().get("tset") is None


def test_arrays_are_read_only_copies_of_two_types():
    source = np.array([[1.0], [2.0]], dtype=np.float32)
    split = Split(source, np.array([True, False]))
    source[0] = 7
    assert split.x.tolist() == [[1], [2]]
    assert (split.x.dtype, split.y.dtype) == (np.float64, np.int64)
    assert Split(np.array([[3]], dtype=np.uint8)).x.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        split.x[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        split.y[0] = 1
    with pytest.raises(TypeError):
        two_splits()["train"] = split


def test_features_are_the_innermost_dimension():
    images = Dataset({"all": Split(np.arange(24).reshape(2, 2, 2, 3))})
    assert (images.feature_shape, images.features) == ((2, 2, 3), 3)
    assert images["all"].columns[:, 1].tolist() == [1, 4, 7, 10, 13, 16, 19, 22]
    scalars = Dataset({"all": Split([1.0, 2.0])})
    assert (scalars.feature_shape, scalars.features) == ((), 1)
    assert scalars["all"].columns.tolist() == [[1], [2]]
    empty = Split(np.zeros((0, 4)))
    assert (len(empty), empty.columns.shape) == (0, (0, 4))


def test_training_is_train_or_the_only_split():
    data = two_splits()
    assert data.training is data["train"]
    assert Dataset({"all": data["test"]}).training is data["test"]
    with pytest.raises(ValueError, match="'train' to fit on among left, right"):
        _ = Dataset({"left": data["train"], "right": data["test"]}).training


def test_map_x_leaves_the_original_and_the_labels():
    data = two_splits()
    doubled = data.map_x(lambda x: 2 * x)
    assert doubled["train"].x.tolist() == [[2, 4], [6, 8]]
    assert doubled["train"].y.tolist() == [0, 1]
    assert doubled.feature_names == data.feature_names
    assert doubled.classes == data.classes
    assert data["train"].x.tolist() == [[1, 2], [3, 4]]


def test_take_keeps_order_and_labels():
    taken = two_splits()["train"].take([1, 0])
    assert (taken.x.tolist(), taken.y.tolist()) == ([[3, 4], [1, 2]], [1, 0])
    assert Split([[1.0]]).take([]).y is None


def test_a_feature_has_a_name_and_an_index():
    data = two_splits()
    assert [data.feature_index(f) for f in ("width", "height", 0, -1, np.int64(1))] == [0, 1, 0, 1, 1]
    with pytest.raises(ValueError, match="no feature 'depth'; there are width, height"):
        data.feature_index("depth")
    with pytest.raises(ValueError, match="one of 2 features cannot be 2"):
        data.feature_index(2)
    with pytest.raises(TypeError, match="not True"):
        data.feature_index(True)
    with pytest.raises(ValueError, match=r"no names, only indices 0\.\.0"):
        Dataset({"all": Split([[1.0]])}).feature_index("width")


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([["a"]], None, TypeError, "samples of a Split must be numbers, not <U1"),
        ([[1j]], None, TypeError, "must be numbers, not complex128"),
        ([[1.0, np.nan]], None, ValueError, "samples of a Split must be finite"),
        ([[1.0]], [np.inf], ValueError, "labels of a Split must be finite"),
        (1.0, None, ValueError, r"shape \(samples, \*features\), not \(\)"),
        (np.zeros((3, 0)), None, ValueError, r"not \(3, 0\)"),
        ([[1.0]], [0, 1], ValueError, r"labels of 1 samples must have shape \(1,\), not \(2,\)"),
        ([[1.0]], [[0]], ValueError, r"not \(1, 1\)"),
        ([[1.0]], 0, ValueError, r"not \(\)"),
        ([[1.0]], ["cat"], TypeError, "labels of a Split must be numbers, not <U3"),
        (np.array([[2**63]], dtype=np.uint64), None, ValueError, "must fit 64 bits with sign, not 9223372036854775808"),
    ],
)
def test_a_bad_split_is_refused(x, y, error, message):
    with pytest.raises(error, match=message):
        Split(x, y)


def test_targets_may_have_several_columns():
    assert Split([[1.0]], [[0.5, 0.25]]).y.shape == (1, 2)


@pytest.mark.parametrize(
    ("splits", "names", "classes", "error", "message"),
    [
        ({}, (), (), ValueError, "at least one split"),
        ({"": Split([[1.0]])}, (), (), ValueError, "not ''"),
        ({3: Split([[1.0]])}, (), (), ValueError, "not 3"),
        ({"all": np.zeros((1, 1))}, (), (), TypeError, "'all' of a Dataset must be a Split, not ndarray"),
        ({"a": Split([[1.0]]), "b": Split([[1.0, 2.0]])}, (), (), ValueError, "'a' has .*'b' has .*(2,)"),
        ({"a": Split([[1.0]]), "b": Split([[1]])}, (), (), ValueError, "float64 samples.*int64 samples"),
        ({"a": Split([[1.0]]), "b": Split([[1.0]], [0])}, (), (), ValueError, "no labels.*int64 labels"),
        ({"a": Split([[1.0]])}, ["x", "y"], (), ValueError, "1 features need as many names, not 2"),
        ({"a": Split([[1.0, 2.0]])}, ["x", "x"], (), ValueError, "distinct"),
        ({"a": Split([[1.0]], [0])}, (), ["x", "x"], ValueError, "distinct"),
        ({"a": Split([[1.0]], [0])}, (), [0], ValueError, "distinct strings"),
        ({"a": Split([[1.0]], [2])}, (), ["x", "y"], ValueError, r"0\.\.1, but those of 'a' span 2\.\.2"),
        ({"a": Split([[1.0]], [-1])}, (), ["x", "y"], ValueError, r"span -1\.\.-1"),
        ({"a": Split([[1.0]], [0.5])}, (), ["x", "y"], ValueError, "class indices as labels, not float64"),
    ],
)
def test_a_bad_dataset_is_refused(splits, names, classes, error, message):
    with pytest.raises(error, match=message):
        Dataset(splits, names, classes)
