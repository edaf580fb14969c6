"""A small network of each op kind, which the faults of its hardware are injected into."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from golden import Graph, IntType, Node, Op, TensorType
from golden.ops import (
    Add,
    Argmax,
    AveragePool,
    Clamp,
    Concat,
    Conv,
    Dense,
    Lookup,
    MaxPool,
    Multiply,
    Pad,
    Relu,
    Requantize,
    Reshape,
    Slice,
    Softmax,
    Sum,
    Transpose,
    Wrap,
)
from sim.op_table import ROWS, has_hardware, small_network

S4, S8 = IntType(4, True), IntType(8, True)


def _chain(op: Op, *shape: int, type: str = "s8") -> Graph:
    return Graph.chain(TensorType(shape, IntType.parse(type)), op)


def _pair(op: Op, size: int = 2) -> Graph:
    """Both inputs of the op out of one."""
    halves = [Node(f"in{i}", Slice((i * size,), (size,), (1,)), ("x",)) for i in range(2)]
    return Graph(
        {"x": TensorType((2 * size,), S4)},
        (
            *halves,
            Node("y", op, ("in0", "in1")),
        ),
        ("y",),
    )


_TABLE = np.random.default_rng(0).integers(-128, 127, 256, endpoint=True)
# Few bits where it is all about order and buffers: the proofs are about every state, and their number decides.
GRAPHS: dict[str, Callable[[], Graph]] = {
    "add": lambda: _pair(Add((1, 2), (13, 10), (0, 0), 0, 1, 4, -2, S4)),
    "argmax": lambda: _chain(Argmax(), 4),
    "averagepool": lambda: _chain(AveragePool((2, 2), (2, 2)), 4, 4, 1, type="s4"),
    "clamp": lambda: _chain(Clamp(-3, 100), 2),
    "concat": lambda: _pair(Concat(0)),
    "conv": lambda: _chain(Conv(np.array([[[[3], [-8]], [[7], [-5]]]]), np.array([77])), 3, 3, 1, type="s4"),
    "dense": lambda: _chain(Dense(np.array([[3, -8, 5], [7, -7, 1]]), np.array([100, -30])), 2, 3, type="s4"),
    "lookup": lambda: _chain(Lookup(_TABLE, -128, S8), 2),
    "maxpool": lambda: _chain(MaxPool((2, 3), (2, 3)), 4, 6, 1, type="s2"),
    "multiply": lambda: _pair(Multiply((0, 0), 13, 6, 0, S4, clamp=(-5, 6))),
    "pad": lambda: _chain(Pad(((1, 0), (0, 1), (0, 0)), -8), 2, 2, 1, type="s4"),
    "relu": lambda: _chain(Relu(), 2),
    "requantize": lambda: _chain(Requantize(np.array([300, 77]), np.array([9, 7]), 3, S8), 2, type="s12"),
    "reshape": lambda: _chain(Reshape((4,)), 2, 2),
    "slice": lambda: _chain(Slice((1, 0, 0), (2, 2, 1), (1, 2, 1)), 3, 3, 1, type="s4"),
    "softmax": lambda: _chain(Softmax(1 << 30, 8), 2),
    "sum": lambda: _chain(Sum((0, 1)), 2, 2, 1, type="s2"),
    "transpose": lambda: _chain(Transpose((1, 0)), 2, 2),
    "wrap": lambda: _chain(Wrap(IntType(4, True)), 2),
}
"""Op kind, the name of its file in ``golden/ops``, to what makes its network."""
for _kind in filter(has_hardware, ROWS):  # an op of which nobody has chosen one gets what its row draws
    GRAPHS.setdefault(_kind, partial(small_network, _kind))
