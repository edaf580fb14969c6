"""What a user may choose: calibration, symmetry, bits by layer, bias correction; and the refusals."""

import numpy as np
import pytest

from golden.data import Dataset, Split
from golden.layers import BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU6, Residual, Sigmoid
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.network import Network, Step
from golden.ops import Conv, Dense, Requantize
from golden.quantizer import quantize
from golden.quantizer.calibration import BINS, Statistics, clip_range
from golden.types import IntType

S8 = IntType(8, True)


def classifier(seed=0):
    block = Residual([Conv2d(6, 6, 3, padding=1, seed=seed + 1), ReLU(), Conv2d(6, 6, 3, padding=1, seed=seed + 2)])
    return Sequential(
        [
            Conv2d(2, 6, 3, seed=seed),
            ReLU(),
            block,
            ReLU(),
            MaxPool2d(2),
            Flatten(),
            Linear(24, 5, seed=seed),
            SoftMax(),
        ]
    )


def images(count=60, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 6, 6, 2))


def noise(graph, model, x):
    """Mean squared error of the logits, as a part of their variance."""
    logits = graph.nodes[-2].name
    real = model.logits(x)
    made = graph.encodings[logits].decode(graph.trace(graph.encode(x))[logits])
    return np.square(made - real).mean() / real.var()


def histogram(values):
    values = np.asarray(values, dtype=np.float64)
    low, high = values.min(), values.max()
    nonzero = values[values != 0]
    counts = np.histogram(nonzero, BINS, (low, high))[0]
    return Statistics(low, high, values.mean(), counts, values.size - nonzero.size)


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
@pytest.mark.parametrize("relu", [False, True])
def test_percentiles_are_those_of_the_values(percentile, relu):
    values = np.random.default_rng(0).normal(size=50_000) ** 3
    values = np.maximum(values, 0) if relu else values
    low, high = clip_range(histogram(values), "percentile", percentile, S8)
    bin_width = np.ptp(values) / BINS
    for end, part, limit in ((low, 100 - percentile, np.minimum), (high, percentile, np.maximum)):
        below, above = (limit(np.percentile(values, part, method=method), 0.0) for method in ("lower", "higher"))
        assert below - bin_width <= end <= above + bin_width


def test_the_hundredth_percentile_is_the_whole_range():
    values = np.random.default_rng(0).normal(size=1000)
    low, high = clip_range(histogram(values), "percentile", 100.0, S8)
    np.testing.assert_allclose([low, high], [values.min(), values.max()], rtol=1e-12)  # the centre and half a bin


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("kind", ["normal", "laplace", "relu"])
def test_mse_finds_the_range_of_the_least_error(bits, kind):
    rng = np.random.default_rng(0)
    values = {"normal": rng.normal, "laplace": rng.laplace, "relu": rng.normal}[kind](size=20_000)
    values = np.maximum(values, 0) if kind == "relu" else values
    dtype = IntType(bits, True)

    def error(low, high):
        step = (high - low) / (dtype.max - dtype.min)
        return np.square(np.round(np.clip(values, low, high) / step) * step - values).mean()

    statistics = histogram(values)
    found = error(*clip_range(statistics, "mse", 0, dtype))
    tried = [error(statistics.low * part, statistics.high * part) for part in np.linspace(0.2, 1.0, 200)]
    assert found <= min(tried) * 1.03  # bins are taken for their centres
    if bits < 6:
        assert found < 0.9 * error(statistics.low, statistics.high)


def test_percentiles_keep_outliers_from_spoiling_the_range():
    rng = np.random.default_rng(1)
    model, x = Sequential([Linear(4, 8), ReLU(), Linear(8, 3), SoftMax()]), rng.normal(size=(2000, 4))
    x[0] *= 50.0
    plain = quantize(model, x)
    better = quantize(model, x, calibration_method="percentile", percentile=99.5)
    assert better.encodings["requantize1"].scale < 0.2 * plain.encodings["requantize1"].scale
    errors = []
    for graph in (plain, better):
        trace = graph.trace(graph.encode(x[1:]))
        accumulators, result = (graph.encodings[name].decode(trace[name]) for name in ("relu1", "requantize1"))
        errors.append(np.median(np.abs(accumulators - result)))
    assert errors[1] < 0.2 * errors[0]


