"""Quantized ONNX networks as integer graphs: QLinear operators, and floats between Dequantize- and QuantizeLinear.

Nodes are read in their order. What a node makes is one of

* an array: constant;
* ``Tensor``: integers;
* ``Real``: floats that stand for integers, by DequantizeLinear, and perhaps functions of one float;
* ``Weights``: constant floats that stand for integers;
* ``Awaiting``: the result of an operator on floats, to be computed in integers as soon as its QuantizeLinear comes;
* ``Input``: a float input of the network, of which QuantizeLinear makes the input of the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from golden.graph import Graph, Node
from golden.importers.onnx_constants import can_fold, fold
from golden.importers.onnx_file import Array, OnnxFile, OnnxNode, Refusals
from golden.importers.onnx_fold import fold as fold_steps
from golden.importers.onnx_layout import Tensor, channels_last
from golden.importers.onnx_linear import OpSteps, Weights
from golden.importers.onnx_runtime import Function, Quantization, table
from golden.types import IntType, TensorType

_TYPES = {"int8": IntType(8, True), "uint8": IntType(8, False)}


@dataclass(frozen=True)
class Real:
    """``functions`` of ``scale * (x - zero_point)``; an ``x`` of several tensors is side by side along ``axis``."""

    x: tuple[Tensor, ...]
    quantization: tuple[Quantization, ...]
    functions: tuple[Function, ...] = ()
    axis: int = 0


@dataclass(frozen=True)
class Awaiting:
    """``finish`` makes integers; ``functions`` come before they are rounded and must not change them.

    ``moved`` is whether elements changed their places on the way.
    """

    node: OnnxNode
    finish: Callable[[Quantization], Tensor]
    functions: tuple[Function, ...] = ()
    moved: bool = False


@dataclass(frozen=True)
class Input:
    """A float input and what moves its elements before they are quantized."""

    name: str
    moves: tuple[Callable[[Tensor], Tensor], ...] = ()


class Skipped:
    """What a node that was refused would have made."""


Value = Array | Tensor | Real | Weights | Awaiting | Input | Skipped
Handler = Callable[["QuantizedImport", OnnxNode, list[Any]], Any]
HANDLERS: dict[str, Handler] = {}


def handles(*ops: str) -> Callable[[Handler], Handler]:
    """Registers a function for operators."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(ops, handler))
        return handler

    return register


