"""Random networks and the inputs that are most likely to break them, for tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from golden import Argmax, Dense, Graph, IntType, Op, Relu, Requantize, TensorType
from golden.types import IntArray


def integers(dtype: IntType, shape: tuple[int, ...], random: np.random.Generator) -> IntArray:
    """Uniform integers of a type."""
    return random.integers(dtype.min, dtype.max, shape, dtype=np.int64, endpoint=True)


def corners(x: TensorType, count: int = 12, seed: int = 0) -> IntArray:
    """A batch of inputs: all smallest, all largest, both alternating, zero, then random ones."""
    random = np.random.default_rng(seed)
    fixed = np.empty((4, *x.shape), dtype=np.int64)
    fixed[0], fixed[1], fixed[3] = x.dtype.min, x.dtype.max, min(max(0, x.dtype.min), x.dtype.max)
    fixed[2] = np.where(np.arange(x.size) % 2, x.dtype.min, x.dtype.max).reshape(x.shape)
    return np.concatenate([fixed, integers(x.dtype, (max(0, count - 4), *x.shape), random)])[:count]


def dense(inputs: int, outputs: int, seed: int = 0, weight_bits: int = 8, bias: int = 500) -> Dense:
    """A layer with random weights, the extreme ones among them."""
    random = np.random.default_rng(seed)
    weight = integers(IntType(weight_bits, True), (outputs, inputs), random)
    weight.flat[:2] = (-(1 << (weight_bits - 1)), (1 << (weight_bits - 1)) - 1)[: weight.size]
    return Dense(weight, random.integers(-bias, bias, outputs, endpoint=True))


def requantize(
    x: TensorType, bits: int = 8, *, zero_point: int = 0, per_channel: bool = True, powers: bool = False, seed: int = 0
) -> Requantize:
    """A requantiser that brings the reach of ``x`` to ``bits``, with some saturation on both sides."""
    random = np.random.default_rng(seed)
    shape = (x.inner,) if per_channel else ()
    wanted = 3.0 * 2.0**bits / (x.dtype.max - x.dtype.min + 1) * random.uniform(0.3, 1.0, shape)
    if powers:
        return Requantize(
            np.ones(shape, dtype=np.int64),
            np.maximum(0, np.floor(-np.log2(wanted))).astype(np.int64),
            zero_point,
            IntType(bits, True),
        )
    shift = int(np.clip(np.floor(16 - np.log2(wanted.max())), 0, 40))
    multiplier = np.maximum(1, np.round(wanted * 2.0**shift)).astype(np.int64)
    return Requantize(multiplier, np.full(shape, shift, dtype=np.int64), zero_point, IntType(bits, True))


def perceptron(
    sizes: tuple[int, ...],
    *,
    bits: int = 8,
    per_channel: bool = True,
    powers: bool = False,
    argmax: bool = True,
    seed: int = 0,
) -> Graph:
    """Dense, Relu, Requantize, ..., Dense, Requantize (, Argmax) with random constants."""
    x = TensorType((sizes[0],), IntType(bits, True))
    ops: list[Op] = []
    made = x
    for place, (inputs, outputs) in enumerate(pairwise(sizes)):
        hidden = place < len(sizes) - 2
        parts = [dense(inputs, outputs, seed + place, bits), *([Relu()] if hidden else [])]
        for op in parts:
            made = op.out_type(made)
        zero_point = -(1 << (bits - 1)) if hidden else 1
        parts.append(
            requantize(made, bits, zero_point=zero_point, per_channel=per_channel, powers=powers, seed=seed + place)
        )
        made = parts[-1].out_type(made)
        ops += parts
    return Graph.chain(x, *ops, *([Argmax()] if argmax else []))
