import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.data import Dataset, DataSplitterTransform, Split


def numbered(labels):
    """A dataset whose only feature is the number of the sample."""
    labels = None if labels is None else np.array(labels)
    return Dataset({"all": Split(np.arange(10 if labels is None else len(labels)).reshape(-1, 1), labels)})


def sizes(data):
    return [len(split) for split in data.values()]


def test_split_as_in_the_pipeline():
    data = DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered([0] * 50 + [1] * 50 + [2] * 50))
    assert data.get_names() == ("train", "test")
    assert np.bincount(data["train"].y).tolist() == [40, 40, 40]
    assert np.bincount(data["test"].y).tolist() == [10, 10, 10]
    assert (data["train"].y == data["train"].x[:, 0] // 50).all()  # labels stay with their samples


def test_the_seed_decides():
    labels = [0] * 20 + [1] * 20
    first, again = (DataSplitterTransform(["a", "b"], [0.5, 0.5], seed=1)(numbered(labels)) for _ in range(2))
    other = DataSplitterTransform(["a", "b"], [0.5, 0.5], seed=2)(numbered(labels))
    assert first["a"].x.tolist() == again["a"].x.tolist()
    assert set(first["a"].x[:, 0]) != set(other["a"].x[:, 0])
    assert first["a"].y.tolist() != sorted(first["a"].y)  # shuffled, not class after class


@pytest.mark.parametrize(
    ("samples", "fractions", "expected"),
    [
        (10, [0.8, 0.2], [8, 2]),
        (10, [0.75, 0.25], [8, 2]),  # 7.5 and 2.5: the tie goes to the split named first
        (10, [0.33, 0.33, 0.34], [3, 3, 4]),
        (7, [0.5, 0.3, 0.2], [4, 2, 1]),  # 3.5, 2.1, 1.4
        (100, [0.29, 0.71], [29, 71]),  # 0.29 * 100 is 28.999999999999996 in floats
        (45, [0.7, 0.3], [32, 13]),  # 31.5 and 13.5, the former 31.499999999999996 in floats
        (1, [0.8, 0.2], [1, 0]),
        (1, [0.2, 0.8], [0, 1]),
        (2, [0.4, 0.3, 0.3], [1, 1, 0]),
        (0, [0.8, 0.2], [0, 0]),
        (3, [1 / 3, 1 / 3, 1 / 3], [1, 1, 1]),
        (5, [1.0], [5]),
    ],
)
def test_sizes_by_largest_remainder(samples, fractions, expected):
    split = DataSplitterTransform([f"s{i}" for i in range(len(fractions))], fractions)
    assert sizes(split(numbered([0] * samples if samples else np.zeros(0, dtype=np.int64)))) == expected


def test_tiny_classes_go_to_the_larger_split():
    data = DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered([0] * 10 + [1, 2, 2]))
    assert np.bincount(data["train"].y).tolist() == [8, 1, 2]
    assert np.bincount(data["test"].y).tolist() == [2]


def test_unstratified_and_unlabelled_and_regression_divide_as_a_whole():
    split = DataSplitterTransform(["train", "test"], [0.8, 0.2], stratified=False)
    assert sizes(split(numbered([0] * 9 + [1]))) == [8, 2]
    assert sizes(split(numbered([0, 1, 2, 3, 4]))) == [4, 1]
    assert sizes(DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered([0, 1, 2, 3, 4]))) == [5, 0]
    assert sizes(DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered([0.1, 0.2, 0.3, 0.4, 0.5]))) == [4, 1]
    unlabelled = DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered(None))
    assert sizes(unlabelled) == [8, 2]
    assert unlabelled["train"].y is None


@given(
    st.lists(st.integers(0, 4), max_size=60),
    st.lists(st.integers(1, 10), min_size=1, max_size=4),
    st.booleans(),
    st.integers(0, 5),
)
def test_every_sample_lands_in_exactly_one_split(labels, weights, stratified, seed):
    fractions = [weight / sum(weights) for weight in weights]
    whole = numbered(np.array(labels, dtype=np.int64))
    data = DataSplitterTransform([f"s{i}" for i in range(len(weights))], fractions, stratified, seed)(whole)
    assert sorted(np.concatenate([split.x[:, 0] for split in data.values()])) == list(range(len(labels)))
    for split, fraction in zip(data.values(), fractions, strict=True):
        assert [labels[i] for i in split.x[:, 0]] == split.y.tolist()
        for label in set(labels) if stratified else set():
            share = labels.count(label) * fraction
            assert abs(int(np.sum(split.y == label)) - share) < 1 + 1e-9  # the share is a float product


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("train", [1.0]), TypeError, "list of strings"),
        (([], []), ValueError, "there must be one"),
        ((["a", "a"], [0.5, 0.5]), ValueError, "distinct"),
        ((["a", ""], [0.5, 0.5]), TypeError, "not empty"),
        ((["a", 1], [0.5, 0.5]), TypeError, "list of strings"),
        ((["a", "b"], [1.0]), ValueError, "2 splits need as many fractions, not 1"),
        ((["a", "b"], [1.0, 0.0]), ValueError, r"positive, not \(1\.0, 0\.0\)"),
        ((["a", "b"], [1.5, -0.5]), ValueError, "positive"),
        ((["a", "b"], [0.5, float("nan")]), ValueError, "positive"),
        ((["a", "b"], [0.5, float("inf")]), ValueError, "sum to 1, not inf"),
        ((["a", "b"], [0.8, 0.3]), ValueError, r"sum to 1, not 1\.1"),
        ((["a", "b"], [80, 20]), ValueError, "sum to 1, not 100"),
        ((["a", "b"], [0.5, 0.5], 1), TypeError, "stratified must be True or False, not 1"),
        ((["a", "b"], [0.5, 0.5], True, 0.5), TypeError, r"a seed must be an int, not 0\.5"),
        ((["a", "b"], [0.5, 0.5], True, True), TypeError, "a seed must be an int, not True"),
        ((["a", "b"], [0.5, 0.5], True, -1), ValueError, "not be negative, not -1"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        DataSplitterTransform(*arguments)


def test_divided_data_is_not_divided_again():
    split = DataSplitterTransform(["train", "test"], [0.8, 0.2])
    with pytest.raises(ValueError, match="must have one split, not train, test"):
        split(split(numbered([0] * 5)))
