"""A small network of each op kind: faults are injected into its hardware, and the same testbench runs without them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

import rtlgen
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
from rtlgen import Design
from sim.budget import DEFAULT_MULTIPLIERS
from sim.op_table import ROWS, has_hardware, small_network

S4, S8 = IntType(4, True), IntType(8, True)


def _chain(op: Op, *shape: int, type: str = "s8") -> Graph:
    return Graph.chain(TensorType(shape, IntType.parse(type)), op)


def _forked(size: int, type: IntType, first: Op, second: Op, op: Op, *after: Op) -> Graph:
    """Both inputs of the op of one, by layers without a buffer: fewer states than slices have."""
    nodes = [Node("in0", first, ("x",)), Node("in1", second, ("x",)), Node("y", op, ("in0", "in1"))]
    nodes += [Node("z", op, ("y",)) for op in after]
    return Graph({"x": TensorType((size,), type)}, tuple(nodes), (nodes[-1].name,))


_TABLE = np.random.default_rng(0).integers(-128, 127, 256, endpoint=True)
# All pairs of four bits come out of eight: the low ones and the high ones.
_LOW, _HIGH = Wrap(S4), Lookup(np.arange(-128, 128) >> 4, -128, S4)
_NOT = Lookup(np.arange(7, -9, -1), -8, S4)
_KERNELS = np.array([[[[3], [-8]], [[7], [-5]]], [[[1], [6]], [[-3], [5]]]])
# Few bits where it is all about order and buffers: the proofs are about every state, and their number decides.
GRAPHS: dict[str, Callable[[], Graph]] = {
    # Rows of four beats behind the sum: fewer sums on their way at once.
    "add": lambda: _forked(1, S8, _LOW, _HIGH, Add((1, 2), (13, 10), (0, 0), 0, 1, 4, -2, S4), Pad(((0, 3),), 5)),
    "argmax": lambda: _chain(Argmax(), 4),
    "averagepool": lambda: _chain(AveragePool((2, 2), (2, 2)), 4, 4, 1, type="s4"),
    "clamp": lambda: _chain(Clamp(-3, 100), 2),
    "concat": lambda: _forked(2, S4, Wrap(S4), _NOT, Concat(0)),
    "conv": lambda: _chain(
        Conv(_KERNELS, np.array([77, -20]), (1, 1), ((1, 0), (0, 1)), padding_value=-3), 2, 2, 1, type="s4"
    ),
    "dense": lambda: _chain(Dense(np.array([[3, -8, 5], [7, -7, 1]]), np.array([100, -30])), 3, type="s4"),
    "lookup": lambda: _chain(Lookup(_TABLE, -128, S8), 2),
    "maxpool": lambda: _chain(MaxPool((2, 3), (2, 3)), 4, 6, 1, type="s2"),
    "multiply": lambda: _forked(4, S8, _LOW, _HIGH, Multiply((0, 0), 13, 6, 0, S4, clamp=(-5, 6))),
    "pad": lambda: _chain(Pad(((1, 0), (0, 1), (0, 0)), -8), 2, 2, 1, type="s4"),
    "relu": lambda: _chain(Relu(), 2),
    "requantize": lambda: _chain(Requantize(np.array([300, 77]), np.array([9, 7]), 3, S8), 2, type="s12"),
    "reshape": lambda: _chain(Reshape((4,)), 2, 2),
    "slice": lambda: _chain(Slice((1, 0, 0), (2, 2, 1), (1, 2, 1)), 3, 3, 1, type="s4"),
    # Of two elements all inputs can be tried: what a division makes of them no proof of its registers tells.
    "softmax": lambda: _chain(Softmax(1 << 30, 8), 2),
    "sum": lambda: _chain(Sum((0, 1)), 2, 2, 1, type="s2"),
    "transpose": lambda: _chain(Transpose((1, 0)), 2, 2),
    "wrap": lambda: _chain(Wrap(IntType(4, True)), 2),
}
"""Op kind, the name of its file in ``golden/ops``, to what makes its network."""
for _kind in filter(has_hardware, ROWS):  # an op of which nobody has chosen one gets what its row draws
    GRAPHS.setdefault(_kind, partial(small_network, _kind))
MULTIPLIERS = {"conv": 1, "dense": 1, "multiply": 1}
"""Of those that are to be folded; the others have the default."""
SMALL_SAMPLES = 96
"""That drive all layers to their ends."""


NAMES = {f"small_{kind}": kind for kind in GRAPHS}
"""As networks of the regression, to the op kinds."""


def small_design(kind: str) -> Design:
    """The hardware of the small network of an op kind, folded as the campaigns have it."""
    return rtlgen.generate(GRAPHS[kind](), MULTIPLIERS.get(kind, DEFAULT_MULTIPLIERS), name=kind)
