"""Stages: what folding does to a network, and that in floats it does nothing."""

import numpy as np
import pytest

from golden import layers
from golden.layers import BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU6, Residual
from golden.model import Linear, ReLU, Sequential
from golden.network import Network, Step
from golden.quantizer import quantize
from golden.quantizer.stages import activations_first, stages_of

RNG = np.random.default_rng(3)


def norm(channels):
    return BatchNorm2d(
        RNG.uniform(-2, 2, channels),
        RNG.normal(size=channels),
        RNG.normal(size=channels),
        RNG.uniform(0.1, 3, channels),
    )


def conv(inputs, outputs, kernel, *args, **options):
    layer = Conv2d(inputs, outputs, kernel, *args, **options)
    layer.bias += RNG.normal(size=outputs)
    return layer


def linear(inputs, outputs):
    layer = Linear(inputs, outputs)
    layer.bias += RNG.normal(size=outputs)
    return layer


def run(stages, x):
    """The stages in floats, all results by name."""
    made = {"x": x}
    for stage in stages:
        y = stage.layer(*(made[name] for name in stage.inputs))
        made[stage.before] = y
        made[stage.result] = stage.activation(y) if stage.activation else y
    return made


def folded(model, shape):
    """The layers of the stages, after a check that they compute what the model does."""
    network = model if isinstance(model, Network) else Network.of(model, shape)
    x = RNG.normal(size=(5, *shape))
    floats = network.trace(x)
    stages = stages_of(activations_first(network)[0])
    made = run(stages, x)
    for name in network.outputs:
        # products of weights and scales instead of products of results and scales: rounded elsewhere
        np.testing.assert_allclose(made[name], floats[name], rtol=1e-9, atol=1e-11)
    return [
        type(stage.layer).__name__ + ("+" + type(stage.activation).__name__ if stage.activation else "")
        for stage in stages
    ]


IMAGE = (6, 6, 4)


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        ([conv(4, 3, 3, padding=1), norm(3), ReLU()], IMAGE, ["Conv2d+ReLU"]),
        ([conv(4, 8, 3, padding=1, groups=4), norm(8), norm(8), ReLU6()], IMAGE, ["Conv2d+ReLU6"]),
        ([linear(4, 3), norm(3), ReLU(), linear(3, 2)], (4,), ["Linear+ReLU", "Linear"]),
        ([norm(4), linear(4, 3)], (4,), ["Linear"]),
        ([norm(4), conv(4, 6, 3, groups=2)], IMAGE, ["Conv2d"]),
        ([norm(4), norm(4), conv(4, 8, 2, 2, groups=4), ReLU()], IMAGE, ["Conv2d+ReLU"]),
        ([norm(4), conv(4, 3, 3, padding=1)], IMAGE, ["Conv2d", "Conv2d"]),
        ([conv(4, 4, 3), ReLU(), norm(4), conv(4, 2, 1)], IMAGE, ["Conv2d+ReLU", "Conv2d"]),
        ([norm(4), ReLU(), conv(4, 2, 3, padding="same")], IMAGE, ["Conv2d+ReLU", "Conv2d"]),
        ([linear(4, 3), ReLU(), norm(3), ReLU6()], (4,), ["Linear+ReLU", "Linear+ReLU6"]),
        ([MaxPool2d(2), norm(4), conv(4, 2, 3, padding="same", stride=3)], IMAGE, ["MaxPool2d", "Conv2d"]),
        ([conv(4, 2, 1), ReLU(), ReLU6(), ReLU()], IMAGE, ["Conv2d+ReLU6"]),
        ([conv(4, 2, 1), ReLU6(), ReLU()], IMAGE, ["Conv2d+ReLU6"]),
        ([GlobalAvgPool2d(), ReLU()], IMAGE, ["GlobalAvgPool2d+ReLU"]),
        ([layers.Pad(((1, 0), (2, 1), (0, 0))), conv(4, 2, 3, padding=1)], IMAGE, ["Conv2d"]),
        ([layers.Pad(((1, 0), (2, 1), (0, 0)), 1.0), conv(4, 2, 3)], IMAGE, ["Pad", "Conv2d"]),
        ([layers.Pad(((0, 0), (0, 0), (1, 0))), conv(5, 2, 3)], IMAGE, ["Pad", "Conv2d"]),
        ([norm(4), layers.Pad(((1, 0), (2, 1), (0, 0))), conv(4, 2, 3)], IMAGE, ["Conv2d", "Conv2d"]),
        ([conv(4, 2, 1), MaxPool2d(2), Flatten(), ReLU()], IMAGE, ["Conv2d+ReLU", "MaxPool2d", "Flatten"]),
        ([Residual([conv(4, 4, 1), norm(4)], [norm(4)]), ReLU()], IMAGE, ["Conv2d", "Conv2d", "Add+ReLU"]),
    ],
)  # fmt: skip
def test_folding_is_exact(model, shape, expected):
    assert folded(Sequential(model), shape) == expected


