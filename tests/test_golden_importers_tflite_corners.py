"""Corners of TensorFlow Lite's format, one small file each: golden equals TensorFlow Lite Micro on every value."""

import numpy as np
import pytest
from tflite_layers import Network
from tflite_reference import RefusedError, assert_equal, file_of

import golden

pytestmark = pytest.mark.slow  # it needs the interpreter

WINDOWS = [
    # kernel, stride, padding, dilation
    ((1, 1), (1, 1), "VALID", (1, 1)),
    ((1, 1), (2, 3), "SAME", (1, 1)),
    ((2, 2), (2, 2), "SAME", (1, 1)),
    ((2, 4), (3, 2), "SAME", (1, 1)),
    ((4, 2), (1, 1), "SAME", (1, 1)),
    ((3, 2), (3, 3), "SAME", (1, 1)),
    ((2, 3), (2, 3), "VALID", (1, 1)),
    ((3, 3), (4, 4), "VALID", (1, 1)),
    ((7, 9), (1, 1), "VALID", (1, 1)),
    ((7, 9), (1, 1), "SAME", (1, 1)),
    ((9, 11), (2, 2), "SAME", (1, 1)),
    ((3, 2), (1, 1), "SAME", (2, 3)),
    ((2, 2), (1, 1), "VALID", (3, 1)),
    ((3, 3), (2, 2), "SAME", (2, 2)),
    ((2, 2), (1, 1), "SAME", (6, 8)),
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), WINDOWS)
def test_convolutions(kernel, stride, padding, dilation, tmp_path):
    net = Network(1)
    x = net.placeholder(1, 7, 9, 4)
    net.output(net.conv(x, 5, kernel, stride, padding, dilation))
    net.output(net.conv(x, 6, kernel, stride, padding, dilation, groups=2, activation="RELU6"))
    net.output(net.depthwise(x, 1, kernel, stride, padding, dilation))
    net.output(net.depthwise(x, 3, kernel, stride, padding, dilation, activation="RELU"))
    assert_equal(net, tmp_path, 8)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [w[:3] for w in WINDOWS if w[3] == (1, 1)])
@pytest.mark.parametrize("zero_point", [-128, 5, 127])
def test_pooling(kernel, stride, padding, zero_point, tmp_path):
    net = Network(2)
    x = net.placeholder(1, 7, 9, 3, zero_point=zero_point, scale=0.05)
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for activation in ("NONE", "RELU", "RELU_N1_TO_1", "RELU6"):
            net.output(net.pool(kind, x, kernel, stride, padding, activation))
    assert_equal(net, tmp_path)


def test_max_pooling_of_negative_values_does_not_see_the_padding(tmp_path):
    net = Network()
    x = net.placeholder(1, 3, 3, 1, zero_point=127)
    net.output(net.pool("MAX_POOL_2D", x, (3, 3), (1, 1), "SAME"))
    graph = assert_equal(net, tmp_path)
    assert graph(np.full((1, 3, 3, 1), -128)).max() == -128


@pytest.mark.parametrize("zero_points", [(-128, -128), (-128, 127), (127, -128), (127, 127)])
@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU_N1_TO_1", "RELU6"])
def test_zero_points_at_the_limits(zero_points, activation, tmp_path):
    net = Network(3)
    x = net.placeholder(1, 4, 5, 3, scale=0.1, zero_point=zero_points[0])
    other = {"activation": activation, "zero_point": zero_points[1]}
    # One of the limits may leave only one value, never none.
    net.output(net.conv(x, 4, (3, 3), (1, 1), "SAME", **other))
    net.output(net.depthwise(x, 2, (3, 3), (2, 2), "SAME", **other))
    net.output(net.dense(x, 6, **other))
    net.output(net.binary("ADD", x, x, **other))
    net.output(net.binary("SUB", x, net.operand(3, zero_point=zero_points[1]), **other))
    net.output(net.binary("MUL", net.operand(1, zero_point=zero_points[0]), x, **other))
    net.output(net.reduce("MEAN", x, [1, 2], zero_point=zero_points[1]))
    net.output(net.unary("QUANTIZE", x, zero_point=zero_points[1]))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_bias_and_scales(per_channel, bias, tmp_path):
    net = Network(4)
    x = net.placeholder(1, 5, 3, 4)
    other = {"per_channel": per_channel, "bias": bias}
    net.output(net.conv(x, 3, (2, 2), **other), net.depthwise(x, 2, (2, 2), **other), net.dense(x, 7, **other))
    assert_equal(net, tmp_path)


