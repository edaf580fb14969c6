"""Float ONNX operators as layers of a float network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from golden.importers.onnx_constants import axes_of
from golden.importers.onnx_file import Array, OnnxNode
from golden.importers.onnx_float import FloatImport, Layer, constant, handles, tensor
from golden.importers.onnx_layout import Order, Tensor, as_in_file, behind_batch, channels_last, renamed, same_order
from golden.importers.onnx_moves import MOVES, padding_of
from golden.importers.onnx_window import window_of
from golden.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    Multiply,
    Pad,
    ReLU6,
    Sigmoid,
    Tanh,
)
from golden.model import Linear, ReLU, SoftMax


@handles(*MOVES)
def _move(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    further = [] if node.op == "Dropout" else inputs[1:]
    if not all(isinstance(value, np.ndarray) for value in further):
        raise ValueError("its inputs behind the first one must be constants")
    return MOVES[node.op](node, tensor(inputs[0]), further, importer.steps, importer.file.batch)


@handles("Shape")
def _shape(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Array:
    whole = np.array((importer.file.batch, *tensor(inputs[0]).shape), dtype=np.int64)
    end = node.integer("end", 0) if "end" in node.attributes else None
    return whole[node.integer("start", 0) : end]


@handles("Conv")
def _conv(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x, weight = tensor(inputs[0]), constant(inputs[1], "its weights")
    bias = constant(inputs[2], "its bias") if len(inputs) > 2 and inputs[2] is not None else None
    if weight.ndim != len(x.shape) + 1:
        raise ValueError(f"its weights have {weight.ndim} dimensions, its input {len(x.shape) + 1}")
    window = window_of(node, x.shape[1:], tuple(int(size) for size in weight.shape[2:]))
    images = importer.steps.as_images(x)
    weight = weight.reshape(*weight.shape[:2], *window.kernel).transpose(0, 2, 3, 1)
    groups = node.integer("group", 1)
    layer = Conv2d.from_weights(weight, bias, window.stride, window.padding, window.dilation, groups)
    return importer.steps.from_images(importer.steps.add(layer, images.name), len(x.shape))


@handles("BatchNormalization")
def _batch_norm(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    if node.integer("training_mode", 0):
        raise ValueError("training_mode is not supported: export the model in evaluation mode")
    x = tensor(inputs[0])
    scale, bias, mean, variance = (constant(value, "its statistics") for value in inputs[1:5])
    x = importer.steps.arranged(x, channels_last(len(x.shape)))
    layer = BatchNorm2d(scale, bias, mean, variance, float(node.number("epsilon", 1e-5)))
    return renamed(x, importer.steps.add(layer, x.name))


def _linear(importer: FloatImport, x: Tensor, weight: Array, bias: Array) -> Tensor:
    """``weight`` is (outputs, inputs); over the last of several dimensions it is a convolution of one place."""
    steps, outputs = importer.steps, len(weight)
    if not x.shape or x.shape[-1] != weight.shape[1]:
        raise ValueError(f"its weights, {weight.shape[1]} inputs, do not fit its input, (batch, {x.shape})")
    plain = steps.arranged(x, as_in_file(len(x.shape)))
    shape = (*x.shape[:-1], outputs)
    if len(x.shape) == 1:
        return renamed(plain, steps.add(Linear.from_weights(weight, bias), plain.name), shape)
    if len(x.shape) > 3:
        raise ValueError(f"it takes at most 4 dimensions, not {len(x.shape) + 1}")
    images = plain.name if len(x.shape) == 3 else steps.add(steps.reshape((1, *x.shape)), plain.name)
    name = steps.add(Conv2d.from_weights(weight[:, None, None, :], bias), images)
    return renamed(plain, name if len(x.shape) == 3 else steps.add(steps.reshape(shape), name), shape)


@handles("Gemm")
def _gemm(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x, weight = tensor(inputs[0]), constant(inputs[1], "its weights")
    if node.integer("transA", 0):
        raise ValueError("transA is not supported: it would mix the samples of a batch")
    if weight.ndim != 2 or len(x.shape) != 1:
        raise ValueError("it takes one vector a sample, and weights of two dimensions")
    weight = weight if node.integer("transB", 0) else weight.T
    bias = constant(inputs[2], "its bias") if len(inputs) > 2 and inputs[2] is not None else np.zeros(1)
    if bias.size not in (1, len(weight)):
        raise ValueError(f"its bias must have one number an output, not shape {list(bias.shape)}")
    whole = np.broadcast_to(bias.ravel(), len(weight)) * float(node.number("beta", 1.0))
    return _linear(importer, x, weight * float(node.number("alpha", 1.0)), whole)


@handles("MatMul")
def _matmul(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x, weight = tensor(inputs[0], "its first input"), constant(inputs[1], "its second input")
    if weight.ndim != 2:
        raise ValueError(f"its weights must have two dimensions, not {weight.ndim}")
    return _linear(importer, x, weight.T, np.zeros(weight.shape[1]))


@handles("Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu")
def _function(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x = tensor(inputs[0])
    return renamed(x, importer.steps.add(_function_of(node, inputs), x.name))


def _function_of(node: OnnxNode, inputs: list[Any]) -> Layer:
    if node.op == "LeakyRelu":
        return LeakyReLU(float(node.number("alpha", 0.01)))
    if node.op != "Clip":
        layers: dict[str, Layer] = {"Relu": ReLU(), "Sigmoid": Sigmoid(), "Tanh": Tanh()}
        return layers[node.op]
    limits = [float(node.number("min", -np.inf)), float(node.number("max", np.inf))]
    for i, value in enumerate(inputs[1:3]):
        if value is not None:
            limits[i] = float(constant(value, "its limits").ravel()[0]) if np.size(value) == 1 else np.nan
    if limits == [0.0, 6.0]:
        return ReLU6()
    if limits[0] == 0.0 and limits[1] >= np.finfo(np.float32).max:
        return ReLU()
    raise ValueError(f"it clips to {limits}, supported are 0 to 6 and 0 to infinity")


@handles("MaxPool")
def _max_pool(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    if any(node.outputs[1:]):
        raise ValueError("its second output, the places of the maxima, is not supported")
    x = tensor(inputs[0])
    window = window_of(node, x.shape[1:])
    if window.dilation != (1, 1):
        raise ValueError("a MaxPool with dilations is not supported, only without")
    images = importer.steps.as_images(x)
    name = importer.steps.add(MaxPool2d(window.kernel, window.stride, window.padding), images.name)
    return importer.steps.from_images(name, len(x.shape))


@handles("AveragePool")
def _average_pool(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x = tensor(inputs[0])
    window = window_of(node, x.shape[1:], ceil=False)
    if window.dilation != (1, 1):
        raise ValueError("an AveragePool with dilations is not supported, only without")
    counted, ceil = bool(node.integer("count_include_pad", 0)), bool(node.integer("ceil_mode", 0))
    images = importer.steps.as_images(x)
    layer = AvgPool2d(window.kernel, window.stride, window.padding, counted, ceil)
    return importer.steps.from_images(importer.steps.add(layer, images.name), len(x.shape))


def _mean(importer: FloatImport, x: Tensor, left: int, keep: bool) -> Tensor:
    """The mean over all dimensions but ``left``."""
    others = [axis for axis in range(len(x.shape)) if axis != left]
    images = importer.steps.as_images(importer.steps.transposed(x, [0, left + 1, *(axis + 1 for axis in others)]))
    name = importer.steps.add(GlobalAvgPool2d(), images.name)
    flat = Tensor(name, (x.shape[left],), (0,))
    shape = tuple(size if axis == left else 1 for axis, size in enumerate(x.shape))
    return importer.steps.reshaped(flat, shape) if keep else flat


@handles("GlobalAveragePool")
def _global_average_pool(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    return _mean(importer, tensor(inputs[0]), 0, True)


@handles("ReduceMean")
def _reduce_mean(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x = tensor(inputs[0])
    if not all(isinstance(value, np.ndarray) for value in inputs[1:]):
        raise ValueError("its axes must be constant")
    axes = axes_of(node, inputs)
    gone = {behind_batch(axis, len(x.shape) + 1) for axis in axes or [0]}
    left = [axis for axis in range(len(x.shape)) if axis not in gone]
    if len(left) != 1:
        raise ValueError(f"a mean over the axes {axes} is not supported, only over all but the batch and one")
    return _mean(importer, x, left[0], bool(node.integer("keepdims", 1)))


@handles("Add", "Sub", "Mul", "Div")
def _binary(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    a, b = inputs
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if node.op in ("Sub", "Div"):
            raise ValueError("it is supported with a constant only")
        if len(a.shape) != len(b.shape):
            raise ValueError(
                "its inputs differ in their number of dimensions, so that the batch of one meets another's"
            )
        order = same_order([a, b])
        left, right = (importer.steps.arranged(x, order) for x in (a, b))
        name = importer.steps.add(Add() if node.op == "Add" else Multiply(), left.name, right.name)
        return Tensor(name, tuple(int(n) for n in np.broadcast_shapes(a.shape, b.shape)), order)
    x = tensor(a if isinstance(a, Tensor) else b)
    number = constant(b if isinstance(a, Tensor) else a, "its other input")
    if node.op == "Div":
        if x is b or not np.all(number):
            raise ValueError("only a division by constants that are not zero is supported")
        return _affine(importer, x, 1.0 / number, np.zeros_like(number))
    if node.op == "Mul":
        return _affine(importer, x, number, np.zeros_like(number))
    if node.op == "Sub":
        return _affine(importer, x, *((-np.ones_like(number), number) if x is b else (np.ones_like(number), -number)))
    return _affine(importer, x, np.ones_like(number), number)


def _affine(importer: FloatImport, x: Tensor, scale: Array, offset: Array) -> Tensor:
    """``scale * x + offset``, which differ along one dimension at most: a batch norm of mean 0 and variance 1."""
    rank = len(x.shape) + 1
    shape = ((1,) * (rank - scale.ndim) + scale.shape)[1:]
    if scale.ndim > rank or scale.size != int(np.prod(shape)) or not x.shape:
        raise ValueError(f"a constant of shape {list(scale.shape)} would change the batch")
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    if len(axes) > 1 or any(size not in (1, own) for size, own in zip(shape, x.shape, strict=True)):
        raise ValueError(
            f"a constant of shape {list(scale.shape)} must differ along one dimension of {x.shape} at most"
        )
    if axes:
        rest: Order = tuple(axis for axis in x.order if axis != axes[0])
        x = importer.steps.arranged(x, (*rest, axes[0]))
    channels = x.own_shape[-1]
    scale, offset = (np.broadcast_to(array.ravel(), channels) for array in (scale, offset))
    layer = BatchNorm2d(scale, offset, np.zeros(channels), np.ones(channels), eps=0.0)
    return renamed(x, importer.steps.add(layer, x.name))


@handles("Concat")
def _concat(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    tensors = [tensor(value, "each of its inputs") for value in inputs]
    if len({len(x.shape) for x in tensors}) > 1:
        raise ValueError("its inputs differ in their number of dimensions")
    axis = behind_batch(node.integer("axis", 1), len(tensors[0].shape) + 1)
    order = same_order(tensors)
    arranged = [importer.steps.arranged(x, order) for x in tensors]
    name = importer.steps.add(Concat(order.index(axis)), *(x.name for x in arranged))
    shape = list(tensors[0].shape)
    shape[axis] = sum(x.shape[axis] for x in tensors)
    return Tensor(name, tuple(shape), order)


@handles("Pad")
def _pad(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x = tensor(inputs[0])
    further = [np.zeros(0) if value is None else value for value in inputs[1:]]
    if not all(isinstance(value, np.ndarray) for value in further):
        raise ValueError("its inputs behind the first one must be constants")
    pairs, value = padding_of(node, x, further)
    layer = Pad(tuple(pairs[axis] for axis in x.order), 0.0 if value is None else float(value))
    shape = tuple(size + sum(pair) for size, pair in zip(x.shape, pairs, strict=True))
    return replace(renamed(x, importer.steps.add(layer, x.name)), shape=shape)


@handles("Softmax")
def _softmax(importer: FloatImport, node: OnnxNode, inputs: list[Any]) -> Tensor:
    x = tensor(inputs[0])
    old = importer.file.opset < 13
    axis = behind_batch(node.integer("axis", 1 if old else -1), len(x.shape) + 1)
    if old and len(x.shape) != 1:
        raise ValueError("before opset 13 it is supported on vectors only")
    x = importer.steps.arranged(x, (*(other for other in x.order if other != axis), axis))
    return renamed(x, importer.steps.add(SoftMax(), x.name))