def test_what_is_read_twice_is_not_folded():
    steps = (
        Step("conv1", conv(4, 4, 3, padding=1), ("x",)),
        Step("norm1", norm(4), ("conv1",)),
        Step("relu1", ReLU(), ("norm1",)),
        Step("pool1", MaxPool2d(2), ("norm1",)),
        Step("relu2", ReLU(), ("pool1",)),
        Step("add1", layers.Add(), ("conv1", "relu1")),
    )
    network = Network({"x": IMAGE}, steps, ("add1", "relu2", "pool1"))
    assert folded(network, IMAGE) == ["Conv2d", "Conv2d", "ReLU", "MaxPool2d", "ReLU", "Add"]


def test_outputs_are_not_folded_away():
    steps = (
        Step("conv1", conv(4, 4, 1), ("x",)),
        Step("norm1", norm(4), ("conv1",)),
        Step("relu1", ReLU(), ("norm1",)),
    )
    assert folded(Network({"x": IMAGE}, steps, ("norm1", "conv1", "relu1")), IMAGE) == ["Conv2d", "Conv2d", "ReLU"]


def test_what_no_output_needs_is_left_out():
    steps = (
        Step("conv1", conv(4, 4, 1), ("x",)),
        Step("conv2", conv(4, 4, 1), ("x",)),
        Step("norm1", norm(4), ("conv1",)),
    )
    assert folded(Network({"x": IMAGE}, steps, ("norm1",)), IMAGE) == ["Conv2d"]


def test_the_stages_name_their_steps_and_tensors():
    model = Sequential([conv(4, 3, 3), norm(3), ReLU(), norm(3), conv(3, 2, 1)])
    first, second = stages_of(Network.of(model, IMAGE))
    assert (first.before, first.result, first.steps) == ("batchnorm1", "relu1", ("conv1", "batchnorm1", "relu1"))
    assert (second.before, second.result, second.steps) == ("conv2", "conv2", ("conv2", "batchnorm2"))
    assert second.inputs == ("relu1",)


def test_the_layers_themselves_stay_as_they_are():
    model = Sequential([conv(4, 3, 3), norm(3), ReLU()])
    before = [array.copy() for array in model.parameters()]
    quantize(model, RNG.normal(size=(9, *IMAGE)))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_random_pairs_of_norms_and_convs_are_exact():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        groups = int(rng.choice([1, 2, 4]))
        kernel = tuple(int(k) for k in rng.integers(1, 4, 2))
        layer = conv(4, 4 * groups, kernel, int(rng.integers(1, 3)), int(rng.integers(0, 2)), groups=groups)
        folded(Sequential([norm(4), layer, norm(4 * groups)]), IMAGE)


def test_a_batch_norm_of_another_rank_is_refused_where_nothing_takes_it_in():
    model = Sequential([layers.Reshape((12, 12)), norm(12), Flatten(), linear(144, 2)])
    with pytest.raises(
        ValueError, match=r"(?s)rows, columns and channels, not the shape \(12, 12\).*BatchNorm2d\(12\)"
    ):
        quantize(model, RNG.normal(size=(9, 6, 6, 4)))
