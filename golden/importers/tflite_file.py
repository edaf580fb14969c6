"""TensorFlow Lite's file format: a flatbuffer read into plain values, distrusting every number in it.

The parser is PyPI ``tflite``. It follows offsets wherever they lead, so everything that it reads is read here, at once,
inside of ``reading``; whoever comes later sees tuples, numbers and arrays that have been checked against the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

IDENTIFIER = b"TFL3"
MAX_RANK = 8
MAX_ELEMENTS = 1 << 28
"""Of one tensor: more is damage, not a network for a chip."""
NO_TENSOR = -1
"""In an operator's inputs: an optional tensor that is not there."""

_READINGS = 16
"""How often an honest file's bytes are read at most, on average: writers share strings and vectors, but not more."""
_PIECE = 32
"""Bytes that are taken as the least cost of reading a tensor, an operator, or a field."""

_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "ARG_MAX": ("ArgMaxOptions", ()),
    "GATHER": ("GatherOptions", ("Axis", "BatchDims")),
    "AVERAGE_POOL_2D": (
        "Pool2DOptions",
        ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", "FusedActivationFunction"),
    ),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "CONV_2D": (
        "Conv2DOptions",
        ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "FusedActivationFunction"),
    ),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        (
            "Padding",
            "StrideH",
            "StrideW",
            "DepthMultiplier",
            "DilationHFactor",
            "DilationWFactor",
            "FusedActivationFunction",
        ),
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions", ("FusedActivationFunction", "WeightsFormat")),
    "LEAKY_RELU": ("LeakyReluOptions", ("Alpha",)),
    "MAX_POOL_2D": (
        "Pool2DOptions",
        ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", "FusedActivationFunction"),
    ),
    "MEAN": ("ReducerOptions", ("KeepDims",)),
    "MUL": ("MulOptions", ("FusedActivationFunction",)),
    "PACK": ("PackOptions", ("Axis", "ValuesCount")),
    "RESHAPE": ("ReshapeOptions", ("NewShapeAsNumpy",)),
    "SOFTMAX": ("SoftmaxOptions", ("Beta",)),
    "SQUEEZE": ("SqueezeOptions", ("SqueezeDimsAsNumpy",)),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset"),
    ),
    "SUB": ("SubOptions", ("FusedActivationFunction",)),
    "SUM": ("ReducerOptions", ("KeepDims",)),
    "UNPACK": ("UnpackOptions", ("Axis", "Num")),
}
"""By operator: the table of its options, and those of its fields that matter."""


@dataclass(frozen=True)
class FileTensor:
    """A tensor of the file: ``real = scale * (integer - zero_point)``, its shape with the batch in front.

    ``data`` are the bytes of a constant, None for a tensor that an operator makes or that is put in. There may be no
    scales, one, or one for each place along ``axis``.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    type: str
    scales: npt.NDArray[np.float32] = field(repr=False)
    zero_points: npt.NDArray[np.int64] = field(repr=False)
    axis: int
    data: npt.NDArray[np.uint8] | None = field(repr=False)
    sparse: bool = False
    variable: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    def values(self, *types: str) -> npt.NDArray[Any]:
        """The elements of a constant of one of ``types``, in its shape.

        Raises:
            ValueError: where it is not constant, has another type, or its buffer has another size.
        """
        if self.type not in types:
            raise ValueError(f"the tensor {self.name!r} must be {' or '.join(types)}, not {self.type}")
        if self.data is None:
            raise ValueError(f"the tensor {self.name!r} must be constant, it is computed")
        if self.sparse or self.variable:
            kind = "sparse" if self.sparse else "a variable"
            raise ValueError(f"the tensor {self.name!r} must be constant and dense, it is {kind}")
        dtype = np.dtype(_NUMPY[self.type])
        if min(self.shape, default=1) < 0 or self.size * dtype.itemsize != self.data.size:
            raise ValueError(
                f"the constant {self.name!r} of shape {self.shape} and type {self.type} needs "
                f"{self.size * dtype.itemsize} bytes, its buffer has {self.data.size}"
            )
        return self.data.view(dtype).reshape(self.shape)


_NUMPY = {"INT8": "<i1", "INT32": "<i4", "INT64": "<i8", "FLOAT32": "<f4", "UINT8": "<u1", "INT16": "<i2"}


@dataclass(frozen=True)
class FileOperator:
    """An operator of the file: indices of tensors, and its options by name, None where the file has none."""

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] | None


@dataclass(frozen=True)
class TFLiteFile:
    """What is in a file: its one subgraph's tensors, operators in order of execution, inputs and outputs."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_tflite(path: Path) -> TFLiteFile:
    """The contents of a file, in which all indices are known to be good, and every tensor is made before it is read.

    Raises:
        ModuleNotFoundError: without the parser.
        FileNotFoundError, IsADirectoryError: where there is no such file.
        ValueError: for a damaged file, one of another kind, and one of several subgraphs.
    """
    try:
        import tflite
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("reading TensorFlow Lite files needs its parser: pip install tflite") from error
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder, expected is a TensorFlow Lite file")
    if not path.exists():
        raise FileNotFoundError(f"there is no TensorFlow Lite file {str(path)!r}")
    content = path.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise ValueError(f"it is not a TensorFlow Lite file, or a truncated one: byte 4 must start {IDENTIFIER!r}")
    with reading():
        file = _Reader(tflite, content).read()
    _check_order(file)
    return file


