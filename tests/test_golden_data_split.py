import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.data import (
    Dataset,
    DataSplitterTransform,
    Split,
    load_breast_cancer,
    load_digits,
    load_iris,
    load_mnist,
    load_wine,
)

pytestmark = pytest.mark.slow  # it reads whole data sets


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


def test_many_small_classes_leave_no_split_short():
    data = DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered(sorted(list(range(50)) * 2)))
    assert sizes(data) == [80, 20]
    assert np.bincount(data["test"].y).max() == 1  # ten per cent of a class of two: none or one
    again = DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered(sorted(list(range(50)) * 2)))
    assert again["test"].x.tolist() == data["test"].x.tolist()


def test_the_classes_whose_remainder_is_nearest_give_way():
    # shares of train: 1.6 of each pair, 2.4 of each triple; all pairs round up to 2, and triples down to 2
    labels = [label for label in range(10) for _ in range(2)]
    labels += [label for label in range(10, 12) for _ in range(3)]
    data = DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbered(labels))
    assert sizes(data) == [21, 5]  # 20.8 and 5.2
    assert np.bincount(data["train"].y)[10:].tolist() == [2, 2]


@given(
    st.lists(st.integers(0, 30), max_size=90),
    st.lists(st.integers(1, 10), min_size=1, max_size=5),
)
def test_sizes_and_classes_are_near_their_shares(labels, weights):
    fractions = [weight / sum(weights) for weight in weights]
    data = DataSplitterTransform([f"s{i}" for i in range(len(weights))], fractions)(
        numbered(np.array(labels, dtype=np.int64))
    )
    for split, fraction in zip(data.values(), fractions, strict=True):
        assert abs(len(split) - len(labels) * fraction) <= 1 + 1e-9  # the share is a float product
        for label in set(labels):
            assert abs(int(np.sum(split.y == label)) - labels.count(label) * fraction) < 1 + 1e-9


@pytest.mark.parametrize(
    ("load", "train", "test", "digest"),
    [
        (load_iris, 120, 30, "0a006e0550d6"),
        (load_wine, 142, 36, "517ae3de3d38"),
        (load_breast_cancer, 456, 113, "06053b016c0d"),
        (load_digits, 1438, 359, "e1739451f0ef"),
        (load_mnist, 4000, 1000, "d60753b50784"),
    ],
)
def test_the_built_in_splits_are_those_the_networks_were_trained_on(load, train, test, digest):
    data = load(seed=0)
    assert sizes(data) == [train, test]
    assert hashlib.sha1(data["train"].x.tobytes()).hexdigest()[:12] == digest


def test_ties_among_many_classes_and_splits_are_repaired_exactly():
    rng = np.random.default_rng(0)  # equal costs that differ in their last digits, which hypothesis rarely draws
    for _ in range(300):
        weights = rng.integers(1, 12, int(rng.integers(1, 6)))
        labels = np.repeat(np.arange(40), rng.integers(1, 6, 40))
        fractions = weights / weights.sum()
        data = DataSplitterTransform([f"s{i}" for i in range(len(weights))], fractions.tolist())(numbered(labels))
        assert np.max(np.abs(np.array(sizes(data)) - fractions * len(labels))) < 1 + 1e-9
        for split, fraction in zip(data.values(), fractions, strict=True):
            shares = np.bincount(labels) * fraction
            assert np.max(np.abs(np.bincount(split.y, minlength=40) - shares)) < 1 + 1e-9
