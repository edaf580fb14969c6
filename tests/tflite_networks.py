"""Random networks as TensorFlow Lite files: any operators on any tensors, with fan-out and joins."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from tflite_layers import Network

_LARGEST = 1500
"""Elements of one tensor: the interpreter's reference kernels are slow, and small shapes have the corners."""
_ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")


class RefusedError(Exception):
    """A layer that does not fit the tensor that was drawn."""


def random_network(seed: int, most: int = 8) -> Network:
    """One to ``most`` operators on one to three inputs; what nobody reads is an output, and so are some others."""
    net = Network(seed)
    random = net.random
    for _ in range(int(net.pick(1, 1, 1, 2, 3))):
        net.placeholder(1, *_shape(net))
    wanted, made = int(random.integers(1, most + 1)), list(net.inputs)
    while len(net.operators) < wanted:
        layer = LAYERS[random.integers(len(LAYERS))]
        tensors, operators = len(net.tensors), len(net.operators)
        # Mostly what came last, so that networks are deep; sometimes anything, so that they fan out.
        x = made[-1] if random.random() < 0.6 else made[random.integers(len(made))]
        try:
            results = layer(net, x, made)
            if any(not 0 < prod(net.shape(y)) <= _LARGEST for y in results):
                raise RefusedError
            if any(abs(np.log2(net.scale(y))) > 30 for y in results if net.tensors[y].type == "INT8"):
                raise RefusedError  # products of products: the reference shifts by 64 bits and more
        except RefusedError:
            del net.tensors[tensors:], net.operators[operators:]
            continue
        made += [y for y in results if net.tensors[y].type == "INT8"]
        net.output(*(y for y in results if net.tensors[y].type != "INT8"))
    read = {index for operator in net.operators for index in operator.inputs}
    ends = [i for i in made if i not in read and i not in net.inputs]
    some = [i for i in made if i in read and i not in net.inputs and random.random() < 0.1]
    net.output(*ends, *some)
    return net


def _shape(net: Network) -> tuple[int, ...]:
    rank = net.pick(1, 2, 3, 3, 3)
    limit = {1: 60, 2: 12, 3: 8}[rank]
    return tuple(int(d) for d in net.random.integers(1, limit + 1, rank))


def _image(net: Network, x: int) -> None:
    if len(net.shape(x)) != 4 or net.shape(x)[0] != 1:
        raise RefusedError


def _batched(net: Network, x: int, rank: int = 2) -> None:
    if len(net.shape(x)) < rank or net.shape(x)[0] != 1:
        raise RefusedError


def _window(net: Network, x: int, dilated: bool) -> tuple:
    """Kernel, stride, padding and dilation that fit."""
    _image(net, x)
    kernel = tuple(int(k) for k in net.random.integers(1, 5, 2))
    stride = tuple(int(s) for s in net.pick((1, 1), (1, 1), (2, 2), (1, 2), (3, 2)))
    dilation = net.pick((1, 1), (1, 1), (2, 1), (2, 3)) if dilated else (1, 1)
    padding = net.pick("SAME", "VALID")
    if padding == "VALID" and min(net.windows(x, kernel, stride, padding, dilation)) < 1:
        raise RefusedError
    return kernel, stride, padding, dilation


def conv(net: Network, x: int, made: list[int]) -> list[int]:
    kernel, stride, padding, dilation = _window(net, x, True)
    groups = int(net.pick(*[g for g in range(1, 5) if net.shape(x)[3] % g == 0]))
    outputs = groups * int(net.random.integers(1, 5))
    bias, activation = net.random.random() < 0.8, net.pick(*_ACTIVATIONS)
    return [net.conv(x, outputs, kernel, stride, padding, dilation, groups, bias=bias, activation=activation)]


def depthwise(net: Network, x: int, made: list[int]) -> list[int]:
    kernel, stride, padding, dilation = _window(net, x, True)
    other = {"bias": net.random.random() < 0.8, "activation": net.pick(*_ACTIVATIONS)}
    return [net.depthwise(x, int(net.pick(1, 1, 2, 3)), kernel, stride, padding, dilation, **other)]