def test_constant_and_dead_tensors_have_ranges_in_every_method():
    dead = Linear.from_weights(np.zeros((3, 2)), [-1.0, 0.0, 0.0])
    model = Sequential([dead, ReLU(), Linear(3, 2)])
    for method in ("min-max", "percentile", "mse"):
        graph = quantize(model, np.ones((5, 2)), calibration_method=method)
        assert not graph.decode(graph(graph.encode(np.ones((1, 2))))).any()


def test_mse_rounds_weights_better_at_few_bits():
    rng = np.random.default_rng(0)
    linear = Linear.from_weights(rng.standard_t(3, size=(8, 200)), np.zeros(8))
    x, errors = rng.normal(size=(50, 200)), []
    for method in ("min-max", "mse"):
        graph = quantize(Sequential([linear]), x, weight_bits=4, per_feature=False, calibration_method=method)
        step = graph.encodings["dense1"].scale / graph.encodings["x"].scale
        errors.append(np.square(graph.node("dense1").op.weight * step[:, None] - linear.weight).sum(axis=1))
        assert np.abs(graph.node("dense1").op.weight).max() == 7
    assert np.all(errors[1] <= errors[0])
    assert errors[1].sum() < 0.8 * errors[0].sum()


@pytest.mark.parametrize("scale", ["float", "power-of-two"])
@pytest.mark.parametrize("bits", [4, 8])
def test_symmetric_means_zero_points_of_zero(bits, scale):
    graph = quantize(classifier(), images(), bits, symmetric=True, scale=scale)
    assert all(not encoding.zero_point.any() for encoding in graph.encodings.values())
    mlp = quantize(Sequential([Linear(3, 2)]), np.abs(images().reshape(-1, 3)) + 5.0, bits, symmetric=True, scale=scale)
    assert mlp.encodings["x"].zero_point.tolist() == [0, 0, 0]
    largest = 2 ** (bits - 1) - 1
    q = mlp.encode(np.abs(images().reshape(-1, 3)) + 5.0)
    assert np.all(q.max(axis=0) <= largest)
    assert scale != "float" or np.all(q.max(axis=0) == largest)


def test_bits_of_weights_and_activations():
    graph = quantize(classifier(), images(), weight_bits=3, activation_bits=6)
    weights = [node.op.weight for node in graph.nodes if isinstance(node.op, Conv | Dense)]
    assert {int(np.abs(weight).max()) for weight in weights} == {3}
    assert {str(node.op.dtype) for node in graph.nodes if isinstance(node.op, Requantize)} == {"s6"}
    assert str(graph.input_type.dtype) == "s6"


def test_bits_by_layer():
    bits = {"conv2": 4, "linear1": (2, 8), "add1": 5, "conv1": (8, 6)}
    graph = quantize(classifier(), images(), layer_bits=bits)
    types = {name: str(graph.types[name].dtype) for name in graph.types if name.startswith(("requantize", "add"))}
    assert types == {"requantize1": "s6", "requantize2": "s4", "requantize3": "s8", "add1": "s5", "requantize4": "s8"}
    largest = {node.name: int(np.abs(node.op.weight).max()) for node in graph.nodes if hasattr(node.op, "weight")}
    assert largest == {"conv1": 127, "conv2": 7, "conv3": 127, "dense1": 1}
    # a folded batch norm and a joined activation are names of the same layer
    model = Sequential([Conv2d(2, 3, 3), BatchNorm2d(*np.ones((4, 3))), ReLU6()])
    graphs = [quantize(model, images(), layer_bits={name: 4}) for name in ("conv1", "batchnorm1", "relu1")]
    assert graphs[0] == graphs[1] == graphs[2] != quantize(model, images())


