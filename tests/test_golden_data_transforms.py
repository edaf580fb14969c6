import numpy as np
import pytest

from golden.data import (
    CSVLoader,
    Dataset,
    DataSplitterTransform,
    NormalizeZScoreTransform,
    QuantizeTransform,
    Split,
    TransformsPipeline,
)


def dataset(**splits):
    return Dataset({name: Split(np.array(x)) for name, x in splits.items()})


def test_given_statistics():
    data = dataset(all=[[0.0, 1.0], [0.5, 2.0]])
    normalized = NormalizeZScoreTransform([0.5, 0.5], [0.5, 0.25])(data)
    assert normalized["all"].x.tolist() == [[-1, 2], [0, 6]]
    assert NormalizeZScoreTransform(1.0, 0.5)(data)["all"].x.tolist() == [[-2, 0], [-1, 2]]
    assert data["all"].x.tolist() == [[0, 1], [0.5, 2]]


def test_statistics_are_fitted_on_the_training_split_alone():
    transform = NormalizeZScoreTransform()
    normalized = transform(dataset(test=[[100.0, 7.0]], train=[[1.0, 5.0], [3.0, 9.0]]))
    assert transform.mean.tolist() == [2, 7]
    assert transform.std.tolist() == [1, 2]
    assert normalized["train"].x.tolist() == [[-1, -1], [1, 1]]
    assert normalized["test"].x.tolist() == [[98, 0]]
    assert transform.apply(dataset(all=[[2, 11]]))["all"].x.tolist() == [[0, 2]]
    transform.fit(dataset(all=[[0.0, 0.0], [2.0, 4.0]]))
    assert transform.mean.tolist() == [1, 2]


def test_constant_features_become_zero():
    # three times 0.1 has the mean 0.10000000000000002: the deviation of floats is not 0, the feature still is constant
    transform = NormalizeZScoreTransform()
    assert transform(dataset(train=[[0.1], [0.1], [0.1]], test=[[5.0]]))["test"].x.tolist() == [[0]]
    assert transform.std.tolist() == [0]
    assert NormalizeZScoreTransform([1.0, 1.0], [0.0, 1.0])(dataset(all=[[7.0, 7.0]]))["all"].x.tolist() == [[0, 6]]


def test_channels_of_images_are_the_features():
    images = np.stack([np.zeros((2, 3, 3)), np.full((2, 3, 3), 2.0)], axis=-1)
    images[0, :, :, 0] = 4
    transform = NormalizeZScoreTransform()
    normalized = transform(dataset(all=images))
    assert transform.mean.tolist() == [2, 2]
    assert transform.std.tolist() == [2, 0]
    assert normalized["all"].x[:, 0, 0].tolist() == [[1, 0], [-1, 0]]


def test_empty_splits_are_normalized_but_not_fitted_on():
    empty = np.zeros((0, 1))
    assert NormalizeZScoreTransform()(dataset(train=[[1.0], [3.0]], test=empty))["test"].x.shape == (0, 1)
    with pytest.raises(ValueError, match="split to fit on is empty"):
        NormalizeZScoreTransform()(dataset(train=empty, test=[[1.0]]))


@pytest.mark.parametrize(
    ("mean", "std", "error", "message"),
    [
        ([0.5], None, TypeError, "both, or neither"),
        (None, [0.5], TypeError, "both, or neither"),
        ([0.5], [-0.5], ValueError, "std must not be negative"),
        ([np.nan], [1.0], ValueError, "the mean must be one finite number"),
        ([0.0], [np.inf], ValueError, "the std must be one finite number"),
        ([[0.0]], [1.0], ValueError, "the mean must be one finite number"),
    ],
)
def test_bad_statistics_are_refused(mean, std, error, message):
    with pytest.raises(error, match=message):
        NormalizeZScoreTransform(mean, std)


def test_statistics_of_another_number_of_features_are_refused():
    data = dataset(all=[[1.0, 2.0]])
    with pytest.raises(ValueError, match="the mean of 2 features cannot be 4 numbers"):
        NormalizeZScoreTransform([0.5] * 4, [0.5] * 4)(data)
    with pytest.raises(ValueError, match="the std of 2 features cannot be 1 numbers"):
        NormalizeZScoreTransform([0.5] * 2, [0.5])(data)
    with pytest.raises(RuntimeError, match="no statistics yet"):
        NormalizeZScoreTransform().apply(data)
    with pytest.raises(ValueError, match="the std must be one finite number"):
        NormalizeZScoreTransform()(dataset(all=[[1e300], [-1e300]]))


