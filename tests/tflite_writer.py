"""Writes TensorFlow Lite files, good ones and bad ones: nothing is checked, indices and shapes go in as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

Numbers = float | Sequence[float] | np.ndarray | None

_OPTIONS = {
    "ADD": "AddOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "IF": "IfOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "PACK": "PackOptions",
    "REDUCE_MAX": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "SHAPE": "ShapeOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SUM": "ReducerOptions",
    "SVDF": "SVDFOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "UNPACK": "UnpackOptions",
}
"""The table of an operator's options; an operator that is not here has none."""

_WORDS: dict[str, Any] = {
    "padding": tflite.Padding,
    "fused_activation_function": tflite.ActivationFunctionType,
    "weights_format": tflite.FullyConnectedOptionsWeightsFormat,
}
_TYPES = {
    np.dtype(name): name.upper()
    for name in ("int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool")
}


@dataclass
class Tensor:
    """A tensor of the file. ``buffer`` overrides the place of its data; 0 is the empty buffer."""

    shape: tuple[int, ...]
    type: str = "INT8"
    scales: np.ndarray | None = None
    zero_points: np.ndarray | None = None
    axis: int = 0
    data: bytes | None = None
    name: str | None = None
    signature: tuple[int, ...] | None = None
    variable: bool = False
    sparse: bool = False
    buffer: int | None = None


@dataclass
class Operator:
    """An operator of the file: a builtin one by name, or ``CUSTOM:name``."""

    kind: str
    inputs: list[int]
    outputs: list[int]
    options: dict[str, Any] = field(default_factory=dict)
    table: str | None = None
    code: int | None = None


@dataclass
class TfliteModel:
    """One subgraph as it grows. Tensors are known by their index, as in the file.

    Every list may be changed until ``bytes`` is called, so that a test can break what it wants.
    """

    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    subgraphs: int = 1
    identifier: bytes = b"TFL3"
    version: int = 3

    def tensor(
        self, shape: Sequence[int], scale: Numbers = None, zero_point: Numbers = None, type: str = "INT8", **other: Any
    ) -> int:
        """A tensor that an operator makes; ``None`` for no quantization. ``other`` are fields of ``Tensor``."""
        scales, zero_points = _vector(scale, np.float32), _vector(zero_point, np.int64)
        if scales is not None and zero_points is None:
            zero_points = np.zeros(len(scales), np.int64)
        other.setdefault("name", f"t{len(self.tensors)}")
        self.tensors.append(Tensor(tuple(int(d) for d in shape), type, scales, zero_points, **other))
        return len(self.tensors) - 1

    def input(
        self, shape: Sequence[int], scale: Numbers = None, zero_point: Numbers = None, type: str = "INT8", **other: Any
    ) -> int:
        """A tensor that is put in."""
        index = self.tensor(shape, scale, zero_point, type, **other)
        self.inputs.append(index)
        return index

    def constant(self, values: Any, scale: Numbers = None, zero_point: Numbers = None, **other: Any) -> int:
        """A tensor of which the file has the values; its type is theirs. ``axis`` is that of several scales."""
        array = np.ascontiguousarray(values)
        other.setdefault("data", array.tobytes())
        return self.tensor(np.shape(values), scale, zero_point, _TYPES[array.dtype], **other)

    def operator(
        self, kind: str, inputs: Sequence[int], outputs: int | Sequence[int], table: str | None = None, **options: Any
    ) -> Operator:
        """An operator with its options by the schema's names, ``padding="SAME"``; -1 is an input that is not there.

        ``table`` overrides the options' table, "" leaves options out.
        """
        made = [outputs] if isinstance(outputs, int) else list(outputs)
        table = _OPTIONS.get(kind, "") if table is None else table
        self.operators.append(Operator(kind, list(inputs), made, options, table))
        return self.operators[-1]

    def output(self, *indices: int) -> None:
        """Adds results of the network."""
        self.outputs += indices

    def bytes(self) -> bytes:
        """The file."""
        return _Writer(self).bytes()


def _vector(numbers: Numbers, dtype: Any) -> np.ndarray | None:
    return None if numbers is None else np.atleast_1d(np.asarray(numbers, dtype=dtype))


