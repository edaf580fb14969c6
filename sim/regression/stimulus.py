"""Samples that drive a network to the ends of what its layers can give."""

from __future__ import annotations

import numpy as np

from golden.graph import Graph
from golden.types import IntArray

CANDIDATES = 600
SPARSE = 0.25


def extreme_samples(graph: Graph, count: int, seed: int) -> IntArray:
    """Up to ``count`` samples: corners of the input, then of random candidates those with the ends of most elements.

    Candidates are random, random corners (every element at an end: by chance those of the weights' signs) and random
    with as many small numbers as large ones; of these each is taken that makes some element of some layer's result the
    largest or smallest. The others are random: some with small numbers, the ones that do not saturate, and some with
    one number in four, the others at the low end, where a largest one tells what it is the largest of.
    """
    random, type = np.random.default_rng(seed), graph.input_type
    low, high = type.dtype.min, type.dtype.max
    fixed = np.empty((4, *type.shape), dtype=np.int64)
    fixed[0], fixed[1], fixed[2] = low, high, min(max(0, low), high)
    fixed[3] = np.where(np.arange(type.size) % 2, low, high).reshape(type.shape)
    shape = (CANDIDATES // 3, *type.shape)
    anywhere = random.integers(low, high, shape, endpoint=True)
    small = np.clip(anywhere >> random.integers(0, type.dtype.bits, shape), low, high)
    sparse = np.where(random.random(shape) < SPARSE, anywhere, low)
    candidates = np.concatenate([fixed, anywhere, small, sparse, np.where(random.random(shape) < 0.5, low, high)])
    wanted = dict.fromkeys(range(4))
    for values in graph.trace(candidates).values():
        flat = values.reshape(len(candidates), -1)
        wanted |= dict.fromkeys(int(i) for i in np.concatenate([flat.argmin(axis=0), flat.argmax(axis=0)]))
    chosen = list(wanted)[: max(4, count // 2)]
    # One anywhere, one small, one sparse, in turns.
    rest = [len(fixed) + part * shape[0] + i for i in range(shape[0]) for part in range(3)]
    return np.asarray(candidates[[*chosen, *(i for i in rest if i not in wanted)][:count]])
