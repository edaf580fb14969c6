"""Every lowering: the ops that come of a layer, and its result within what its scales allow of the float layer's."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest

from golden import layers, ops
from golden.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    ReLU6,
    Residual,
    Sigmoid,
    Tanh,
)
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.network import Network, Step
from golden.quantizer import quantize
from golden.quantizer.lower import supported
from golden.quantizer.tables import sigmoid, tanh

BOTH = pytest.mark.parametrize("scale", ["float", "power-of-two"])
SYMMETRIC = pytest.mark.parametrize("symmetric", [False, True])


def images(count=40, shape=(6, 5, 4), low=-1.0, high=2.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (count, *shape))


def conv(inputs, outputs, kernel, *args, seed=0, **options):
    layer = Conv2d(inputs, outputs, kernel, *args, seed=seed, **options)
    layer.bias += np.random.default_rng(seed).normal(0.0, 0.3, outputs)
    return layer


def norm(channels, seed=0):
    rng = np.random.default_rng(seed)
    return BatchNorm2d(
        rng.uniform(-1.5, 1.5, channels),
        rng.normal(size=channels),
        rng.normal(size=channels),
        rng.uniform(0.2, 2, channels),
    )


def kinds(graph):
    return [type(node.op) for node in graph.nodes]


def made_of(graph, kind):
    return next(node for node in graph.nodes if isinstance(node.op, kind))


def within(real, decoded, encoding, dtype, slack):
    """The decoded result is the real one, saturated to what the integers can say, up to half a step and ``slack``."""
    low, high = encoding.decode(dtype.min), encoding.decode(dtype.max)
    excess = np.abs(np.clip(real, low, high) - decoded) - 0.5 * encoding.scale - slack
    assert excess.max() <= 1e-9 * np.abs(real).max()  # the rounding of floats


def multiplier_slack(op, largest, encoding):
    """A multiplier is off by half a unit of its last place at most, for each unit of what it multiplies."""
    return largest * 0.5 / 2.0 ** np.max(op.shift) * float(encoding.scale)


WEIGHTED = {
    "full": conv(4, 3, 3),
    "same": conv(4, 3, (2, 3), padding="same"),
    "stride": conv(4, 3, 3, 2, 1),
    "dilated": conv(4, 2, 2, padding=((0, 1), (2, 0)), dilation=2),
    "grouped": conv(4, 6, 3, padding=1, groups=2),
    "depthwise": conv(4, 8, 3, padding=1, groups=4),
    "one": conv(4, 3, 1),
    "one_row": conv(4, 3, (1, 3), padding="same"),
}


@BOTH
@SYMMETRIC
@pytest.mark.parametrize("activation", [None, ReLU(), ReLU6()], ids=str)
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("layer", WEIGHTED.values(), ids=WEIGHTED)
def test_conv(layer, activation, scale, symmetric, per_channel):
    model = Sequential([layer, *([activation] if activation else [])])
    x = images()
    graph = quantize(model, x, scale=scale, symmetric=symmetric, per_channel=per_channel, bias_correction=False)
    assert kinds(graph) == [ops.Conv, *([ops.Relu] if isinstance(activation, ReLU) else []), ops.Requantize]
    encoding, step = graph.encodings["x"], graph.encodings["conv1"].scale
    q = np.concatenate([graph.encode(x), graph.encode(images(low=-3, high=4, seed=1))])
    trace = graph.trace(q)

    # What rounding the weights and the bias can do: their errors times the inputs, half a step.
    op = graph.node("conv1").op
    assert op.padding_value == encoding.zero_point
    column = np.broadcast_to(step, op.outputs).reshape(-1, 1, 1, 1)
    errors = np.abs(layer.weight * encoding.scale - op.weight * column)
    assert errors.max() <= 0.5 * np.max(step) + 1e-12  # the rounding of floats
    spread = Conv2d.from_weights(errors, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    slack = spread(np.abs(q - encoding.zero_point).astype(float)) + 0.5 * step
    real = layer(encoding.decode(q))
    assert np.all(np.abs(trace["conv1"] * step - real) <= slack + 1e-9)  # the rounding of floats

    result, requantize = graph.encodings["requantize1"], graph.node("requantize1").op
    slack = slack + multiplier_slack(requantize, np.abs(trace["conv1"]), result)
    real = activation(real) if activation else real
    within(real, graph.decode(trace["requantize1"]), result, requantize.dtype, slack)
    if activation:
        assert graph.decode(trace["requantize1"]).min() == 0.0


@BOTH
@SYMMETRIC
def test_relu6_stops_at_six(scale, symmetric):
    x = images(high=20.0)
    graph = quantize(Sequential([conv(4, 3, 1), ReLU6()]), x, scale=scale, symmetric=symmetric)
    y = graph.decode(graph(graph.encode(x)))
    step = graph.encodings["requantize1"].scale
    assert 6.0 - step / 2 <= y.max() <= 6.0 + step / 2
    assert y.min() == 0.0


def two(layer, shapes=((6, 5, 4), (6, 5, 4)), activation=None):
    """A network of two inputs, ``layer``, and an activation."""
    steps = [Step("y", layer, ("a", "b"))]
    if activation:
        steps.append(Step("z", activation, ("y",)))
    return Network({"a": shapes[0], "b": shapes[1]}, tuple(steps), (steps[-1].name,))


def two_batches(shapes=((6, 5, 4), (6, 5, 4))):
    return {"a": images(shape=shapes[0]), "b": images(shape=shapes[1], low=-0.2, high=0.1, seed=1)}


@BOTH
@SYMMETRIC
@pytest.mark.parametrize("activation", [None, ReLU(), ReLU6()], ids=str)
def test_add_rounds_exact_products_once(activation, scale, symmetric):
    network, x = two(layers.Add(), activation=activation), two_batches()
    graph = quantize(network, x, scale=scale, symmetric=symmetric)
    assert kinds(graph) == [ops.Add]
    op = graph.nodes[0].op
    assert (op.left_shift, op.x_shifts, op.multiplier) == (0, (0, 0), 1)
    q = {name: graph.encodings[name].encode(x[name], graph.inputs[name]) for name in x}
    real = network({name: graph.encodings[name].decode(q[name]) for name in q})
    encoding = graph.encodings["add1"]
    largest = sum(np.abs(q[name] - graph.encodings[name].zero_point) for name in q)
    within(real, graph.decode(graph(q)), encoding, op.dtype, multiplier_slack(op, largest, encoding))
    if scale == "power-of-two":
        assert all(m & (m - 1) == 0 for m in op.x_multipliers)


@BOTH
@SYMMETRIC
def test_multiply_broadcasts(scale, symmetric):
    shapes = ((6, 5, 4), (4,))
    network, x = two(layers.Multiply(), shapes=shapes), two_batches(shapes)
    graph = quantize(network, x, scale=scale, symmetric=symmetric)
    op, encoding = graph.nodes[0].op, graph.encodings["multiply1"]
    q = {name: graph.encodings[name].encode(x[name], graph.inputs[name]) for name in x}
    real = network({name: graph.encodings[name].decode(q[name]) for name in q})
    within(real, graph.decode(graph(q)), encoding, op.dtype, multiplier_slack(op, 255.0**2, encoding))


@BOTH
def test_concat_brings_inputs_to_one_encoding(scale):
    network, x = two(layers.Concat()), two_batches()
    graph = quantize(network, x, scale=scale)
    assert kinds(graph)[-1] is ops.Concat
    assert graph.nodes[-1].op.axis == 2
    q = {name: graph.encodings[name].encode(x[name], graph.inputs[name]) for name in x}
    real = network({name: graph.encodings[name].decode(q[name]) for name in q})
    encoding = graph.encodings["concat1"]
    within(real, graph.decode(graph(q)), encoding, graph.output_type.dtype, 255 * 0.5 / 2**16 * encoding.scale)


def branches(extra=()):
    steps = [
        Step("conv1", conv(4, 3, 1), ("x",)),
        Step("pool", MaxPool2d(2), ("conv1",)),
        Step("conv2", conv(4, 2, 1, seed=1), ("x",)),
        Step("pool2", MaxPool2d(2), ("conv2",)),
        Step("join", layers.Concat(), ("pool", "pool2")),
        *extra,
    ]
    return Network({"x": (6, 5, 4)}, tuple(steps), ("join", *(step.name for step in extra)))


def test_what_only_a_concat_reads_has_its_range():
    graph = quantize(branches(), images())
    assert kinds(graph).count(ops.Requantize) == 2
    assert graph.encodings["requantize1"] == graph.encodings["requantize2"] == graph.encodings["concat1"]
    # Another reader would lose by the wider range: one of the two is requantized for the Concat.
    shared = quantize(branches([Step("other", Flatten(), ("conv2",))]), images())
    assert kinds(shared).count(ops.Requantize) == 3
    assert shared.encodings["requantize1"] == shared.encodings["concat1"] != shared.encodings["requantize2"]
    # So is one of other bits.
    mixed = quantize(branches(), images(), layer_bits={"conv2": 4})
    assert kinds(mixed).count(ops.Requantize) == 3


@SYMMETRIC
@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (MaxPool2d(2), [ops.MaxPool]),
        (MaxPool2d(3, 2, 1, ceil=True), [ops.MaxPool]),
        (Flatten(), [ops.Reshape]),
        (layers.Reshape((4, 30)), [ops.Reshape]),
        (layers.Reshape((6, 5, 4)), []),
        (layers.Transpose((2, 0, 1)), [ops.Transpose]),
        (layers.Pad(((1, 0), (0, 2), (0, 0))), [ops.Pad]),
    ],
    ids=repr,
)
def test_what_only_moves_values_is_exact(layer, expected, symmetric):
    model = Sequential([conv(4, 4, 1), layer])
    graph = quantize(model, images(), symmetric=symmetric)
    assert kinds(graph)[2:] == expected
    trace = graph.trace(graph.encode(images(low=-2, high=3, seed=1)))
    before = graph.encodings["requantize1"].decode(trace["requantize1"])
    assert np.array_equal(graph.decode(trace[graph.outputs[0]]), layer(before))
    assert graph.encodings[graph.outputs[0]] == graph.encodings["requantize1"]


@pytest.mark.parametrize("value", [0.5, -40.0])
def test_a_border_of_any_value_is_in_the_range(value):
    layer = layers.Pad(((1, 1), (1, 1), (0, 0)), value)
    graph = quantize(Sequential([conv(4, 4, 1), layer]), images())
    assert kinds(graph) == [ops.Conv, ops.Requantize, ops.Pad]
    border = graph.decode(graph(graph.encode(images())))[:, 0]
    assert np.abs(border - value).max() <= 0.5 * graph.encodings["pad1"].scale


@SYMMETRIC
@pytest.mark.parametrize(
    ("layer", "padded"),
    [
        (AvgPool2d(2), False),
        (AvgPool2d(3, 2, 1), True),
        (AvgPool2d(3, 2, 1, count_include_pad=False), False),
        (AvgPool2d(3, 2, 1, ceil=True), True),
        (AvgPool2d(2, 2, 0, ceil=True), False),
        (AvgPool2d(3, 1, "same", count_include_pad=False), False),
    ],
    ids=repr,
)
def test_average_pools_are_rounded_once(layer, padded, symmetric):
    graph = quantize(Sequential([conv(4, 4, 1), layer]), images(), symmetric=symmetric)
    assert kinds(graph)[2:] == [ops.Pad] * padded + [ops.AveragePool]
    trace = graph.trace(graph.encode(images(low=-2, high=3, seed=1)))
    encoding = graph.encodings["averagepool1"]
    real = layer(encoding.decode(trace["requantize1"]))
    assert np.abs(graph.decode(trace["averagepool1"]) - real).max() <= 0.5 * encoding.scale + 1e-12


@BOTH
@SYMMETRIC
@pytest.mark.parametrize("keep", [False, True])
def test_a_global_mean_is_a_sum_and_a_scale(keep, scale, symmetric):
    layer, x = GlobalAvgPool2d(keep), images()
    graph = quantize(Sequential([layer]), x, scale=scale, symmetric=symmetric)
    assert kinds(graph) == [ops.Sum, ops.Requantize]
    trace = graph.trace(graph.encode(x))
    real = layer(graph.encodings["x"].decode(trace["x"]))
    np.testing.assert_allclose(graph.encodings["sum1"].decode(trace["sum1"]), real, atol=1e-12)  # exact but for floats
    encoding, op = graph.encodings["requantize1"], graph.node("requantize1").op
    within(real, graph.decode(trace["requantize1"]), encoding, op.dtype, multiplier_slack(op, 255 * 30, encoding))
    assert scale == "float" or np.log2(encoding.scale) % 1 == 0


def test_a_global_mean_of_a_power_of_two_needs_no_multiplier():
    graph = quantize(Sequential([GlobalAvgPool2d()]), images(shape=(4, 4, 3)), scale="power-of-two")
    assert graph.node("requantize1").op.multiplier == 1


@SYMMETRIC
@pytest.mark.parametrize("layer", [Sigmoid(), Tanh(), LeakyReLU(0.1), LeakyReLU(1.5)], ids=str)
def test_functions_are_tables_rounded_half_up(layer, symmetric):
    graph = quantize(Sequential([conv(4, 4, 1), layer]), images(high=4.0), symmetric=symmetric)
    assert kinds(graph) == [ops.Conv, ops.Requantize, ops.Lookup]
    source, result = graph.encodings["requantize1"], graph.encodings["lookup1"]
    q = np.arange(-128, 128)
    real = layer(source.decode(q))
    expected = np.clip(np.floor(real / result.scale + 0.5) + result.zero_point, -128, 127)
    differing = graph.node("lookup1").op.table != expected
    away = np.abs(real / result.scale - np.floor(real / result.scale) - 0.5)
    assert np.all(away[differing] < 1e-12)  # only where the oracle's floats cannot tell a tie


def test_tables_are_computed_to_fifty_digits():
    with localcontext() as context:
        context.prec = 50
        e = sum(Decimal(1) / math.factorial(n) for n in range(60))
        assert abs(sigmoid(Decimal(1)) - 1 / (1 + 1 / e)) < Decimal("1e-48")
        assert abs(tanh(Decimal(-1)) - (1 - e * e) / (1 + e * e)) < Decimal("1e-48")
        assert abs(sigmoid(Decimal(-1)) + sigmoid(Decimal(1)) - 1) < Decimal("1e-48")
    assert sigmoid(Decimal(10**9)) == 1
    assert tanh(Decimal(-(10**9))) == -1
    assert tanh(Decimal(0)) == 0


def test_a_relu_that_cannot_be_joined_is_a_limit():
    steps = (
        Step("conv1", conv(4, 4, 1), ("x",)),
        Step("relu1", ReLU(), ("conv1",)),
        Step("relu2", ReLU6(), ("conv1",)),
        Step("add1", layers.Add(), ("conv1", "relu1")),
    )
    graph = quantize(Network({"x": (6, 5, 4)}, steps, ("add1", "relu2")), images(high=30.0))
    assert kinds(graph) == [ops.Conv, ops.Requantize, ops.Clamp, ops.Clamp, ops.Add]
    trace = graph.trace(graph.encode(images()))
    real = graph.encodings["requantize1"].decode(trace["requantize1"])
    assert np.array_equal(graph.encodings["clamp1"].decode(trace["clamp1"]), np.maximum(real, 0))
    step = graph.encodings["clamp2"].scale
    assert np.abs(graph.encodings["clamp2"].decode(trace["clamp2"]) - np.clip(real, 0, 6)).max() <= step / 2


def test_a_relu_behind_pooling_is_joined_to_the_layer_before():
    model, x = Sequential([conv(4, 3, 3), MaxPool2d(2), Flatten(), ReLU6(), Linear(6, 2)]), images()
    graph = quantize(model, x)
    assert kinds(graph) == [ops.Conv, ops.Requantize, ops.MaxPool, ops.Reshape, ops.Dense, ops.Requantize]
    assert graph.encodings["requantize1"].decode(-128) == 0.0
    network = Network.of(model, x.shape[1:])
    assert set(graph.origins.values()) == {"x", "conv1", "relu1", "linear1"}
    assert graph.origins["reshape1"] == "relu1"
    error = graph.encodings["reshape1"].decode(graph.trace(graph.encode(x))["reshape1"]) - network.trace(x)["relu1"]
    assert np.abs(error).max() < 0.05 * network.trace(x)["relu1"].max()


@SYMMETRIC
def test_the_origins_say_which_float_step_a_tensor_stands_for(symmetric):
    body = [conv(4, 4, 3, padding=1), norm(4), ReLU(), conv(4, 4, 3, padding=1, seed=1)]
    model = Sequential(
        [Residual(body), ReLU(), LeakyReLU(0.2), AvgPool2d(3, 2, 1), GlobalAvgPool2d(), Linear(4, 3), SoftMax()]
    )
    x = images()
    network = Network.of(model, x.shape[1:])
    graph = quantize(network, x, symmetric=symmetric)
    assert dict(graph.origins) == {
        "x": "x",
        "conv1": "batchnorm1",
        "relu1": "relu1",
        "requantize1": "relu1",
        "conv2": "conv2",
        "requantize2": "conv2",
        "add1": "relu2",
        "lookup1": "leakyrelu1",
        "averagepool1": "avgpool1",
        "sum1": "globalavgpool1",
        "requantize3": "globalavgpool1",
        "dense1": "linear1",
        "requantize4": "linear1",
        "argmax1": "softmax1",
    }
    assert set(graph.encodings) == set(graph.types) - {"argmax1"}
    floats, integers = network.trace(x), graph.trace(graph.encode(x))
    for name, encoding in graph.encodings.items():
        if name in graph.origins:
            real = floats[graph.origins[name]]
            decoded = encoding.decode(integers[name])
            # an accumulator before its ReLU stands for what comes before the ReLU
            assert np.abs(decoded - real).max() < 0.05 * np.abs(real).max(), name


def test_several_outputs_and_inputs_keep_their_order():
    steps = (Step("linear1", Linear(3, 2), ("b",)), Step("add1", layers.Add(), ("a", "linear1")))
    network = Network({"b": (3,), "a": (2,)}, steps, ("add1", "linear1", "b"))
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=(30, 2)), "b": rng.normal(size=(30, 3)) * [1.0, 10.0, 100.0]}
    graph = quantize(network, x)
    assert list(graph.inputs) == ["b", "a"]
    assert graph.outputs == ("add1", "requantize1", "b")
    assert graph.encodings["b"].scale.shape == (3,)  # only a Linear reads it
    assert graph.encodings["a"].scale.shape == ()


def test_names_of_inputs_and_ops_never_collide():
    steps = (Step("a", Linear(3, 2), ("dense1",)),)
    graph = quantize(Network({"dense1": (3,)}, steps, ("a",)), np.random.default_rng(0).normal(size=(30, 3)))
    assert [node.name for node in graph.nodes] == ["dense2", "requantize1"]


def test_every_layer_has_a_lowering_or_is_folded():
    assert {getattr(layers, name) for name in layers.__all__} - set(supported()) == {BatchNorm2d, Residual}
    assert {Linear, ReLU, SoftMax} <= set(supported())


def test_graphs_of_networks_survive_their_files(tmp_path):
    model = Sequential([Residual([conv(4, 4, 3, padding=1), ReLU6()]), Tanh(), MaxPool2d(2), Flatten(), Linear(24, 3)])
    graph = quantize(model, images())
    graph.save(tmp_path / "network.graph")
    assert type(graph).load(tmp_path / "network.graph") == graph
    assert replace(graph, origins={}) != graph
