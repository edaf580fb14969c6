import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from golden.data import Dataset, QuantizeTransform, Split
from golden.types import IntType

MODES = {
    "signed symmetric scale": {"signed": True, "symmetric": True, "affine": False},
    "signed asymmetric scale": {"signed": True, "symmetric": False, "affine": False},
    "signed affine": {"signed": True, "symmetric": False, "affine": True},
    "unsigned scale": {"signed": False, "symmetric": True, "affine": False},
    "unsigned asymmetric scale": {"signed": False, "symmetric": False, "affine": False},
    "unsigned affine": {"signed": False, "symmetric": False, "affine": True},
}


def dataset(**splits):
    return Dataset({name: Split(np.array(x)) for name, x in splits.items()})


def column(*values):
    return dataset(train=np.array(values, dtype=np.float64).reshape(-1, 1))


def quantized(transform, data, split="train"):
    return transform(data)[split].x[:, 0].tolist()


# One feature, its range exactly the integers of the mode: the scale is 1, the values are their own quantization.


@pytest.mark.parametrize(
    ("mode", "x", "scale", "zero_point", "q"),
    [
        ("signed symmetric scale", [-127, -0.5, 0, 0.5, 1.5, 127], 1, 0, [-127, 0, 0, 1, 2, 127]),
        ("signed symmetric scale", [-254, 100, 1], 2, 0, [-127, 50, 1]),  # the larger magnitude is negative
        ("signed symmetric scale", [-10, 63.5], 0.5, 0, [-20, 127]),
        ("signed asymmetric scale", [-128, 127, 3], 1, 0, [-128, 127, 3]),
        ("signed asymmetric scale", [-256, 127, 3], 2, 0, [-128, 64, 2]),
        ("signed asymmetric scale", [-128, 254, 3], 2, 0, [-64, 127, 2]),
        ("signed asymmetric scale", [63.5, 10], 0.5, 0, [127, 20]),
        ("signed asymmetric scale", [-64, -63.5], 0.5, 0, [-128, -127]),
        ("signed affine", [-128, 127, 3], 1, 0, [-128, 127, 3]),
        ("signed affine", [0, 255, 3], 1, -128, [-128, 127, -125]),
        ("signed affine", [-255, 0, -3], 1, 127, [-128, 127, 124]),
        ("signed affine", [-10, 500], 2, -123, [-128, 127]),
        ("signed affine", [127.5, 10], 0.5, -128, [127, -108]),  # widened to contain 0
        ("signed affine", [-0.5, 254.5, 0], 1, -127, [-127, 127, -127]),  # -128 + 0.5 rounds up, as 254.5 does
        ("unsigned scale", [0, 255, 3.5], 1, 0, [0, 255, 4]),
        ("unsigned scale", [-1000, 510, 2], 2, 0, [0, 255, 1]),  # what is negative saturates
        ("unsigned asymmetric scale", [-1000, 510, 2], 2, 0, [0, 255, 1]),
        ("unsigned affine", [0, 255, 3], 1, 0, [0, 255, 3]),
        ("unsigned affine", [-100, 155, 0], 1, 100, [0, 255, 100]),
        ("unsigned affine", [-510, -2], 2, 255, [0, 254]),
        ("unsigned affine", [-254.5, 0.5, 0], 1, 255, [1, 255, 255]),
        ("signed symmetric scale", [1e-321, -1e-321], 1, 0, [0, 0]),  # too small to be divided by 127
    ],
)
def test_eight_bits_by_hand(mode, x, scale, zero_point, q):
    transform = QuantizeTransform(bits=8, **MODES[mode])
    assert quantized(transform, column(*x)) == q
    assert transform.scale.tolist() == [scale]
    assert transform.zero_point.tolist() == [zero_point]
    assert (transform.low.tolist(), transform.high.tolist()) == ([min(x)], [max(x)])


@pytest.mark.parametrize(
    ("mode", "bits", "min_int", "max_int"),
    [
        ("signed symmetric scale", 2, -1, 1),
        ("signed symmetric scale", 8, -127, 127),
        ("signed symmetric scale", 16, -32767, 32767),
        ("signed asymmetric scale", 2, -2, 1),
        ("signed asymmetric scale", 8, -128, 127),
        ("signed affine", 4, -8, 7),
        ("unsigned scale", 2, 0, 3),
        ("unsigned affine", 16, 0, 65535),
    ],
)
def test_integer_ranges(mode, bits, min_int, max_int):
    transform = QuantizeTransform(bits, **MODES[mode])
    assert (transform.min_int, transform.max_int) == (min_int, max_int)
    assert transform.dtype == IntType(bits, MODES[mode]["signed"])
    # both ends of the range are reached, and what lies beyond saturates there
    data = dataset(train=[[float(min_int)], [float(max_int)]], test=[[-1e308], [1e308]])
    result = transform(data)
    assert result["train"].x[:, 0].tolist() == result["test"].x[:, 0].tolist() == [min_int, max_int]
    assert result["train"].x.dtype == result["test"].x.dtype == np.int64


