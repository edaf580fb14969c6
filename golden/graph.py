"""The Graph: an immutable, type-checked DAG of ops, the one description that every witness starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from golden.classes import checked_classes
from golden.encoding import Encoding
from golden.ops import Argmax, Op, Reshape
from golden.ops.op import same_op
from golden.types import FloatArray, IntArray, TensorType

Batch = npt.ArrayLike | Mapping[str, npt.ArrayLike]
"""A batch of inputs: an array, or for a graph of several inputs arrays by name."""

_ELEMENTS_AT_A_TIME = 1 << 18
"""Of the largest tensor: few enough for a cache, enough to make the cost of a call to numpy small."""


@dataclass(frozen=True, eq=False)
class Node:
    """One op in a graph; its result has the node's name. Nodes are equal by value, the arrays of their ops included."""

    name: str
    op: Op
    inputs: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        return (self.name, self.inputs) == (other.name, other.inputs) and same_op(self.op, other.op)

    def __hash__(self) -> int:
        return hash((self.name, self.inputs))


@dataclass(frozen=True)
class Graph:
    """Named ops on named tensors, in an order in which every tensor is made before it is read.

    Args:
        inputs: the type of each input by name.
        nodes: the ops.
        outputs: names of the result tensors.
        encodings: how floats map to the integers of a tensor, by tensor name; the integer meaning does not use it.
        classes: what the indices of a classifier's result stand for, if anything: one name per element that an
            ``Argmax`` at the end chooses from, or per element of the innermost dimension of another output.
        origins: what a tensor is called in the file that the graph was imported from, by tensor name.

    Names of inputs and nodes are ASCII identifiers: they become names of wires. Graphs are equal by value (the same
    types, nodes, outputs, encodings, classes and origins), and therefore not hashable.

    Raises:
        TypeError: for names or classes that are not strings.
        ValueError: where types do not fit, a name is used twice or is unknown; a note names the layer.
    """

    inputs: Mapping[str, TensorType]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    encodings: Mapping[str, Encoding] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, TensorType] = field(init=False)

    __hash__ = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name in self.inputs:
            _check_name(name, "an input's name")
        types = dict(self.inputs)
        for position, node in enumerate(self.nodes):
            try:
                _check_name(node.name, "a layer's name")
                if node.name in types:
                    raise ValueError(f"the name {node.name!r} is used twice")
                unknown = [name for name in node.inputs if name not in types]
                if unknown:
                    raise ValueError(f"unknown tensor {unknown[0]!r}; before this layer there are {', '.join(types)}")
                types[node.name] = node.op.out_type(*(types[name] for name in node.inputs))
            except (TypeError, ValueError, NotImplementedError) as error:
                error.add_note(f"in layer {node.name!r} ({position + 1} of {len(self.nodes)})")
                raise
        missing = [name for name in (*self.outputs, *self.encodings, *self.origins) if name not in types]
        if missing or not self.outputs or not self.inputs:
            raise ValueError(
                f"a graph needs inputs and outputs among its tensors {', '.join(types)}, not {missing or self.outputs}"
            )
        object.__setattr__(self, "types", MappingProxyType(types))
        object.__setattr__(self, "classes", checked_classes(self.classes))
        choices = [self._choices(name) for name in self.outputs]
        if self.classes and len(self.classes) not in choices:
            raise ValueError(
                f"an output that tells {' or '.join(map(str, choices))} classes apart needs as many names of classes, "
                f"not {len(self.classes)}"
            )
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))
        object.__setattr__(self, "encodings", MappingProxyType(dict(self.encodings)))
        object.__setattr__(self, "origins", MappingProxyType(dict(self.origins)))

    def __reduce__(self) -> tuple[type[Graph], tuple[object, ...]]:
        """Pickling (for worker processes) and copying: a mapping proxy knows neither."""
        plain = (dict(self.inputs), self.nodes, self.outputs, dict(self.encodings), self.classes, dict(self.origins))
        return Graph, plain

    @classmethod
    def chain(
        cls,
        x: TensorType,
        *ops: Op,
        names: Sequence[str] = (),
        encodings: Mapping[str, Encoding] | None = None,
        classes: Iterable[str] = (),
    ) -> Graph:
        """One op after the other from an input called ``x``.

        Without ``names`` an op is called after its class and its place among its kind: ``dense1``, ``relu1``.
        """
        counts: dict[str, int] = {}
        nodes, previous = [], "x"
        if names and len(names) != len(ops):
            raise ValueError(f"{len(ops)} ops need {len(ops)} names, not {len(names)}")
        for position, op in enumerate(ops):
            kind = type(op).__name__.lower()
            counts[kind] = counts.get(kind, 0) + 1
            name = names[position] if names else f"{kind}{counts[kind]}"
            nodes.append(Node(name, op, (previous,)))
            previous = name
        return cls({"x": x}, tuple(nodes), (previous,), dict(encodings or {}), checked_classes(classes))

    @property
    def input_type(self) -> TensorType:
        """Type of the input of a graph that has one."""
        return self.inputs[self._only(tuple(self.inputs), "input")]

    @property
    def output_type(self) -> TensorType:
        """Type of the output of a graph that has one."""
        return self.types[self._only(self.outputs, "output")]

    def node(self, name: str) -> Node:
        """The node called ``name``."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise ValueError(f"no layer {name!r}; there are {', '.join(n.name for n in self.nodes)}")

    def __call__(self, x: Batch) -> IntArray:
        """The output for a batch of inputs, shape (batch, \\*shape), of a graph that has one output."""
        return self.run(x)[self._only(self.outputs, "output")]

    def run(self, x: Batch) -> dict[str, IntArray]:
        """All outputs by name for a batch of inputs, some samples at a time: memory holds those, not the batch.

        Args:
            x: shape (batch, \\*shape); for a graph of several inputs one such array by name of input.

        Raises:
            TypeError, ValueError: if ``x`` is not a batch of the inputs' types.
        """
        tensors = self._checked(x)
        largest = max(type.size for type in self.types.values())
        piece = max(1, _ELEMENTS_AT_A_TIME // largest)
        batch = len(next(iter(tensors.values())))
        pieces = []
        for start in range(0, max(batch, 1), piece):
            some = {name: tensor[start : start + piece] for name, tensor in tensors.items()}
            made = self._execute(some)
            pieces.append([made[name] for name in self.outputs])
        return {
            name: np.concatenate(parts) for name, parts in zip(self.outputs, zip(*pieces, strict=True), strict=True)
        }

    def trace(self, x: Batch) -> dict[str, IntArray]:
        """Every tensor by name, the inputs included, for a batch of inputs; arguments and errors as of ``run``."""
        return self._execute(self._checked(x))

    def _checked(self, x: Batch) -> dict[str, IntArray]:
        """The inputs by name, checked against their types."""
        if not isinstance(x, Mapping):
            x = {self._only(tuple(self.inputs), "input"): x}
        if set(x) != set(self.inputs):
            raise ValueError(f"this graph has the inputs {', '.join(self.inputs)}, not {', '.join(map(str, x))}")
        tensors = {name: type.check(x[name], f"the input {name!r}") for name, type in self.inputs.items()}
        if len({len(tensor) for tensor in tensors.values()}) > 1:
            sizes = ", ".join(f"{len(tensor)} of {name}" for name, tensor in tensors.items())
            raise ValueError(f"all inputs must have as many samples, not {sizes}")
        return tensors

    def _execute(self, tensors: Mapping[str, IntArray]) -> dict[str, IntArray]:
        made = dict(tensors)
        for node in self.nodes:
            made[node.name] = node.op(*(made[name] for name in node.inputs))
        return made

    def encode(self, x: npt.ArrayLike) -> IntArray:
        """Floats, shape (batch, \\*shape), as the integers of the input: rounded, saturated."""
        name = self._only(tuple(self.inputs), "input")
        if name not in self.encodings:
            raise ValueError(
                f"the input {name!r} of this graph has no encoding: it takes integers, {self.inputs[name]}"
            )
        return self.encodings[name].encode(x, self.inputs[name])

    def decode(self, y: npt.ArrayLike) -> FloatArray | IntArray:
        """The real numbers that output integers stand for; indices (of an ``Argmax``) stand for themselves."""
        name = self._only(self.outputs, "output")
        return self.encodings[name].decode(y) if name in self.encodings else np.asarray(y)

    def save(self, path: str | Path) -> None:
        """Write the whole graph to one file; an interrupted write leaves nothing behind."""
        from golden.serialize import save_graph

        save_graph(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Graph:
        """Read a graph that ``save`` wrote; raises FileNotFoundError or ValueError with the reason."""
        from golden.serialize import load_graph

        return load_graph(Path(path))

    def _choices(self, output: str) -> int:
        """How many indices an output can have (of an ``Argmax``, reshaped or not), or how many logits."""
        makers = {node.name: node for node in self.nodes}
        name = output
        while name in makers and isinstance(makers[name].op, Reshape):
            (name,) = makers[name].inputs
        if name in makers and isinstance(makers[name].op, Argmax):
            return self.types[makers[name].inputs[0]].inner
        return self.types[output].inner

    def _only(self, names: tuple[str, ...], what: str) -> str:
        if len(names) != 1:
            raise ValueError(f"this needs a graph with one {what}, not {len(names)}: {', '.join(names)}")
        return names[0]


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a string, not {name!r}")
    if not name.isidentifier() or not name.isascii():
        raise ValueError(f"{what} must be an identifier, not {name!r}: ASCII letters, digits, underscores")