def test_an_absent_bias_may_be_left_out_or_be_minus_one(tmp_path):
    for seed in range(4):
        net = Network(seed)
        x = net.placeholder(1, 5, 3, 4)
        net.output(net.conv(x, 3, (2, 2), bias=False), net.dense(x, 7, bias=False))
        assert_equal(net, tmp_path)


@pytest.mark.parametrize("gain", [0.7, 0.999999, 1.0, 1.5, 2.0, 40.0, 30000.0])
def test_scales_above_one_shift_to_the_left(gain, tmp_path):
    net = Network(5)
    x = net.placeholder(1, 3, 4, 2, scale=1.0)
    for per_channel in (False, True):
        scales = np.array([gain, gain / 3, gain / 2000]) if per_channel else gain
        net.output(net.conv(x, 3, (2, 2), per_channel=per_channel, weight_scale=scales, scale=1.0))
        net.output(net.dense(x, 3, per_channel=per_channel, weight_scale=scales, scale=1.0))
    net.output(net.depthwise(x, 1, (2, 2), per_channel=True, weight_scale=np.array([gain, gain / 9]), scale=1.0))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("power", [-20, -29, -30, -31, -32, -33, -40, -80])
@pytest.mark.parametrize("fraction", [0.5, 0.75, 1 - 2.0**-24])
def test_multipliers_that_are_tiny_or_flushed(power, fraction, tmp_path):
    """Sums near the ends of 32 bits, so that there is something left of them."""
    net = Network(6)
    x = net.placeholder(1, 1, 1, 64, scale=1.0, zero_point=0)
    gain = float(np.float32(fraction * 2.0**power))
    for sign in (1, -1):
        bias = np.array([sign * 2**30, sign * (2**31 - 2**21), 0, sign * 2**29])
        for per_channel in (False, True):
            other = {"bias": bias, "weight_scale": gain, "scale": 1.0, "zero_point": 3}
            net.output(net.conv(x, 4, (1, 1), per_channel=per_channel, **other))
    assert_equal(net, tmp_path)


def test_sums_that_leave_32_bits_wrap_around(tmp_path):
    net = Network(7)
    x = net.placeholder(1, 2, 2, 64, scale=1.0, zero_point=0)
    bias = np.array([2**31 - 1, -(2**31), 2**31 - 10000, -(2**31) + 10000])
    for gain in (2.0**-24, 2.0**-31, 0.3):
        other = {"bias": bias, "weight_scale": gain, "scale": 1.0, "zero_point": -1}
        net.output(net.conv(x, 4, (2, 2), **other))
        net.output(net.conv(x, 4, (1, 1), per_channel=True, **other))
        net.output(net.dense(x, 4, **other))
    graph = assert_equal(net, tmp_path)
    assert any(type(node.op).__name__ == "Wrap" for node in graph.nodes)


def test_fan_out_and_outputs_in_the_middle(tmp_path):
    net = Network(8)
    x = net.placeholder(1, 4, 6, 3)
    a = net.conv(x, 3, (3, 3), (1, 1), "SAME", activation="RELU")
    b = net.depthwise(a, 1, (3, 3), (1, 1), "SAME")
    c = net.conv(a, 3, (1, 1))
    d = net.binary("ADD", b, c)
    e = net.binary("MUL", d, a)
    f = net.binary("ADD", e, x)
    g = net.unary("RELU6", a)
    net.output(f, a, d, g, a)
    graph = assert_equal(net, tmp_path)
    assert len(graph.outputs) == 4  # one of them was there twice


def test_several_inputs(tmp_path):
    net = Network(9)
    a, b, c = net.placeholder(1, 4, 5, 2), net.placeholder(1, 4, 5, 2), net.placeholder(1, 2)
    net.output(net.binary("ADD", a, b), net.binary("MUL", b, c), net.binary("SUB", c, a))
    graph = assert_equal(net, tmp_path)
    assert list(graph.inputs) == ["x1", "x2", "x3"]


