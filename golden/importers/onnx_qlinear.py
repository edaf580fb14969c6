"""Operators on integers: the QLinear family, and those that only move or compare elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from golden.importers.onnx_file import Array, OnnxNode
from golden.importers.onnx_layout import Order, Tensor, behind_batch, same_order
from golden.importers.onnx_linear import Weights, convolution, dense, global_average, max_pool
from golden.importers.onnx_moves import MOVES, padding_of, parts_of, split_sizes
from golden.importers.onnx_quantized import Awaiting, Input, QuantizedImport, Real, handles, used_once
from golden.importers.onnx_runtime import leaky_relu, sigmoid
from golden.ops import Argmax, Concat, Pad, Reshape, Slice

MICROSOFT = "com.microsoft."


def moved(made: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """``change`` of the elements' places, whatever the elements are."""
    if isinstance(made, Tensor):
        return change(made)
    if isinstance(made, Real) and len(made.x) == 1:
        return replace(made, x=(change(made.x[0]),))
    if isinstance(made, Input):
        return replace(made, moves=(*made.moves, change))
    if isinstance(made, Awaiting):
        return replace(made, finish=lambda y: change(made.finish(y)), moved=True)
    raise ValueError("its input must be integers, or floats that stand for integers")


def constants_of(values: Sequence[Any]) -> list[Array]:
    """``values``, all of which must be constant."""
    present = [np.zeros(0) if value is None else value for value in values]
    if not all(isinstance(value, np.ndarray) for value in present):
        raise ValueError("its inputs behind the first one must be constants")
    return present


