"""What an operator of a TensorFlow Lite file sees while it becomes ops: its tensors, constants, options, and the graph.

Shapes: the batch, which is 1 in the file, is no dimension of a graph's tensors, so a leading 1 is taken off. Operators
count dimensions with the batch; ``Layer.axis`` translates.

Names: the tensor that is also in the file is called after its operator and its place among its kind, ``conv1``; what
is on the way to it has a word more, ``conv1acc``. No name is another one with something behind an underscore.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.arithmetic import float32_scale, tflite_scale
from golden.encoding import Encoding
from golden.graph import Node
from golden.importers.tflite_file import NO_TENSOR, FileOperator, FileTensor, TFLiteFile
from golden.ops import Op, Requantize, Reshape
from golden.types import IntType, TensorType

S8 = IntType(8, True)
DTYPES = {"INT8": S8, "UINT8": IntType(8, False)}
_NAMES = {
    "CONV_2D": "conv",
    "DEPTHWISE_CONV_2D": "depthwise",
    "FULLY_CONNECTED": "dense",
    "CONCATENATION": "concat",
    "STRIDED_SLICE": "slice",
    "SPLIT_V": "split",
    "PADV2": "pad",
    "EXPAND_DIMS": "reshape",
    "SQUEEZE": "reshape",
    "RELU6": "relu",
    "RELU_N1_TO_1": "relu",
    "AVERAGE_POOL_2D": "averagepool",
    "MAX_POOL_2D": "maxpool",
}


_BROADCAST = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU")

_NEGLIGIBLE = 2.0**-34
"""No sum of 32 bits times less than this is rounded to anything but zero."""


class DependsOnRefusedError(Exception):
    """An operator reads what an operator that was refused would have made: there is nothing more to say about it."""


@dataclass(frozen=True)
class Value:
    """An activation: a tensor of the graph, with its tensor in the file."""

    name: str
    type: TensorType
    file: FileTensor

    @property
    def scale(self) -> float:
        """Of the integers, a number of single precision."""
        return float(self.file.scales[0])

    @property
    def zero_point(self) -> int:
        """The integer that stands for zero."""
        return int(self.file.zero_points[0])

    @property
    def same_quantization(self) -> tuple[float, int]:
        """Scale and zero point, to be compared."""
        return self.scale, self.zero_point


class Network:
    """The graph as it grows: nodes, and where each tensor of the file has gone."""

    def __init__(self, file: TFLiteFile) -> None:
        self.file = file
        self.inputs: dict[str, TensorType] = {}
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}
        self.constants: dict[int, npt.NDArray[Any]] = {}
        self._values: dict[int, Value] = {}
        self._counts: dict[str, int] = {}

    def name(self, kind: str) -> str:
        """A fresh name of the next tensor of its kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}{self._counts[kind]}"

    def add(self, name: str, op: Op, inputs: tuple[str, ...]) -> str:
        """A node of that name; raises ValueError where the op cannot take its inputs."""
        self.types[name] = op.out_type(*(self.types[i] for i in inputs))
        self.nodes.append(Node(name, op, inputs))
        return name

    def put(self, index: int, name: str) -> None:
        """The file's tensor ``index`` is the graph's tensor ``name``."""
        self._values[index] = Value(name, self.types[name], self.file.tensors[index])

    def put_input(self, index: int, name: str) -> None:
        """The file's tensor ``index`` is put in, under that name."""
        tensor = self.file.tensors[index]
        if not tensor.shape or tensor.shape[0] not in (1, -1) or len(tensor.shape) < 2:
            raise ValueError(
                f"the input {tensor.name!r} must have a shape that starts with a batch of 1, not {tensor.shape}"
            )
        self.inputs[name] = self.types[name] = activation_type(tensor)
        self.put(index, name)

    def get(self, index: int) -> Value:
        """The activation of the file's tensor ``index``."""
        if index not in self._values:
            raise DependsOnRefusedError
        return self._values[index]

    @property
    def encodings(self) -> dict[str, Encoding]:
        """By tensor of the graph, of all that have a scale in the file."""
        return {
            value.name: Encoding(np.array(value.scale), np.array(value.zero_point))
            for value in self._values.values()
            if value.file.scales.size == 1
        }

    @property
    def origins(self) -> dict[str, str]:
        """The names of tensors in the file, by tensor of the graph."""
        return {value.name: value.file.name for value in reversed(self._values.values())}