class _Writer:
    """A flatbuffer grows from its end: what is pointed at comes first."""

    def __init__(self, model: TfliteModel) -> None:
        self._model = model
        self._to = flatbuffers.Builder(4096)
        self._codes: list[tuple[str, int | None]] = []
        for operator in model.operators:
            if (operator.kind, operator.code) not in self._codes:
                self._codes.append((operator.kind, operator.code))

    def bytes(self) -> bytes:
        datas: list[bytes | None] = [None]
        made = []
        for tensor in self._model.tensors:
            place = 0 if tensor.data is None else len(datas)
            if tensor.data is not None:
                datas.append(tensor.data)
            made.append(self._tensor(tensor, place if tensor.buffer is None else tensor.buffer))
        tensors = self._tables(made)
        operators = self._tables([self._operator(operator) for operator in self._model.operators])
        inputs, outputs = self._numbers(self._model.inputs), self._numbers(self._model.outputs)
        name = self._to.CreateString("main")
        subgraphs = []
        for _ in range(self._model.subgraphs):
            tflite.SubGraphStart(self._to)
            tflite.SubGraphAddTensors(self._to, tensors)
            tflite.SubGraphAddInputs(self._to, inputs)
            tflite.SubGraphAddOutputs(self._to, outputs)
            tflite.SubGraphAddOperators(self._to, operators)
            tflite.SubGraphAddName(self._to, name)
            subgraphs.append(tflite.SubGraphEnd(self._to))
        graphs = self._tables(subgraphs)
        codes = self._tables([self._code(*code) for code in self._codes])
        buffers = self._tables([self._buffer(data) for data in datas])
        tflite.ModelStart(self._to)
        tflite.ModelAddVersion(self._to, self._model.version)
        tflite.ModelAddOperatorCodes(self._to, codes)
        tflite.ModelAddSubgraphs(self._to, graphs)
        tflite.ModelAddBuffers(self._to, buffers)
        self._to.Finish(tflite.ModelEnd(self._to), file_identifier=self._model.identifier)
        return bytes(self._to.Output())

    def _tables(self, offsets: Sequence[int]) -> int:
        self._to.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._to.PrependUOffsetTRelative(offset)
        return int(self._to.EndVector())

    def _numbers(self, numbers: Sequence[int] | np.ndarray, dtype: Any = np.int32) -> int:
        return int(self._to.CreateNumpyVector(np.asarray(numbers, dtype=dtype)))

    def _buffer(self, data: bytes | None) -> int:
        vector = None
        if data is not None:
            self._to.StartVector(1, len(data), 16)
            self._to.head -= len(data)
            self._to.Bytes[self._to.head : self._to.head + len(data)] = data
            vector = self._to.EndVector()
        tflite.BufferStart(self._to)
        if vector is not None:
            tflite.BufferAddData(self._to, vector)
        return int(tflite.BufferEnd(self._to))

    def _tensor(self, tensor: Tensor, buffer: int) -> int:
        to = self._to
        shape = self._numbers(tensor.shape)
        signature = None if tensor.signature is None else self._numbers(tensor.signature)
        name = None if tensor.name is None else to.CreateString(tensor.name)
        quantization = sparsity = None
        if tensor.scales is not None or tensor.zero_points is not None:
            scales = None if tensor.scales is None else self._numbers(tensor.scales, np.float32)
            zero_points = None if tensor.zero_points is None else self._numbers(tensor.zero_points, np.int64)
            tflite.QuantizationParametersStart(to)
            if scales is not None:
                tflite.QuantizationParametersAddScale(to, scales)
            if zero_points is not None:
                tflite.QuantizationParametersAddZeroPoint(to, zero_points)
            tflite.QuantizationParametersAddQuantizedDimension(to, tensor.axis)
            quantization = tflite.QuantizationParametersEnd(to)
        if tensor.sparse:
            tflite.SparsityParametersStart(to)
            sparsity = tflite.SparsityParametersEnd(to)
        tflite.TensorStart(to)
        tflite.TensorAddShape(to, shape)
        tflite.TensorAddType(to, getattr(tflite.TensorType, tensor.type))
        tflite.TensorAddBuffer(to, buffer)
        if signature is not None:
            tflite.TensorAddShapeSignature(to, signature)
        if name is not None:
            tflite.TensorAddName(to, name)
        if quantization is not None:
            tflite.TensorAddQuantization(to, quantization)
        if sparsity is not None:
            tflite.TensorAddSparsity(to, sparsity)
        tflite.TensorAddIsVariable(to, tensor.variable)
        return int(tflite.TensorEnd(to))

    def _code(self, kind: str, code: int | None) -> int:
        custom = self._to.CreateString(kind.split(":", 1)[1]) if ":" in kind else None
        number = getattr(tflite.BuiltinOperator, kind.split(":")[0]) if code is None else code
        tflite.OperatorCodeStart(self._to)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(self._to, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(self._to, number)
        tflite.OperatorCodeAddVersion(self._to, 1)
        if custom is not None:
            tflite.OperatorCodeAddCustomCode(self._to, custom)
        return int(tflite.OperatorCodeEnd(self._to))

    def _operator(self, operator: Operator) -> int:
        inputs, outputs = self._numbers(operator.inputs), self._numbers(operator.outputs)
        options = self._options(operator) if operator.table else None
        tflite.OperatorStart(self._to)
        tflite.OperatorAddOpcodeIndex(self._to, self._codes.index((operator.kind, operator.code)))
        tflite.OperatorAddInputs(self._to, inputs)
        tflite.OperatorAddOutputs(self._to, outputs)
        if options is not None:
            tflite.OperatorAddBuiltinOptionsType(self._to, getattr(tflite.BuiltinOptions, operator.table))
            tflite.OperatorAddBuiltinOptions(self._to, options)
        return int(tflite.OperatorEnd(self._to))

    def _options(self, operator: Operator) -> int:
        values = {}
        for name, value in operator.options.items():
            if isinstance(value, str):
                value = getattr(_WORDS[name], value)
            values[name] = self._numbers(value) if isinstance(value, (list, tuple, np.ndarray)) else value
        getattr(tflite, f"{operator.table}Start")(self._to)
        for name, value in values.items():
            camel = "".join(word.capitalize() for word in name.split("_"))
            getattr(tflite, f"{operator.table}Add{camel}")(self._to, value)
        return int(getattr(tflite, f"{operator.table}End")(self._to))