def test_defaults_are_those_of_the_post():
    transform = QuantizeTransform()
    assert repr(transform) == ("QuantizeTransform(bits=8, signed=True, symmetric=True, affine=False, per_feature=True)")
    assert QuantizeTransform(4, False, True).max_int == 15


def test_half_rounds_up_also_below_zero():
    assert quantized(QuantizeTransform(8), column(127, 2.5, 1.5, -0.5, -1.5, -2.5)) == [127, 3, 2, 0, -1, -2]


def test_each_feature_has_its_scale():
    data = dataset(train=[[127.0, -12.7, 0.0], [1.0, 1.27, 0.0]])
    transform = QuantizeTransform(8)
    assert transform(data)["train"].x.tolist() == [[127, -127, 0], [1, 13, 0]]
    assert transform.scale.tolist() == [1, 12.7 / 127, 1]
    assert transform.zero_point.tolist() == [0, 0, 0]


def test_one_scale_for_the_tensor():
    data = dataset(train=[[254.0, -12.7], [1.0, 3.0]])
    transform = QuantizeTransform(8, per_feature=False)
    assert transform(data)["train"].x.tolist() == [[127, -6], [1, 2]]
    assert transform.scale.tolist() == 2
    assert transform.zero_point.tolist() == 0
    assert transform.inverse(transform(data))["train"].x.tolist() == [[254, -12], [2, 4]]


def test_channels_of_images_are_the_features():
    images = np.zeros((2, 2, 2, 2))
    images[0, 0, 1] = [127, 254]
    transform = QuantizeTransform(8)
    assert transform(dataset(all=images))["all"].x[0, 0, 1].tolist() == [127, 127]
    assert transform.scale.tolist() == [1, 2]
    assert QuantizeTransform(8)(dataset(all=[127.0, 3.0]))["all"].x.tolist() == [127, 3]


def test_the_range_is_that_of_the_training_split():
    data = dataset(test=[[1000.0], [-1000.0], [5.0]], train=[[127.0], [-1.0]])
    transform = QuantizeTransform(8)
    result = transform(data)
    assert transform.scale.tolist() == [1]
    assert result["test"].x[:, 0].tolist() == [127, -127, 5]
    assert data["test"].x[:, 0].tolist() == [1000, -1000, 5]


def test_fit_and_apply_apart_and_again():
    transform = QuantizeTransform(8)
    assert transform.fit(column(254)) is transform
    assert transform.apply(column(127))["train"].x.tolist() == [[64]]
    assert transform(column(127))["train"].x.tolist() == [[127]]
    assert transform.scale.tolist() == [1]
    assert transform.encoding.scale is transform.scale


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("constant", [0.0, 3.7, -3.7, 5e-324, -5e-324, 1e308, -1e308])
def test_constant_features(mode, constant):
    transform = QuantizeTransform(8, **MODES[mode])
    data = column(constant, constant)
    decoded = transform.inverse(transform(data))["train"].x[:, 0]
    lost = "unsigned" in mode and "scale" in mode and constant < 0
    # a constant is an end of its range: only the rounding of floats is left, or the step of an affine zero point
    tolerance = abs(constant) if lost else abs(constant) * 1e-12
    assert np.abs(decoded - constant).max() <= max(tolerance, 5e-324)
    assert transform(column(0.0, 0.0))["train"].x.tolist() == [[0], [0]]
    assert (transform.scale.tolist(), transform.zero_point.tolist()) == ([1], [0])


def test_an_outlier_in_training_costs_the_others_their_steps():
    assert quantized(QuantizeTransform(8), column(127000, 499, 500, 1499)) == [127, 0, 1, 1]


@pytest.mark.parametrize("mode", MODES)
def test_the_widest_range_does_not_overflow(mode):
    transform = QuantizeTransform(8, **MODES[mode])
    low = 0 if mode.startswith("unsigned") and "scale" in mode else -1.7e308
    q = quantized(transform, column(low, 1.7e308))
    assert q[1] - q[0] >= 254 - (mode == "signed asymmetric scale")
    assert np.isfinite(transform.scale).all()