def activation_type(tensor: FileTensor, types: tuple[str, ...] = ("INT8", "UINT8")) -> TensorType:
    """The type of an activation in the graph.

    Raises:
        ValueError: for other types than these, missing or bad quantization, and for shapes that are not known.
    """
    if tensor.type not in types:
        raise ValueError(f"the tensor {tensor.name!r} is {tensor.type}, supported is INT8")
    if any(d < 0 for d in (*tensor.signature[1:], *tensor.shape[1:])):
        raise ValueError(f"the tensor {tensor.name!r} has a dynamic shape {tensor.signature or tensor.shape}")
    check_quantization(tensor)
    dtype = DTYPES[tensor.type]
    if tensor.scales.size != 1 or not dtype.min <= tensor.zero_points[0] <= dtype.max:
        raise ValueError(
            f"the tensor {tensor.name!r} needs one scale and a zero point of {dtype}, "
            f"not {tensor.scales.size} and {tensor.zero_points.tolist()[:4]}"
        )
    if tensor.variable or tensor.sparse:
        raise ValueError(f"the tensor {tensor.name!r} is {'a variable' if tensor.variable else 'sparse'}")
    return TensorType(graph_shape(tensor), dtype)


def check_quantization(tensor: FileTensor) -> None:
    """Raises ValueError unless there are positive scales, with as many zero points."""
    scales, zero_points = tensor.scales, tensor.zero_points
    if not scales.size or scales.size != zero_points.size:
        raise ValueError(
            f"the tensor {tensor.name!r} needs quantization parameters, "
            f"it has {scales.size} scales and {zero_points.size} zero points"
        )
    if not np.all(np.isfinite(scales)) or not np.all(scales > 0):
        raise ValueError(f"the scales of the tensor {tensor.name!r} must be positive and finite")


def graph_shape(tensor: FileTensor) -> tuple[int, ...]:
    """The shape without the batch."""
    return tensor.shape[1:] if tensor.shape[:1] in ((1,), (-1,)) else tensor.shape


