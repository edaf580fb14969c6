"""Random chains of all kinds of ops, in the shapes and types that a chain may have."""

from __future__ import annotations

from math import prod
from random import Random

import numpy as np

from golden import Argmax, Dense, Graph, IntType, Op, Relu, Requantize, Reshape, TensorType
from golden.ops import AveragePool, Clamp, Concat, Conv, Lookup, MaxPool, Pad, Slice, Softmax, Sum, Transpose, Wrap
from golden.window import NO_PADDING, Padding

S8 = IntType(8, True)


MOST_ELEMENTS = 250
"""Of a tensor, so that a chain takes not too many cycles."""


def random_chain(seed: int, *, convolutions: bool = False) -> Graph:
    """A graph of one to six ops; equal seeds give equal graphs."""
    random = Random(seed)
    side = random.choice([1, 1, 2, 3, 4, 5, 7, 8])
    shape: tuple[int, ...] = (side,)
    if random.random() < 0.5:
        shape = random.choice([(), (2, side), (3, side), (4, 5, 2), (3, 4, side), (5, 4, 3), (2, 2, 3, side)])
    x = TensorType(shape, IntType(random.choice([1, 2, 3, 4, 8, 8, 12, 16]), random.random() < 0.6))
    ops: list[Op] = []
    made = x
    kinds = [*KINDS, _conv, _conv, _conv] if convolutions else KINDS
    for _ in range(random.randint(1, 6)):
        kind = random.choice(kinds)
        try:
            op = kind(made, random)
            following = op.out_type(made)
        except ValueError:
            continue  # it does not fit here
        if following.size <= MOST_ELEMENTS:
            made = following
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


def _conv(x: TensorType, random: Random) -> Op:
    rows, columns, channels = _image(x)
    kernel = random.randint(1, min(3, rows)), random.randint(1, min(3, columns))
    groups = random.choice([1, 1, channels])
    outputs = random.choice([channels, groups * random.randint(1, 2)])
    values = np.random.default_rng(random.randrange(1 << 32))
    return Conv(
        values.integers(-9, 9, (outputs, *kernel, channels // groups)),
        values.integers(-99, 99, outputs),
        stride=(random.randint(1, 2), 1),
        padding=_borders(kernel, random),
        padding_value=random.randint(x.dtype.min, x.dtype.max),
        groups=groups,
    )


def _image(x: TensorType) -> tuple[int, int, int]:
    if len(x.shape) != 3:
        raise ValueError(f"{x} is no image")
    return x.shape[0], x.shape[1], x.shape[2]


def _borders(kernel: tuple[int, int], random: Random) -> Padding:
    (top, bottom), (left, right) = ([random.randrange(size) for _ in range(2)] for size in kernel)
    return random.choice([NO_PADDING, ((top, bottom), (left, right))])


def _pool(x: TensorType, random: Random) -> Op:
    rows, columns, _ = _image(x)
    whole = random.random() < 0.2
    kernel = (rows, columns) if whole else (random.randint(1, min(3, rows)), random.randint(1, min(3, columns)))
    stride = random.randint(1, 3), random.randint(1, 3)
    return random.choice([MaxPool, AveragePool])(kernel, stride, _borders(kernel, random))


def _sum(x: TensorType, random: Random) -> Op:
    axes = [axis for axis in range(len(x.shape)) if random.random() < 0.5]
    return Sum(tuple(axes), random.random() < 0.5)


def _clamp(x: TensorType, random: Random) -> Op:
    ends = sorted(random.randint(x.dtype.min - 3, x.dtype.max + 3) for _ in range(2))
    return Clamp(*ends)


def _wrap(x: TensorType, random: Random) -> Op:
    return Wrap(IntType(random.choice([1, 3, 4, 8, 8, 12]), random.random() < 0.5))


def _lookup(x: TensorType, random: Random) -> Op:
    if x.dtype.bits > 8:
        return Wrap(S8)
    dtype = IntType(random.choice([1, 4, 8, 8, 13]), random.random() < 0.5)
    shape = (1 << x.dtype.bits,) if random.random() < 0.5 else (x.inner, 1 << x.dtype.bits)
    table = np.random.default_rng(random.randrange(1 << 32)).integers(dtype.min, dtype.max, shape, endpoint=True)
    return Lookup(table, x.dtype.min, dtype)


def _softmax(x: TensorType, random: Random) -> Op:
    if x.dtype != S8:
        return Wrap(S8)
    return Softmax(random.choice([1431655765, 1 << 30]), random.choice([6, 8]))


def _pad(x: TensorType, random: Random) -> Op:
    padding = [(random.choice([0, 0, 1, 2]), random.choice([0, 0, 1, 3])) for _ in x.shape]
    return Pad(tuple(padding), random.randint(x.dtype.min, x.dtype.max))


def _slice(x: TensorType, random: Random) -> Op:
    begin, size, stride = [], [], []
    for count in x.shape:
        first, step = random.choice([0, random.randrange(count)]), random.choice([1, 1, 2, 3])
        most = (count - 1 - first) // step + 1
        begin.append(first)
        size.append(random.choice([most, random.randint(1, most)]))
        stride.append(step)
    return Slice(tuple(begin), tuple(size), tuple(stride))


def _transpose(x: TensorType, random: Random) -> Op:
    return Transpose(tuple(random.sample(range(len(x.shape)), len(x.shape))))


def _concat(x: TensorType, random: Random) -> Op:
    return Concat(random.randrange(max(1, len(x.shape))))


KINDS = [
    *[_dense, _dense, _relu, _requantize, _requantize, _argmax, _reshape, _reshape],
    *[_pool, _pool, _sum, _clamp, _wrap, _lookup, _softmax, _pad, _slice, _transpose, _concat],
]
