"""A small network of each op kind, whose hardware is proven: those of the faults, or with fewer states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from golden import Graph, IntType, Node, Op, TensorType
from golden.ops import Add, Concat, Dense, Multiply
from sim.regression import small

S4 = IntType(4, True)


def _with_itself(op: Op, *shape: int) -> Graph:
    """A fork and a join; without layers between them, which would only make more states."""
    return Graph({"x": TensorType(shape, S4)}, (Node("y", op, ("x", "x")),), ("y",))


GRAPHS: dict[str, Callable[[], Graph]] = {
    **small.GRAPHS,
    "add": lambda: _with_itself(Add((1, 2), (13, 10), (0, 0), 0, 1, 4, -2, S4), 2, 1),
    "concat": lambda: _with_itself(Concat(0), 2),
    "dense": lambda: Graph.chain(TensorType((2,), S4), Dense(np.array([[3, -8]]), np.array([5]))),
    "multiply": lambda: _with_itself(Multiply((0, 0), 13, 6, 0, S4, clamp=(-5, 6)), 2, 1),
}
"""By op kind, as there."""
