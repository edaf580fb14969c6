"""Small networks whose hardware is proven: one of each op kind, and one of each form that those do not take.

Of the op kinds they are those of the faults, or such as have fewer states. ``VARIANTS`` are what a plan makes of an op
where there are fewer or more multipliers, or wider words, than in these: control of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import rtlgen
from golden import Graph, IntType, Node, Op, TensorType
from golden.ops import Add, Concat, Conv, Dense, Multiply, Requantize, Reshape, Sum, Transpose
from rtlgen import Design
from sim.budget import DEFAULT_MULTIPLIERS
from sim.regression import small

S2, S4, S8 = (IntType(bits, True) for bits in (2, 4, 8))


class Variant(NamedTuple):
    """Hardware of a form.

    Args:
        graph: makes the network.
        layer: the one that has it.
        engine, lanes_in: of that layer, as its plan says.
        multipliers: the budget; None for unrolled.
        form: of the requantiser, as its plan says.
    """

    graph: Callable[[], Graph]
    layer: str
    engine: str
    lanes_in: int
    multipliers: int | None
    form: str = ""


def _with_itself(op: Op, *shape: int) -> Graph:
    """A fork and a join; without layers between them, which would only make more states."""
    return Graph({"x": TensorType(shape, S4)}, (Node("y", op, ("x", "x")),), ("y",))


def _dense(type: IntType, inputs: int, *after: Op) -> Graph:
    """Two neurons with weights of eight bits, and what comes after them."""
    weights = np.array([[93, -128, 55, 7, -9, 101, 64, -3, 88], [-77, 31, 127, -50, 23, 9, -101, 45, 6]])
    return Graph.chain(TensorType((inputs,), type), Dense(weights[:, :inputs], np.array([100, -30])), *after)


def _side_by_side(*after: Op, rows: int = 1, outputs: int = 2) -> Graph:
    """Unrolled, all outputs are in one beat: words are wide for what comes after them."""
    weights = np.array([[3, -8], [5, 7], [-2, 6], [1, -4]])[:outputs]
    shape = (rows, 2) if rows > 1 else (2,)
    return Graph.chain(TensorType(shape, S4), Dense(weights, np.arange(outputs)), *after)


GRAPHS: dict[str, Callable[[], Graph]] = {
    **small.GRAPHS,
    "add": lambda: _with_itself(Add((1, 2), (13, 10), (0, 0), 0, 1, 4, -2, S4), 2, 1),
    "concat": lambda: _with_itself(Concat(0), 2),
    "dense": lambda: Graph.chain(TensorType((2,), S4), Dense(np.array([[3, -8]]), np.array([5]))),
    "multiply": lambda: _with_itself(Multiply((0, 0), 13, 6, 0, S4, clamp=(-5, 6)), 2, 1),
}
"""By op kind, as there."""
_S12 = Requantize(np.array([1518500250, 1717986918]), np.array([33, 34]), 1, IntType(12, True), "tflm")
_S4 = Requantize(np.array([1518500250, 1717986918]), np.array([41, 42]), 1, S4, "tflm")
VARIANTS: dict[str, Variant] = {
    "requantize, in phases": Variant(lambda: _dense(S8, 4, _S12), "requantize1", "pipeline", 1, 1, "phases"),
    "requantize, by division": Variant(lambda: _dense(S8, 9, _S4), "requantize1", "pipeline", 1, 1, "division"),
    "conv, words of two channels": Variant(
        lambda: Graph.chain(
            TensorType((2, 2, 2), S2), Conv(np.arange(-8, 8).reshape(2, 2, 2, 2), np.array([1, 2]), (1, 1))
        ),
        "conv1", "folded", 2, 16,
    ),
    "dense, unrolled": Variant(_side_by_side, "dense1", "unrolled", 2, None),
    "reshape, of wide words": Variant(
        lambda: _side_by_side(Reshape((2, 2)), outputs=4), "reshape1", "buffered", 4, None
    ),
    "transpose, of wide words": Variant(
        lambda: _side_by_side(Transpose((1, 0)), rows=2), "transpose1", "buffered", 2, None
    ),
    "sum, of wide words": Variant(lambda: _side_by_side(Sum((0, 1)), rows=3), "sum1", "buffered", 2, None),
}  # fmt: skip
"""By a name of its own."""


def design_of(subject: str) -> Design:
    """The hardware of a kind or form, a module with the same name but for signs.

    Raises:
        ValueError: if the plan takes another form than the name says.
    """
    name = re.sub(r"\W+", "_", subject)
    if subject in GRAPHS:
        return rtlgen.generate(GRAPHS[subject](), name=name)
    made = VARIANTS[subject]
    unrolled = made.multipliers is None
    design = rtlgen.generate(made.graph(), made.multipliers or DEFAULT_MULTIPLIERS, unrolled=unrolled, name=name)
    layer = design.plan.layers[made.layer]
    found, wanted = ((of.engine, of.lanes_in, of.form) for of in (layer, made))
    if found != wanted:
        raise ValueError(f"{subject}: the plan of {made.layer} must have {wanted}, it has {found}")
    return design