def test_an_input_that_is_an_output(tmp_path):
    net = Network(9)
    x = net.placeholder(1, 5)
    net.output(x, net.dense(x, 3), x)
    assert assert_equal(net, tmp_path).outputs == ("x", "dense1")


def test_unused_inputs_and_tensors_and_operators(tmp_path):
    net = Network(10)
    x, _ = net.placeholder(1, 5), net.placeholder(1, 7, 2)
    net.tensor((1, 9), None)
    net.operand(3, 3)
    net.dense(x, 4)
    net.output(net.dense(x, 3))
    assert list(assert_equal(net, tmp_path).inputs) == ["x1", "x2"]


def test_an_operator_applied_to_the_same_tensor_twice(tmp_path):
    net = Network(11)
    x = net.placeholder(1, 3, 4)
    for kind in ("ADD", "SUB", "MUL"):
        net.output(net.binary(kind, x, x))
    net.output(net.concat(1, x, x, x), net.concat(2, x, x))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("activation", ["RELU", "RELU6"])
def test_activations_fused_and_separate(activation, tmp_path):
    net = Network(12)
    x = net.placeholder(1, 3, 3, 4, scale=0.03)
    y = net.conv(x, 4, (3, 3), scale=0.05, zero_point=-20)
    net.output(net.unary(activation, y), net.conv(x, 4, (3, 3), scale=0.05, zero_point=-20, activation=activation))
    net.output(net.unary(activation, x))
    assert_equal(net, tmp_path)


def test_a_separate_relu_may_change_the_scale(tmp_path):
    net = Network(13)
    for scale in (0.001, 0.03, 0.0299, 0.5):
        x = net.placeholder(1, 64, scale=0.03, zero_point=7)
        net.output(net.unary("RELU", x, scale=scale, zero_point=7), net.unary("RELU", x, scale=scale, zero_point=-128))
    assert_equal(net, tmp_path)


def test_relu_n1_to_1_is_the_fused_one(tmp_path):
    """The interpreter has no kernel of its own for it."""
    net = Network(12)
    x = net.placeholder(1, 3, 3, 4, scale=0.03)
    pooled = net.pool("MAX_POOL_2D", x, (2, 2))
    net.output(net.pool("MAX_POOL_2D", x, (2, 2), activation="RELU_N1_TO_1"), made := net.like(pooled))
    net.operator("RELU_N1_TO_1", [pooled], made)
    with pytest.raises(RefusedError, match="Didn't find op for builtin opcode 'RELU_N1_TO_1'"):
        assert_equal(net, tmp_path)
    graph = golden.from_tflite(file_of(net, tmp_path))
    first, second = graph.run(np.random.default_rng(0).integers(-128, 128, (50, 3, 3, 4))).values()
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first)) > 10


@pytest.mark.parametrize("shape", [(1, 1, 9, 3), (1, 9, 1, 3), (1, 1, 1, 3), (1, 2, 17, 1)])
def test_images_that_are_not_square(shape, tmp_path):
    net = Network(14)
    x = net.placeholder(*shape)
    kernel = (min(shape[1], 2), min(shape[2], 3))
    for padding in ("SAME", "VALID"):
        net.output(net.conv(x, 4, kernel, (1, 2), padding), net.depthwise(x, 2, kernel, (2, 1), padding))
        net.output(net.pool("AVERAGE_POOL_2D", x, kernel, (1, 2), padding))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize(
    ("shape", "given", "by"),
    [
        ((1, 24), None, "tensor"),
        ((1, 24), [-1, 24], "tensor"),
        ((1, 24), [1, -1], "options"),
        ((1, 4, 6), [1, -1, 6], "both"),
        ((1, 6, 4, 1), [1, 6, 4, -1], "options"),
        ((24,), [-1], "tensor"),
        ((4, 6), [4, -1], "tensor"),
        ((2, 3, 4), None, "options"),
        ((1, 1, 1, 1, 24), None, "tensor"),
    ],
)
def test_reshape(shape, given, by, tmp_path):
    net = Network(15)
    x = net.placeholder(1, 2, 3, 4)
    net.output(net.reshape(x, shape, by, given))
    assert_equal(net, tmp_path)


