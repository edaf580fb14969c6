"""quantize: the equation of every scale, the folded zero point, accuracy, and models at the edge."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.data import Dataset, Split, load_iris
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.ops import Argmax, Dense, Relu, Requantize
from golden.quantizer import quantize
from golden.training import fit

RNG = np.random.default_rng(5)
BOTH = pytest.mark.parametrize("scale", ["float", "power-of-two"])


def model(*features, seed=0, softmax=False):
    """Random weights and biases, a ReLU between any two Linear."""
    layers = []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(features)):
        linear = Linear(inputs, outputs, seed=seed + i)
        linear.bias += np.random.default_rng(seed + i).normal(0.0, 0.5, outputs)
        layers += [linear, ReLU()]
    layers[-1:] = [SoftMax()] if softmax else []
    return Sequential(layers)


def samples(features, count=200, low=-1.0, high=3.0):
    return np.random.default_rng(9).uniform(low, high, (count, features))


def requantizes(graph):
    return [node.op for node in graph.nodes if isinstance(node.op, Requantize)]


def denses(graph):
    return [node.op for node in graph.nodes if isinstance(node.op, Dense)]


def assert_close(graph, net, x, part):
    """The graph's real result is the model's, up to this part of its largest."""
    assert np.abs(graph.decode(graph(graph.encode(x))) - net(x)).max() < part * np.abs(net(x)).max()


@BOTH
def test_the_layers_are_dense_relu_requantize_and_argmax(scale):
    graph = quantize(model(3, 5, 4, softmax=True), samples(3), scale=scale)
    names = ["dense1", "relu1", "requantize1", "dense2", "requantize2", "argmax1"]
    assert [node.name for node in graph.nodes] == names
    assert [type(node.op) for node in graph.nodes] == [Dense, Relu, Requantize, Dense, Requantize, Argmax]
    assert set(graph.encodings) == {"x", *names} - {"argmax1"}
    assert (str(graph.input_type), str(graph.output_type)) == ("s8[3]", "u2[]")
    assert all(op.arithmetic == "half_up" and str(op.dtype) == "s8" for op in requantizes(graph))


@pytest.mark.parametrize("per_feature", [True, False])
@pytest.mark.parametrize("per_channel", [True, False])
@BOTH
def test_the_zero_point_is_folded_into_the_bias(per_feature, per_channel, scale):
    # weights of which every one is a multiple of the step are not rounded, so that only the bias is: half a step
    linear = Linear.from_weights([[127.0, -64.0, 3.0], [-127.0, 100.0, 1.0]], [0.3, -70.0])
    x = np.array([[5.0, 5.0, 5.0], [5.0 + 255 / 4, 5.0 + 255 / 4, 5.0 + 255 / 4]])
    graph = quantize(Sequential([linear]), x, scale=scale, per_feature=per_feature, per_channel=per_channel)
    step = graph.encodings["dense1"].scale
    assert np.all(step == 0.25)
    q = RNG.integers(-128, 128, (50, 3))
    real = linear(graph.encodings["x"].decode(q))
    accumulators = graph.trace(q)["dense1"]
    assert np.abs(accumulators * step - real).max() <= 0.5 * step.max() + 1e-9  # 1e-9: float sums of magnitude 1e4


@BOTH
@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_weights_are_symmetric_and_use_their_range(bits, scale):
    graph = quantize(model(6, 5, 3), samples(6), bits=bits, scale=scale)
    largest = 2 ** (bits - 1) - 1
    for op in denses(graph):
        rows = np.abs(op.weight).max(axis=1)
        assert rows.max() <= largest
        if scale == "float":
            assert np.all(rows == largest)
        else:
            assert np.all(rows > largest // 2)
    for op in requantizes(graph):
        assert str(op.dtype) == f"s{bits}"
    assert graph.input_type.dtype.bits == bits


@BOTH
def test_the_weight_steps_are_per_output_or_one_for_all(scale):
    wide = model(4, 6)
    wide.linears[0].weight[2] *= 100.0
    per_channel = quantize(wide, samples(4), scale=scale)
    assert per_channel.encodings["dense1"].scale.shape == (6,)
    assert requantizes(per_channel)[0].multiplier.shape == requantizes(per_channel)[0].shift.shape == (6,)
    assert np.all(np.abs(denses(per_channel)[0].weight).max(axis=1) >= 64)
    per_tensor = quantize(wide, samples(4), scale=scale, per_channel=False)
    assert per_tensor.encodings["dense1"].scale.shape == ()
    assert requantizes(per_tensor)[0].multiplier.shape == requantizes(per_tensor)[0].shift.shape == ()


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("bits", [2, 8, 16])
def test_float_scales_share_one_shift_with_the_largest_multiplier_of_17_bits(bits, per_channel):
    graph = quantize(model(7, 9, 8, 3), samples(7), bits=bits, per_channel=per_channel)
    previous = None
    for number, op in enumerate(requantizes(graph), 1):
        assert np.unique(op.shift).size == 1
        assert 2**16 <= op.multiplier.max() < 2**17
        ratio = graph.encodings[f"dense{number}"].scale / graph.encodings[f"requantize{number}"].scale
        assert np.abs(op.multiplier / 2.0**op.shift - ratio).max() <= 0.5 / 2.0 ** op.shift.max()
        previous = op
    assert previous is not None


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_powers_of_two_need_no_multiplier(bits, per_channel):
    graph = quantize(model(7, 9, 8, 3), samples(7), bits=bits, per_channel=per_channel, scale="power-of-two")
    for op in requantizes(graph):
        ones = op.multiplier == 1
        assert np.all(ones | ((op.shift == 0) & (np.log2(op.multiplier) % 1 == 0)))
    for name, encoding in graph.encodings.items():
        assert np.all(np.log2(encoding.scale) % 1 == 0), name
    for number, op in enumerate(requantizes(graph), 1):
        ratio = graph.encodings[f"dense{number}"].scale / graph.encodings[f"requantize{number}"].scale
        assert np.array_equal(op.multiplier / 2.0**op.shift, ratio)


def test_a_power_of_two_above_one_is_a_multiplier_without_shift():
    # the sum cancels to 1/1000 of its terms: the output needs a finer step than the accumulator has
    x = np.random.default_rng(0).uniform(1.0, 2.0, (100, 1)) * [1.0, 1.0] + np.random.default_rng(1).uniform(
        0, 1e-3, (100, 2)
    )
    cancelling = Sequential([Linear.from_weights([[1.0, -1.0]], [0.0])])
    op = requantizes(quantize(cancelling, x, bits=4, scale="power-of-two"))[0]
    assert op.multiplier.tolist()[0] > 1
    assert op.shift.tolist() == [0]
    op = requantizes(quantize(cancelling, x, bits=4))[0]
    assert op.multiplier.max() / 2.0 ** op.shift.max() > 1


@BOTH
def test_after_a_relu_zero_is_exact_and_the_range_starts_there(scale):
    graph = quantize(model(3, 5, 4), samples(3), scale=scale)
    assert requantizes(graph)[0].zero_point == -128
    assert graph.encodings["requantize1"].decode([-128]).tolist() == [0.0]


@BOTH
def test_a_range_on_one_side_of_zero_still_includes_zero(scale):
    always_high = Sequential([Linear.from_weights([[1.0], [1.0]], [10.0, 12.0])])
    graph = quantize(always_high, samples(1), scale=scale)
    assert 0.0 in graph.encodings["requantize1"].decode(np.arange(-128, 128))
    assert requantizes(graph)[0].zero_point == -128
    assert_close(graph, always_high, samples(1), 0.02)
    always_low = Sequential([Linear.from_weights([[1.0]], [-10.0])])
    graph = quantize(always_low, samples(1), scale=scale)
    assert_close(graph, always_low, samples(1), 0.02)
    assert 0.0 in graph.encodings["requantize1"].decode(np.arange(-128, 128))


@BOTH
def test_more_bits_come_closer_to_the_float_model(scale):
    net, x = model(6, 16, 4), samples(6)
    errors = []
    for bits in (4, 8, 12, 16):
        graph = quantize(net, x, bits=bits, scale=scale)
        errors.append(np.abs(graph.decode(graph(graph.encode(x))) - net(x)).max() / np.ptp(net(x)))
    assert errors[1] < 0.03
    assert errors[3] < 2e-4
    assert errors == sorted(errors, reverse=True)


@BOTH
def test_linears_without_relu_between_are_fine(scale):
    net, x = Sequential([Linear(3, 4), Linear(4, 4), ReLU(), ReLU(), Linear(4, 2)]), samples(3)
    graph = quantize(net, x, bits=12, scale=scale)
    assert [type(node.op) for node in graph.nodes] == [Dense, Requantize, Dense, Relu, Requantize, Dense, Requantize]
    assert np.abs(graph.decode(graph(graph.encode(x))) - net(x)).max() < 0.02 * np.ptp(net(x))


@BOTH
@pytest.mark.parametrize("bits", [4, 8])
def test_inputs_far_from_zero_cost_no_accuracy(bits, scale):
    # a year: its zero point is at -25,000, where any rounding of a weight would be multiplied by 25,000
    x, near = samples(2, low=0.0, high=20.0), model(2, 8, 3)
    far = model(2, 8, 3)
    far.linears[0].bias -= far.linears[0].weight @ [2000.0, 2000.0]
    graph, reference = quantize(far, x + 2000.0, bits, scale=scale), quantize(near, x, bits, scale=scale)
    span = np.ptp(near(x))
    far_error = np.abs(graph.decode(graph(graph.encode(x + 2000.0))) - near(x)).mean() / span
    near_error = np.abs(reference.decode(reference(reference.encode(x))) - near(x)).mean() / span
    assert far_error < 1.3 * near_error + 1e-3


@BOTH
@pytest.mark.parametrize("constant", [0.0, 7.3, -1e6])
def test_constant_features_behave(constant, scale):
    x = samples(3)
    x[:, 1] = constant
    net = model(3, 6, 2)
    graph = quantize(net, x, scale=scale)
    assert np.abs(graph.decode(graph(graph.encode(x))) - net(x)).max() < 0.05 * max(
        np.ptp(net(x)), np.abs(net(x)).max()
    )


@BOTH
@pytest.mark.parametrize("per_feature", [True, False])
def test_degenerate_models_still_give_graphs(per_feature, scale):
    nothing = Sequential([Linear.from_weights(np.zeros((3, 2)), np.zeros(3)), ReLU(), Linear(3, 2)])
    graph = quantize(nothing, np.zeros((4, 2)), scale=scale, per_feature=per_feature)
    assert not graph.decode(graph(graph.encode(np.zeros((1, 2))))).any()
    constant = Sequential([Linear.from_weights(np.zeros((2, 2)), [3.0, -1.0])])
    graph = quantize(constant, samples(2), scale=scale, per_feature=per_feature)
    np.testing.assert_allclose(graph.decode(graph([[1, 2]])), [[3.0, -1.0]], atol=0.02)  # a step is 4 / 255


def test_dead_rows_do_not_spoil_the_others():
    net = model(4, 6, 3)
    net.linears[0].weight[1] = 1e-30
    net.linears[0].weight[2] = 0.0
    net.linears[0].weight[3] *= 1e-6  # a step of its own would leave its bias no multiplier: 1e-6 * 2**17 rounds to 0
    net.linears[0].bias[3] = 3.0
    x = samples(4)
    graph = quantize(net, x)
    assert np.abs(graph.decode(graph(graph.encode(x))) - net(x)).max() < 0.03 * np.ptp(net(x))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 16),
    st.booleans(),
    st.sampled_from(["float", "power-of-two"]),
    st.booleans(),
    st.tuples(*[st.integers(-12, 12)] * 5),
    st.integers(0, 2**16),
)
def test_wild_magnitudes_give_a_graph_or_a_reason(bits, per_channel, scale, per_feature, powers, seed):
    rng = np.random.default_rng(seed)
    net = model(3, 4, 2, seed=seed)
    for array, power in zip(net.parameters(), powers, strict=False):
        array *= 10.0**power
    x = rng.normal(rng.normal(), 1.0, (20, 3)) * 10.0 ** powers[4]
    try:
        graph = quantize(net, x, bits, per_channel, scale, per_feature)
    except ValueError as error:
        assert "layer" in " ".join(error.__notes__)  # noqa: PT017
    else:
        corners = np.array([[graph.input_type.dtype.min] * 3, [graph.input_type.dtype.max] * 3])
        for name, tensor in graph.trace(np.concatenate([corners, graph.encode(x)])).items():
            graph.types[name].check(tensor)


def test_the_result_does_not_depend_on_the_order_of_the_samples_or_the_mode():
    net, x = model(5, 7, 3, softmax=True), samples(5)
    a, b = quantize(net, x), quantize(net.eval(), x[::-1])
    assert np.array_equal(a(a.encode(x)), b(b.encode(x)))


def test_classes_ride_along():
    net = Sequential([Linear(2, 2), SoftMax()], classes=["no", "yes"])
    assert quantize(net, samples(2)).classes == ("no", "yes")


@BOTH
def test_iris_from_data_to_integers(scale):
    data = load_iris(seed=0)
    net = Sequential([Linear(4, 10), ReLU(), Linear(10, 3)])
    fit(net, data["train"])
    graph = quantize(net, calibration=data["train"].x, bits=8, scale=scale)
    predicted = graph(graph.encode(data["test"].x)).argmax(axis=1)
    right = (net(data["test"].x).argmax(axis=1) == data["test"].y).mean()
    assert (predicted == data["test"].y).mean() >= right - 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 1}, "bits must be an int in 2..16, not 1"),
        ({"bits": 17}, "bits must be an int in 2..16, not 17"),
        ({"bits": 8.0}, "bits must be an int"),
        ({"scale": "int"}, "scale must be 'float' or 'power-of-two', not 'int'"),
        ({"calibration": np.array([[1.0, np.nan]])}, "NaN or an infinity in feature 1"),
        ({"calibration": np.empty((0, 2))}, "at least one sample"),
        ({"calibration": np.ones((4, 3))}, r"shape \(samples, 2\), not \(4, 3\)"),
        ({"calibration": np.ones(2)}, r"shape \(samples, 2\), not \(2,\)"),
    ],
)
def test_bad_arguments_are_refused_with_the_layer(arguments, message):
    with pytest.raises(ValueError, match=rf"(?s){message}.*in layer 1 of 3: Linear\(2, 4\)"):
        quantize(model(2, 4, 3), **{"calibration": samples(2), **arguments})


def test_models_that_cannot_be_quantized_name_the_layer():
    x = samples(2)
    with pytest.raises(ValueError, match=r"(?s)must begin with a Linear.*in layer 1 of 1: ReLU"):
        quantize(Sequential([ReLU()]), x)
    with pytest.raises(ValueError, match=r"(?s)must be the last layer.*in layer 2 of 3: SoftMax"):
        quantize(Sequential([Linear(2, 2), SoftMax(), Linear(2, 2)]), x)
    with pytest.raises(ValueError, match=r"(?s)a function cannot be quantized.*in layer 2 of 2"):
        quantize(Sequential([Linear(2, 2), lambda x: x]), x)
    broken = model(2, 3, 2)
    broken.linears[1].bias[0] = np.nan
    with pytest.raises(ValueError, match=r"(?s)weight or bias is NaN.*in layer 3 of 3"):
        quantize(broken, x)


def test_calibration_may_be_a_split_and_bits_a_numpy_integer():
    x = samples(3)
    expected = quantize(model(3, 5, 2), x, bits=6)
    assert quantize(model(3, 5, 2), Split(x), bits=np.int64(6)) == expected
    assert quantize(model(3, 5, 2), Split(x, np.zeros(len(x), dtype=np.int64)), bits=6) == expected
    with pytest.raises(TypeError, match="must be one split of the Dataset, by name: 'train', 'test'"):
        quantize(model(3, 5, 2), Dataset({"train": Split(x), "test": Split(x)}))