def test_the_pipeline_of_the_post(tmp_path):
    path = tmp_path / "data.csv"
    rows = [f"{i / 10},{i / 5},{1 - i / 10},0.5,{'even' if i % 2 == 0 else 'odd'}" for i in range(10)]
    path.write_text("\n".join(["a,b,c,d,parity", *rows]))
    dataset = CSVLoader(path, has_header=True)
    transforms = TransformsPipeline(
        [
            NormalizeZScoreTransform([0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]),
            QuantizeTransform(bits=8),
            DataSplitterTransform(["train", "test"], [0.8, 0.2]),
        ]
    )
    data = transforms(dataset)
    assert {name: len(split) for name, split in data.items()} == {"train": 8, "test": 2}
    assert data["train"].x.dtype == np.int64
    assert data.classes == ("even", "odd")
    assert data.feature_names == ("a", "b", "c", "d")
    # a: normalized to -1..0.8, so that the largest magnitude, -1, is the integer -127; d: 0.5 normalizes to 0
    both = np.concatenate([data["train"].x, data["test"].x])
    assert both.min(axis=0).tolist() == [-127, -49, -102, 0]
    assert both.max(axis=0).tolist() == [102, 127, 127, 0]
    # at inference: as fitted, and not divided
    assert transforms.apply(dataset)["all"].x[0].tolist() == [-127, -49, 127, 0]


def test_transforms_run_in_order_and_any_callable_is_one():
    def add_one(data):
        return data.map_x(lambda x: x + 1)

    def double(data):
        return data.map_x(lambda x: 2 * x)

    assert TransformsPipeline([add_one, double])(dataset(all=[[1.0]]))["all"].x.tolist() == [[4]]
    assert TransformsPipeline([])(dataset(all=[[1.0]]))["all"].x.tolist() == [[1]]


def test_inference_does_not_refit():
    pipeline = TransformsPipeline([NormalizeZScoreTransform()])
    pipeline(dataset(train=[[1.0], [3.0]]))
    assert pipeline.apply(dataset(all=[[4.0]]))["all"].x.tolist() == [[2]]


def test_errors_name_the_transform():
    pipeline = TransformsPipeline([QuantizeTransform(), NormalizeZScoreTransform([1, 2], [1, 2])])
    with pytest.raises(ValueError, match="1 features") as caught:
        pipeline(dataset(all=[[1.0]]))
    assert caught.value.__notes__ == ["in transform 2 of 2, NormalizeZScoreTransform(given)"]


@pytest.mark.parametrize("transform", [None, "quantize", QuantizeTransform])
def test_what_is_no_transform_is_refused(transform):
    with pytest.raises(TypeError, match="must be a callable object"):
        TransformsPipeline([transform])


def test_what_is_no_dataset_is_refused():
    with pytest.raises(TypeError, match="must be given a Dataset, not list"):
        TransformsPipeline([])([[1.0]])


def outlier_in_test():
    """Ten samples of which the splitter of seed 0 gives two to test; one of these is an outlier."""
    numbers = Dataset({"all": Split(np.arange(10.0).reshape(-1, 1))})
    last = int(DataSplitterTransform(["train", "test"], [0.8, 0.2])(numbers)["test"].x[0, 0])
    x = np.arange(10.0)
    x[last] = 1000.0
    return dataset(all=x.reshape(-1, 1))


def test_in_the_order_of_the_post_nothing_is_fitted_on_test_data():
    data, split = outlier_in_test(), DataSplitterTransform(["train", "test"], [0.8, 0.2])
    normalize, quantize = NormalizeZScoreTransform(), QuantizeTransform(bits=8)
    result = TransformsPipeline([normalize, quantize, split])(data)
    train = split(data)["train"].x
    assert normalize.mean.tolist() == [train.mean()]
    assert normalize.std.tolist() == [train.std()]
    assert quantize.high.tolist() == [((train - train.mean()) / train.std()).max()]
    first = TransformsPipeline([split, NormalizeZScoreTransform(), QuantizeTransform(bits=8)])(data)
    for name in ("train", "test"):
        assert result[name].x.tolist() == first[name].x.tolist()
    assert result["test"].x.max() == 127  # the outlier saturates


def test_what_is_not_fitted_stays_before_the_splitter():
    def undivided(data):
        assert len(data) == 1
        return data

    split = DataSplitterTransform(["train", "test"], [0.8, 0.2])
    normalize = NormalizeZScoreTransform()
    assert len(TransformsPipeline([undivided, normalize, split])(outlier_in_test())) == 2
    assert normalize.mean[0] < 10
    assert len(TransformsPipeline([NormalizeZScoreTransform(0.0, 2.0), undivided, split])(outlier_in_test())) == 2


def test_a_splitter_that_cannot_be_moved_is_refused():
    def own(data):
        return data

    split = DataSplitterTransform(["train", "test"], [0.8, 0.2])
    with pytest.raises(ValueError, match=r"must come before QuantizeTransform.*cannot be moved there past <function"):
        TransformsPipeline([QuantizeTransform(), own, split])
    with pytest.raises(ValueError, match="must be a split 'train' to fit on among a, b"):
        TransformsPipeline([QuantizeTransform(), DataSplitterTransform(["a", "b"], [0.5, 0.5])])(outlier_in_test())
