"""MobileNet with random weights, for what does not depend on weights: cycles, multipliers, memories, clocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from golden.graph import Graph, Node
from golden.ops import AveragePool, Conv, Dense, Op, Requantize, Reshape
from golden.types import IntArray, IntType, TensorType

S8 = IntType(8, True)
BLOCKS = ((1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *[(1, 128)] * 5, (2, 256), (1, 256))
"""Stride and outputs of each pair of a depthwise and a pointwise convolution, at a quarter of the width."""


def mobilenet(alive: float = 1.0, pixels: int = 96) -> Graph:
    """MobileNet (Howard et al. 2017) of a quarter of its width and two classes, as one that sees persons.

    Args:
        alive: share of the channels that vary; the others are their bias only.
        pixels: rows and columns of the image, of three colours; at least 32, in steps of 32.
    """
    made = _Growing(TensorType((pixels, pixels, 3), S8), np.random.default_rng(1), alive)
    x = made.conv("x", 8, 3, 2)
    for stride, outputs in BLOCKS:
        inner = made.types[x].inner
        x = made.conv(made.conv(x, inner, 3, stride, inner), outputs, 1)
    x = made.add(AveragePool((pixels // 32, pixels // 32)), x)
    x = made.add(Reshape((made.types[x].size,)), x)
    weight = made.weights(2, made.types[x].inner)
    x = made.scaled(made.add(Dense(weight, made.random.integers(-999, 999, 2)), x), zero_point=0)
    return Graph({"x": made.types["x"]}, tuple(made.nodes), (x,))


@dataclass
class _Growing:
    """A network in the making; every method gives the name of a tensor."""

    x: TensorType
    random: np.random.Generator
    alive: float
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.types["x"] = self.x

    def add(self, op: Op, x: str) -> str:
        name = f"{type(op).__name__.lower()}{len(self.nodes) + 1}"
        self.types[name] = op.out_type(self.types[x])
        self.nodes.append(Node(name, op, (x,)))
        return name

    def weights(self, *shape: int) -> IntArray:
        return self.random.integers(-127, 127, shape, endpoint=True)

    def scaled(self, x: str, zero_point: int = S8.min) -> str:
        """Back to s8; a zero point at the lower end clips as ReLU6 does."""
        dtype = self.types[x].dtype
        multiplier = int(self.random.integers(1 << 15, 1 << 16))
        shift = max(0, int(np.log2(max(-dtype.min, dtype.max) * multiplier)) - 9)
        return self.add(Requantize(np.array(multiplier), np.array(shift), zero_point, S8), x)

    def conv(self, x: str, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> str:
        """A convolution padded as TensorFlow pads, and its requantiser."""
        weight = self.weights(outputs, kernel, kernel, self.types[x].inner // groups)
        bias = self.random.integers(-999, 999, outputs)
        dead = self.random.random(outputs) >= self.alive
        weight[dead], bias[dead] = 0, 0
        around = (kernel // 2, kernel // 2) if stride == 1 else (0, 1)
        op = Conv(weight, bias, (stride, stride), (around, around), groups=groups, padding_value=S8.min)
        return self.scaled(self.add(op, x))