def test_each_layer_at_few_bits_costs_something_and_all_together_more():
    model, x = classifier(), images(300)
    at_8 = noise(quantize(model, x), model, x)
    single = [noise(quantize(model, x, layer_bits={name: 3}), model, x) for name in ("conv1", "conv2", "linear1")]
    assert at_8 < min(single)
    assert max(single) < noise(quantize(model, x, bits=3), model, x)


@pytest.mark.parametrize("scale", ["float", "power-of-two"])
def test_bias_correction_takes_the_mean_error_back(scale):
    rng = np.random.default_rng(0)
    model = Sequential([Conv2d(3, 8, 3, padding="same", stride=2)])
    x = rng.uniform(0.0, 1.0, (200, 9, 9, 3))  # far from zero mean: the error of a weight does not average out
    means = []
    for correction in (False, True):
        graph = quantize(model, x, weight_bits=4, bias_correction=correction, scale=scale)
        accumulators = graph.trace(graph.encode(x))["conv1"] * graph.encodings["conv1"].scale
        means.append(np.abs((accumulators - model(x)).mean(axis=(0, 1, 2))))
    step = graph.encodings["conv1"].scale
    # what is left: half a step of the bias, and the rounding of the inputs, zero on average but for their number
    assert np.all(means[1] <= 0.5 * step + 1e-3)
    assert means[1].mean() < 0.1 * means[0].mean()


def test_bias_correction_helps_whole_networks():
    ratios = []
    for seed in range(4):
        model, x = classifier(seed), images(200) + 1.0
        with_, without = (noise(quantize(model, x, weight_bits=4, bias_correction=c), model, x) for c in (True, False))
        ratios.append(with_ / without)
    assert np.mean(ratios) < 0.8


def test_the_result_depends_on_neither_the_order_of_the_samples_nor_the_pieces(monkeypatch):
    x = images(50)
    for method in ("min-max", "percentile", "mse"):
        whole = quantize(classifier(), x, calibration_method=method)
        with monkeypatch.context() as patched:
            patched.setattr("golden.quantizer.calibration._ELEMENTS_AT_A_TIME", 7 * 1000)
            pieces = quantize(classifier(), x[::-1], calibration_method=method)
        q = whole.encode(x)
        assert (
            np.abs(whole.trace(q)["requantize4"] - pieces.trace(q)["requantize4"]).max() <= 1
        )  # sums in another order


def unknown(x):
    return x


class Dropout:
    """A layer that there is none of."""

    def __call__(self, x):
        return x


def test_all_layers_that_cannot_be_quantized_are_named_at_once():
    layers = [Conv2d(2, 3, 3), Dropout(), Residual([unknown, Dropout()]), Flatten(), Linear(48, 2)]
    with pytest.raises(
        ValueError, match=r"a Dropout, a function and a Dropout cannot be quantized, Add, .* can"
    ) as caught:
        quantize(Sequential(layers), images())
    notes = "\n".join(caught.value.__notes__)
    assert "in layer 2 of 5: <" in notes
    assert "in step 'function1' (3 of 7)" in notes
    assert "in layer 3 of 5: Residual" in notes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight_bits": 1}, "weight_bits must be an int in 2..16, not 1"),
        ({"activation_bits": 17}, "activation_bits must be an int in 2..16, not 17"),
        ({"layer_bits": {"conv1": 1}}, "layer_bits of 'conv1' must be an int in 2..16, not 1"),
        ({"layer_bits": {"conv1": (8, 20)}}, "layer_bits of 'conv1' must be an int in 2..16, not 20"),
        ({"layer_bits": {"conv1": (8, 8, 8)}}, r"must be an int or a pair \(weights, result\)"),
        ({"layer_bits": ["conv1"]}, "layer_bits must map names of layers to bits"),
        ({"layer_bits": {"conv11": 4}}, "unknown layer 'conv11', there are conv1, relu1, .*; did you mean 'conv1'?"),
        ({"layer_bits": {"maxpool1": 4}}, "cannot be given for 'maxpool1': it has the bits of the layer before it"),
        ({"layer_bits": {"softmax1": 4}}, "cannot be given for 'softmax1'"),
        ({"calibration_method": "max"}, "calibration_method must be 'min-max', 'percentile', 'mse', not 'max'"),
        ({"percentile": 50}, "percentile must be a number above 50, at most 100, not 50"),
        ({"percentile": "99"}, "percentile must be a number"),
        ({"scale": "log"}, "scale must be 'float' or 'power-of-two', not 'log'"),
        ({"calibration": images().reshape(60, -1)}, r"calibration of shape \(60, 72\) does not fit the model: Conv2d"),
        ({"calibration": images()[..., :1]}, "does not fit the model"),
        ({"calibration": np.ones(3)}, r"calibration must have shape \(samples, ...\), not \(3,\)"),
        ({"calibration": images(0)}, "calibration needs at least one sample"),
        ({"calibration": np.where(np.arange(72).reshape(1, 6, 6, 2) == 15, np.nan, 0.0)}, r"in feature \(1, 1, 1\)"),
    ],
)
@pytest.mark.parametrize("network", [False, True])
def test_bad_arguments_are_refused(arguments, message, network):
    model = classifier()
    place = r"in layer 1 of 8: Conv2d\(2, 6, \(3, 3\)\)"
    if network:
        model, place = Network.of(model, (6, 6, 2)), r"in step 'conv1' \(1 of 11\)"
        if "fit the model" in message or "(samples, ...)" in message:
            message = r"calibration must have shape \(samples, 6, 6, 2\), not \("
        message = message.replace(r"\(samples, ...\)", r"\(samples, 6, 6, 2\)")
    with pytest.raises(ValueError, match=rf"(?s){message}.*in (layer|step) ") as caught:
        quantize(model, **{"calibration": images(), **arguments})
    if "fit the model" not in message:
        caught.match(rf"(?s){place}")


