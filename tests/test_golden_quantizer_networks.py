"""Whole networks: random ones of every layer against their floats, and a convolutional classifier of real data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import accuracy, load_digits, profile
from golden.data import Split
from golden.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    Multiply,
    Pad,
    ReLU6,
    Residual,
    Sigmoid,
    Tanh,
    Transpose,
)
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.network import Network, Step, step_name
from golden.quantizer import quantize
from golden.training import fit

pytestmark = pytest.mark.slow  # it trains networks


class Builder:
    """A random network, step by step, from one tensor of images."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.steps, self.shapes = [], {"x": (6, 6, 3)}

    def add(self, layer, *inputs):
        if isinstance(layer, Conv2d | Linear):
            layer.bias += self.random.normal(0.0, 0.2, layer.bias.shape)
        name = step_name(layer, self.shapes)
        self.steps.append(Step(name, layer, inputs))
        self.shapes[name] = layer(*(np.zeros((1, *self.shapes[name])) for name in inputs)).shape[1:]
        return name

    def conv(self, x, outputs=None, keep=False):
        channels = self.shapes[x][2]
        groups = int(self.random.choice([g for g in (1, 2, channels) if channels % g == 0]))
        outputs = outputs or groups * int(self.random.integers(1, 4))
        groups = groups if outputs % groups == 0 else 1
        kernel = int(self.random.integers(1, 4))
        stride = 1 if keep else int(self.random.integers(1, 3))
        seed = int(self.random.integers(1000))
        return self.add(Conv2d(channels, outputs, kernel, stride, "same", 1, groups, seed=seed), x)

    def norm(self, x):
        channels, random = self.shapes[x][-1], self.random
        scale, var = random.uniform(0.5, 1.5, channels), random.uniform(0.5, 2.0, channels)
        return self.add(BatchNorm2d(scale, random.normal(size=channels), random.normal(size=channels), var), x)

    def function(self, x):
        layers = [ReLU(), ReLU6(), Sigmoid(), Tanh(), LeakyReLU(0.1)]
        return self.add(layers[self.random.integers(len(layers))], x)

    def residual(self, x):
        body = self.function(self.norm(self.conv(x, self.shapes[x][2], keep=True)))
        return self.add(Add(), body, x)

    def gate(self, x):
        gate = self.add(Sigmoid(), self.conv(self.add(GlobalAvgPool2d(keep=True), x), self.shapes[x][2], keep=True))
        return self.add(Multiply(), x, gate)

    def branches(self, x):
        return self.add(Concat(), self.conv(x, 2, keep=True), self.function(self.conv(x, 3, keep=True)))

    def pool(self, x):
        layers = [MaxPool2d(2, 1), MaxPool2d(3, 2, 1, ceil=True), AvgPool2d(3, 1, 1), AvgPool2d(2, 1)]
        return self.add(layers[self.random.integers(len(layers))], x) if min(self.shapes[x][:2]) > 2 else x

    def move(self, x):
        layers = [Transpose((1, 0, 2)), Pad(((1, 0), (0, 1), (0, 0)))]
        return self.add(layers[self.random.integers(len(layers))], x)

    def network(self):
        x = self.norm(self.conv("x", 4))
        parts = [self.conv, self.norm, self.function, self.residual, self.gate, self.branches, self.pool, self.move]
        for part in self.random.choice(len(parts), int(self.random.integers(2, 6))):
            x = parts[part](x)
        x = self.add([GlobalAvgPool2d(), Flatten()][self.random.integers(2)], x)
        x = self.add(Linear(self.shapes[x][0], 4), x)
        return Network({"x": self.shapes["x"]}, tuple(self.steps), (x,))