def test_dimensions_of_one_come_and_go(tmp_path):
    net = Network(16)
    x = net.placeholder(1, 3, 1, 4, 1)
    net.output(net.squeeze(x, 2), net.squeeze(x, -1), net.squeeze(x, 2, 4), net.squeeze(x))
    y = net.placeholder(1, 3, 4)
    net.output(net.expand_dims(y, 1), net.expand_dims(y, -1), net.expand_dims(y, 0), net.expand_dims(y, 3))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1, 3, 4, 5), (1, 3, 4, 5)),
        ((1, 3, 4, 5), (5,)),
        ((1, 3, 4, 5), (1,)),
        ((1, 3, 4, 5), ()),
        ((1, 3, 4, 5), (1, 1, 1, 1)),
        ((1, 3, 4, 5), (1, 1, 1, 5)),
        ((1, 3, 4, 5), (3, 1, 1)),
        ((1, 3, 4, 5), (1, 1, 4, 1)),
        ((1, 3, 4, 5), (3, 4, 5)),
        ((1, 3, 4, 1), (1, 3, 4, 1)),
        ((1, 7), (1, 7)),
    ],
)
def test_constant_operands(kind, a, b, tmp_path):
    net = Network(17)
    x = net.placeholder(*a)
    net.output(net.binary(kind, x, net.operand(*b)), net.binary(kind, net.operand(*b), x, activation="RELU"))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1, 3, 4, 5), (1, 1, 1, 5)),
        ((1, 1, 4, 5), (1, 3, 1, 5)),
        ((1, 3, 4, 1), (1, 1, 1, 5)),
        ((1, 3, 4, 5), (1, 5)),
        ((1, 4, 5), (1, 3, 4, 5)),
        ((1, 1), (1, 6)),
        ((1, 1, 1, 1), (1, 6, 2, 3)),
    ],
)
def test_broadcasting_of_activations(kind, a, b, tmp_path):
    net = Network(18)
    x, y = net.placeholder(*a), net.placeholder(*b)
    net.output(net.binary(kind, x, y), net.binary(kind, y, x))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("scales", [(0.1, 0.2, 0.3), (1.0, 1.0, 1.0), (1e-3, 1.0, 0.1), (2.0, 1e-5, 0.5), (4, 4, 1e-2)])
def test_operands_of_three_scales(kind, scales, tmp_path):
    net = Network(19)
    a, b = net.placeholder(1, 200, scale=scales[0]), net.placeholder(1, 200, scale=scales[1])
    for activation in ("NONE", "RELU6"):
        net.output(net.binary(kind, a, b, activation, scale=scales[2]))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("shape", [(1, 12), (1, 3, 4), (1, 2, 3, 4), (1, 1, 1, 12), (1, 2, 1, 2, 3)])
@pytest.mark.parametrize("keep", [False, True])
def test_dense_layers_of_any_rank(shape, keep, tmp_path):
    net = Network(20)
    x = net.placeholder(*shape)
    y = net.dense(x, 5, keep, activation="RELU")
    net.output(y, net.dense(y, 1, keep))
    assert_equal(net, tmp_path)


def test_dense_layer_in_rows_without_keeping_dimensions(tmp_path):
    net = Network(21)
    x = net.placeholder(1, 3, 4)
    y = net.dense(x, 5, True)
    net.tensors[y].shape = (3, 5)
    net.operators[-1].options["keep_num_dims"] = False
    net.output(y)
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("weight_zero_point", [-128, 1, 127])
def test_dense_weights_with_a_zero_point(weight_zero_point, tmp_path):
    net = Network(22)
    x = net.placeholder(1, 30)
    net.output(net.dense(x, 5, per_channel=False, weight_zero_point=weight_zero_point))
    assert_equal(net, tmp_path)


def test_weights_of_minus_128(tmp_path):
    net = Network(23)
    x = net.placeholder(1, 3, 3, 2)
    net.output(net.conv(x, 3, (3, 3), weight=np.full((3, 3, 3, 2), -128, np.int8)))
    net.output(net.depthwise(x, 1, (3, 3), weight=np.full((1, 3, 3, 2), -128, np.int8)))
    net.output(net.dense(x, 2, weight=np.full((2, 18), -128, np.int8)))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["MEAN", "SUM", "REDUCE_MAX"])
