"""Random chains of all kinds of ops, in the shapes and types that a chain may have."""

from __future__ import annotations

from math import prod
from random import Random

import numpy as np

from golden import Argmax, Dense, Graph, IntType, Op, Relu, Requantize, Reshape, TensorType


def random_chain(seed: int) -> Graph:
    """A graph of one to six ops; equal seeds give equal graphs."""
    random = Random(seed)
    shape: tuple[int, ...] = (random.choice([1, 1, 2, 3, 4, 5, 7, 8]),)
    if random.random() < 0.2:
        shape = random.choice([(), (2, *shape), (3, *shape)])
    x = TensorType(shape, IntType(random.choice([1, 2, 3, 4, 8, 8, 12, 16]), random.random() < 0.6))
    ops: list[Op] = []
    made = x
    for _ in range(random.randint(1, 6)):
        kind = random.choice([_dense, _dense, _relu, _requantize, _requantize, _argmax, _reshape, _reshape])
        try:
            op = kind(made, random)
            made = op.out_type(made)
        except ValueError:
            continue  # it does not fit here
        ops.append(op)
    return Graph.chain(x, *(ops or [Relu()]))


def _dense(x: TensorType, random: Random) -> Op:
    if len(x.shape) != 1:
        return Reshape((x.size,))
    outputs, weight_bits, bias_bits = (
        random.randint(1, 6),
        random.choice([0, 1, 2, 4, 7, 7, 14]),
        random.choice([0, 8, 50]),
    )
    most, bias = (1 << weight_bits) - 1, (1 << bias_bits) - 1
    weight = [[random.choice([0, *[random.randint(-most, most)] * 4]) for _ in range(x.inner)] for _ in range(outputs)]
    return Dense(np.array(weight), np.array([random.randint(-bias, bias) for _ in range(outputs)]))


def _relu(x: TensorType, random: Random) -> Op:
    return Relu()


def _requantize(x: TensorType, random: Random) -> Op:
    dtype = IntType(random.choice([1, 2, 4, 8, 16]), random.random() < 0.5)
    bits = max(1, min(random.choice([1, 4, 8, 17, 18, 24, 31]), 61 - x.dtype.bits))
    shift = max(0, min(61, x.dtype.bits + bits - dtype.bits)) if random.random() < 0.7 else random.choice([0, 1, 8, 40])
    count = 1 if random.random() < 0.3 or not x.shape else x.inner
    powers = random.random() < 0.25
    multipliers = [1 << random.randrange(bits) if powers else random.randrange(1 << bits) for _ in range(count)]
    shifts = [max(0, shift - random.randint(0, 3)) for _ in range(count)]
    scalar = count == 1 and (not x.shape or x.inner != 1)
    return Requantize(
        np.array(multipliers[0] if scalar else multipliers),
        np.array(shifts[0] if scalar else shifts),
        random.randint(dtype.min, dtype.max),
        dtype,
    )


def _argmax(x: TensorType, random: Random) -> Op:
    return Argmax()


def _reshape(x: TensorType, random: Random) -> Op:
    rows = random.choice([n for n in range(1, x.size + 1) if x.size % n == 0])
    shape = random.choice([(rows, x.size // rows), (x.size,), (x.size // rows, rows)])
    assert prod(shape) == x.size
    return Reshape(shape)
