"""The integer trainer against an independent one in Python's own integers, its corners, and its messages."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

import golden
from golden import Graph, IntegerTrainer, IntType, Linear, ReLU, Sequential, TensorType
from golden.ops import Argmax, Dense, MaxPool, Relu, Requantize
from golden.trainer.arithmetic import output_error, rounded, update_shift, xorshift32
from golden.trainer.dense import TrainedDense
from golden.trainer.features import features_encoding

S8 = IntType(8, True)


def network(*sizes: int) -> Sequential:
    layers: list[golden.Linear | golden.ReLU] = []
    for inputs, outputs in pairwise(sizes):
        layers += [Linear(inputs, outputs), ReLU()]
    return Sequential(layers[:-1])


# --- an independent trainer: lists, loops, floor division ---


def half_up(value: int, shift: int) -> int:
    return (value * 2 + 2**shift) // (2 * 2**shift) if shift > 0 else value * 2**-shift


def within(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


class Oracle:
    """The definition, written down once more; ``weights[l][i][j]``, the last column the bias."""

    def __init__(self, weights, bits, f0, mask, state):
        self.weights, self.bits, self.mask, self.state = weights, bits, mask, state
        self.f = [f0] + [5] * (len(weights) - 1)

    def forward(self, x):
        a = [list(x)]
        for place, matrix in enumerate(self.weights):
            is_last = place == len(self.weights) - 1
            extended = [*a[-1], 2 ** min(self.f[place], 6)]
            row = []
            for weights in matrix:
                total = sum((w // 256) * v for w, v in zip(weights, extended, strict=True))
                y = half_up(total, self.f[place] + self.bits[place] - (6 if is_last else 5))
                row.append(within(y, -32768, 32767) if is_last else within(y, 0, 127))
            a.append(row)
        return a

    def step(self, x, label, k):
        a = self.forward(x)
        if self.state is not None:
            s = self.state
            s = (s ^ (s * 2**13)) % 2**32
            s = s ^ (s // 2**17)
            self.state = (s ^ (s * 2**5)) % 2**32
        e = [within(2 * (within(z // 4 + 32, 0, 64) - 64 * (i == label)), -127, 127) for i, z in enumerate(a[-1])]
        errors = [e]
        for place in range(len(self.weights) - 1, 0, -1):
            matrix, above = self.weights[place], errors[0]
            back = []
            for j, value in enumerate(a[place]):
                total = sum((matrix[i][j] // 256) * above[i] for i in range(len(matrix)))
                back.append(within(half_up(total, self.bits[place]), -127, 127) if value > 0 else 0)
            errors.insert(0, back)
        for place, matrix in enumerate(self.weights):
            if not self.mask[place] or not any(errors[-1]):
                continue
            shift = 7 + self.f[place] + k - (self.bits[place] + 8)
            extended = [*a[place], 2 ** min(self.f[place], 6)]
            for i, weights in enumerate(matrix):
                for j, value in enumerate(extended):
                    product = errors[place][i] * value
                    if shift > 0 and self.state is not None:
                        change = (product + self.state // 2 ** (32 - shift)) // 2**shift
                    else:
                        change = half_up(product, shift)
                    weights[j] = within(weights[j] - change, -32768, 32767)
        return a, errors


def oracle_of(trainer: IntegerTrainer) -> Oracle:
    layers = trainer.layers
    return Oracle(
        [layer.weight.tolist() for layer in layers],
        [layer.weight_fraction_bits for layer in layers],
        layers[0].input_fraction_bits,
        [layer.trainable for layer in layers],
        trainer.random_state,
    )


@pytest.mark.parametrize("sizes", [(4, 10, 3), (7, 5), (3, 6, 5, 4), (300, 3, 2)], ids=str)
@pytest.mark.parametrize("scaling", ["standardise", "pixels"])
@pytest.mark.parametrize("dither", [None, 1, 0xFFFFFFFF])
def test_every_weight_is_right_after_every_step(sizes: tuple[int, ...], scaling: str, dither: int | None) -> None:
    random = Random(f"{sizes}{scaling}{dither}")
    mask = [random.random() < 0.8 for _ in sizes[1:]]
    trainer = IntegerTrainer(network(*sizes), scaling=scaling, dither_seed=dither, trainable=mask, seed=3)
    for layer in trainer.layers:  # also where they saturate
        layer.weight = np.where(np.random.default_rng(1).random(layer.weight.shape) < 0.1, 32700, layer.weight)
    oracle = oracle_of(trainer)
    for _ in range(40 if sizes[0] < 100 else 8):
        x = [random.choice([-128, 127, 0, random.randint(-128, 127)]) for _ in range(sizes[0])]
        label, k = random.randrange(sizes[-1]), random.randint(2, 11)
        if random.random() < 0.2:
            before = [layer.weight.copy() for layer in trainer.layers]
            step = trainer.step(x)
            assert step.logits.tolist() == oracle.forward(x)[-1]
            assert step.loss is None
            assert all((w == layer.weight).all() for w, layer in zip(before, trainer.layers, strict=True))
            continue
        step = trainer.step(x, label, k)
        a, errors = oracle.step(x, label, k)
        assert [step.tensors[layer.name].tolist() for layer in trainer.layers] == a[1:]
        assert [step.tensors[f"{layer.name}_error"].tolist() for layer in trainer.layers] == errors
        assert [step.tensors[f"{layer.name}_weight"].tolist() for layer in trainer.layers] == oracle.weights
        assert step.random_state == oracle.state
        assert step.loss == sum(map(abs, errors[-1]))


def test_rounding_and_shifts() -> None:
    assert [rounded(np.array(v), 2).item() for v in (-7, -6, -5, 5, 6, 7)] == [-2, -1, -1, 1, 2, 2]
    assert rounded(np.array(-3), 0) == -3
    assert rounded(np.array(-3), -2) == -12
    assert update_shift(5, 6, 2) == 0
    assert update_shift(5, 7, 2) == -1, "the change is doubled"


def test_the_error_of_an_output() -> None:
    z = np.array([-32768, -129, -128, -1, 0, 127, 128, 32767])
    assert output_error(z, 0).tolist() == [-127, 0, 0, 62, 64, 126, 127, 127]
    assert output_error(z, 7).tolist()[-1] == 0, "certain and right: there is nothing to learn"


def test_the_random_number_never_is_zero_and_has_the_known_sequence() -> None:
    # Marsaglia's own example of 2003 begins so.
    assert xorshift32(2463534242) == 723471715
    state = 1
    for _ in range(1000):
        state = xorshift32(state)
        assert 0 < state < 1 << 32


def test_nothing_changes_where_all_errors_are_zero() -> None:
    trainer = IntegerTrainer(network(2, 2), dither_seed=7)
    trainer.layers[0].weight = np.array([[32767, 0, 0], [-32768, 0, 0]])
    before, state = trainer.layers[0].weight.copy(), trainer.random_state
    step = trainer.step([127, 0], 0)
    assert step.loss == 0
    assert (trainer.layers[0].weight == before).all()
    assert step.random_state != state, "the random number goes on all the same"


def test_weights_saturate_and_do_not_wrap() -> None:
    layer = TrainedDense("dense1", np.array([[32767, -32768]]), 6, 5, is_last=True)
    layer.update(np.array([-127]), np.array([127]), 2, None)
    assert layer.weight.tolist() == [[32767, -32768 + 127 * 32]]
    layer.update(np.array([127]), np.array([-128]), 2, None)
    assert layer.weight[0, 0] == 32767


@pytest.mark.parametrize("scaling", ["standardise", "pixels"])
def test_a_trained_network_is_an_ordinary_graph_and_comes_back(scaling: str) -> None:
    data = golden.load_iris(seed=0)
    trainer = IntegerTrainer(network(4, 10, 3), data["train"].x, scaling=scaling)
    trainer.fit(data["train"], 2)
    graph = trainer.to_graph(argmax=False)
    x = trainer.encode(data["test"].x)
    assert graph(x).tolist() == [trainer.step(sample).logits.tolist() for sample in x]
    again = IntegerTrainer(graph, scaling=scaling)
    assert again.encoding == trainer.encoding
    for new, old in zip(again.layers, trainer.layers, strict=True):
        assert (new.weight == (old.inference_weight << 8 | 0x80)).all()
        assert new.weight_fraction_bits == old.weight_fraction_bits


def test_iris_is_learnt_the_same_way_every_time() -> None:
    data = golden.load_iris(seed=0)
    trainer = IntegerTrainer(network(4, 10, 3), data["train"].x)
    history = trainer.fit(data["train"], 30, validation=data["test"])
    assert history[-1].loss < history[0].loss / 2
    assert history[-1].validation_accuracy == golden.accuracy(trainer.to_graph(), data["test"])
    assert history[-1].validation_accuracy >= 0.9
    again = IntegerTrainer(network(4, 10, 3), data["train"].x)
    assert again.fit(data["train"], 30, validation=data["test"]) == history, "a function of its seeds"


@pytest.mark.slow
def test_a_network_of_our_own_quantizer_is_tuned_after_a_drift() -> None:
    data = golden.load_digits(seed=0)
    model = network(64, 32, 10)
    golden.fit(model, data["train"], epochs=30)
    graph = golden.quantize(model, calibration=data["train"].x, symmetric=True)
    trainer = IntegerTrainer(graph, scaling="pixels")
    assert golden.accuracy(trainer.to_graph(), data["test"]) > golden.accuracy(graph, data["test"]) - 0.02

    def turned(split: golden.data.Split) -> golden.data.Split:
        images = np.rot90(split.x.reshape(-1, 8, 8), axes=(1, 2))
        return golden.data.Split(images.reshape(-1, 64), split.y)

    def fainter(split: golden.data.Split) -> golden.data.Split:
        return golden.data.Split(np.rint(split.x * 0.3), split.y)

    for drift in (turned, fainter):
        trainer = IntegerTrainer(graph, scaling="pixels")
        before = golden.accuracy(trainer.to_graph(), drift(data["test"]))
        trainer.fit(drift(data["train"]), 10)
        assert before < 0.6
        assert golden.accuracy(trainer.to_graph(), drift(data["test"])) > 0.95


def test_a_network_whose_weights_would_lose_their_bits_is_refused() -> None:
    data = golden.load_digits(seed=0)
    model = network(64, 32, 10)
    golden.fit(model, data["train"], epochs=3)
    with pytest.raises(ValueError, match=r"'dense1'.*the bias of output.*symmetric=True"):
        IntegerTrainer(golden.quantize(model, calibration=data["train"].x), scaling="pixels")


def test_schedules() -> None:
    data = golden.load_iris(seed=0)
    for schedule in ([4, 6], lambda epoch: 4 + 2 * epoch):
        trainer = IntegerTrainer(network(4, 3), data["train"].x)
        assert [epoch.learning_rate_shift for epoch in trainer.fit(data["train"], 2, schedule)] == [4, 6]
    with pytest.raises(ValueError, match=r"from 2 to 11 for each of 2 epochs, not \[5, 12\]"):
        trainer.fit(data["train"], 2, [5, 12])
    with pytest.raises(ValueError, match=r"for each of 3 epochs, not \[5, 5\]"):
        trainer.fit(data["train"], 3, [5, 5])


def test_features() -> None:
    pixels = features_encoding([[0, 8], [16, 4]], "pixels")
    assert pixels.encode([[16, 8]], TensorType((2,), S8)).tolist() == [[127, 64]]
    x = np.random.default_rng(0).normal(5, 3, (200, 2))
    x[:, 1] = 4.0
    scaled = features_encoding(x, "standardise").encode(x, TensorType((2,), S8))
    assert abs(scaled[:, 0].mean()) < 1
    assert abs(scaled[:, 0].std() - 32) < 1
    assert not scaled[:, 1].any(), "a feature that never varies says nothing"


def chain(*ops: golden.Op, size: int = 2) -> Graph:
    return Graph.chain(TensorType((size,), S8), *ops)


DENSE, SCALE = Dense(np.eye(2, dtype=int) * 100, [0, 0]), Requantize(np.array(1), np.array(7), 0, S8)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: IntegerTrainer("iris"), TypeError, "must be a Sequential or a Graph, not str"),
        (
            lambda: IntegerTrainer(Sequential([Linear(4, 4), golden.Tanh(), Linear(4, 2)])),
            NotImplementedError,
            r"cannot be trained: layer 2 \(Tanh.*what can are Linear layers",
        ),
        (
            lambda: IntegerTrainer(Sequential([Linear(4, 4), ReLU()])),
            NotImplementedError,
            "cannot be trained: the order Linear -> ReLU; what can are Linear layers",
        ),
        (
            lambda: IntegerTrainer(Graph.chain(TensorType((4, 4, 2), S8), MaxPool((2, 2)))),
            NotImplementedError,
            "cannot be trained: the order MaxPool; what can is a chain of Dense, Relu and Requantize",
        ),
        (lambda: IntegerTrainer(chain(DENSE)), NotImplementedError, "the order Dense"),
        (lambda: IntegerTrainer(network(4, 3), scaling="raw"), ValueError, "one of pixels, standardise, not 'raw'"),
        (lambda: IntegerTrainer(network(4, 3), dither_seed=0), ValueError, r"1 to 2\*\*32 - 1, not 0"),
        (lambda: IntegerTrainer(network(4, 3), trainable=[True, False]), ValueError, "for 1 layers, not for 2"),
        (lambda: IntegerTrainer(network(4, 3), np.ones((5, 3))), ValueError, r"4 features.*\(3,\)"),
        (lambda: IntegerTrainer(network(4, 3), [[np.nan] * 4]), ValueError, "NaN"),
        (lambda: IntegerTrainer(network(4, 3), -np.ones((5, 4)), scaling="pixels"), ValueError, "must be 0 or more"),
        (
            lambda: IntegerTrainer(chain(Dense([[1, 1], [1, 1]], [1 << 20, 0]), SCALE)),
            ValueError,
            "layer 'dense1' cannot be trained: the bias of output 0",
        ),
        (lambda: IntegerTrainer(network(4, 3)).encode([[1.0] * 4]), ValueError, "give calibration"),
        (lambda: IntegerTrainer(network(4, 3)).step([0.5] * 4, 0), ValueError, "encode it first"),
        (lambda: IntegerTrainer(network(4, 3)).step([0, 0, 0, 128], 0), ValueError, "from 0 to 128: encode it first"),
        (lambda: IntegerTrainer(network(4, 3)).step([0] * 3, 0), ValueError, r"must have shape \(4,\), not \(3,\)"),
        (lambda: IntegerTrainer(network(4, 3)).step([0] * 4, 3), ValueError, "0 to 2, one of the network's outputs"),
        (lambda: IntegerTrainer(network(4, 3)).step([0] * 4, -1), ValueError, "0 to 2"),
        (lambda: IntegerTrainer(network(4, 3)).step([0] * 4, 0, 12), ValueError, "must be 2 to 11, not 12"),
        (lambda: IntegerTrainer(network(4, 3)).fit(golden.load_iris()["train"], 0), ValueError, "epochs must be pos"),
    ],
)
def test_mistakes_are_told(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_more_classes_than_outputs_are_refused() -> None:
    data = golden.load_iris(seed=0)
    trainer = IntegerTrainer(network(4, 2), data["train"].x)
    with pytest.raises(ValueError, match=r"from 0 to 1, one of the network's outputs, not int64 .*, 0 to 2"):
        trainer.fit(data["train"])


def test_ops_around_do_not_matter() -> None:
    bare = IntegerTrainer(chain(DENSE, Relu(), SCALE, DENSE, SCALE))
    ended = IntegerTrainer(chain(DENSE, Relu(), SCALE, DENSE, SCALE, Argmax()))
    assert [(a.weight == b.weight).all() for a, b in zip(bare.layers, ended.layers, strict=True)] == [True, True]