@contextmanager
def reading() -> Iterator[None]:
    """Whatever the parser stumbles over in a damaged file becomes a ValueError."""
    try:
        yield
    except (struct.error, IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
        raise ValueError(f"the file is damaged: {type(error).__name__} {error}") from error


class _Reader:
    """Reads one file. Offsets that point at the same bytes again and again are stopped by a budget of bytes."""

    def __init__(self, tflite: Any, content: bytes) -> None:
        self._tflite = tflite
        self._content = content
        self._budget = _READINGS * len(content)
        self._types = _names(tflite.TensorType)
        self._kinds = _names(tflite.BuiltinOperator)
        self._option_tables = {name: number for number, name in _names(tflite.BuiltinOptions).items()}

    def read(self) -> TFLiteFile:
        model = self._tflite.Model.GetRootAs(self._content, 0)
        if model.SubgraphsLength() != 1:
            raise ValueError(f"a network must be one subgraph, this file has {model.SubgraphsLength()}")
        subgraph = model.Subgraphs(0)
        tensors = tuple(self._tensor(model, subgraph.Tensors(i), i) for i in range(subgraph.TensorsLength()))
        codes = [self._kind(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
        operators = tuple(
            self._operator(subgraph.Operators(i), i, codes, len(tensors)) for i in range(subgraph.OperatorsLength())
        )
        inputs, outputs = (
            _indices(self._vector(vector), len(tensors), f"the network's {what}")
            for vector, what in ((subgraph.InputsAsNumpy, "inputs"), (subgraph.OutputsAsNumpy, "outputs"))
        )
        if not inputs or not outputs or not operators:
            raise ValueError(
                f"a network needs inputs, operators and outputs, this file has {len(inputs)}, {len(operators)} and "
                f"{len(outputs)}"
            )
        return TFLiteFile(tensors, operators, inputs, outputs)

    def _pay(self, size: int) -> None:
        self._budget -= size + _PIECE
        if self._budget < 0:
            raise ValueError("the file is damaged: its parts overlap")

    def _vector(self, read: Callable[[], Any]) -> npt.NDArray[Any]:
        """What the parser gives for a vector: an array that lies in the file, or 0 where there is none."""
        try:
            vector = read()
        except ValueError as error:
            raise ValueError(f"the file is damaged or truncated: a vector of numbers leaves it ({error})") from error
        array = np.zeros(0, dtype=np.int64) if isinstance(vector, int) else np.asarray(vector)
        self._pay(array.nbytes)
        return array

    def _text(self, text: bytes | None) -> str:
        self._pay(len(text or b""))
        return (text or b"").decode(errors="replace")

    def _kind(self, code: Any) -> str:
        self._pay(0)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self._kinds.get(number, f"operator code {number}")
        return f"CUSTOM {self._text(code.CustomCode())!r}" if kind == "CUSTOM" else kind

    def _tensor(self, model: Any, tensor: Any, index: int) -> FileTensor:
        name = self._text(tensor.Name())
        shape, signature = (self._vector(v) for v in (tensor.ShapeAsNumpy, tensor.ShapeSignatureAsNumpy))
        if max(shape.size, signature.size) > MAX_RANK:
            raise ValueError(f"the tensor {name!r} has {shape.size} dimensions, there are at most {MAX_RANK}")
        quantization = tensor.Quantization()
        scales, zero_points, axis = np.zeros(0), np.zeros(0), 0
        if quantization is not None:
            scales = self._vector(quantization.ScaleAsNumpy)
            zero_points = self._vector(quantization.ZeroPointAsNumpy)
            axis = quantization.QuantizedDimension()
        if tensor.Buffer() >= model.BuffersLength():
            raise ValueError(f"the tensor {name!r} is in buffer {tensor.Buffer()} of {model.BuffersLength()}")
        buffer = model.Buffers(tensor.Buffer())
        data = self._data(buffer)
        if prod(abs(d) for d in shape.tolist()) > MAX_ELEMENTS:
            raise ValueError(f"the tensor {name!r} has an absurd shape, {tuple(shape.tolist())}")
        return FileTensor(
            index=index,
            name=name,
            shape=tuple(shape.tolist()),
            signature=tuple(signature.tolist()),
            type=self._types.get(tensor.Type(), f"type {tensor.Type()}"),
            scales=scales.astype(np.float32),
            zero_points=zero_points.astype(np.int64),
            axis=axis,
            data=data,
            sparse=tensor.Sparsity() is not None,
            variable=bool(tensor.IsVariable()),
        )

    def _data(self, buffer: Any) -> npt.NDArray[np.uint8] | None:
        """A view of the file; large files keep their buffers behind the flatbuffer. Empty ones are no constants."""
        offset, size = buffer.Offset(), buffer.Size()
        if offset > 1:
            if offset + size > len(self._content):
                raise ValueError(f"a buffer lies at {offset}..{offset + size}, the file ends at {len(self._content)}")
            return np.frombuffer(self._content, np.uint8, size, offset) if size else None
        return self._vector(buffer.DataAsNumpy) if buffer.DataLength() else None

    def _operator(self, operator: Any, index: int, codes: list[str], tensors: int) -> FileOperator:
        if operator.OpcodeIndex() >= len(codes):
            raise ValueError(f"operator {index} has the code {operator.OpcodeIndex()} of {len(codes)}")
        kind = codes[operator.OpcodeIndex()]
        inputs, outputs = self._vector(operator.InputsAsNumpy), self._vector(operator.OutputsAsNumpy)
        return FileOperator(
            index=index,
            kind=kind,
            inputs=_indices(inputs, tensors, f"operator {index}'s inputs", optional=True),
            outputs=_indices(outputs, tensors, f"operator {index}'s outputs"),
            options=self._options(operator, kind, index),
        )

    def _options(self, operator: Any, kind: str, index: int) -> Mapping[str, Any] | None:
        table, fields = _OPTIONS.get(kind, ("", ()))
        number = operator.BuiltinOptionsType()
        if not table or number == 0:
            return None
        if number != self._option_tables[table]:
            raise ValueError(f"the options of operator {index}, {kind}, must be {table}, not those of number {number}")
        union = operator.BuiltinOptions()
        if union is None:
            return None
        options = getattr(self._tflite, table)()
        options.Init(union.Bytes, union.Pos)
        values = {}
        for name in fields:
            read = getattr(options, name)
            if name.endswith("AsNumpy"):
                values[name.removesuffix("AsNumpy")] = tuple(self._vector(read).tolist())
            else:
                values[name] = read()
        return values


def _names(enumeration: Any) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}


def _indices(vector: npt.NDArray[Any], tensors: int, what: str, optional: bool = False) -> tuple[int, ...]:
    low = NO_TENSOR if optional else 0
    if vector.size and not low <= vector.min() <= vector.max() < tensors:
        raise ValueError(f"{what} must be among the {tensors} tensors, not {vector.tolist()[:8]}")
    return tuple(vector.tolist())


def _check_order(file: TFLiteFile) -> None:
    """Raises ValueError unless every tensor is made once, and before it is read."""
    known = {tensor.index for tensor in file.tensors if tensor.data is not None}
    for index in file.inputs:
        if index in known:
            raise ValueError(f"the network's input {file.tensors[index].name!r} is a constant, or put in twice")
        known.add(index)
    for operator in file.operators:
        what = f"operator {operator.index}, {operator.kind},"
        unknown = [i for i in operator.inputs if i not in known and i != NO_TENSOR]
        if unknown:
            raise ValueError(f"{what} reads the tensor {file.tensors[unknown[0]].name!r} before it is made")
        for index in operator.outputs:
            if index in known:
                raise ValueError(f"{what} makes the tensor {file.tensors[index].name!r}, which is there already")
            known.add(index)
    missing = [i for i in file.outputs if i not in known]
    if missing:
        raise ValueError(f"the network's output {file.tensors[missing[0]].name!r} is made by no operator")
