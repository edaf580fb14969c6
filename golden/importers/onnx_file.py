"""Reading an ONNX file: nodes, constants, inputs and outputs as plain Python, everything else refused.

``onnx`` is imported in here only, and late: reading other networks needs no such package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

OPSETS = (7, 25)
"""Versions of ONNX's own operators that are understood: before 7 broadcasting had other rules."""
_DOMAINS = {"": "", "ai.onnx": "", "com.microsoft": "com.microsoft."}
_MAX_CONSTANT = 1 << 28
"""Bytes of one constant: more than any network that fits a chip, less than memory."""


@dataclass(frozen=True)
class OnnxNode:
    """One operator; those of ONNX Runtime's own domain are called ``com.microsoft.QLinearAdd`` and the like."""

    index: int
    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Operator and place, for messages."""
        return f"{self.op} (node {self.index}{f', {self.name!r}' if self.name else ''})"

    def integer(self, name: str, default: int) -> int:
        """An attribute that is an int."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise ValueError(f"its attribute {name!r} must be an int, not {value!r}")
        return value

    def number(self, name: str, default: float) -> np.float32:
        """An attribute that is a float, in single precision as the file has it."""
        value = self.attributes.get(name, default)
        if not isinstance(value, float):
            raise ValueError(f"its attribute {name!r} must be a float, not {value!r}")
        return np.float32(value)

    def text(self, name: str, default: str) -> str:
        """An attribute that is a string."""
        value = self.attributes.get(name, default.encode())
        if not isinstance(value, bytes):
            raise ValueError(f"its attribute {name!r} must be a string, not {value!r}")
        return value.decode(errors="replace")

    def integers(self, name: str, default: Iterable[int]) -> list[int]:
        """An attribute that is a list of ints."""
        value = list(self.attributes.get(name, default))
        if not all(isinstance(number, int) for number in value):
            raise ValueError(f"its attribute {name!r} must be ints, not {value!r}")
        return value


@dataclass(frozen=True)
class OnnxFile:
    """A whole graph. Shapes of inputs are complete; an unknown batch, their first dimension, is 1.

    ``inputs`` maps names to (numpy dtype, shape).
    """

    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]
    outputs: tuple[str, ...]
    opset: int

    @property
    def batch(self) -> int:
        """The first dimension of every tensor that is not constant."""
        return next(iter(self.inputs.values()))[1][0]