@pytest.mark.parametrize("axes", [[1], [2], [3], [1, 2], [2, 1], [-2, -1], [1, 2, 3], [1, 3], [-1], [1, -3], [0, 1]])
@pytest.mark.parametrize("keep", [False, True])
def test_reductions(kind, axes, keep, tmp_path):
    net = Network(24)
    x = net.placeholder(1, 3, 5, 7)
    net.output(net.reduce(kind, x, axes, keep))
    if kind == "REDUCE_MAX":
        with pytest.raises(NotImplementedError, match="REDUCE_MAX"):
            assert_equal(net, tmp_path)
    else:
        assert_equal(net, tmp_path)


@pytest.mark.parametrize("shape", [(1, 6), (1, 6, 5), (1, 1, 1, 8), (1, 2, 3, 2, 2)])
def test_means_of_any_rank(shape, tmp_path):
    net = Network(25)
    x = net.placeholder(*shape)
    for axis in range(1, len(shape)):
        net.output(net.reduce("MEAN", x, [axis]), net.reduce("MEAN", x, [axis - len(shape)], True))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("gain", [1e-9, 1e-4, 0.01, 0.3, 1.0, 1.7, 8.0, 100.0])
@pytest.mark.parametrize("size", [1, 2, 3, 64, 700])
def test_means_of_any_scale(gain, size, tmp_path):
    net = Network(26)
    for zero_point in (-128, 3, 127):
        x = net.placeholder(1, size, 1, 2, scale=0.25, zero_point=zero_point)
        net.output(net.reduce("MEAN", x, [1, 2], scale=0.25 / gain), net.reduce("SUM", x, [1, 2], scale=0.25 / gain))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("classes", [1, 2, 3, 12, 511])
@pytest.mark.parametrize("scale", [1e-5, 0.01, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("beta", [1.0, 0.1, 4.0])
def test_softmax(classes, scale, beta, tmp_path):
    net = Network(27)
    x = net.placeholder(1, classes, scale=scale)
    net.output(net.softmax(x, beta))
    assert_equal(net, tmp_path, 12)


@pytest.mark.parametrize("scale", [0.02, 0.1, 1.0, 30.0])
def test_softmax_of_many_classes(scale, tmp_path):
    """Random inputs only: the interpreter aborts where the sum of the exponentials is 512 or more."""
    net = Network(27)
    x = net.placeholder(1, 1000, scale=scale)
    net.output(net.softmax(x))
    assert_equal(net, tmp_path, x=[np.random.default_rng(0).integers(-128, 128, (12, 1000))])


def test_softmax_of_more_than_512_equal_classes_is_smallest_everywhere(tmp_path):
    """256 / 1000 is rounded to zero; a shift by 32 bits, which the interpreter refuses to do."""
    net = Network(27)
    net.output(net.softmax(net.placeholder(1, 1000)))
    assert set(np.unique(golden.from_tflite(file_of(net, tmp_path))(np.zeros((1, 1000), np.int8)))) == {-128}


def test_softmax_of_rows(tmp_path):
    net = Network(28)
    x = net.placeholder(1, 3, 2, 5, scale=0.06)
    y = net.placeholder(1, 4, 6, scale=0.2)
    net.output(net.softmax(x), net.softmax(y))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
@pytest.mark.parametrize("scale", [1e-6, 0.003, 0.0625, 0.12345, 1.0, 7.0, 15.0, 16.0, 100.0, 1e10])
def test_functions_of_fixed_point(kind, scale, tmp_path):
    net = Network(29)
    for zero_point in (-128, 0, 9, 127):
        x = net.placeholder(1, 256, scale=scale, zero_point=zero_point)
        net.output(net.unary(kind, x))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
@pytest.mark.parametrize("scale", [2.0**-29, 2.0**35, 1e30])
def test_functions_of_fixed_point_refuse_what_the_reference_cannot_shift(kind, scale, tmp_path):
    net = Network(29)
    net.output(net.unary(kind, net.placeholder(1, 4, scale=scale)))
    with pytest.raises(ValueError, match=f"operator 0, {kind}, .* the scale of its input, .* must be 2"):
        golden.from_tflite(file_of(net, tmp_path))


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.2, 1.0, 1.5, -0.3, 1e-6])
def test_leaky_relu(alpha, tmp_path):
    net = Network(30)
    for gain in (0.1, 1.0, 1.3, 9.0):
        x = net.placeholder(1, 256, scale=0.1)
        net.output(net.leaky(x, alpha, scale=0.1 / gain))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("scale", [0.0001, 0.01, 0.05, 0.37, 1.0, 3.0])
