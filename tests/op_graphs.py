"""Graphs whose streams fork and join: residual blocks of all kinds, gates, and random ones."""

from __future__ import annotations

from math import prod
from random import Random

import numpy as np
from networks import integers

from golden import Dense, Graph, IntType, Node, Op, Relu, Requantize, Reshape, TensorType
from golden.ops import Add, AveragePool, Concat, Conv, MaxPool, Multiply, Slice

S8 = IntType(8, True)
ADD = {"x_multipliers": (1 << 30, 1_300_000_000), "x_shifts": (31, 32), "left_shift": 20, "arithmetic": "tflm"}


class Builder:
    """A graph in the making; every method gives the name of a tensor of s8."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.types = {"x": TensorType(shape, S8)}
        self.nodes: list[Node] = []
        self.random = np.random.default_rng(seed)

    def __call__(self, op: Op, *inputs: str) -> str:
        name = f"{type(op).__name__.lower()}{len(self.nodes)}"
        self.types[name] = op.out_type(*(self.types[x] for x in inputs))
        self.nodes.append(Node(name, op, inputs))
        return name

    def scaled(self, x: str) -> str:
        """Back to s8."""
        type = self.types[x]
        reach = max(abs(type.dtype.min), type.dtype.max)
        multiplier = self.random.integers(1 << 15, 1 << 16)
        shift = max(0, int(np.log2(reach * multiplier)) - 9)
        return self(Requantize(int(multiplier), shift, int(self.random.integers(-9, 9)), S8), x)

    def conv(self, x: str, outputs: int, kernel: int = 3, stride: int = 1) -> str:
        """A padded convolution and its requantiser."""
        weight = integers(S8, (outputs, kernel, kernel, self.types[x].inner), self.random)
        bias = self.random.integers(-999, 999, outputs)
        around = (kernel // 2, kernel // 2)
        return self.scaled(self(Conv(weight, bias, stride=(stride, stride), padding=(around, around)), x))

    def dense(self, x: str, outputs: int) -> str:
        """A dense layer and its requantiser."""
        weight = integers(S8, (outputs, self.types[x].inner), self.random)
        return self.scaled(self(Dense(weight, self.random.integers(-999, 999, outputs)), x))

    def add(self, a: str, b: str) -> str:
        """A sum as TensorFlow Lite has it."""
        zero_points = (int(self.random.integers(-9, 9)), int(self.random.integers(-9, 9)))
        return self(Add(zero_points, multiplier=1 << 30, shift=50, zero_point=2, dtype=S8, **ADD), a, b)

    def multiply(self, a: str, b: str) -> str:
        """A product."""
        return self(Multiply((1, -128), 1_700_000_000, 38, -3, S8, "tflm"), a, b)

    def part_of_both(self, a: str, b: str, random: Random) -> str:
        """As much as ``a`` of two tensors of the same shape, side by side in any dimension."""
        shape = self.types[a].shape
        axis = random.randrange(len(shape))
        begin = [0] * len(shape)
        begin[axis] = random.randint(0, shape[axis])
        return self(Slice(tuple(begin), shape, (1,) * len(shape)), self(Concat(axis), a, b))

    def pool(self, x: str) -> str:
        """The mean of all places."""
        return self(AveragePool(self.types[x].shape[:2]), x)

    def graph(self, output: str) -> Graph:
        """The graph."""
        return Graph({"x": self.types["x"]}, tuple(self.nodes), (output,))


def residual(convs: int, stride: int = 1, channels: int = 3) -> Graph:
    """A way around ``convs`` layers, the first of which has a stride; then there is one layer on the other way too."""
    made = Builder(6, 5, 3, seed=convs)
    start = made.conv("x", 3)
    main = start
    for place in range(convs):
        main = made.conv(main, channels, stride=1 if place else stride)
    around = made.conv(start, channels, 1, stride) if stride > 1 or channels != 3 else start
    return made.graph(made.conv(made.add(main, around), 2, 1))


def nested() -> Graph:
    """A block within a block."""
    made = Builder(5, 6, 2, seed=1)
    outer = made.conv("x", 3)
    inner = made.conv(outer, 3)
    block = made.add(made.conv(made.conv(inner, 3), 3), inner)
    return made.graph(made.add(outer, made.conv(block, 3)))


def of_the_input() -> Graph:
    """The input is read by a layer and by the sum behind it."""
    made = Builder(6, 6, 3, seed=2)
    return made.graph(made.add("x", made.conv(made.conv("x", 3), 3)))


def two_into_one() -> Graph:
    """Three ways from one layer, joined one after the other: a join of joins."""
    made = Builder(5, 5, 2, seed=3)
    start = made.conv("x", 4)
    near, far = made.conv(start, 4, 1), made.conv(made.conv(start, 4), 4)
    return made.graph(made.add(made.add(start, near), made.add(far, near)))


def doubled() -> Graph:
    """A tensor and itself."""
    made = Builder(4, 5, 3, seed=4)
    x = made.conv("x", 5)
    return made.graph(made.multiply(made.add(x, x), x))


def squeeze_and_excite() -> Graph:
    """A gate for each channel, made of all places of what it gates: all of that has to wait."""
    made = Builder(6, 5, 3, seed=5)
    x = made.conv("x", 6)
    gate = made.conv(made.conv(made.pool(x), 2, 1), 6, 1)
    return made.graph(made.add(made.multiply(x, gate), x))


def dense_residual() -> Graph:
    """Vectors of few beats and a long way around: many samples are on their way at once."""
    made = Builder(6, seed=6)
    x, main = "x", "x"
    for _ in range(5):
        main = made.dense(main, 6)
    return made.graph(made.add(made(Relu(), x), main))


def side_by_side() -> Graph:
    """Four ways from one layer, of different lengths and channels, side by side; one is read twice."""
    made = Builder(5, 4, 3, seed=8)
    start = made.conv("x", 3)
    deep = made.conv(made.conv(start, 2, 1), 4)
    pooled = made.conv(made(MaxPool((3, 3), (1, 1), ((1, 1), (1, 1))), start), 1, 1)
    joined = made(Concat(2), start, deep, pooled, start)
    return made.graph(made.conv(joined, 2, 1))


def stacked() -> Graph:
    """Rows of one tensor below those of another one, then columns of both beside each other."""
    made = Builder(4, 4, 2, seed=9)
    a, b = made.conv("x", 2), made.conv("x", 2, stride=2)
    below = made(Concat(0), made(Slice((0, 2, 0), (4, 2, 2), (1, 1, 1)), a), b)
    return made.graph(made.conv(made(Concat(1), below, below), 2))


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> Graph:
    """A sum of two shapes: slices of the same rows of dense layers, put into shape."""
    made = Builder(4, seed=7)
    sides = []
    for shape in (a, b):
        sides.append(made(Reshape(shape), made.dense("x", prod(shape))))
    return made.graph(made.multiply(made.add(*sides), sides[1]))


GRAPHS: dict[str, Graph] = {
    **{f"around {count}": residual(count) for count in (1, 2, 3, 4)},
    "around 2 with stride": residual(2, 2, 4),
    "around 1 with stride": residual(1, 2, 3),
    "around 3 with more channels": residual(3, 1, 5),
    "nested": nested(),
    "of the input": of_the_input(),
    "two into one": two_into_one(),
    "doubled": doubled(),
    "squeeze and excite": squeeze_and_excite(),
    "dense": dense_residual(),
    "side by side": side_by_side(),
    "stacked": stacked(),
    "broadcast rows": broadcast((2, 3, 4), (3, 4)),
    "broadcast columns": broadcast((2, 3, 4), (2, 1, 4)),
    "broadcast both ways": broadcast((3, 1, 4), (1, 2, 4)),
    "broadcast lanes": broadcast((2, 3, 4), (2, 3, 1)),
    "broadcast three ways": broadcast((2, 1, 3, 1, 2), (2, 2, 1, 2, 2)),
    "broadcast a scalar": broadcast((2, 3), (1,)),
}


def random_graph(seed: int) -> Graph:
    """Up to eight convolutions, sums, products and gates of whatever tensors fit; what nobody reads is summed up."""
    random = Random(seed)
    made = Builder(random.randint(2, 6), random.randint(1, 6), random.randint(1, 4), seed=seed)
    channels = random.randint(1, 5)
    tensors = [made.conv("x", channels, random.choice([1, 3]))]
    for _ in range(random.randint(2, 7)):
        kind = random.choice(["conv", "conv", "conv", "add", "multiply", "gate", "relu", "concat"])
        x = random.choice(tensors[-3:])
        if kind == "conv":
            made_of = made.conv(x, channels, random.choice([1, 3]))
        elif kind == "gate":
            made_of = made.multiply(x, made.conv(made.pool(x), channels, 1))
        elif kind == "concat":
            made_of = made.part_of_both(x, random.choice(tensors), random)
        elif kind == "relu":
            made_of = made.scaled(made(Relu(), x))
        else:
            made_of = getattr(made, kind)(x, random.choice(tensors))
        tensors.append(made_of)
    while True:
        read = {name for node in made.nodes for name in node.inputs}
        loose = [node.name for node in made.nodes if node.name not in read]
        if len(loose) == 1:
            return made.graph(loose[0])
        made.add(loose[0], loose[1])
