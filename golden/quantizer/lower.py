"""The integer ops of each layer: one function per class of layer. What is not here cannot be quantized."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from golden import layers, ops
from golden.encoding import Encoding
from golden.model import Linear, ReLU, SoftMax
from golden.quantizer.lowering import Lowering, Tensor
from golden.quantizer.scales import multipliers, on_one_shift
from golden.quantizer.stages import Stage
from golden.quantizer.tables import leaky_relu, sigmoid, table, tanh
from golden.quantizer.weights import IntegerWeights
from golden.types import FloatArray
from golden.window import NO_PADDING, Pair


@singledispatch
def lower(layer: Any, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """Adds the ops of ``stage``, the layer of which is ``layer``, to ``into``; the tensor of its result.

    Raises:
        ValueError: where the scales are beyond what the ops have.
    """
    raise AssertionError(f"{type(layer).__name__} should have been refused")


def supported() -> list[type]:
    """The classes that have a lowering."""
    return [kind for kind in lower.registry if kind is not object]


@lower.register
def _linear(layer: Linear, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    encoding = x[0].encoding
    mean = into.statistics[stage.inputs[0]].mean / encoding.scale
    integers = into.weights(stage, layer.weight * encoding.scale, encoding, lambda error: error @ mean)
    return _weighted(ops.Dense(integers.weight, integers.bias), integers, stage, x, into)


@lower.register
def _conv(layer: layers.Conv2d, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    source, mean = x[0], into.statistics[stage.inputs[0]].mean
    padding = layer.padding_of(_size(source))
    geometry = (layer.stride, padding, layer.dilation, layer.groups)

    def mean_error(error: FloatArray) -> FloatArray:
        weight = error.reshape(layer.weight.shape) / source.scale
        wrong = layers.Conv2d.from_weights(weight, None, *geometry)(mean[None])
        return np.asarray(wrong.mean(axis=(0, 1, 2)), dtype=np.float64)

    folded = layer.weight.reshape(layer.out_channels, -1) * source.scale
    integers = into.weights(stage, folded, source.encoding, mean_error)
    op = ops.Conv(integers.weight.reshape(layer.weight.shape), integers.bias, *geometry, source.zero_point)
    return _weighted(op, integers, stage, x, into)


def _weighted(op: ops.Op, integers: IntegerWeights, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """Accumulators, a ReLU on them, and back to few bits; a ReLU6 needs a limit there in any case."""
    encoding = Encoding(integers.step, np.asarray(0))
    y = into.add(op, x, encoding, stage.before)
    if isinstance(stage.activation, ReLU):
        y = into.add(ops.Relu(), (y,), encoding, stage.result)
        return into.requantized(y, stage, None)
    return into.requantized(y, stage, stage.activation)


@lower.register
def _add(layer: layers.Add, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """``y = rnd((a - za) * ma + (b - zb) * mb, s) + z``: exact products on a common shift, rounded once."""
    a, b = x
    dtype, encoding = into.result_type(stage), into.encoding_of(stage, max(a.scale, b.scale))
    ratio = np.asarray([a.scale, b.scale]) / encoding.scale
    (ma, mb), shift = on_one_shift(ratio)
    clamp = into.clamp(stage.activation, encoding, dtype)
    op = ops.Add(
        x_zero_points=(a.zero_point, b.zero_point),
        x_multipliers=(ma, mb),
        x_shifts=(0, 0),
        left_shift=0,
        multiplier=1,
        shift=shift,
        zero_point=int(encoding.zero_point),
        dtype=dtype,
        clamp=clamp,
    )
    return into.add(op, x, encoding, stage.result)


@lower.register
def _multiply(layer: layers.Multiply, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    a, b = x
    dtype, encoding = into.result_type(stage), into.encoding_of(stage, a.scale * b.scale)
    multiplier, shift = multipliers(np.asarray(a.scale * b.scale) / encoding.scale, into.settings.power_of_two)
    op = ops.Multiply(
        x_zero_points=(a.zero_point, b.zero_point),
        multiplier=int(multiplier),
        shift=int(shift),
        zero_point=int(encoding.zero_point),
        dtype=dtype,
        clamp=into.clamp(stage.activation, encoding, dtype),
    )
    return into.add(op, x, encoding, stage.result)


@lower.register
def _concat(layer: layers.Concat, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """Inputs that have another encoding than the result are requantized first."""
    dtype, encoding = into.result_type(stage), into.encoding_of(stage, max(tensor.scale for tensor in x))
    alike = []
    for tensor, origin in zip(x, stage.inputs, strict=True):
        if tensor.encoding != encoding:
            multiplier, shift = multipliers(tensor.encoding.scale / encoding.scale, into.settings.power_of_two)
            op = ops.Requantize(multiplier, shift, int(encoding.zero_point), dtype, x_zero_point=tensor.zero_point)
            tensor = into.add(op, (tensor,), encoding, origin)
        alike.append(tensor)
    rank = len(x[0].type.shape)
    return into.add(ops.Concat(layer.axis % rank), alike, encoding, stage.result)


@lower.register
def _max_pool(layer: layers.MaxPool2d, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    op = ops.MaxPool(layer.kernel_size, layer.stride, layer.padding_of(_size(x[0])))
    return into.add(op, x, x[0].encoding, stage.result)


@lower.register
def _avg_pool(layer: layers.AvgPool2d, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """Zeros that count as elements are put there first: the padding of the op does not count."""
    (source,) = x
    counted, around = layer.paddings_of(_size(source))
    if counted != NO_PADDING:
        source = into.add(ops.Pad((*counted, (0, 0)), source.zero_point), x, source.encoding)
    op = ops.AveragePool(layer.kernel_size, layer.stride, around)
    return into.add(op, (source,), source.encoding, stage.result)


@lower.register
def _global_avg_pool(layer: layers.GlobalAvgPool2d, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """A sum, and the division by the number of its terms in the multiplier behind it."""
    (source,) = x
    rows, columns = _size(source)
    terms = rows * columns
    encoding = Encoding(source.encoding.scale / terms, source.encoding.zero_point * terms)
    total = into.add(ops.Sum((0, 1), layer.keep), x, encoding, stage.before)
    return into.requantized(total, stage, stage.activation)


@lower.register(ReLU)
@lower.register(layers.ReLU6)
def _activation(layer: ReLU | layers.ReLU6, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """One that could not be joined to what it follows: a limit, in the encoding of its input."""
    (source,) = x
    dtype = source.type.dtype
    low, high = source.zero_point, source.stands_for(6.0) if isinstance(layer, layers.ReLU6) else dtype.max
    if (low, high) == (dtype.min, dtype.max):
        return source
    return into.add(ops.Clamp(low, high), x, source.encoding, stage.result)


@lower.register
def _sigmoid(layer: layers.Sigmoid, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    return _lookup(sigmoid, stage, x, into)


@lower.register
def _tanh(layer: layers.Tanh, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    return _lookup(tanh, stage, x, into)


@lower.register
def _leaky_relu(layer: layers.LeakyReLU, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    return _lookup(leaky_relu(layer.slope), stage, x, into)


def _lookup(function: Any, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    (source,) = x
    dtype, encoding = into.result_type(stage), into.encoding_of(stage, source.scale)
    entries = table(function, source.type.dtype, source.encoding, dtype, encoding)
    return into.add(ops.Lookup(entries, source.type.dtype.min, dtype), x, encoding, stage.result)


@lower.register(layers.Flatten)
@lower.register(layers.Reshape)
def _reshape(layer: Any, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    (source,) = x
    shape = layer.shape if isinstance(layer, layers.Reshape) else (source.type.size,)
    if shape == source.type.shape:
        return source
    return into.add(ops.Reshape(shape), x, source.encoding, stage.result)


@lower.register
def _transpose(layer: layers.Transpose, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    return into.add(ops.Transpose(layer.permutation), x, x[0].encoding, stage.result)


@lower.register
def _pad(layer: layers.Pad, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    return into.add(ops.Pad(layer.padding, x[0].stands_for(layer.value)), x, x[0].encoding, stage.result)


@lower.register
def _softmax(layer: SoftMax, stage: Stage, x: tuple[Tensor, ...], into: Lowering) -> Tensor:
    """The index of the largest is the same before and after the exponential."""
    return into.add(ops.Argmax(), x, None, stage.result)


def _size(x: Tensor) -> Pair:
    return x.type.shape[0], x.type.shape[1]