def test_hard_swish(scale, tmp_path):
    net = Network(31)
    for gain in (0.1, 0.9, 1.0, 3.0, 60.0):
        x = net.placeholder(1, 256, scale=scale)
        net.output(net.unary("HARD_SWISH", x, scale=scale / gain))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("shape", [(3,), (1,), (1, 1, 3), (1, 1, 1, 1), (4, 5, 3)])
def test_prelu(shape, tmp_path):
    net = Network(32)
    x = net.placeholder(1, 4, 5, 3)
    net.output(net.prelu(x, net.operand(*shape)), net.prelu(x, net.operand(*shape, zero_point=0)))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("gain", [1e-6, 0.01, 0.5, 0.99, 1.0, 1.01, 2.0, 100.0, 1e5])
def test_quantize(gain, tmp_path):
    net = Network(33)
    for zero_point in (-128, 0, 11, 127):
        x = net.placeholder(1, 256, scale=0.1)
        net.output(net.unary("QUANTIZE", x, scale=0.1 / gain, zero_point=zero_point))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("value", [None, -128, 5, 127])
def test_padding(value, tmp_path):
    net = Network(34)
    x = net.placeholder(1, 3, 4, 2)
    for pairs in ([(0, 0), (1, 2), (3, 0), (0, 0)], [(0, 0), (0, 0), (0, 0), (2, 1)], [(0, 0)] * 4):
        net.output(net.pad(x, pairs, value))
    y = net.placeholder(1, 5)
    net.output(net.pad(y, [(0, 0), (3, 4)], value))
    assert_equal(net, tmp_path)


def test_padding_of_64_bits_is_that_of_32(tmp_path):
    """The interpreter reads its numbers as 32 bits, and finds that the shapes do not fit."""
    graphs = []
    for type in (np.int32, np.int64):
        net = Network(34)
        net.output(net.pad(net.placeholder(1, 3, 4, 2), [(0, 0), (1, 2), (3, 0), (0, 0)], type=type))
        graphs.append(golden.from_tflite(file_of(net, tmp_path)))
    assert graphs[0] == graphs[1]


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2, -3])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_concatenation(axis, count, tmp_path):
    net = Network(35)
    shapes = [[1, 2, 3, 4] for _ in range(count)]
    for i, shape in enumerate(shapes):
        shape[axis] += i
    net.output(net.concat(axis, *(net.placeholder(*shape, scale=0.5, zero_point=3) for shape in shapes)))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_pack_and_unpack(axis, tmp_path):
    net = Network(36)
    a, b = (net.placeholder(1, 3, 4, scale=0.5, zero_point=3) for _ in range(2))
    y = net.pack(axis, a, b)
    net.output(y, *net.unpack(y, axis))
    assert_equal(net, tmp_path)


def test_slices(tmp_path):
    net = Network(37)
    x = net.placeholder(1, 5, 6, 4)
    net.output(
        net.slice(x, [0, 1, 2, 0], [1, 2, 3, 4]),
        net.slice(x, [0, 0, 5, 3], [-1, -1, -1, -1]),
        net.slice(x, [0, 4, 0, 1], [1, 1, 6, 1]),
    )
    assert_equal(net, tmp_path)