class Refusals:
    """Everything in one file that cannot be imported, to be told at once."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def add(self, node: OnnxNode, reason: str) -> None:
        """``node`` cannot be imported."""
        self.reasons.append(f"{node.place}: {reason}")

    def check(self) -> None:
        """Raises NotImplementedError if there is any."""
        if self.reasons:
            listed = "".join(f"\n  {reason}" for reason in self.reasons)
            count = len(self.reasons)
            raise NotImplementedError(
                f"this network cannot be imported, {count} of its nodes {'is' if count == 1 else 'are'} not "
                f"supported:{listed}"
            )


def import_onnx() -> Any:
    """The package ``onnx``; raises ModuleNotFoundError that says how to install it."""
    try:
        import onnx
        import onnx.numpy_helper
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("reading ONNX models needs the package onnx: pip install onnx") from error
    return onnx


def read_onnx(source: Any) -> OnnxFile:
    """The graph of a file (a path) or of an ``onnx.ModelProto``.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is damaged or no ONNX, or whose shapes are not all known but the batch.
        NotImplementedError: for what is valid ONNX, but not supported: control flow, external data, other opsets.
    """
    onnx = import_onnx()
    model = _model(onnx, source)
    try:
        return _file(onnx, model)
    except NotImplementedError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, MemoryError) as error:
        raise ValueError(f"this is not a valid ONNX model: {error}") from error


def _model(onnx: Any, source: Any) -> Any:
    if isinstance(source, onnx.ModelProto):
        return source
    if not isinstance(source, str | Path):
        raise TypeError(f"from_onnx takes a path or an onnx.ModelProto, not {type(source).__name__}")
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"there is no ONNX file {str(path)!r}")
    try:
        return onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # of the protobuf package, which has several implementations
        raise ValueError(f"it is not an ONNX file, or a truncated one ({type(error).__name__})") from error


def _file(onnx: Any, model: Any) -> OnnxFile:
    graph = model.graph
    if not len(graph.node) or not len(graph.output):
        raise ValueError("it has no nodes or no outputs")
    opset = _opset(model)
    if len(model.functions) or len(graph.sparse_initializer):
        raise NotImplementedError("ONNX models with functions or sparse tensors are not supported, expand them first")
    constants = {tensor.name: _constant(onnx, tensor) for tensor in graph.initializer}
    inputs = {value.name: _input(onnx, value) for value in graph.input if value.name not in constants}
    if not inputs:
        raise ValueError("it has no inputs")
    batches = {shape[0] for _, shape in inputs.values()}
    if len(batches) > 1:
        raise ValueError(f"its inputs differ in their first dimension, the batch: {sorted(batches)}")
    refusals = Refusals()
    nodes = tuple(_node(onnx, index, proto, refusals) for index, proto in enumerate(graph.node))
    refusals.check()
    known = {"", *constants, *inputs}
    for node in nodes:
        if missing := [name for name in node.inputs if name not in known]:
            raise ValueError(f"{node.place} reads {missing[0]!r}, which no node before it makes")
        if twice := [name for name in node.outputs if name and name in known]:
            raise ValueError(f"{node.place} makes {twice[0]!r} a second time")
        known.update(node.outputs)
    outputs = tuple(value.name for value in graph.output)
    if missing := [name for name in outputs if name not in known or not name]:
        raise ValueError(f"its output {missing[0]!r} is made by no node")
    return OnnxFile(nodes, constants, inputs, outputs, opset)


def _opset(model: Any) -> int:
    versions = {entry.domain: int(entry.version) for entry in model.opset_import}
    used = {node.domain for node in model.graph.node}
    if unknown := sorted(used - set(_DOMAINS)):
        raise NotImplementedError(
            f"ONNX operators of the domain {unknown[0]!r} are not supported, only ONNX's own and com.microsoft"
        )
    opset = versions.get("", versions.get("ai.onnx", 0))
    if not OPSETS[0] <= opset <= OPSETS[1]:
        raise NotImplementedError(f"ONNX models of opset {OPSETS[0]} to {OPSETS[1]} are supported, not {opset}")
    return opset


def _constant(onnx: Any, tensor: Any) -> Array:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
        raise NotImplementedError(
            f"the tensor {tensor.name!r} is stored outside of the ONNX file; save the model with its data inside"
        )
    if any(size < 0 for size in tensor.dims) or prod(tensor.dims) * 8 > _MAX_CONSTANT:
        raise ValueError(f"the tensor {tensor.name!r} has the shape {list(tensor.dims)}")
    return np.asarray(onnx.numpy_helper.to_array(tensor))


def _input(onnx: Any, value: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        raise ValueError(f"the input {value.name!r} must be a tensor of known shape")
    tensor = value.type.tensor_type
    sizes = [size.dim_value if size.HasField("dim_value") else 0 for size in tensor.shape.dim]
    if not sizes or any(size <= 0 for size in sizes[1:]) or prod(sizes[1:]) * 8 > _MAX_CONSTANT:
        raise ValueError(
            f"the input {value.name!r} must have a batch and after it known dimensions, not the shape "
            f"{[size.dim_value or size.dim_param or '?' for size in tensor.shape.dim]}"
        )
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)), (max(1, sizes[0]), *sizes[1:])


def _node(onnx: Any, index: int, proto: Any, refusals: Refusals) -> OnnxNode:
    name = f"{_DOMAINS[proto.domain]}{proto.op_type}"
    node = OnnxNode(index, proto.name, name, tuple(proto.input), tuple(proto.output))
    attributes = {}
    kinds = onnx.AttributeProto
    for attribute in proto.attribute:
        if attribute.type in (kinds.GRAPH, kinds.GRAPHS):
            refusals.add(node, "control flow is not supported, only networks without branches and loops")
        elif attribute.type == kinds.TENSOR:
            attributes[attribute.name] = _constant(onnx, attribute.t)
        elif attribute.type in (kinds.INT, kinds.INTS, kinds.FLOAT, kinds.FLOATS, kinds.STRING, kinds.STRINGS):
            attributes[attribute.name] = onnx.helper.get_attribute_value(attribute)
        else:
            refusals.add(node, f"its attribute {attribute.name!r} has a type that is not supported")
    return OnnxNode(node.index, node.name, node.op, node.inputs, node.outputs, attributes)