class QuantizedImport:
    """One import: the ops made so far, and what every tensor of the file is."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.steps = OpSteps()
        self.refusals = Refusals()
        self.inputs: dict[str, TensorType] = {}
        self.values: dict[str, Any] = {"": None, **file.constants}
        uses = Counter(name for node in file.nodes for name in node.inputs)
        self.uses = uses + Counter(file.outputs)
        self.quantized_inputs: dict[str, tuple[Tensor, Quantization]] = {}
        for name, (dtype, shape) in file.inputs.items():
            if str(dtype) in _TYPES:
                self.values[name] = self.new_input(name, shape[1:], _TYPES[str(dtype)])
            elif dtype == np.float32:
                self.values[name] = Input(name)
            else:
                raise NotImplementedError(f"the input {name!r} must be float32, int8 or uint8, not {dtype}")

    def new_input(self, name: str, shape: tuple[int, ...], dtype: IntType) -> Tensor:
        """An input of the graph, channels last."""
        order = channels_last(len(shape))
        own = "x" if len(self.file.inputs) == 1 else f"x{len(self.inputs) + 1}"
        self.inputs[own] = TensorType(tuple(shape[axis] for axis in order), dtype)
        self.steps.types[own] = self.inputs[own]
        self.steps.origins[own] = name
        return Tensor(own, shape, order)

    def graph(self) -> Graph:
        """The whole import; raises NotImplementedError with everything that is not supported."""
        for node in self.file.nodes:
            self.import_node(node)
        outputs = [self.output(name) for name in self.file.outputs] if not self.refusals.reasons else []
        self.refusals.check()
        fold_steps(self.steps, outputs)
        left = {*self.inputs, *(name for name, _, _ in self.steps.made)}
        encodings = {name: encoding for name, encoding in self.steps.encodings.items() if name in left}
        if missing := [
            name
            for name in self.file.inputs
            if isinstance(self.values[name], Input)
            and not any(origin == name for origin in self.steps.origins.values())
        ]:
            raise NotImplementedError(f"the float input {missing[0]!r} is not used by a QuantizeLinear")
        nodes = tuple(Node(name, op, inputs) for name, op, inputs in self.steps.made)
        return Graph(self.inputs, nodes, tuple(outputs), encodings, origins=self.steps.origins)

    def import_node(self, node: OnnxNode) -> None:
        """Make what ``node`` makes, or note why that is not possible."""
        inputs = [self.values[name] for name in node.inputs]
        results: Any = Skipped()
        handler = HANDLERS.get(node.op)
        constant = all(value is None or isinstance(value, np.ndarray) for value in inputs)
        try:
            if constant and can_fold(node.op):
                results = fold(node, inputs, self.file.opset)
            elif node.op == "Shape" and not isinstance(inputs[0], Skipped):
                results = self.shape_of(node, inputs[0])
            elif handler is None:
                raise NotImplementedError("this operator is not supported in a quantized network")
            elif not any(isinstance(value, Skipped) for value in inputs):
                results = handler(self, node, inputs)
        except (ValueError, TypeError, NotImplementedError) as error:
            self.refusals.add(node, str(error))
        except IndexError:
            self.refusals.add(node, f"it has too few inputs or outputs: {len(inputs)} and {len(node.outputs)}")
        several = results if isinstance(results, tuple) else (results,)
        for name, result in zip(node.outputs, several, strict=False):
            self.values[name] = result
            for tensor in result.x if isinstance(result, Real) else (result,):
                if isinstance(tensor, Tensor) and tensor.name not in self.inputs:
                    self.steps.origins.setdefault(tensor.name, name)
        for name in node.outputs[len(several) :]:
            self.values[name] = Skipped()

    def shape_of(self, node: OnnxNode, value: Any) -> Array:
        """What Shape says; the batch is 1 where the file does not know it."""
        if isinstance(value, Tensor | np.ndarray):
            tail = value.shape
        elif isinstance(value, Real) and len(value.x) == 1:
            tail = value.x[0].shape
        elif isinstance(value, Input) and not value.moves:
            tail = self.file.inputs[value.name][1][1:]
        else:
            raise NotImplementedError("the shape of this tensor is not known here")
        whole = tail if isinstance(value, np.ndarray) else (self.file.batch, *tail)
        end = node.attributes.get("end")
        return np.array(whole, dtype=np.int64)[
            node.integer("start", 0) : None if end is None else node.integer("end", 0)
        ]

    def output(self, name: str) -> str:
        """An output of the graph, channels last."""
        value = self.values[name]
        if isinstance(value, Real) and not value.functions and len(value.x) == 1:
            value = value.x[0]
        if isinstance(value, Awaiting):
            self.refusals.add(
                value.node, f"the output {name!r} is floats, supported are integers: put a QuantizeLinear behind"
            )
            return name
        if not isinstance(value, Tensor):
            self.refusals.reasons.append(f"output {name!r}: it must be integers, or DequantizeLinear of integers")
            return name
        encoding = self.steps.encodings.get(value.name)
        arranged = self.steps.arranged(value, channels_last(len(value.shape)))
        if encoding is not None:
            self.steps.encodings.setdefault(arranged.name, encoding)
        if arranged.name not in self.inputs:
            self.steps.origins[arranged.name] = name
        return arranged.name

    def quantization(self, scale: Any, zero_point: Any, what: str) -> Quantization:
        """Of one tensor, from constants; without a zero point it is 0 of uint8."""
        if not isinstance(scale, np.ndarray) or not (zero_point is None or isinstance(zero_point, np.ndarray)):
            raise ValueError(f"the scale and zero point of {what} must be constants")
        point = np.zeros(1, np.uint8) if zero_point is None else zero_point
        if scale.size != 1 or point.size != 1:
            raise ValueError(f"the scale and zero point of {what} must be one number each, not one a channel")
        if scale.dtype != np.float32:
            raise ValueError(f"the scale of {what} must be float32, not {scale.dtype}")
        if str(point.dtype) not in _TYPES:
            raise ValueError(f"the zero point of {what} is {point.dtype}, supported are int8 and uint8")
        return Quantization(np.float32(scale.ravel()[0]), int(point.ravel()[0]), _TYPES[str(point.dtype)])

    def typed(self, x: Any, q: Quantization, what: str) -> Tensor:
        """``x`` as integers of the type of ``q``."""
        if not isinstance(x, Tensor):
            raise ValueError(f"{what} must be integers that are not constant")
        if self.steps.types[x.name].dtype != q.dtype:
            raise ValueError(f"{what} is {self.steps.types[x.name].dtype}, but its zero point is of {q.dtype}")
        return self.steps.encoded(x, q)

    def weights(self, integers: Any, scale: Any, zero_point: Any) -> Weights:
        """Constant weights of int8 or uint8."""
        arrays = (integers, scale) if zero_point is None else (integers, scale, zero_point)
        if not all(isinstance(array, np.ndarray) for array in arrays):
            raise ValueError("its weights, their scale and zero point must be constants")
        point = np.zeros(1, integers.dtype) if zero_point is None else zero_point
        if str(integers.dtype) not in _TYPES or scale.dtype != np.float32 or point.dtype != integers.dtype:
            raise ValueError(f"its weights must be int8 or uint8 with a float32 scale, not {integers.dtype}")
        dtype = _TYPES[str(integers.dtype)]
        return Weights(integers.astype(np.int64), scale, point.astype(np.int64), 0, dtype)

    def bias(self, value: Any) -> Array | None:
        """A bias of int32, or none."""
        if value is None:
            return None
        if not isinstance(value, np.ndarray) or value.dtype != np.int32:
            raise ValueError("its bias must be a constant of int32")
        return value.astype(np.int64)

    def requantized(self, x: Tensor, xq: Quantization, functions: tuple[Function, ...], y: Quantization) -> Tensor:
        """Integers of ``xq``, as floats through ``functions``, as integers of ``y``: a table, or nothing at all."""
        op = table(xq, functions, y)
        made = x if op is None else replace(x, name=self.steps.add(op, x.name))
        return self.steps.encoded(made, y)


def used_once(importer: QuantizedImport, node: OnnxNode) -> None:
    uses = importer.uses[node.outputs[0]]
    if uses != 1:
        raise NotImplementedError(
            f"its float result is used {uses} times, so that ONNX Runtime computes it in floats; supported is one "
            "QuantizeLinear behind it"
        )


def import_quantized(file: OnnxFile) -> Graph:
    """The graph of a quantized network; raises NotImplementedError with everything in it that is not supported."""
    # The handlers are registered when their modules are imported.
    for module in ("average", "binary", "qdq", "qlinear"):
        import_module(f"golden.importers.onnx_{module}")
    return QuantizedImport(file).graph()