@pytest.mark.parametrize(
    ("begin", "end", "strides", "masks"),
    [
        ([0, 1, 2, 0], [1, 4, 6, 4], [1, 1, 1, 1], {}),
        ([0, 0, 0, 0], [1, 5, 6, 4], [1, 2, 3, 4], {}),
        ([0, -3, -4, -2], [1, -1, -1, 4], [1, 1, 2, 1], {}),
        ([0, 3, 3, 3], [0, 0, 0, 0], [1, 1, 1, 1], {"end_mask": 15}),
        ([3, 3, 3, 3], [1, 2, 5, 4], [1, 1, 2, 1], {"begin_mask": 15}),
        ([3, 3, 3, 3], [7, 7, 7, 7], [1, 2, 1, 3], {"begin_mask": 15, "end_mask": 15}),
        ([0, 1, 2, 3], [1, 2, 6, 4], [1, 1, 1, 1], {"shrink_axis_mask": 2}),
        ([0, 1, 2, -1], [1, 9, 9, 0], [1, 1, 1, 1], {"shrink_axis_mask": 8}),
        ([0, -1, 2, 0], [1, 0, 6, 4], [1, 1, 2, 1], {"shrink_axis_mask": 2}),
        ([0, 1, 2, 0], [1, 2, 3, 4], [1, 1, 1, 1], {"shrink_axis_mask": 7}),
        ([0, -9, -9, -9], [9, 9, 9, 9], [1, 1, 1, 1], {}),
        ([0, 2, 0, 0], [1, 0, 6, 4], [1, 1, 1, 1], {"end_mask": 2, "begin_mask": 9}),
    ],
)
def test_strided_slices(begin, end, strides, masks, tmp_path):
    net = Network(38)
    x = net.placeholder(1, 5, 6, 4)
    net.output(net.strided_slice(x, begin, end, strides, **masks))
    assert_equal(net, tmp_path)


def test_splits(tmp_path):
    net = Network(39)
    x = net.placeholder(1, 4, 6, 5)
    net.output(*net.split(x, 1, 2, 2, equal=True), *net.split(x, -2, 2, 2, 2, equal=True))
    net.output(*net.split(x, 3, 1, 3, 1), *net.split(x, -3, 3, 1), *net.split(x, 2, 6))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize(
    "permutation", [(0, 2, 1, 3), (0, 3, 1, 2), (0, 2, 3, 1), (0, 3, 2, 1), (0, 1, 2, 3), (1, 0, 3, 2)]
)
def test_transposition(permutation, tmp_path):
    net = Network(40)
    x = net.placeholder(1, 2, 3, 4)
    y = net.transpose(x, *permutation)
    net.output(y)
    assert_equal(net, tmp_path)


def test_transposition_of_few_dimensions(tmp_path):
    net = Network(41)
    x, y = net.placeholder(1, 3, 5), net.placeholder(1, 4)
    net.output(net.transpose(x, 0, 2, 1), net.transpose(x, 1, 2, 0), net.transpose(y, 1, 0), net.transpose(y, 0, 1))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2, -3])
def test_index_of_the_largest(axis, tmp_path):
    net = Network(42)
    x = net.placeholder(1, 3, 4, 5)
    net.output(net.argmax(x, axis))
    assert_equal(net, tmp_path)


@pytest.mark.parametrize("kind", ["MAXIMUM", "MINIMUM"])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 1, 1, 4), (3, 4)])
def test_bounds(kind, shape, tmp_path):
    net = Network(43)
    x = net.placeholder(1, 2, 3, 4, scale=0.5, zero_point=3)
    net.output(net.bound(kind, x, net.operand(*shape, scale=0.5, zero_point=3)))
    assert_equal(net, tmp_path)


NAMES = ["", "a b/c;d:0", "module", "wire", "x", "conv1", "x_valid", "1", "é€", "endmodule", "\n", 'quote"', "conv1acc"]


def test_names_that_verilog_or_python_would_not_take(tmp_path):
    net = Network(44)
    y = net.placeholder(1, 4, 4, 2)
    made = [y]
    for _ in NAMES:
        y = net.conv(y, 2, (3, 3), (1, 1), "SAME")
        made.append(y)
    for index, name in zip(made, NAMES, strict=False):
        net.tensors[index].name = name
    net.output(y)
    graph = assert_equal(net, tmp_path)
    assert all(name.isidentifier() and name.isascii() for name in graph.types)
    assert set(NAMES) <= set(graph.origins.values())


