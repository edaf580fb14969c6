"""Operators on floats between DequantizeLinear and QuantizeLinear, computed in integers as ONNX Runtime does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from golden.importers.onnx_file import Array, OnnxNode
from golden.importers.onnx_layout import Tensor
from golden.importers.onnx_linear import Weights, convolution, dense, global_average
from golden.importers.onnx_qlinear import gemm_weights, joined
from golden.importers.onnx_quantized import Awaiting, Input, QuantizedImport, Real, handles, used_once
from golden.importers.onnx_runtime import Function, Quantization, clip, leaky_relu, sigmoid, tanh

_INFINITY = np.float32(np.inf)


@handles("DequantizeLinear")
def _dequantize(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x, scale, zero_point = [*inputs, None][:3]
    if node.integer("block_size", 0):
        raise ValueError("blocks of scales are not supported")
    if isinstance(x, np.ndarray):
        if x.dtype == np.int32 and isinstance(scale, np.ndarray) and scale.dtype == np.float32:
            if zero_point is not None and (not isinstance(zero_point, np.ndarray) or zero_point.any()):
                raise ValueError("the zero point of an int32 bias must be 0")
            return Weights(x.astype(np.int64), scale, np.zeros(1, np.int64))
        axis = node.integer("axis", 1)
        return replace(importer.weights(x, scale, zero_point), axis=axis % max(1, x.ndim))
    q = importer.quantization(scale, zero_point, "its input")
    return Real((importer.typed(x, q, "its input"),), (q,))


@handles("QuantizeLinear")
def _quantize(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x, scale, zero_point = [*inputs, None][:3]
    if node.integer("block_size", 0):
        raise ValueError("blocks of scales are not supported")
    if zero_point is None and node.integer("output_dtype", 0) not in (0, 2):
        zero_point = np.zeros((), np.int8 if node.integer("output_dtype", 0) == 3 else np.int32)
    y = importer.quantization(scale, zero_point, "its result")
    if isinstance(x, np.ndarray):
        if x.dtype != np.float32:
            raise ValueError(f"it quantizes floats, not {x.dtype}")
        return y.quantize(x).astype(np.int8 if y.dtype.signed else np.uint8)
    if isinstance(x, Input):
        return _quantized_input(importer, x, y)
    if isinstance(x, Real):
        parts = [importer.requantized(part, xq, x.functions, y) for part, xq in zip(x.x, x.quantization, strict=True)]
        return parts[0] if len(parts) == 1 else importer.steps.encoded(joined(importer, parts, x.axis), y)
    if isinstance(x, Awaiting):
        if not _changes_nothing(x.functions, y):
            raise NotImplementedError(
                f"the Relu or Clip before it, behind {x.node.place}, is computed in floats by ONNX Runtime unless the "
                f"zero point makes it needless; put a QuantizeLinear and a DequantizeLinear before it"
            )
        return importer.steps.encoded(x.finish(y), y)
    raise ValueError("it quantizes floats, its input is integers already")


def _quantized_input(importer: QuantizedImport, x: Input, y: Quantization) -> Tensor:
    """The input of the graph, quantized once and moved as its floats are."""
    if x.name not in importer.quantized_inputs:
        shape = importer.file.inputs[x.name][1][1:]
        importer.quantized_inputs[x.name] = importer.new_input(x.name, shape, y.dtype), y
    tensor, q = importer.quantized_inputs[x.name]
    if q != y:
        raise ValueError(f"the input {x.name!r} is quantized in two ways, supported is one")
    importer.steps.encoded(tensor, y)
    for move in x.moves:
        tensor = move(tensor)
    return importer.steps.encoded(tensor, y)


def _changes_nothing(functions: tuple[Function, ...], y: Quantization) -> bool:
    """Whether rising functions that clip leave every quantized result as it is."""
    ends = np.array([-_INFINITY, _INFINITY], dtype=np.float32)
    real = y.dequantize(y.values)
    for function in functions:
        ends, real = function(ends), function(real)
    with np.errstate(invalid="ignore"):
        limits = y.quantize(ends)
    return list(limits) == [y.dtype.min, y.dtype.max] and np.array_equal(y.quantize(real), y.values)


@handles("Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu")
def _function(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    function = _function_of(node, inputs)
    x = inputs[0]
    if isinstance(x, Real):
        return replace(x, functions=(*x.functions, function))
    if isinstance(x, Awaiting):
        if node.op not in ("Relu", "Clip") or x.moved:
            raise ValueError(f"between {x.node.place} and it a QuantizeLinear and DequantizeLinear are needed")
        used_once(importer, node)
        return replace(x, functions=(*x.functions, function))
    raise ValueError("its input must be floats that stand for integers, by DequantizeLinear")


def _function_of(node: OnnxNode, inputs: list[Any]) -> Function:
    if node.op == "Relu":
        return clip(np.float32(0), _INFINITY)
    if node.op == "LeakyRelu":
        if (alpha := node.number("alpha", 0.01)) < 0:
            raise ValueError("a negative alpha is not supported")
        return leaky_relu(alpha)
    if node.op != "Clip":
        return sigmoid if node.op == "Sigmoid" else tanh
    limits = [node.number("min", -np.inf), node.number("max", np.inf)]
    for i, value in enumerate(inputs[1:3]):
        if value is not None:
            if not isinstance(value, np.ndarray) or value.size != 1:
                raise ValueError("its limits must be constants of one number")
            limits[i] = np.float32(value.ravel()[0])
    return clip(limits[0], limits[1])


def operand(value: Any, what: str = "its input") -> tuple[Tensor, Quantization]:
    """Floats that stand for integers, with nothing in between."""
    if not isinstance(value, Real) or value.functions or len(value.x) != 1:
        raise ValueError(
            f"{what} must come straight from a DequantizeLinear of integers: ONNX Runtime computes it in floats "
            "otherwise"
        )
    return value.x[0], value.quantization[0]


def same_type(xq: Quantization, y: Quantization) -> None:
    if xq.dtype != y.dtype:
        raise NotImplementedError(
            f"its input is {xq.dtype}, its result {y.dtype}: ONNX Runtime then computes in floats; supported is "
            "one type"
        )


def _weights(value: Any, axis: int, xq: Quantization) -> Weights:
    if not isinstance(value, Weights) or value.integers.ndim < 2:
        raise ValueError("its weights must be constant integers behind a DequantizeLinear")
    if xq.dtype.signed and value.dtype is not None and not value.dtype.signed:
        raise NotImplementedError(
            "its input is int8, its weights are uint8: ONNX Runtime then computes in floats; int8 weights are supported"
        )
    if value.scale.size > 1 and value.axis != axis:
        raise ValueError(f"its weights must have a scale per output, along axis {axis}, not along {value.axis}")
    return value


def _bias(value: Any, x_scale: np.float32, weights: Weights) -> Array | None:
    """A bias as integers in units of the accumulators: as in the file, or a float one as ONNX Runtime quantizes it."""
    if value is None:
        return None
    with np.errstate(all="ignore"):
        unit = np.asarray(x_scale * weights.scale.ravel(), dtype=np.float32)
        if isinstance(value, Weights):
            if not np.allclose(value.scale.ravel(), unit, rtol=1e-5, atol=0.0):
                raise ValueError("the scale of its bias must be that of its input times that of its weights")
            return value.integers.ravel()
        if isinstance(value, np.ndarray) and value.dtype == np.float32:
            return np.clip(np.rint(value.ravel() / unit), -(2.0**31), 2.0**31 - 1).astype(np.int64)
    raise ValueError("its bias must be constant")


@handles("Conv")
def _conv(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x, w, b = [*inputs, None][:3]
    tensor, xq = operand(x)
    weights = _weights(w, 0, xq)
    bias = _bias(b, xq.scale, weights)
    used_once(importer, node)

    def finish(y: Quantization) -> Tensor:
        same_type(xq, y)
        return convolution(importer.steps, node, tensor, xq, weights, bias, y)

    return Awaiting(node, finish)


@handles("Gemm", "MatMul")
def _gemm(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    a, b, c = [*inputs, None][:3]
    tensor, xq = operand(a, "its first input")
    transposed = node.op == "Gemm" and node.integer("transB", 0)
    weights = _weights(b, 0 if transposed else 1, xq)
    bias = _bias(c, xq.scale, weights)
    if node.op == "Gemm":
        weights = gemm_weights(node, weights)
        if bias is not None and node.number("beta", 1.0) != 1.0:
            raise ValueError("a beta other than 1 is not supported")
    scale = node.number("alpha", 1.0) * xq.scale if node.op == "Gemm" else xq.scale
    used_once(importer, node)

    def finish(y: Quantization) -> Tensor:
        same_type(xq, y)
        return dense(importer.steps, tensor, scale, xq.zero_point, weights, bias, y)

    return Awaiting(node, finish)


@handles("GlobalAveragePool")
def _global_average(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    tensor, xq = operand(inputs[0])
    used_once(importer, node)

    def finish(y: Quantization) -> Tensor:
        same_type(xq, y)
        return global_average(importer.steps, tensor, xq, y)

    return Awaiting(node, finish)