@handles(*MOVES)
def _move(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    constants = [] if node.op == "Dropout" else constants_of(inputs[1:])
    if isinstance(inputs[0], Awaiting):
        if node.op == "Flatten":
            raise ValueError("without a QuantizeLinear before it ONNX Runtime computes in floats; Reshape is supported")
        used_once(importer, node)
    steps, batch, move = importer.steps, importer.file.batch, MOVES[node.op]
    return moved(inputs[0], lambda x: move(node, x, constants, steps, batch))


@handles("Slice")
def _slice(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    constants = constants_of(inputs[1:])
    return moved(inputs[0], lambda x: sliced(importer, x, parts_of(node, x, constants)))


def sliced(importer: QuantizedImport, x: Tensor, parts: Sequence[range]) -> Tensor:
    """``parts`` of each dimension of ``x``, in ONNX's order."""
    shape = tuple(len(part) for part in parts)
    if shape == x.shape:
        return x
    own = [parts[axis] for axis in x.order]
    op = Slice(tuple(part.start for part in own), tuple(map(len, own)), tuple(part.step for part in own))
    return Tensor(importer.steps.add(op, x.name), shape, x.order)


@handles("Split")
def _split(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    constants, results, start = constants_of(inputs[1:]), [], 0
    x = inputs[0].x[0] if isinstance(inputs[0], Real) and len(inputs[0].x) == 1 else inputs[0]
    if not isinstance(x, Tensor):
        raise ValueError("its input must be integers, or floats that stand for integers")
    axis = behind_batch(node.integer("axis", 0), len(x.shape) + 1)
    for count in split_sizes(node, x.shape[axis], constants):
        parts = [range(size) for size in x.shape]
        parts[axis] = range(start, start + count)
        start += count
        part = sliced(importer, x, parts)
        results.append(part if isinstance(inputs[0], Tensor) else replace(inputs[0], x=(part,)))
    return tuple(results)


@handles("Pad")
def _pad(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    constants = constants_of(inputs[1:])

    def change(x: Tensor) -> Tensor:
        pairs, value = padding_of(node, x, constants)
        number = 0 if value is None else value
        if isinstance(inputs[0], Real):
            if inputs[0].functions:
                raise ValueError("a Pad between other operators and QuantizeLinear is not supported")
            q = inputs[0].quantization[0]
            exact = np.flatnonzero(q.dequantize(q.values) == np.float32(number))
            if not len(exact):
                raise ValueError(f"it pads with {number}, which no integer of its input stands for")
            number = q.values[exact[0]]
        own = tuple(pairs[axis] for axis in x.order)
        shape = tuple(size + sum(pair) for size, pair in zip(x.shape, pairs, strict=True))
        return Tensor(importer.steps.add(Pad(own, int(number)), x.name), shape, x.order)

    if not isinstance(inputs[0], Tensor | Real):
        raise ValueError("its input must be integers, or floats that stand for integers")
    return moved(inputs[0], change)


@handles("MaxPool")
def _max_pool(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    # The functions between DequantizeLinear and QuantizeLinear all rise: the largest stays the largest.
    if not isinstance(inputs[0], Tensor | Real):
        raise ValueError("its input must be integers, or floats that stand for integers")
    return moved(inputs[0], lambda x: max_pool(importer.steps, node, x))


@handles("ArgMax")
def _argmax(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x = inputs[0]
    if isinstance(x, Real) and len(x.x) == 1 and not x.functions:
        x = x.x[0]
    if not isinstance(x, Tensor):
        raise ValueError("its input must be integers, or DequantizeLinear of integers")
    if node.integer("select_last_index", 0):
        raise ValueError("select_last_index is not supported, the first maximum has to win")
    axis = behind_batch(node.integer("axis", 0), len(x.shape) + 1)
    order = (*(i for i in x.order if i != axis), axis)
    plain = importer.steps.arranged(x, order)
    name = importer.steps.add(Argmax(), plain.name)
    if node.integer("keepdims", 1):
        name = importer.steps.add(Reshape((*plain.own_shape[:-1], 1)), name)
        return Tensor(name, tuple(1 if i == axis else size for i, size in enumerate(x.shape)), order)
    shape = tuple(size for i, size in enumerate(x.shape) if i != axis)
    return Tensor(name, shape, tuple(i - (i > axis) for i in order[:-1]))


def joined(importer: QuantizedImport, tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors of one type side by side along ONNX's ``axis``, counted behind the batch."""
    order: Order = same_order(tensors)
    if len({len(x.shape) for x in tensors}) > 1:
        raise ValueError("its inputs differ in their number of dimensions")
    arranged = [importer.steps.arranged(x, order) for x in tensors]
    name = importer.steps.add(Concat(order.index(axis)), *(x.name for x in arranged))
    shape = list(tensors[0].shape)
    shape[axis] = sum(x.shape[axis] for x in tensors)
    return Tensor(name, tuple(shape), order)


@handles("Concat")
def _concat(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    if tensors and len(tensors) == len(inputs):
        return joined(importer, tensors, behind_batch(node.integer("axis", 1), len(tensors[0].shape) + 1))
    reals = [value for value in inputs if isinstance(value, Real) and not value.functions and len(value.x) == 1]
    if not reals or len(reals) != len(inputs):
        raise ValueError("its inputs must all be integers, or all DequantizeLinear of integers")
    axis = behind_batch(node.integer("axis", 1), len(reals[0].x[0].shape) + 1)
    return Real(tuple(real.x[0] for real in reals), tuple(real.quantization[0] for real in reals), (), axis)


@handles(f"{MICROSOFT}QLinearConcat")
def _qlinear_concat(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    if len(inputs) < 5 or len(inputs) % 3 != 2:
        raise ValueError("it needs a scale and zero point for its result and for each input")
    y = importer.quantization(inputs[0], inputs[1], "its result")
    parts = []
    for i in range(2, len(inputs), 3):
        xq = importer.quantization(inputs[i + 1], inputs[i + 2], "an input")
        x = importer.typed(inputs[i], xq, "an input")
        parts.append(importer.requantized(x, xq, (), y))
    axis = behind_batch(node.integer("axis", 1), len(parts[0].shape) + 1)
    return importer.steps.encoded(joined(importer, parts, axis), y)


def _expect(inputs: list[Any], low: int, high: int) -> list[Any]:
    if not low <= len(inputs) <= high:
        raise ValueError(f"it needs {low} to {high} inputs, not {len(inputs)}")
    return inputs + [None] * (high - len(inputs))


@handles("QLinearConv")
def _qlinear_conv(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias = _expect(inputs, 8, 9)
    xq = importer.quantization(x_scale, x_zero, "its input")
    y = importer.quantization(y_scale, y_zero, "its result")
    weights = importer.weights(w, w_scale, w_zero)
    made = convolution(importer.steps, node, importer.typed(x, xq, "its input"), xq, weights, importer.bias(bias), y)
    return importer.steps.encoded(made, y)


@handles("QLinearMatMul", f"{MICROSOFT}QLinearMatMul")
def _qlinear_matmul(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = _expect(inputs, 8, 8)
    xq = importer.quantization(a_scale, a_zero, "its input")
    y = importer.quantization(y_scale, y_zero, "its result")
    weights = importer.weights(b, b_scale, b_zero)
    x = importer.typed(a, xq, "its first input")
    return importer.steps.encoded(dense(importer.steps, x, xq.scale, xq.zero_point, weights, None, y), y)


def gemm_weights(node: OnnxNode, weights: Weights) -> Weights:
    """The weights of a Gemm, (inputs, outputs)."""
    if node.integer("transA", 0):
        raise ValueError("transA is not supported: it would mix the samples of a batch")
    if weights.integers.ndim != 2:
        raise ValueError(f"its weights must have two dimensions, not {weights.integers.ndim}")
    return replace(weights, integers=weights.integers.T) if node.integer("transB", 0) else weights


@handles(f"{MICROSOFT}QGemm")
def _qgemm(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero = _expect(inputs, 6, 9)
    if y_scale is None or y_zero is None:
        raise ValueError("its result is floats without y_scale and y_zero_point, supported are integers")
    xq = importer.quantization(a_scale, a_zero, "its input")
    y = importer.quantization(y_scale, y_zero, "its result")
    weights = gemm_weights(node, importer.weights(b, b_scale, b_zero))
    x = importer.typed(a, xq, "its first input")
    scale = node.number("alpha", 1.0) * xq.scale
    made = dense(importer.steps, x, scale, xq.zero_point, weights, importer.bias(c), y)
    return importer.steps.encoded(made, y)


@handles(f"{MICROSOFT}QLinearGlobalAveragePool")
def _qlinear_global_average(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x, x_scale, x_zero, y_scale, y_zero = _expect(inputs, 5, 5)
    if node.integer("channels_last", 0):
        raise ValueError("channels_last is not supported, only ONNX's own order of dimensions")
    xq = importer.quantization(x_scale, x_zero, "its input")
    y = importer.quantization(y_scale, y_zero, "its result")
    return importer.steps.encoded(global_average(importer.steps, importer.typed(x, xq, "its input"), xq, y), y)


@handles(f"{MICROSOFT}QLinearSigmoid", f"{MICROSOFT}QLinearLeakyRelu")
def _qlinear_table(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    x, x_scale, x_zero, y_scale, y_zero = _expect(inputs, 4, 5)
    xq = importer.quantization(x_scale, x_zero, "its input")
    y = importer.quantization(y_scale, y_zero, "its result")
    function = sigmoid if node.op.endswith("Sigmoid") else leaky_relu(node.number("alpha", 0.01))
    return importer.requantized(importer.typed(x, xq, "its input"), xq, (function,), y)