@pytest.mark.parametrize("name", [None, "", "same"])
def test_names_that_are_absent_or_all_the_same(name, tmp_path):
    net = Network(45)
    x = net.placeholder(1, 6)
    y = net.dense(x, 6)
    net.output(y, net.binary("ADD", x, y))
    for tensor in net.tensors:
        tensor.name = name
    assert_equal(net, tmp_path)


def test_a_batch_that_is_open(tmp_path):
    """Writers give a shape with a batch of 1, and -1 in its signature."""
    net = Network(46)
    x = net.placeholder(1, 4, 4, 2, signature=(-1, 4, 4, 2))
    y = net.conv(x, 2, (3, 3))
    net.tensors[y].signature = (-1, 2, 2, 2)
    net.output(net.dense(y, 3))
    assert_equal(net, tmp_path)


def test_tensors_that_share_a_buffer(tmp_path):
    net = Network(47)
    x = net.placeholder(1, 8)
    y = net.dense(x, 8, per_channel=False)
    z = net.dense(y, 8, per_channel=False)
    places = [i for i, tensor in enumerate(net.tensors) if tensor.shape == (8, 8)]
    assert len(places) == 2
    net.tensors[places[1]].buffer = 1  # the first constant's
    net.output(z)
    assert_equal(net, tmp_path)


def integers(net: Network, *shape: int) -> int:
    """A result of 32-bit integers."""
    made = net.tensor(shape, None)
    net.tensors[made].type = "INT32"
    return made


def test_a_shape_that_is_computed_in_the_file_is_folded(tmp_path):
    """As Keras writes ``Flatten`` for any batch: the first of the shape, and whatever comes of the rest."""
    net = Network(1)
    y = net.conv(net.placeholder(1, 4, 4, 2), 3, (2, 2))
    shape, batch, target = integers(net, 4), integers(net), integers(net, 2)
    net.operator("SHAPE", [y], shape, out_type=2)
    cut = [shape, *map(net.integers, (0, 1, 1))]
    net.operator("STRIDED_SLICE", cut, batch, begin_mask=0, end_mask=0, shrink_axis_mask=1)
    rest = net.constant(np.array(-1, np.int32))
    net.operator("PACK", [batch, rest], target, axis=0, values_count=2)
    flat = net.like(y, (1, 27))
    net.operator("RESHAPE", [y, target], flat)
    net.output(net.dense(flat, 5))
    graph = assert_equal(net, tmp_path)
    assert graph.types[graph.outputs[0]].shape == (5,)


def test_a_float_boundary_becomes_an_encoding(tmp_path):
    """Floats in and out, integers between: the graph takes and gives the integers, and knows what they stand for."""
    scale, zero_point = 0.05, -3
    net, inner = Network(2), Network(2)
    floats = net.placeholder(1, 4, 4, 2)
    net.tensors[floats].type, net.tensors[floats].scales, net.tensors[floats].zero_points = "FLOAT32", None, None
    quantized = net.tensor((1, 4, 4, 2), scale, zero_point)
    net.operator("QUANTIZE", [floats], quantized)
    inner_x = inner.placeholder(1, 4, 4, 2, scale=scale, zero_point=zero_point)
    net.random, inner.random = np.random.default_rng(5), np.random.default_rng(5)
    y, inner_y = net.conv(quantized, 3, (2, 2)), inner.conv(inner_x, 3, (2, 2))
    result = net.tensor(net.shape(y), None)
    net.tensors[result].type = "FLOAT32"
    net.operator("DEQUANTIZE", [y], result)
    net.output(result)
    inner.output(inner_y)
    reference = assert_equal(inner, tmp_path)
    graph = golden.from_tflite(file_of(net, tmp_path))
    x = np.random.default_rng(0).integers(-128, 128, (9, 4, 4, 2))
    np.testing.assert_array_equal(graph(x), reference(x))
    real = (x - zero_point) * scale
    np.testing.assert_array_equal(graph.encode(real), x)


def test_a_dimension_that_is_not_known_is_refused(tmp_path):
    net = Network(3)
    x = net.placeholder(1, 4, 4, 2, signature=(-1, -1, 4, 2))
    net.output(net.conv(x, 3, (2, 2)))
    with pytest.raises((ValueError, NotImplementedError), match=r"dynamic|not known|-1"):
        golden.from_tflite(file_of(net, tmp_path))
