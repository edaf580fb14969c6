"""Hardware that trains, in PyRTL's simulation: its cycles, its weights, its pins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from training_networks import Driven, convolution, network, samples

from golden import IntegerTrainer, Linear, ReLU, Sequential
from golden.layers import Conv2d, Flatten, Reshape
from rtlgen.training import generate_trainer
from rtlgen.training.layout import load_frame, rows_of, sample_frame, signature_of, weights_of
from rtlgen.training.schedule import Schedule
from rtlgen.training.shape import LayerShape

EVALUATE, TRAIN, LOAD, READ = range(4)


def schedule_of(sizes: tuple[int, ...], lanes: int, trainable: tuple[bool, ...] | None = None) -> Schedule:
    layers = tuple(LayerShape.dense(a, b, lanes) for a, b in pairwise(sizes))
    return Schedule(layers, lanes, trainable or (True,) * len(layers))


@pytest.mark.parametrize(
    ("sizes", "lanes", "training", "inference"),
    [((4, 10, 3), 4, 75, 26), ((64, 32, 10), 16, 383, 163), ((144, 64, 10), 16, 1379, 645)],
)
def test_the_cycles_of_a_step(sizes: tuple[int, ...], lanes: int, training: int, inference: int) -> None:
    schedule = schedule_of(sizes, lanes)
    assert (schedule.training_cycles, schedule.inference_cycles) == (training, inference)


def test_a_mask_leaves_out_what_nobody_needs() -> None:
    kinds = [(made.kind, made.layer) for made in schedule_of((4, 5, 6, 3), 2, (False, True, False)).passes]
    assert kinds[3:] == [("backward", 2), ("update", 1)]
    with pytest.raises(ValueError, match="no layer is trainable"):
        generate_trainer(IntegerTrainer(network(4, 3), trainable=[False]))


CASES = [
    ((4, 10, 3), 4, {}),
    ((4, 10, 3), 1, {}),
    ((4, 10, 3), 16, {}),
    ((4, 10, 3), 3, {"dither_seed": 0xDEADBEEF}),
    ((4, 3), 2, {"dither_seed": 1}),
    ((1, 1), 1, {}),
    ((3, 2), 8, {}),
    ((7, 9, 6, 4), 2, {"scaling": "pixels", "dither_seed": 99}),
    ((7, 9, 6, 4), 8, {"trainable": [True, False, True]}),
    ((7, 9, 6, 4), 4, {"trainable": [False, False, True], "dither_seed": 5}),
    ((5, 4), 4, {"trainable": [True]}),
    ((300, 5, 3), 4, {}),
]


CONVOLVING = [
    ("3x3x8, pool, dense", 8, {"scaling": "pixels"}),
    ("3x3x8, pool, dense", 16, {"dither_seed": 0xABCD}),
    ("3x3x8, pool, dense", 3, {}),
    pytest.param("3x3x8, pool, dense", 64, {}, marks=pytest.mark.exhaustive),
    pytest.param("two, padding, pools with rows left over", 32, {}, marks=pytest.mark.exhaustive),
    ("3x3x8, pool, dense", 4, {"trainable": [False, True]}),
    ("3x3x8, pool, dense", 4, {"trainable": [True, False]}),
    ("no pool, stride, two channels", 2, {"dither_seed": 1}),
    ("no pool, stride, two channels", 4, {}),
    ("two, padding, pools with rows left over", 4, {"scaling": "pixels", "dither_seed": 77}),
    ("two, padding, pools with rows left over", 2, {}),
    pytest.param("two, padding, pools with rows left over", 1, {}, marks=pytest.mark.exhaustive),
    ("two, padding, pools with rows left over", 8, {"trainable": [True, False, False, True]}),
    ("two without pools", 2, {}),
    ("small, padding, pool", 2, {"dither_seed": 9}),
    ("two without pools", 4, {"trainable": [False, True, True]}),
    ("a window as large as the image", 4, {}),
    ("one pixel, one filter", 2, {}),
    ("one pixel, one filter", 1, {}),
]


@pytest.mark.parametrize(("sizes", "lanes", "options"), [*CASES, *CONVOLVING], ids=str)
@pytest.mark.slow
def test_every_weight_and_every_cycle(sizes: tuple[int, ...] | str, lanes: int, options: dict) -> None:
    model = convolution(sizes) if isinstance(sizes, str) else network(*sizes)
    trainer = IntegerTrainer(model, seed=1, **options)
    for layer in trainer.layers:  # near the ends, where they saturate
        near = np.random.default_rng(2).random(layer.weight.shape) < 0.1
        layer.weight = np.where(near, 32700 * np.sign(layer.weight + 0.5).astype(int), layer.weight)
    driven = Driven(generate_trainer(trainer, lanes), trainer)
    schedule, signature = driven.design.schedule, 0
    x, y = samples(trainer, 24 if schedule.training_cycles < 400 else 6)
    modes = [EVALUATE if n % 5 == 3 else TRAIN for n in range(len(x))]
    rates = [2 + n % 10 for n in range(len(x))]
    expected, cycles = [], []
    for features, label, mode, rate in zip(x, y, modes, rates, strict=True):
        driven.send(sample_frame(features, int(label)), mode, rate)
        step = trainer.step(features, int(label) if mode == TRAIN else None, rate)
        expected.append([*(int(z) & 0xFFFF for z in step.logits), step.loss or 0])
        if step.loss:
            signature = signature_of(schedule, signature, [layer.weight for layer in trainer.layers])
        kind = schedule.inference_cycles if mode == EVALUATE else schedule.skipping_cycles
        own = schedule.training_cycles if step.loss else kind
        cycles.append(max(own, trainer.inputs + 1, trainer.outputs + 1))
    for _ in range(2 * schedule.training_cycles + 100):
        seen = driven.cycle()
    assert driven.results == expected
    assert (driven.weights() == rows_of(schedule, [layer.weight for layer in trainer.layers])).all()
    assert seen["signature"] == signature
    assert not seen["frame_error"]
    if all(cycle > trainer.inputs + trainer.outputs + 4 for cycle in cycles):  # the ports are not what limits it
        assert np.diff(driven.starts).tolist() == cycles[:-1]


def test_weights_come_and_go() -> None:
    trainer, other = (IntegerTrainer(network(4, 5, 3), seed=seed) for seed in (1, 2))
    driven = Driven(generate_trainer(trainer, 4), trainer)
    driven.send(load_frame(driven.design.schedule, [layer.weight for layer in other.layers]), LOAD)
    driven.send([0], READ)
    for _ in range(400):
        driven.cycle()
    (beats,) = driven.results
    signed = (np.array(beats) + 0x8000) % 0x10000 - 0x8000
    for seen, layer in zip(weights_of(driven.design.schedule, signed), other.layers, strict=True):
        assert (seen == layer.weight).all()


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(9, 8, 3), "no pool, stride, two channels", "small, padding, pool"], ids=str)
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("mode", [LOAD, READ])
def test_weights_come_and_go_right_behind_a_step(sizes: tuple[int, ...] | str, lanes: int, mode: int) -> None:
    """Its last updates are still on their way when it has ended."""
    model = convolution(sizes) if isinstance(sizes, str) else network(*sizes)
    trainer, other = (IntegerTrainer(model, seed=seed) for seed in (1, 2))
    driven = Driven(generate_trainer(trainer, lanes), trainer)
    schedule = driven.design.schedule
    x, _ = samples(trainer, 1)
    label = int(trainer.step(x[0]).logits.argmin())
    driven.send(sample_frame(x[0], label), TRAIN, 2)
    assert trainer.step(x[0], label, 2).loss
    sent = load_frame(schedule, [layer.weight for layer in other.layers]) if mode == LOAD else [0]
    driven.send(sent, mode)
    for _ in range(3 * schedule.training_cycles + 4000):
        driven.cycle()
    expected = rows_of(schedule, [layer.weight for layer in (other if mode == LOAD else trainer).layers])
    assert (driven.weights() == expected).all()
    if mode == READ:
        assert driven.results[-1] == (expected.reshape(-1) & 0xFFFF).tolist()


@pytest.mark.parametrize(
    ("data", "rate", "last"),
    [([1, 2, 3, 4, 3], 5, None), ([1, 2, 3, 4, 0], 1, None), ([1, 2, 3, 4, 0], 12, None), ([1, 2, 3, 4, 0], 5, 2)],
    ids=["label", "rate below", "rate above", "early tlast"],
)
def test_a_frame_that_cannot_be_is_flagged(data: list[int], rate: int, last: int | None) -> None:
    trainer = IntegerTrainer(network(4, 3))
    driven = Driven(generate_trainer(trainer, 2), trainer)
    driven.send([1, 2, 3, 4, 2], TRAIN)
    assert not driven.cycle()["frame_error"]
    driven.send(data, TRAIN, rate, last)
    assert driven.cycle()["frame_error"]


@pytest.mark.parametrize("lanes", [0, 65, 2.0, True])
def test_lanes_out_of_range(lanes) -> None:
    with pytest.raises(ValueError, match="lanes must be 1 to 64"):
        generate_trainer(IntegerTrainer(network(4, 3)), lanes)


def test_a_stride_behind_a_layer_that_is_trained_is_refused_by_name() -> None:
    layers = [Reshape((9, 7, 1)), Conv2d(1, 2, 3), ReLU(), Conv2d(2, 3, 3, stride=2), ReLU(), Flatten(), Linear(18, 2)]
    with pytest.raises(NotImplementedError, match=r"layer 'conv2' has a stride of \(2, 2\)"):
        generate_trainer(IntegerTrainer(Sequential(layers)))
    generate_trainer(IntegerTrainer(Sequential(layers), trainable=[False, True, True]))


def test_more_outputs_than_a_byte_can_name() -> None:
    with pytest.raises(ValueError, match=r"at most 256 outputs .* not 257"):
        generate_trainer(IntegerTrainer(network(2, 257)))


def test_weights_of_the_wrong_shape() -> None:
    schedule = schedule_of((4, 3), 2)
    with pytest.raises(ValueError, match=r"layer 1: the weights must have shape \(3, 5\), not \(3, 4\)"):
        rows_of(schedule, [np.zeros((3, 4), dtype=int)])
    with pytest.raises(ValueError, match="within 16 bits, not 0 to 32768"):
        rows_of(schedule, [np.array([[32768, 0, 0, 0, 0]] * 3).clip(0)])