def dense(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    other = {"bias": net.random.random() < 0.8, "activation": net.pick(*_ACTIVATIONS)}
    return [net.dense(x, int(net.random.integers(1, 20)), bool(net.random.integers(2)), **other)]


def pool(net: Network, x: int, made: list[int]) -> list[int]:
    kernel, stride, padding, _ = _window(net, x, False)
    kind = net.pick("AVERAGE_POOL_2D", "MAX_POOL_2D")
    return [net.pool(kind, x, kernel, stride, padding, net.pick(*_ACTIVATIONS))]


def reduce(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    rank = len(net.shape(x))
    axes = net.random.permutation(np.arange(1, rank))[: net.random.integers(1, rank)]
    signs = net.random.integers(0, 2, len(axes)) * rank
    return [net.reduce(net.pick("MEAN", "SUM"), x, [int(a) for a in axes - signs], bool(net.random.integers(2)))]


def binary(net: Network, x: int, made: list[int]) -> list[int]:
    """With another tensor that fits, or with a constant."""
    _batched(net, x)
    others = [y for y in made if net.shape(y)[0] == 1 and _fits(net.shape(x), net.shape(y))]
    kind = net.pick("ADD", "ADD", "SUB", "MUL")
    if net.random.random() < 0.3:
        shape = net.shape(x)
        other = net.operand(*net.pick(shape[-1:], (), (1,), shape[1:], (1, *shape[1:]), shape[2:]))
    else:
        distinct = [y for y in others if y != x]
        other = int(net.pick(*(distinct if distinct and net.random.integers(8) else others)))
    pair = (x, other) if net.random.integers(2) else (other, x)
    return [net.binary(kind, *pair, activation=net.pick(*_ACTIVATIONS))]


def _fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        return len(np.broadcast_shapes(a, b)) <= 4
    except ValueError:
        return False


def unary(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    return [net.unary(net.pick("RELU", "RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "QUANTIZE"), x)]


def leaky(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    if net.random.integers(2):
        return [net.leaky(x, float(net.random.normal() / 2))]
    return [net.prelu(x, net.operand(net.shape(x)[-1], scale=0.01))]


def softmax(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    if not 1 <= net.shape(x)[-1] <= 500 or len(net.shape(x)) > 4:
        raise RefusedError
    return [net.softmax(x, net.pick(1.0, 1.0, 0.3))]


def bound(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    shape = net.pick((), (1,), net.shape(x)[-1:])
    other = net.operand(*shape, scale=net.scale(x), zero_point=net.zero_point(x))
    return [net.bound(net.pick("MAXIMUM", "MINIMUM"), x, other)]


def reshape(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    choice = net.random.integers(4)
    if choice == 0:
        return [net.squeeze(x, int(net.pick(*[i for i, d in enumerate(net.shape(x)) if d == 1 and i], 0)))]
    if choice == 1:
        if len(net.shape(x)) > 3:
            raise RefusedError
        return [net.expand_dims(x, int(net.random.integers(0, len(net.shape(x)) + 1)))]
    factors = [int(d) for d in net.random.permutation(net.shape(x)[1:])]
    while len(factors) > 1 and net.random.integers(2):
        factors[:2] = [factors[0] * factors[1]]
    shape = (1, *factors)
    given = [*shape]
    if net.random.integers(2):
        given[net.random.integers(len(given))] = -1
    return [net.reshape(x, shape, net.pick("tensor", "options", "both"), given)]


def transpose(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    if len(net.shape(x)) > 4:
        raise RefusedError
    return [net.transpose(x, 0, *(int(a) for a in net.random.permutation(np.arange(1, len(net.shape(x))))))]


def pad(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    if len(net.shape(x)) > 4:
        raise RefusedError
    pairs = [(0, 0), *((int(a), int(b)) for a, b in net.random.integers(0, 3, (len(net.shape(x)) - 1, 2)))]
    return [net.pad(x, pairs, None if net.random.integers(2) else int(net.random.integers(-128, 128)))]


def cut(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    shape = net.shape(x)
    if len(shape) > 4:
        raise RefusedError
    begin = [int(net.random.integers(0, d)) for d in shape]
    size = [int(net.random.integers(1, d - b + 1)) for d, b in zip(shape, begin, strict=True)]
    if net.random.integers(2):
        return [net.slice(x, begin, [s if net.random.integers(3) else -1 for s in size])]
    end = [b + s for b, s in zip(begin, size, strict=True)]
    begin = [b - d if net.random.integers(3) == 0 else b for b, d in zip(begin, shape, strict=True)]
    strides = [1, *(int(s) for s in net.random.integers(1, 4, len(shape) - 1))]
    masks = {name: int(net.random.integers(1 << len(shape))) for name in ("begin_mask", "end_mask")}
    masks["shrink_axis_mask"] = int(net.pick(0, 0, 2, 1 << (len(shape) - 1)))
    if len(shape) == 2 and masks["shrink_axis_mask"]:
        raise RefusedError
    masks["begin_mask"] &= ~masks["shrink_axis_mask"]
    strides = [1 if masks["shrink_axis_mask"] >> i & 1 else s for i, s in enumerate(strides)]
    return [net.strided_slice(x, begin, end, strides, **masks)]


def split(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    axis = int(net.random.integers(1, len(net.shape(x))))
    whole = net.shape(x)[axis]
    if net.random.integers(2) and whole > 1:
        first = int(net.random.integers(1, whole))
        return net.split(x, axis, first, whole - first)
    parts = [n for n in range(2, 5) if whole % n == 0]
    if not parts:
        raise RefusedError
    count = int(net.pick(*parts))
    return net.split(x, axis, *[whole // count] * count, equal=True)


def concat(net: Network, x: int, made: list[int]) -> list[int]:
    """With itself and with others of its shape, brought to its scale."""
    _batched(net, x)
    shape = net.shape(x)
    if len(shape) > 4:
        raise RefusedError
    axis = int(net.random.integers(1, len(shape)))
    fitting = [
        y
        for y in made
        if len(net.shape(y)) == len(shape) and all(i == axis or d == net.shape(y)[i] for i, d in enumerate(shape))
    ]
    parts = []
    for y in [x, *(int(net.pick(*fitting)) for _ in range(net.random.integers(1, 3)))]:
        same = (net.scale(y), net.zero_point(y)) == (net.scale(x), net.zero_point(x))
        parts.append(y if same else net.unary("QUANTIZE", y, net.scale(x), net.zero_point(x)))
    return [net.concat(axis - int(net.pick(0, len(shape))), *parts)]


def pack(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    if len(net.shape(x)) > 3:
        raise RefusedError
    return [net.pack(int(net.random.integers(1, len(net.shape(x)) + 1)), *[x] * int(net.random.integers(1, 4)))]


def unpack(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x, 3)
    axis = int(net.random.integers(1, len(net.shape(x))))
    if net.shape(x)[axis] > 4:
        raise RefusedError
    return net.unpack(x, axis)


def argmax(net: Network, x: int, made: list[int]) -> list[int]:
    _batched(net, x)
    return [net.argmax(x, int(net.random.integers(1, len(net.shape(x)))))]


LAYERS: list[Callable[[Network, int, list[int]], list[int]]] = [
    *[conv] * 3,
    *[depthwise] * 2,
    *[dense] * 2,
    *[pool] * 2,
    *[binary] * 4,
    reduce,
    *[unary] * 2,
    leaky,
    softmax,
    bound,
    *[reshape] * 2,
    transpose,
    pad,
    cut,
    split,
    concat,
    pack,
    unpack,
    argmax,
]
"""By how often they are drawn."""