class Layer:
    """One operator, while it becomes ops."""

    def __init__(self, network: Network, operator: FileOperator, arithmetic: str) -> None:
        self.network = network
        self.operator = operator
        self.arithmetic = arithmetic
        self._name = ""

    def count(self, inputs: tuple[int, ...], outputs: int | None = 1) -> None:
        """Raises ValueError for another number of inputs or outputs (None for any but none)."""
        given = len(self.operator.outputs)
        if len(self.operator.inputs) not in inputs or not given or outputs not in (None, given):
            raise ValueError(
                f"it must have {' or '.join(map(str, inputs))} inputs and {outputs or 'some'} outputs, "
                f"not {len(self.operator.inputs)} and {len(self.operator.outputs)}"
            )

    def tensor(self, place: int) -> FileTensor:
        """The file's tensor at a place of the inputs."""
        if not self.has(place):
            raise ValueError(f"its input {place} is missing")
        return self.network.file.tensors[self.operator.inputs[place]]

    def has(self, place: int) -> bool:
        """Whether there is an input at this place."""
        return place < len(self.operator.inputs) and self.operator.inputs[place] != NO_TENSOR

    def is_constant(self, place: int) -> bool:
        """Whether an input is known from the file alone."""
        tensor = self.tensor(place)
        return tensor.data is not None or tensor.index in self.network.constants

    def value(self, place: int = 0, types: tuple[str, ...] = ("INT8",)) -> Value:
        """The activation at a place of the inputs; raises ValueError for what is none, or of other types."""
        tensor = self.tensor(place)
        if self.is_constant(place):
            raise ValueError(f"its input {tensor.name!r} is a constant, supported is an activation")
        activation_type(tensor, types)
        return self.network.get(tensor.index)

    def constant(self, place: int, *types: str) -> npt.NDArray[Any]:
        """The constant at a place of the inputs; raises ValueError for what is none, or of other types."""
        tensor = self.tensor(place)
        if tensor.index in self.network.constants:
            return self.network.constants[tensor.index]
        return tensor.values(*types)

    def integers(self, place: int) -> list[int]:
        """A constant of indices or sizes."""
        return [int(i) for i in self.constant(place, "INT32", "INT64").ravel()]

    def output(self, place: int = 0, types: tuple[str, ...] = ("INT8",)) -> FileTensor:
        """The file's tensor at a place of the outputs; raises ValueError for what is of other types."""
        tensor = self.network.file.tensors[self.operator.outputs[place]]
        activation_type(tensor, types)
        return tensor

    @property
    def options(self) -> Mapping[str, Any]:
        """The options; raises ValueError where the file has none."""
        if self.operator.options is None:
            raise ValueError("it has no options")
        return self.operator.options

    def axis(self, axis: int, tensor: FileTensor) -> int:
        """A dimension of the file's tensor as one of the graph's, -1 for the batch; a negative one counts from the end.

        Raises:
            ValueError: for a dimension that there is not.
        """
        rank = len(tensor.shape)
        if not -rank <= axis < rank:
            raise ValueError(f"the axis {axis} must be one of the {rank} dimensions of {tensor.name!r}")
        return axis % rank - (rank - len(graph_shape(tensor)))

    @property
    def arithmetic_of_tables(self) -> str:
        """How numbers of few bits are scaled: TensorFlow Lite's own kernels do that, with two roundings."""
        return "tflm" if self.arithmetic == "float32" else self.arithmetic

    def refuse_float32(self, reason: str) -> None:
        """Raises NotImplementedError in single precision: XNNPACK's arithmetic of this operator is another one."""
        if self.arithmetic == "float32":
            raise NotImplementedError(f"in float32 it is not supported, in tflm and single it is: {reason}")

    def ratio(self, *factors: float, to: FileTensor) -> float:
        """The product of the factors over the scale of ``to``, in the precision of the arithmetic."""
        if self.arithmetic != "float32":
            return prod(factors) / float(to.scales[0])
        with np.errstate(all="ignore"):
            return float(np.prod(np.array(factors, np.float32)) / to.scales[0])

    def scale(self, *factors: float, to: float) -> tuple[int, int]:
        """The product of the factors over ``to`` as multiplier and shift, in the precision of the arithmetic."""
        if self.arithmetic != "float32":
            return tflite_scale(prod(factors) / to)
        with np.errstate(all="ignore"):
            real = float(np.prod(np.array(factors, np.float32)) / np.float32(to))
        return float32_scale(real) if real >= _NEGLIGIBLE else (0, 0)

    def step(self, word: str, op: Op, *inputs: str) -> str:
        """A node on the way to the operator's tensor."""
        self._name = self._name or self._fresh()
        name, count = f"{self._name}{word}", 1
        while name in self.network.types:
            count += 1
            name = f"{self._name}{word}{count}"
        return self.network.add(name, op, inputs)

    def whole(self, value: Value) -> str:
        """An activation with the batch of 1 as a dimension of its own."""
        shape = tuple(abs(d) for d in value.file.shape)
        return value.name if shape == value.type.shape else self.step("whole", Reshape(shape), value.name)

    def result(
        self, op: Op, *inputs: str, place: int = 0, reshape: bool = False, whole: Sequence[int] | None = None
    ) -> None:
        """The node that makes the tensor at a place of the outputs.

        ``whole`` is its shape with the batch, without it that of the input, or of all inputs of an operator that
        broadcasts. Dimensions of 1 are put where the file has them; with ``reshape`` any shape of as many elements is.
        """
        name, self._name = self._name or self._fresh(), ""
        tensor = self.network.file.tensors[self.operator.outputs[place]]
        made = op.out_type(*(self.network.types[i] for i in inputs)).shape
        shape = graph_shape(tensor)
        wanted = tuple(self._whole_shape() if whole is None else whole)
        if tuple(abs(d) for d in tensor.shape) != wanted:
            raise ValueError(f"the file says it makes the shape {tensor.shape}, but it makes {wanted}")
        if made != shape:
            if not reshape and [d for d in made if d != 1] != [d for d in shape if d != 1]:
                raise ValueError(f"the file says it makes the shape {tensor.shape}, but it makes {made}")
            inputs = (self.network.add(f"{name}out", op, inputs),)
            op = Reshape(shape)
        self.network.put(tensor.index, self.network.add(name, op, inputs))

    def identity(self, x: str, limits: tuple[int, int] | None = None, whole: Sequence[int] | None = None) -> None:
        """The result is ``x``, limited to an interval of s8; ``whole`` is as of ``result``."""
        self.result(Requantize(np.array(1), np.array(0), 0, S8, "half_up", 0, limits), x, whole=whole)

    def _whole_shape(self) -> tuple[int, ...]:
        """What an operator makes number by number, with the batch."""
        places = range(len(self.operator.inputs) if self.operator.kind in _BROADCAST else 1)
        return np.broadcast_shapes(*(tuple(abs(d) for d in self.tensor(place).shape) for place in places))

    def _fresh(self) -> str:
        kind = self.operator.kind
        return self.network.name(_NAMES.get(kind, kind.lower().replace("_", "")))
