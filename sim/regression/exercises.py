"""Small networks that between them do everything a layer can do: what the trained ones leave out of the coverage.

An exercise is named after its layers and the shape of its input. All but the chains have their layers side by side, so
that each gets every value of the input; ``chain_*`` have them one behind the other, so that each buffer fills. Kinds of
ops that none of these has are drawn by their rows in the table of ops: side by side, and each alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import prod
from typing import Any

import numpy as np

from golden.graph import Graph, Node
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
    Op,
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
from golden.types import IntArray, IntType, TensorType
from sim.op_table import ROWS, has_hardware, inputs_of, instance, kind_of

S8 = IntType(8, True)
SHAPES: Mapping[str, tuple[int, ...]] = {
    "scalar": (),
    "vector": (6,),
    "rows": (2, 3),
    "image": (2, 3, 2),
    "pixel": (1, 1, 1),
}
EXERCISE_SAMPLES = 16
SPECIAL = (-128, 127, 64, -64, 1, -1, 126, 2, -2, 3, -3, 0, -127, 32, -32, 3)
"""Inputs that exercises begin with: ends, halves, and small numbers of either sign. Of a scalar the first ones come at
full speed, and all others and most of the first under stalls: 126 has to be among the former, 3 among the latter.
"""


class _Growing:
    """A graph in the making; a call adds a layer, and gives the name of its result."""

    def __init__(self, *shape: int) -> None:
        self.types = {"x": TensorType(shape, S8)}
        self.nodes: list[Node] = []

    def __call__(self, op: Op, *inputs: str) -> str:
        name = f"{type(op).__name__.lower()}{len(self.nodes) + 1}"
        self.types[name] = op.out_type(*(self.types[x] for x in inputs or ("x",)))
        self.nodes.append(Node(name, op, inputs or ("x",)))
        return name

    def chained(self, *ops: Op, x: str) -> Graph:
        """More layers behind ``x``, and what there is then."""
        for op in ops:
            x = self(op, x)
        return self.graph()

    def joined(self) -> Graph:
        """One output of all that nobody reads: flat, side by side."""
        read = {name for node in self.nodes for name in node.inputs}
        flat = [self(Reshape((self.types[x].size,)), x) for x in list(self.types) if x not in read]
        self(Concat(0), *flat)
        return self.graph()

    def graph(self) -> Graph:
        """What is there; the last layer is the output."""
        return Graph({"x": self.types["x"]}, tuple(self.nodes), (self.nodes[-1].name,))


def _values(made: _Growing, *shape: int) -> None:
    """Every layer that computes a value without a scale."""
    inner = shape[-1] if shape else 1
    made(Relu())
    made(Clamp(-20, 20))
    made(Wrap(IntType(4, True)))
    made(Lookup(_mixed((inner, 256) if shape else (256,), -99, 99), S8.min, S8))
    if shape:
        made(Argmax())
        made(Softmax(1 << 30, 5))
        made(Dense(_mixed((2, inner)), _mixed((2,), -500, 500)))
        made(Sum((0,)))


def _scales(arithmetics: Sequence[str], *shape: int) -> Graph:
    """Every layer that scales and rounds, in these arithmetics, with ties and beyond both ends."""
    made = _Growing(*shape)
    table = np.arange(256) * 57 % 256 - 128
    for value, partner in _PARTNERS.items():
        table[value - S8.min] = partner
    other = made(Lookup(table, S8.min, S8))
    for arithmetic in arithmetics:
        alone, (multipliers, shifts, left), both, product = _SCALES[arithmetic]
        for multiplier, shift in alone:
            made(_requantize(multiplier, shift, 3, arithmetic))
        for multiplier, shift in both:
            add = Add((0, 0), multipliers, shifts, left, multiplier, shift, -3, S8, arithmetic)
            made(add, "x", other)
        for multiplier, shift in product:
            made(Multiply((0, 0), multiplier, shift, 1, S8, arithmetic), "x", other)
    return made.joined()


_PARTNERS = {64: -128, -64: -128, 127: 1, -127: -1, 3: -16, -3: -16, 126: 120}
"""What some inputs are added to and multiplied by, so that the result is a tie of either sign."""
_OF_TFLITE = [(3 << 29, 30)], ((1 << 30, 1 << 30), (31, 31), 20), [(3 << 29, 50)], [(1 << 30, 35)]
_SCALES: Mapping[str, Any] = {
    "half_up": ([(3, 1)], ((1, 1), (0, 0), 0), [(3, 2)], [(1, 5)]),
    "tflm": _OF_TFLITE,
    "single": _OF_TFLITE,
    # Ties to even have hardware where there is one of each sign at most; these scales saturate nothing.
    "float32": ([(1, 7), (12345677, 22)], ((1, 1), (0, 0), 0), [(1, 8), (12345677, 22)], [(1, 14), (12345677, 28)]),
}
"""By arithmetic: scales of one tensor, of two before they are added, of their sums, and of products."""


def _moves(made: _Growing, *shape: int) -> None:
    """Every layer that puts values into other places."""
    rank, longest = len(shape), int(np.argmax(shape)) if shape else 0
    begin = tuple(int(axis == longest and size > 1) for axis, size in enumerate(shape))
    made(Reshape((1, prod(shape))))
    made(Pad(((1, 1),) * rank, 7))
    made(Slice(begin, tuple(size - first for size, first in zip(shape, begin, strict=True)), (1,) * rank))
    made(Transpose(tuple(reversed(range(rank)))))
    if shape:
        made(Concat(0), "x", "x")


def _windows(made: _Growing, rows: int, columns: int, channels: int) -> None:
    """Every layer that slides a window."""
    kernel, pool = (min(3, rows), min(3, columns)), (min(2, rows), min(2, columns))
    around = (kernel[0] // 2,) * 2, (kernel[1] // 2,) * 2
    made(Conv(_mixed((2, *kernel, channels)), _mixed((2,), -500, 500), padding=around, padding_value=-5))
    made(MaxPool(pool))
    made(AveragePool(pool))


def _chain_image() -> Graph:
    """Layers with buffers one behind the other, down to a vector."""
    made = _Growing(4, 4, 2)
    x = made(Conv(_mixed((3, 3, 3, 2)), _mixed((3,), -500, 500)), made(Pad(((1, 1), (1, 1), (0, 0)), 7)))
    x = made(_requantize(21, 10, 1), x)
    x = made(AveragePool((2, 2), (1, 1)), made(MaxPool((2, 2), (1, 1)), x))
    x = made(Transpose((2, 0, 1)), made(Slice((0, 0, 0), (2, 2, 2), (1, 1, 1)), x))
    return made.chained(Sum((1,)), _requantize(1, 1, 0), Softmax(1 << 30, 5), Reshape((4,)), x=x)


def _chain_vector() -> Graph:
    """Joins one behind the other, each with a way around."""
    made = _Growing(6)
    dense = made.chained(Dense(_mixed((6, 6)), _mixed((6,), -500, 500)), _requantize(9, 10, 1), x="x").outputs[0]
    total = made(Add((1, -2), (1, 1), (0, 0), 0, 3, 2, -3, S8), dense, made(Relu()))
    product = made(Multiply((0, 5), 1, 6, 1, S8), total, dense)
    both = made(Concat(0), made(Reshape((2, 3)), product), made(Reshape((2, 3)), total))
    return made.chained(Lookup(_mixed((256,)), S8.min, S8), Wrap(IntType(6, True)), Clamp(-20, 25), Argmax(), x=both)


def _chain_unrolled() -> Graph:
    """All weights at once give beats so wide that a change of shape has to cut them."""
    made = _Growing(4)
    return made.chained(Dense(_mixed((8, 4)), _mixed((8,), -9, 9)), Reshape((4, 2)), _requantize(1, 8, 0), x="x")


def _requantize(multiplier: int, shift: int, zero_point: int, arithmetic: str = "half_up") -> Requantize:
    """To s8, one scale for all channels."""
    return Requantize(np.array(multiplier), np.array(shift), zero_point, S8, arithmetic)


def _mixed(shape: tuple[int, ...], low: int = -128, high: int = 127) -> IntArray:
    """Integers of ``[low, high]``, both ends among them."""
    values = np.random.default_rng(prod(shape)).integers(low, high, shape, endpoint=True, dtype=np.int64)
    values.flat[:2] = (low, high)[: values.size]
    return values


def _side_by_side(shape: Sequence[int], *parts: Callable[..., None]) -> Graph:
    made = _Growing(*shape)
    for part in parts:
        part(made, *shape)
    return made.joined()


_OLD, _NEW = ("half_up", "tflm"), ("single", "float32")
_MAKING: dict[str, Callable[[], Graph]] = {
    **{f"scales_{name}": partial(_scales, _OLD, *shape) for name, shape in SHAPES.items()},
    **{f"more_scales_{name}": partial(_scales, _NEW, *shape) for name, shape in SHAPES.items()},
    **{f"values_{name}": partial(_side_by_side, SHAPES[name], _values) for name in ("vector", "rows", "image")},
    **{f"moves_{name}": partial(_side_by_side, SHAPES[name], _moves) for name in ("vector", "rows")},
    "moves_image": partial(_side_by_side, SHAPES["image"], _moves, _windows),
    "all_scalar": partial(_side_by_side, SHAPES["scalar"], _values, _moves),
    "all_pixel": partial(_side_by_side, SHAPES["pixel"], _values, _moves, _windows),
    "chain_image": _chain_image,
    "chain_vector": _chain_vector,
    "chain_unrolled": _chain_unrolled,
}
_DRAWN_OF_A_KIND = 3


def _fits(kind: str, shape: tuple[int, ...]) -> bool:
    try:
        instance(kind, *inputs_of(kind, TensorType(shape, S8)), built=True)
    except ValueError:
        return False
    return True


def _drawn(kinds: Sequence[str], *shape: int) -> Graph:
    """Some of each kind, on inputs that are all the same."""
    made = _Growing(*shape)
    for kind in kinds:
        types = inputs_of(kind, made.types["x"])
        for seed in range(_DRAWN_OF_A_KIND):
            made(instance(kind, *types, seed=seed, built=True), *["x"] * len(types))
    return made.joined()


def _alone(kind: str, *shape: int) -> Graph:
    """One, with nothing before or behind it that would keep its buffers from filling."""
    made = _Growing(*shape)
    types = inputs_of(kind, made.types["x"])
    made(instance(kind, *types, built=True), *["x"] * len(types))
    return made.graph()


def _drawn_of(kinds: Sequence[str]) -> dict[str, Callable[[], Graph]]:
    """Exercises of these kinds of ops, as their rows have it."""
    found: dict[str, Callable[[], Graph]] = {}
    fitting = {name: [kind for kind in kinds if _fits(kind, shape)] for name, shape in SHAPES.items()}
    for name, those in fitting.items():
        if those:
            found[f"drawn_{name}"] = partial(_drawn, those, *SHAPES[name])
    for kind in kinds:
        shapes = [SHAPES[name] for name, those in fitting.items() if kind in those]
        if not shapes:
            raise ValueError(f"no {kind} was drawn for any of {', '.join(map(str, SHAPES.values()))}: see its row")
        found[f"alone_{kind}"] = partial(_alone, kind, *max(shapes, key=prod))
    return found


_BY_HAND = {kind_of(node.op) for making in _MAKING.values() for node in making().nodes}
_MAKING |= _drawn_of([kind for kind in ROWS if kind not in _BY_HAND and has_hardware(kind)])
NAMES = tuple(_MAKING)
"""Of all exercises."""
FOLDINGS: Mapping[str, int | None] = {name: None if name.endswith("_unrolled") else 4 for name in NAMES}
"""The budget of multipliers of each; None for unrolled."""


@cache
def exercise(name: str) -> Graph:
    """The network of one of ``NAMES``."""
    return _MAKING[name]()


def exercise_samples(x: TensorType, count: int, seed: int) -> IntArray:
    """Inputs of an exercise, shape (count, *shape): all at an end, then ``SPECIAL`` ones, the second half random.

    Of one element all are ``SPECIAL``: a sample is a single one of them.
    """
    random = np.random.default_rng(seed)
    found = random.integers(x.dtype.min, x.dtype.max, (count, *x.shape), endpoint=True, dtype=np.int64)
    special = np.resize(np.array(SPECIAL), (count, *x.shape))
    chosen = count // 2 if x.size > 1 else count
    found[:chosen] = special[:chosen]
    for place, end in enumerate((x.dtype.min, x.dtype.max)[:count]):
        found[place] = end
    return found
