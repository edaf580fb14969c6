"""Random networks: layers on whatever tensors are there, with fan-out, joins and residual blocks, one output."""

from __future__ import annotations

from functools import cache

import numpy as np

from golden.graph import Graph, Node
from golden.ops import Concat, Op, Relu, Reshape
from golden.types import MAX_BITS, IntArray, TensorType
from sim.fuzzing.draw import Draw, array
from sim.fuzzing.layers import MOST_ELEMENTS, add, any_type, conv_around, requantize
from sim.op_table import ROWS

MOST_STEPS = 8
_SAMPLES = (1, 6, 5, 4, 3, 2)
_MORE_OFTEN = ("add", *["requantize"] * 3)
_MORE_BY_RANK = {
    0: (),
    1: (*_MORE_OFTEN, *["dense"] * 3),
    2: (*_MORE_OFTEN, *["dense"] * 3),
    3: (*_MORE_OFTEN, *["conv"] * 5, *["residual"] * 2),
}
"""What is drawn beside one of each kind that takes tensors of so many dimensions."""


class _Growing:
    """A graph in the making."""

    def __init__(self, x: TensorType) -> None:
        self.types = {"x": x}
        self.nodes: list[Node] = []

    def __call__(self, op: Op, *inputs: str) -> str:
        """Adds a layer, if it fits; its name.

        Raises:
            ValueError: if not.
        """
        name = f"{type(op).__name__.lower()}{len(self.nodes) + 1}"
        made = op.out_type(*(self.types[x] for x in inputs))
        if made.size > MOST_ELEMENTS:
            raise ValueError(f"{made} takes too long to simulate")
        self.types[name] = made
        self.nodes.append(Node(name, op, inputs))
        return name

    def loose(self) -> list[str]:
        """What nobody reads."""
        read = {name for node in self.nodes for name in node.inputs}
        return [name for name in self.types if name not in read]


def network(draw: Draw) -> Graph:
    """One to ``MOST_STEPS`` layers or blocks, and what it takes to join their loose ends."""
    grown = _Growing(TensorType(_shape(draw), any_type(draw)))
    for _ in range(draw.integer(1, MOST_STEPS)):
        kept = dict(grown.types), list(grown.nodes)
        try:
            _step(draw, grown)
        except ValueError:  # it does not fit here
            grown.types, grown.nodes = kept
    if not grown.nodes:
        grown(Relu(), "x")
    _joined(grown)
    return Graph({"x": grown.types["x"]}, tuple(grown.nodes), (grown.nodes[-1].name,))


def samples(draw: Draw, x: TensorType) -> IntArray:
    """A batch of inputs, shape (batch, *shape)."""
    return np.stack([array(draw, x.shape, x.dtype.min, x.dtype.max) for _ in range(draw.choice(_SAMPLES))])


def _shape(draw: Draw) -> tuple[int, ...]:
    rank = draw.choice((1, 3, 3, 3, 2, 0))
    most = {0: 1, 1: 12, 2: 6, 3: 5}[rank]  # at most as many elements as a layer may have
    return tuple(draw.integer(1, most) for _ in range(rank))


def _step(draw: Draw, grown: _Growing) -> None:
    # Mostly what came last, so that networks are deep; sometimes anything, so that they fan out.
    names = list(grown.types)
    x = draw.choice((names[-1], names[-1], draw.choice(names[::-1])))
    kind = draw.choice(_steps(min(len(grown.types[x].shape), 3)))
    if kind == "around":
        grown(conv_around(draw, grown.types[x]), x)
    elif kind == "residual":
        _residual(draw, grown, x)
    elif ROWS[kind].inputs == 1:
        grown(ROWS[kind].draw(draw, grown.types[x]), x)
    elif ROWS[kind].inputs is None:
        _beside(draw, grown, kind, x)
    else:
        others = [name for name in names[::-1] if _broadcasts(grown.types[x], grown.types[name])]
        taken = [x, *(draw.choice(others) for _ in range((ROWS[kind].inputs or 1) - 1))]
        taken = draw.choice((taken, taken[::-1]))
        grown(ROWS[kind].draw(draw, *(grown.types[name] for name in taken)), *taken)


@cache
def _steps(rank: int) -> tuple[str, ...]:
    """Kinds of ops, or of blocks, behind a tensor of so many dimensions; 3 for more, too."""
    kinds = [kind for kind, row in ROWS.items() if rank in row.ranks]
    counted, any_number = ([kind for kind in kinds if (ROWS[kind].inputs is None) == any] for any in (False, True))
    return (*counted, *(["around"] if rank == 3 else []), *any_number, *_MORE_BY_RANK[rank])


def _residual(draw: Draw, grown: _Growing, x: str) -> None:
    around = x
    for _ in range(draw.integer(1, 2)):
        around = grown(conv_around(draw, grown.types[around]), around)
        around = grown(requantize(draw, grown.types[around], grown.types[x].dtype), around)
    pair = draw.choice(((x, around), (around, x)))
    grown(add(draw, *(grown.types[name] for name in pair)), *pair)


def _beside(draw: Draw, grown: _Growing, kind: str, x: str) -> None:
    """An op that takes any number of tensors, on one to three of those that fit beside ``x``."""
    op = ROWS[kind].draw(draw, grown.types[x])
    fits = []
    for name in grown.types:
        try:
            op.out_type(grown.types[x], grown.types[name])
            fits.append(name)
        except ValueError:
            continue
    if not fits:
        raise ValueError(f"{x} is beside nothing")
    grown(op, *(draw.choice(fits[::-1]) for _ in range(draw.integer(1, 3))))


def _joined(grown: _Growing) -> None:
    """One tensor made of all that nobody reads: flat, side by side."""
    loose = grown.loose()
    if len(loose) == 1:
        return
    flat = []
    for name in loose:
        shape = (grown.types[name].size,)
        op = Reshape(shape)
        flat.append(name if grown.types[name].shape == shape else _forced(grown, op, name))
    _forced(grown, Concat(0), *flat)


def _forced(grown: _Growing, op: Op, *inputs: str) -> str:
    """A layer however large its result is."""
    name = f"{type(op).__name__.lower()}{len(grown.nodes) + 1}"
    grown.types[name] = op.out_type(*(grown.types[x] for x in inputs))
    grown.nodes.append(Node(name, op, inputs))
    return name


def _broadcasts(a: TensorType, b: TensorType) -> bool:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return False
    return max(a.dtype.bits, b.dtype.bits) < MAX_BITS
