"""Convolutions and pools in the integer trainer, against loops over Python's own integers; corners and messages."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest

import golden
from golden import Graph, IntegerTrainer, IntType, Linear, ReLU, Sequential, TensorType, zoo
from golden.data import Split
from golden.layers import AvgPool2d, Conv2d, Flatten, MaxPool2d, Reshape
from golden.ops import Argmax, Conv, Dense, MaxPool, Relu, Requantize
from golden.ops import Reshape as ReshapeOp
from golden.trainer.tasks import TASKS

S8 = IntType(8, True)


def half_up(value: int, shift: int) -> int:
    return (value * 2 + 2**shift) // (2 * 2**shift) if shift > 0 else value * 2**-shift


def within(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


@dataclass
class OracleConv:
    """Written down from the definition: dictionaries by (row, column, channel), no index arithmetic shared."""

    weights: list[list[int]]
    bits: int
    f: int
    size: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    pool: tuple[int, int]

    def taps(self):
        return list(product(range(self.kernel[0]), range(self.kernel[1]), range(self.size[2])))

    def pixel(self, y, x, u, v):
        return y * self.stride[0] + u - self.padding[0][0], x * self.stride[1] + v - self.padding[1][0]

    def forward(self, image):
        (top, bottom), (left, right) = self.padding
        rows = (self.size[0] + top + bottom - self.kernel[0]) // self.stride[0] + 1
        columns = (self.size[1] + left + right - self.kernel[1]) // self.stride[1] + 1
        full, self.image = {}, image
        for y, x, o in product(range(rows), range(columns), range(len(self.weights))):
            total = self.weights[o][-1] // 256 * 2 ** min(self.f, 6)
            for (u, v, c), w in zip(self.taps(), self.weights[o], strict=False):
                total += w // 256 * image.get((*self.pixel(y, x, u, v), c), 0)
            full[y, x, o] = within(half_up(total, self.f + self.bits - 5), 0, 127)
        self.came_from, pooled = {}, {}
        for y, x, o in product(range(rows // self.pool[0]), range(columns // self.pool[1]), range(len(self.weights))):
            best = None
            for dy, dx in product(range(self.pool[0]), range(self.pool[1])):
                place = (y * self.pool[0] + dy, x * self.pool[1] + dx, o)
                if best is None or full[place] > full[best]:
                    best = place
            pooled[y, x, o], self.came_from[y, x, o] = full[best], best
        return pooled

    def back(self, errors):
        sums = dict.fromkeys(self.image, 0)
        for place, error in errors.items():
            y, x, o = self.came_from[place]
            for (u, v, c), w in zip(self.taps(), self.weights[o], strict=False):
                pixel = (*self.pixel(y, x, u, v), c)
                if pixel in sums:
                    sums[pixel] += w // 256 * error
        return {
            pixel: within(half_up(total, self.bits), -127, 127) if self.image[pixel] > 0 else 0
            for pixel, total in sums.items()
        }

    def update(self, errors, k, random):
        gradient = [[0] * len(row) for row in self.weights]
        for place, error in errors.items():
            y, x, o = self.came_from[place]
            for t, (u, v, c) in enumerate(self.taps()):
                gradient[o][t] += error * self.image.get((*self.pixel(y, x, u, v), c), 0)
            gradient[o][-1] += error * 2 ** min(self.f, 6)
        shift = 7 + self.f + k + 2 - (self.bits + 8)
        for row, changes in zip(self.weights, gradient, strict=True):
            for j, g in enumerate(changes):
                rounding = random // 2 ** (32 - shift) if random is not None and shift > 0 else None
                change = half_up(g, shift) if rounding is None else (g + rounding) // 2**shift
                row[j] = within(row[j] - change, -32768, 32767)


def pixels(image: np.ndarray) -> dict:
    return {place: int(image[place]) for place in np.ndindex(image.shape)}


NETWORKS = {
    "one, a pool": ((8, 8, 1), [(Conv2d(1, 8, 3), (2, 2))], [72, 10]),
    "one, stride, no pool": ((7, 6, 2), [(Conv2d(2, 3, (3, 2), stride=(2, 1)), None)], [45, 4]),
    "two, padding, pools with rows left over": (
        (7, 6, 1),
        [(Conv2d(1, 3, 3, padding="same"), (2, 1)), (Conv2d(3, 2, (2, 3), padding=((0, 1), (1, 0))), (1, 3))],
        [6, 5, 3],
    ),
    "two, a stride behind": (
        (9, 7, 1),
        [(Conv2d(1, 2, 3), None), (Conv2d(2, 3, 3, stride=2, padding=1), None)],
        [36, 3],
    ),
    "a window as large as the image": ((4, 3, 2), [(Conv2d(2, 4, (4, 3)), None)], [4, 2]),
}


def network_of(name: str) -> Sequential:
    shape, convolutions, sizes = NETWORKS[name]
    layers: list = [Reshape(shape)]
    for conv, pool in convolutions:
        layers += [conv, ReLU(), *([MaxPool2d(pool)] if pool else [])]
    layers.append(Flatten())
    for inputs, outputs in pairwise(sizes):
        layers += [Linear(inputs, outputs), ReLU()]
    return Sequential(layers[:-1])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("scaling", "dither"), [("pixels", None), ("standardise", 0xBEEF)])
def test_every_weight_of_a_convolution_after_every_step(name: str, scaling: str, dither: int | None) -> None:
    random, numbers = Random(name), np.random.default_rng(1)
    trainer = IntegerTrainer(network_of(name), scaling=scaling, dither_seed=dither, seed=4)
    for layer in trainer.layers:  # also where they saturate
        layer.weight = np.where(numbers.random(layer.weight.shape) < 0.05, 32700, layer.weight)
    shape, convolutions, _ = NETWORKS[name]
    oracles = []
    for (conv, pool), layer in zip(convolutions, trainer.layers, strict=False):
        padding = conv.padding_of(shape[:2])
        oracle = OracleConv(
            layer.weight.tolist(),
            layer.weight_fraction_bits,
            layer.input_fraction_bits,
            shape,
            conv.kernel_size,
            conv.stride,
            padding,
            pool or (1, 1),
        )
        shape = np.array(list(oracle.forward(pixels(np.zeros(shape, dtype=int))))).max(axis=0) + 1
        shape = tuple(int(n) for n in shape)
        oracles.append(oracle)
    learnt = 0
    for _ in range(12):
        x = np.array([random.choice([-128, 127, 0, random.randint(-128, 127)]) for _ in range(trainer.inputs)])
        label, k = random.randrange(trainer.outputs), random.randint(2, 11)
        step = trainer.step(x, label, k)
        learnt += bool(step.loss)
        a = pixels(x.reshape(NETWORKS[name][0]))
        for oracle, layer in zip(oracles, trainer.layers, strict=False):
            a = oracle.forward(a)
            assert pixels(step.tensors[layer.name]) == a
        for place, (oracle, layer) in reversed(list(enumerate(zip(oracles, trainer.layers, strict=False)))):
            errors = pixels(step.tensors[f"{layer.name}_error"])
            if place:
                assert pixels(step.tensors[f"{trainer.layers[place - 1].name}_error"]) == oracle.back(errors)
            if step.loss:
                oracle.update(errors, k, step.random_state)
            assert step.tensors[f"{layer.name}_weight"].tolist() == oracle.weights
    assert learnt > 8


def test_the_error_of_the_first_dense_layer_is_that_of_the_last_convolution() -> None:
    trainer = IntegerTrainer(network_of("one, a pool"), seed=2)
    before = trainer.layers[1].inference_weight[:, :-1]
    step = trainer.step(np.random.default_rng(0).integers(-128, 128, 64), 3)
    sums = step.tensors["dense1_error"] @ before
    back = np.clip((sums + 32) >> 6, -127, 127).reshape(3, 3, 8)
    assert (step.tensors["conv1_error"] == np.where(step.tensors["conv1"] > 0, back, 0)).all()
    assert step.tensors["conv1_error"].any()


def test_of_equal_ones_the_first_wins() -> None:
    trainer = IntegerTrainer(network_of("one, a pool"))
    trainer.layers[0].weight[:] = 32767
    step = trainer.step(np.full(64, 127))
    assert (step.tensors["conv1"] == 127).all()
    assert not step.tensors["conv1_winners"].any()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_trained_network_with_convolutions_is_an_ordinary_graph_and_comes_back(name: str) -> None:
    trainer = IntegerTrainer(network_of(name), scaling="pixels", seed=1)
    x = np.random.default_rng(0).integers(0, 128, (20, trainer.inputs))
    for sample in x[:10]:
        trainer.step(sample, 1)
    graph = trainer.to_graph(argmax=False)
    assert graph(x).tolist() == [trainer.step(sample).logits.tolist() for sample in x]
    again = IntegerTrainer(graph, scaling="pixels")
    for new, old in zip(again.layers, trainer.layers, strict=True):
        assert (new.weight == (old.inference_weight << 8 | 0x80)).all()
        assert type(new) is type(old)
    assert again.to_graph(argmax=False) == graph


@pytest.mark.slow
def test_digits_are_learnt_by_a_convolution() -> None:
    data = golden.load_digits(seed=0)
    trainer = TASKS["digits_conv"].trainer(data)
    history = trainer.fit(data["train"], 4, validation=data["test"])
    assert history[-1].validation_accuracy > 0.93
    assert history[-1].validation_accuracy == golden.accuracy(trainer.to_graph(), data["test"])


@pytest.mark.slow
def test_a_quantized_convolution_is_tuned() -> None:
    """Weights of the zoo's, int8 as our quantizer makes them: it starts as good as it was, and learns a change."""
    entry = zoo.load("digits_cnn")
    graph, data = entry.quantized(symmetric=True), entry.dataset
    trainer = IntegerTrainer(graph, scaling="pixels")
    assert golden.accuracy(trainer.to_graph(), data["test"]) > golden.accuracy(graph, data["test"]) - 0.02
    turned = {name: Split(np.rot90(data[name].x, axes=(1, 2)), data[name].y) for name in ("train", "test")}
    assert golden.accuracy(trainer.to_graph(), turned["test"]) < 0.6
    trainer.fit(turned["train"], 2)
    assert golden.accuracy(trainer.to_graph(), turned["test"]) > 0.9


