"""The table of ops: what sim and tests need to know of an op beside its two files. A new op is a row here.

An op is ``golden/ops/x.py``, with the class ``X``; its hardware ``rtlgen/ops/x.py``; and its row ``ROWS["x"]``. Both
files are found by themselves, and from the row follow:

* ``tests/op_cases.py``: cases, on which golden is held against the oracle, and every simulator against golden,
* ``sim/fuzzing``: its place in random networks,
* ``sim/mutation``: the network that faults of its hardware are injected into,
* ``sim/regression/exercises.py``: the networks that show all of its coverage; and which shapes it has to show.

Where something better is known than what is drawn, these have it by hand. An op that saturates or rounds says so in its
own file, see ``golden.coverage``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import rtlgen
import rtlgen.ops
from golden import ops
from golden.graph import Graph, Node
from golden.ops import Op, Reshape, Slice
from golden.types import IntType, TensorType
from sim.fuzzing import layers
from sim.fuzzing.draw import Dice
from sim.oracles import moves, nested, softmax, sums, values

S4, S8 = IntType(4, True), IntType(8, True)
SMALL_SHAPES: Sequence[tuple[int, ...]] = ((2,), (2, 2), (2, 2, 1), ())
"""In this order an op gets its small network."""
_ATTEMPTS = 50
_IMAGE, _ALONG, _ANY = (3,), (1, 2, 3), (0, 1, 2, 3)


class Row(NamedTuple):
    """An op.

    Args:
        draw: ``draw(choices, *types)`` gives a random one for inputs of these types, or another op that makes such a
            type of them; ValueError where there is none.
        oracle: ``oracle(op, *samples)`` gives its result in Python's own integers, without anything of golden; a sample
            of each input, and the result, as nested lists.
        ranks: dimensions that its inputs may have; 3 stands for more, too.
        inputs: how many; None for any number.
    """

    draw: Callable[..., Op]
    oracle: Callable[..., Any]
    ranks: Sequence[int] = _ANY
    inputs: int | None = 1


ROWS: Mapping[str, Row] = {
    "relu": Row(lambda draw, x: ops.Relu(), lambda op, x: nested.each(x, lambda value: max(value, 0))),
    "dense": Row(layers.dense, sums.dense, _ALONG),
    "requantize": Row(layers.requantize, values.requantize),
    "sum": Row(layers.sum_of, sums.sum_of, _ALONG),
    "clamp": Row(layers.clamp, values.clamp),
    "wrap": Row(layers.wrap, values.wrap),
    "lookup": Row(layers.lookup, values.lookup),
    "softmax": Row(layers.softmax, softmax.softmax, _ALONG),
    "pad": Row(layers.pad, moves.pad),
    "slice": Row(layers.part, moves.slice_of),
    "transpose": Row(layers.transpose, moves.transpose),
    "reshape": Row(layers.reshape, moves.reshape),
    "argmax": Row(lambda draw, x: ops.Argmax(), sums.argmax, _ALONG),
    "add": Row(layers.add, values.add, inputs=2),
    "multiply": Row(layers.multiply, values.multiply, inputs=2),
    "conv": Row(layers.conv, sums.conv, _IMAGE),
    "maxpool": Row(layers.max_pool, sums.maxpool, _IMAGE),
    "averagepool": Row(layers.average_pool, sums.averagepool, _IMAGE),
    "concat": Row(layers.concat, moves.concat, _ALONG, inputs=None),
}
"""By kind, the name of both files."""


def kind_of(op: type | Op) -> str:
    """The name of the files of an op."""
    return (op if isinstance(op, type) else type(op)).__name__.lower()


def oracle(op: Op, *samples: Any) -> Any:
    """The result of an op by its oracle: nested lists of nested lists, one sample an input."""
    return ROWS[kind_of(op)].oracle(op, *samples)


def has_hardware(kind: str) -> bool:
    """Whether ``rtlgen/ops`` has its file."""
    return kind in rtlgen.ops.FILES


def is_built(op: Op, *types: TensorType) -> bool:
    """Whether there is hardware for these parameters, on inputs of these types."""
    try:
        rtlgen.plan(_alone(op, types), 1)
    except NotImplementedError:
        return False
    return True


def instance(kind: str, *types: TensorType, seed: int = 0, built: bool = False) -> Op:
    """An op of that kind on inputs of these types.

    Args:
        built: only one that has hardware.

    Raises:
        ValueError: if none was drawn.
    """
    for attempt in range(_ATTEMPTS):
        try:
            op = ROWS[kind].draw(Dice(seed * _ATTEMPTS + attempt), *types)
            op.out_type(*types)
        except ValueError:
            continue
        if kind_of(op) == kind and (not built or is_built(op, *types)):
            return op
    raise ValueError(f"no {kind} of {', '.join(map(str, types))} was drawn in {_ATTEMPTS} attempts")


def inputs_of(kind: str, x: TensorType) -> tuple[TensorType, ...]:
    """Inputs that are all like ``x``; two where the op takes any number."""
    return (x,) * (ROWS[kind].inputs or 2)


def small_network(kind: str) -> Graph:
    """One op of that kind, on as few elements and bits as it takes; several inputs are parts of one.

    Raises:
        ValueError: if none was drawn.
    """
    for dtype in (S4, S8):
        for shape in SMALL_SHAPES:
            types = inputs_of(kind, TensorType(shape, dtype))
            try:
                return _alone(instance(kind, *types, built=True), types)
            except ValueError:
                continue
    raise ValueError(f"no {kind} was drawn for small tensors: its row must have a ``draw`` that takes some of them")


def _alone(op: Op, types: Sequence[TensorType]) -> Graph:
    if len(types) == 1:
        return Graph.chain(types[0], op)
    size = types[0].size
    nodes = []
    for place, type in enumerate(types):
        nodes.append(Node(f"part{place}", Slice((place * size,), (size,), (1,)), ("x",)))
        nodes.append(Node(f"in{place}", Reshape(type.shape), (f"part{place}",)))
    names = tuple(f"in{place}" for place in range(len(types)))
    return Graph({"x": TensorType((size * len(types),), types[0].dtype)}, (*nodes, Node("y", op, names)), ("y",))