@pytest.mark.parametrize("network", [False, True])
def test_models_that_cannot_be_quantized_name_the_layer(network):
    def attempt(*layers):
        model = Sequential(layers)
        return quantize(Network.of(model, (6, 6, 2)) if network else model, images())

    broken = Residual([Conv2d(2, 2, 1), BatchNorm2d([1.0, np.nan], [0, 0], [0, 0], [1, 1])])
    with pytest.raises(ValueError, match=r"(?s)weight or bias is NaN.*in step 'batchnorm1' \(2 of 3\)"):
        attempt(broken)
    with pytest.raises(ValueError, match=r"(?s)SoftMax must be the last layer.*SoftMax\(\)"):
        attempt(Conv2d(2, 2, 1), SoftMax(), GlobalAvgPool2d())
    with pytest.raises(ValueError, match=r"(?s)must begin with a Linear or a Conv2d.*Sigmoid\(\)"):
        attempt(Sigmoid(), GlobalAvgPool2d())
    huge = Conv2d.from_weights(np.full((1, 1, 1, 2), 1e308))
    with pytest.raises(ValueError, match=r"(?s)give a NaN or an infinity here.*Conv2d"), np.errstate(all="ignore"):
        attempt(huge, GlobalAvgPool2d())


def test_calibration_of_networks_with_several_inputs():
    network = Network(
        {"a": (2,), "b": (2,)}, (Step("y", Linear(2, 2), ("a",)), Step("z", Linear(2, 2), ("b",))), ("y", "z")
    )
    x = {"a": np.ones((3, 2)), "b": np.zeros((3, 2))}
    assert list(quantize(network, x).inputs) == ["a", "b"]
    for wrong, message in (
        (np.ones((3, 2)), "samples for each input by name: a, b"),
        ({"a": x["a"]}, "must have the inputs a, b, not a"),
        ({"a": x["a"], "b": np.ones((2, 2))}, "as many samples of every input, not 3 of a, 2 of b"),
        ({"a": x["a"], "b": np.ones((3, 3))}, r"calibration of the input 'b' must have shape \(samples, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            quantize(network, wrong)
    data = Dataset({"train": Split(np.ones((3, 2)))})
    with pytest.raises(TypeError, match="one split of the Dataset, by name: 'train'"):
        quantize(network, data)
    with pytest.raises(TypeError, match="must be a Sequential or a Network, not 3"):
        quantize(3, x)