def test_empty_splits():
    empty = np.zeros((0, 1))
    transform = QuantizeTransform(8)
    data = dataset(train=[[1.0]], test=empty)
    assert transform(data)["test"].x.shape == (0, 1)
    assert transform(data)["test"].x.dtype == np.int64
    assert transform.inverse(transform(data))["test"].x.shape == (0, 1)
    assert np.isnan(transform.quality(data)["test"].mse)
    assert np.isnan(transform.quality(data)["test"].sqnr_db_per_feature).tolist() == [True]
    with pytest.raises(ValueError, match="split to fit on is empty"):
        transform(dataset(train=empty, test=[[1.0]]))


def features(max_side=6):
    reals = st.floats(-1e6, 1e6, allow_subnormal=False)
    return hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=max_side), elements=reals)


@settings(deadline=None)
@given(features(), st.integers(2, 16), st.sampled_from(sorted(MODES)), st.booleans())
def test_round_trip_error_is_half_a_step_within_the_range(x, bits, mode, per_feature):
    transform = QuantizeTransform(bits, **MODES[mode], per_feature=per_feature)
    data = dataset(train=x)
    result = transform(data)
    q, decoded = result["train"].x, transform.inverse(result)["train"].x
    assert q.min() >= transform.min_int
    assert q.max() <= transform.max_int
    unsigned_scale = not transform.signed and not transform.affine
    inside = np.maximum(x, 0) if unsigned_scale else x
    # half a step, and a few roundings of floats of the size of the values
    slack = 1e-14 * max(1.0, np.abs(x).max())
    assert (np.abs(decoded - inside) <= transform.scale / 2 + slack).all()
    assert (transform.min_int <= transform.zero_point).all()
    assert (transform.zero_point <= transform.max_int).all()
    zero = transform.apply(dataset(train=np.zeros_like(x)))
    assert (transform.inverse(zero)["train"].x == 0).all()  # 0.0 is exact in every mode


@settings(deadline=None)
@given(features(4), st.integers(2, 16), st.sampled_from(sorted(MODES)))
def test_quantization_keeps_order_and_saturates_outside(x, bits, mode):
    transform = QuantizeTransform(bits, **MODES[mode]).fit(dataset(train=x))
    low, high = np.minimum(x.min(axis=0), 0), np.maximum(x.max(axis=0), 0)
    far = dataset(train=np.stack([low - 1e9 * (1 + high - low), high + 1e9 * (1 + high - low)]))
    ends = transform.apply(far)["train"].x
    assert (ends[0] == transform.min_int).all()
    assert (ends[1] == transform.max_int).all()
    q = transform.apply(dataset(train=np.sort(x, axis=0)))["train"].x
    assert (np.diff(q, axis=0) >= 0).all()


@settings(deadline=None)
@given(features(4), st.integers(2, 16), st.sampled_from(sorted(MODES)))
def test_quantizing_decoded_integers_gives_them_back(x, bits, mode):
    transform = QuantizeTransform(bits, **MODES[mode])
    result = transform(dataset(train=x))
    again = transform.apply(transform.inverse(result))
    assert (again["train"].x == result["train"].x).all()


def test_inverse_takes_only_integers_of_the_mode():
    transform = QuantizeTransform(8)
    transform(column(127))
    with pytest.raises(TypeError, match="'train' must be integers to be decoded, not float64"):
        transform.inverse(column(1.0))
    with pytest.raises(ValueError, match=r"must lie in -127\.\.127, but they span -128\.\.5"):
        transform.inverse(dataset(train=[[-128], [5]]))


def test_quality_by_hand():
    data = dataset(train=[[127.0, 0.0], [10.5, 0.0]], test=[[3.25, 0.0], [128.0, 0.0]])
    transform = QuantizeTransform(8).fit(data)
    quality = transform.quality(data)
    assert list(quality) == ["train", "test"]
    # train: 10.5 becomes 11, all else is exact
    assert quality["train"].mse_per_feature.tolist() == [0.125, 0]
    assert quality["train"].mse == 0.0625
    # test: 3.25 becomes 3, and 128 saturates to 127
    assert quality["test"].mse_per_feature.tolist() == [(0.0625 + 1) / 2, 0]
    expected = 10 * np.log10((3.25**2 + 128**2) / 1.0625)
    # one logarithm, computed by two routines of numpy
    np.testing.assert_allclose(quality["test"].sqnr_db_per_feature, [expected, np.inf], rtol=1e-14)
    np.testing.assert_allclose(quality["test"].sqnr_db, expected, rtol=1e-14)
    assert str(quality["train"]) == "MSE 0.0625, SQNR 48.1 dB"