def image(*ops: golden.Op) -> Graph:
    return Graph.chain(TensorType((4, 4, 2), S8), *ops)


SCALE = Requantize(np.array(1), np.array(7), 0, S8)
END = (SCALE, ReshapeOp((32,)), Dense(np.ones((2, 32), dtype=int), [0, 0]), SCALE)


def ones(*shape: int, **options) -> Conv:
    return Conv(np.ones(shape, dtype=int), [0] * shape[0], **options)


def front(*layers) -> Sequential:
    return Sequential([Reshape((4, 4, 2)), *layers])


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            front(Conv2d(2, 2, 3), ReLU(), AvgPool2d(2), Flatten(), Linear(2, 2)),
            NotImplementedError,
            r"layer 4 \(AvgPool2d.*what can are .*Conv2d with ReLU and perhaps MaxPool2d",
        ),
        (
            front(Conv2d(2, 2, 3, groups=2, dilation=2), ReLU(), MaxPool2d(2, 1), Linear(2, 2)),
            NotImplementedError,
            r"layer 2 \(Conv2d.*\) with groups and dilation, layer 4 \(MaxPool2d.*\) with a stride of its own",
        ),
        (
            Sequential([Conv2d(2, 2, 3), ReLU(), Flatten(), Linear(8, 2)]),
            NotImplementedError,
            "the order Conv2d -> ReLU -> Flatten -> Linear; what can are .*Reshape to an image",
        ),
        (
            front(Conv2d(2, 2, 3), Flatten(), Linear(8, 2)),
            NotImplementedError,
            "Reshape -> Conv2d -> Flatten",
        ),
        (Sequential([Reshape((32,)), Linear(32, 2)]), NotImplementedError, r"no shape of \(rows, columns"),
        (front(Conv2d(2, 2, 3, bias=False), ReLU(), Flatten(), Linear(8, 2)), NotImplementedError, "no bias"),
        (
            front(Conv2d(2, 2, 3), ReLU(), MaxPool2d(2, ceil=True), Flatten(), Linear(2, 2)),
            NotImplementedError,
            "padding",
        ),
        (front(Conv2d(1, 2, 3), ReLU(), Flatten(), Linear(8, 2)), ValueError, "layer 2 .*1 channels, what comes has 2"),
        (front(Conv2d(2, 2, 5), ReLU(), Flatten(), Linear(8, 2)), ValueError, "layer 2 .*smaller than one window"),
        (
            front(Conv2d(2, 2, 3), ReLU(), MaxPool2d(3), Flatten(), Linear(8, 2)),
            ValueError,
            "layer 2 .*a pool of 3 x 3 is larger than 2 x 2",
        ),
        (front(Conv2d(2, 2, 3), ReLU(), Flatten(), Linear(9, 2)), ValueError, "takes 9 features, what comes has 8"),
        (image(ones(2, 1, 1, 2), *END), NotImplementedError, "'conv1', which is not rectified"),
        (image(ones(2, 1, 1, 1, groups=2), Relu(), *END), NotImplementedError, r"'conv1' \(Conv with groups\)"),
        (
            image(ones(2, 1, 1, 2), Relu(), SCALE, MaxPool((2, 2), (1, 1), ((1, 0), (1, 0))), *END[1:]),
            NotImplementedError,
            r"'maxpool1' \(MaxPool with padding or a stride",
        ),
        (
            image(ones(2, 3, 3, 2, padding=((1, 1), (1, 1)), padding_value=-5), Relu(), *END, Argmax()),
            ValueError,
            "layer 'conv1' cannot be trained: it pads with -5",
        ),
    ],
)
def test_mistakes_are_told(model, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        IntegerTrainer(model)
