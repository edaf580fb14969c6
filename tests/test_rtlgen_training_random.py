"""Trainers of random networks, golden against PyRTL: shapes, lanes, masks and roundings that nobody would think of."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from training_networks import Driven, samples

from golden import IntegerTrainer, Linear, ReLU, Sequential
from golden.layers import Conv2d, Flatten, MaxPool2d, Reshape
from rtlgen.training import generate_trainer
from rtlgen.training.layout import rows_of, sample_frame, signature_of

EVALUATE, TRAIN = range(2)
MOST_CYCLES = 1500
"""Of a step: larger networks are drawn anew."""


def network(random: Random) -> Sequential:
    """Up to three convolutions, padded, with a stride in the first one, with pools of any shape; up to three dense."""
    shape = (random.randint(1, 5), random.randint(1, 5), random.choice([1, 1, 2, 3]))
    layers: list[Any] = [Reshape(shape)]
    for place in range(random.choice([0, 1, 1, 1, 2, 2, 3])):
        kernel = random.randint(1, 3), random.randint(1, 3)
        padding = tuple((random.choice([0, 0, 1, 2]), random.choice([0, 0, 1, 2])) for _ in range(2))
        stride = (1, 1) if place else (random.choice([1, 1, 2, 3]), random.choice([1, 1, 2]))
        sizes = [(n + sum(p) - k) // s + 1 for n, p, k, s in zip(shape, padding, kernel, stride, strict=False)]
        if min(sizes) < 1:
            break
        channels = random.choice([1, 1, 2, 3, 4, 5, 7])
        layers += [Conv2d(shape[2], channels, kernel, stride, padding), ReLU()]
        pool = tuple(random.choice([1, random.randint(1, min(4, n))]) for n in sizes)
        layers += [MaxPool2d(pool)] if pool != (1, 1) else []
        shape = sizes[0] // pool[0], sizes[1] // pool[1], channels
    layers = [*layers, Flatten()] if len(layers) > 1 else []
    hidden = [random.choice([1, 2, 3, 5, 8, 11]) for _ in range(random.choice([0, 0, 1, 2]))]
    for inputs, outputs in pairwise([int(np.prod(shape)), *hidden, random.choice([1, 2, 3, 5, 10])]):
        layers += [Linear(inputs, outputs), ReLU()]
    return Sequential(layers[:-1])


def trainer(random: Random) -> tuple[IntegerTrainer, int]:
    """With lanes for it."""
    model = network(random)
    options: dict[str, Any] = {"scaling": random.choice(["pixels", "standardise"]), "seed": random.randrange(99)}
    options["dither_seed"] = random.choice([None, random.randint(1, 2**32 - 1)])
    count = len(IntegerTrainer(model).layers)
    mask = [random.random() < 0.7 for _ in range(count)]
    options["trainable"] = mask if any(mask) else None
    made = IntegerTrainer(model, **options)
    if random.random() < 0.3:
        options.pop("seed")
        made = IntegerTrainer(made.to_graph(argmax=False), **options)
    numbers = np.random.default_rng(random.randrange(1 << 30))
    for layer in made.layers:
        saturated = numbers.random(layer.weight.shape) < random.choice([0, 0.05, 0.2])
        layer.weight = np.where(saturated, numbers.choice([-32768, 32767], layer.weight.shape), layer.weight)
    return made, random.choice([1, 2, 3, 4, 5, 8, 8, 13, 16, 32])


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(12, 150))]
)
def test_a_random_trainer_is_golden(seed: int) -> None:
    random = Random(seed)
    while True:
        model, lanes = trainer(random)
        design = generate_trainer(model, lanes)
        schedule = design.schedule
        if schedule.training_cycles <= MOST_CYCLES:
            break
    driven, signature, expected = Driven(design, model), 0, []
    steps = max(3, min(20, 4000 // schedule.training_cycles))
    x, y = samples(model, steps, seed)
    for features, label in zip(x, y, strict=True):
        mode, rate = (EVALUATE, TRAIN)[random.random() < 0.8], random.randint(2, 11)
        driven.send(sample_frame(features, int(label)), mode, rate)
        given = features.reshape(model.input_shape)
        step = model.step(given, int(label) if mode == TRAIN else None, rate)
        expected.append([*(int(z) & 0xFFFF for z in step.logits), step.loss or 0])
        if step.loss:
            signature = signature_of(schedule, signature, [layer.weight for layer in model.layers])
    for _ in range(2 * schedule.training_cycles + 200):
        seen = driven.cycle()
    assert driven.results == expected
    assert (driven.weights() == rows_of(schedule, [layer.weight for layer in model.layers])).all()
    assert seen["signature"] == signature
    assert not seen["frame_error"]