def test_the_noise_of_a_uniform_distribution_is_a_twelfth_of_a_squared_step():
    data = dataset(train=np.random.default_rng(0).uniform(-1, 1, (2000, 1)))
    ratio = {bits: QuantizeTransform(bits).fit(data).quality(data)["train"].sqnr_db for bits in (4, 8, 12)}
    # signal 1/3, noise step**2 / 12 with 2 / step = 2**bits - 2 steps; 2000 random samples know it to about 0.1 dB
    for bits, sqnr_db in ratio.items():
        assert sqnr_db == pytest.approx(20 * np.log10(2**bits - 2), abs=0.3)


def test_nothing_but_saturation_is_minus_infinity_or_zero_decibels():
    data = dataset(train=[[-3.0]])
    quality = QuantizeTransform(8, signed=False).fit(data).quality(data)["train"]
    assert (quality.mse, quality.sqnr_db) == (9, 0)  # all signal became noise


def test_histograms_by_hand():
    data = Dataset({"train": Split([[0.0], [127.0]]), "test": Split([[1.0], [126.0]])}, ["length"])
    transform = QuantizeTransform(8).fit(data)
    histograms = transform.histograms(data, "length", bins=2)
    assert histograms.feature == "length"
    assert histograms.counts_before.tolist() == histograms.counts_after.tolist() == [2, 2]
    assert histograms.edges_before.tolist() == histograms.edges_after.tolist() == [0, 63.5, 127]
    assert transform.histograms(data, 0).counts_after.tolist() == [2, *[0] * 18, 2]


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0], [0.3, 0.1 + 0.2], [1e17, 1e17 + 16], []])
def test_histograms_of_hardly_any_range(values):
    data = dataset(train=[[1.0]], test=np.array(values).reshape(-1, 1))
    histograms = QuantizeTransform(8).fit(data).histograms(data.with_splits({"all": data["test"]}), 0, bins=7)
    assert histograms.counts_before.sum() == histograms.counts_after.sum() == len(values)
    assert (np.diff(histograms.edges_before) > 0).all()
    assert (np.diff(histograms.edges_after) > 0).all()
    assert histograms.feature == "0"


def test_bad_histograms_are_refused():
    data = column(1.0)
    transform = QuantizeTransform(8).fit(data)
    with pytest.raises(ValueError, match="no feature 'length'"):
        transform.histograms(data, "length")
    with pytest.raises(ValueError, match="at least one bin, not 0"):
        transform.histograms(data, 0, bins=0)
    with pytest.raises(TypeError, match=r"bins of a histogram must be an int, not 2\.5"):
        transform.histograms(data, 0, bins=2.5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bits": True}, TypeError, "bits .* must be an int, not True"),
        ({"bits": 8.0}, TypeError, r"bits .* must be an int, not 8\.0"),
        ({"bits": "8"}, TypeError, "bits .* must be an int, not '8'"),
        ({"bits": 1}, ValueError, r"must lie in 2\.\.16, not 1"),
        ({"bits": 17}, ValueError, r"must lie in 2\.\.16, not 17"),
        ({"signed": 1}, TypeError, "signed of a QuantizeTransform must be True or False, not 1"),
        ({"symmetric": None}, TypeError, "symmetric of a QuantizeTransform must be True or False, not None"),
        ({"affine": "yes"}, TypeError, "affine of .* not 'yes'"),
        ({"per_feature": 0}, TypeError, "per_feature of .* not 0"),
        ({"affine": True}, ValueError, "zero point at 0, .* affine needs symmetric=False"),
        ({"affine": True, "signed": False, "symmetric": True}, ValueError, "affine needs symmetric=False"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        QuantizeTransform(**arguments)


def test_what_is_not_fitted_says_so():
    transform = QuantizeTransform(np.int64(8))
    for use in (transform.apply, transform.inverse, transform.quality):
        with pytest.raises(RuntimeError, match="no scale yet"):
            use(column(1.0))
    for name in ("scale", "zero_point", "encoding", "low", "high"):
        with pytest.raises(RuntimeError, match="no scale yet"):
            getattr(transform, name)


def test_samples_of_another_shape_are_refused():
    transform = QuantizeTransform(8).fit(column(1.0))
    with pytest.raises(ValueError, match=r"fitted to samples of shape \(1,\) cannot take \(2,\)"):
        transform.apply(dataset(all=[[1.0, 2.0]]))


def test_several_splits_without_train_are_refused():
    with pytest.raises(ValueError, match="a split 'train' to fit on among a, b"):
        QuantizeTransform(8)(dataset(a=[[1.0]], b=[[2.0]]))