@pytest.mark.slow
@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["float", "power-of-two"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["min-max", "percentile", "mse"]),
)
def test_random_networks_come_close_to_their_floats(seed, scale, per_channel, symmetric, method):
    network = Builder(seed).network()
    x = np.random.default_rng(seed).normal(size=(40, 6, 6, 3))
    floats = network.trace(x)
    graph = quantize(
        network,
        x,
        bits=11,
        scale=scale,
        per_channel=per_channel,
        symmetric=symmetric,
        calibration_method=method,
        percentile=100.0,
    )
    integers = graph.trace(graph.encode(x))
    for name, values in integers.items():
        graph.types[name].check(values)
        if name in graph.origins and name in graph.encodings:
            real = floats[graph.origins[name]]
            error = graph.encodings[name].decode(values) - real
            # Eleven bits: a step is 1/2000 of the range, 1/1000 or 1/500 where it is symmetric or a power of two, and
            # some ten roundings add up, of layers that amplify. A wrong scale or zero point is off by far more.
            assert np.sqrt(np.square(error).mean()) < 0.02 * np.abs(real).max(), name
    corners = np.array([graph.input_type.dtype.min, graph.input_type.dtype.max])
    for name, values in graph.trace(np.tile(corners, (2, 54)).reshape(2, 6, 6, 3)).items():
        graph.types[name].check(values)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_few_bits_give_graphs_too(bits):
    for seed in range(10):
        network = Builder(seed).network()
        x = np.random.default_rng(seed).normal(size=(10, 6, 6, 3))
        graph = quantize(network, x, bits=bits)
        for name, values in graph.trace(graph.encode(x * 3)).items():
            graph.types[name].check(values)


def test_a_profile_compares_with_the_float_steps():
    network = Builder(4).network()
    x = np.random.default_rng(0).normal(size=(50, 6, 6, 3))
    graph = quantize(network, x)
    tensors = {t.name: t for t in profile(graph, graph.encode(x), network, x).tensors}
    assert tensors[graph.outputs[0]].sqnr_db > 20
    assert tensors["x"].sqnr_db > 35


@pytest.fixture(scope="module")
def digits():
    """A residual network on real data: random convolutions, their batch norms fitted to it, a trained layer on top."""
    data = load_digits(seed=0)
    images = {name: Split(data[name].x.reshape(-1, 8, 8, 1), data[name].y) for name in ("train", "test")}
    layers = []
    x = images["train"].x

    def with_norm(conv, x):
        y = conv(x)
        rng = np.random.default_rng(y.shape[-1])
        channels = y.shape[-1]
        mean, var = y.mean(axis=(0, 1, 2)), y.var(axis=(0, 1, 2))
        return BatchNorm2d(rng.uniform(0.7, 1.3, channels), rng.normal(0.0, 0.3, channels), mean, var)

    for conv in (Conv2d(1, 16, 3, padding=1, bias=False), Conv2d(16, 16, 3, padding=1, bias=False, seed=1)):
        norm = with_norm(conv, x)
        block = [conv, norm, ReLU()] if conv.in_channels == 1 else [Residual([conv, norm]), ReLU(), MaxPool2d(2)]
        layers += block
        x = Sequential(block)(x)
    features = x.reshape(len(x), -1)
    top = Sequential([Linear(features.shape[1], 10), SoftMax()])
    fit(top, Split(features, images["train"].y), epochs=20, weight_decay=0.1)
    return Sequential([*layers, Flatten(), *top.layers], data.classes), images


@pytest.mark.parametrize("method", ["min-max", "percentile", "mse"])
@pytest.mark.parametrize("scale", ["float", "power-of-two"])
def test_int8_is_as_good_as_float_on_real_data(digits, method, scale):
    model, images = digits
    real = accuracy(model, images["test"])
    assert real > 0.96
    graph = quantize(model, images["train"], scale=scale, calibration_method=method)
    assert graph.classes == model.classes
    assert accuracy(graph, images["test"]) >= real - 0.003


def test_four_bit_weights_cost_two_points_at_most(digits):
    model, images = digits
    real = accuracy(model, images["test"])
    for method in ("min-max", "mse"):
        graph = quantize(model, images["train"], weight_bits=4, calibration_method=method)
        assert accuracy(graph, images["test"]) >= real - 0.02
