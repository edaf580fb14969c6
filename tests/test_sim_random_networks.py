"""Random networks, foldings, stalls: golden, PyRTL and Icarus agree on all of them."""

from itertools import pairwise
from random import Random

import pytest
from networks import corners, perceptron

import rtlgen
import sim


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(3, 120))]
)
@pytest.mark.slow
def test_three_witnesses_agree(seed: int) -> None:
    random = Random(seed)
    sizes = tuple(random.randint(1, random.choice([3, 8, 20, 40])) for _ in range(random.randint(2, 5)))
    graph = perceptron(
        sizes,
        bits=random.choice([2, 3, 4, 8, 8, 12]),
        per_channel=random.random() < 0.6,
        powers=random.random() < 0.3,
        argmax=random.random() < 0.6,
        seed=seed,
    )
    weights = sum(inputs * outputs for inputs, outputs in pairwise(sizes))
    if weights < 600 and random.random() < 0.2:
        design = rtlgen.generate(graph, unrolled=True)
    else:
        most = rtlgen.plan(graph, 1 << 20).multipliers
        design = rtlgen.generate(graph, max(1, round(random.random() ** 3 * most)))
    result = sim.verify(design, corners(graph.input_type, 8, seed=seed), seed=seed)
    assert result.cycles > 0
