"""Operators that are sums of products: convolutions, fully connected layers, means; and how their sums are scaled.

The reference's accumulators have 32 bits and wrap around. Where a sum could leave them, a ``Wrap`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from golden.arithmetic import TFLITE_MULTIPLIER_BITS, scaled_interval, tflite_scale
from golden.importers.tflite_activations import fused_limits
from golden.importers.tflite_file import FileTensor
from golden.importers.tflite_float32 import check_zero_point
from golden.importers.tflite_layer import S8, Layer, Value, check_quantization, graph_shape
from golden.ops import Conv, Dense, Requantize, Reshape, Sum, Wrap
from golden.types import IntArray, IntType
from golden.window import NO_PADDING, Padding, Pair, out_shape, same_padding

S32 = IntType(32, True)
_SAME, _VALID = 0, 1
_MAX_WINDOW = 1 << 12
"""Rows and columns: padding to more is damage, and would fill the memory."""


def conv_2d(layer: Layer) -> None:
    """CONV_2D, filters of shape (outputs, rows, columns, channels of a group)."""
    layer.count((2, 3))
    x, filters = layer.value(), layer.tensor(1)
    weight = _filters(layer, 4)
    _image(x)
    if x.type.inner % weight.shape[3]:
        raise ValueError(f"filters {weight.shape} do not divide the channels of the input {x.file.shape}")
    _weighted_window(layer, x, filters, weight, x.type.inner // weight.shape[3])


def depthwise_conv_2d(layer: Layer) -> None:
    """DEPTHWISE_CONV_2D, filters of shape (1, rows, columns, channels * depth multiplier)."""
    layer.count((2, 3))
    x, filters = layer.value(), layer.tensor(1)
    weight = _filters(layer, 4)
    _image(x)
    if weight.shape[0] != 1 or weight.shape[3] % x.type.inner:
        raise ValueError(f"filters {weight.shape} do not fit the channels of the input {x.file.shape}")
    # TensorFlow Lite takes it from the shapes, TensorFlow Lite Micro from the option: only where they agree it is one.
    if layer.options["DepthMultiplier"] * x.type.inner != weight.shape[3]:
        raise ValueError(f"its depth multiplier {layer.options['DepthMultiplier']} does not fit filters {weight.shape}")
    _weighted_window(layer, x, filters, weight.transpose(3, 1, 2, 0), x.type.inner)


def fully_connected(layer: Layer) -> None:
    """FULLY_CONNECTED: the input's elements in rows of as many as the weights, (outputs, inputs), have inputs.

    The rows are in the dimensions that the output has, be they those of the input or not.
    """
    layer.count((2, 3))
    x, filters, out = layer.value(), layer.tensor(1), layer.output()
    if layer.options["WeightsFormat"] != 0:
        raise NotImplementedError("its weights are shuffled, supported is the default format")
    weight = _filters(layer, 2)
    outputs, inputs = weight.shape
    if x.type.size % inputs:
        raise ValueError(f"weights of {inputs} inputs do not fit {x.file.shape}")
    bias = _bias(layer, outputs)
    if filters.scales.size == 1:
        _check_bias_scale(layer, x, filters, out)
        # The zero point of per-tensor weights is honoured by the reference, that of a channel is not.
        weight = weight - filters.zero_points[0]
    elif filters.axis != 0 or np.any(filters.zero_points):
        raise ValueError(f"the weights {filters.name!r} must have a scale per output, and zero points of 0")
    rows, shape = x.type.size // inputs, graph_shape(out)
    kept = shape[:-1] if prod(shape[:-1]) == rows else (rows,) if rows > 1 else ()
    source = x.name
    if x.type.shape != (*kept, inputs):
        source = layer.step("flat", Reshape((*kept, inputs)), x.name)
    whole = [*(abs(d) for d in out.shape[:-1]), outputs]
    _scaled(layer, lambda w, b: Dense(w, b), weight, bias, x, source, filters, whole)


def mean(layer: Layer) -> None:
    """MEAN: the sum over some dimensions; its multiplier is divided by their number, as an integer, rounded down."""
    layer.refuse_float32("XNNPACK adds the zero point before it rounds, so that ties go elsewhere")
    x, total, terms, out, whole = _reduced(layer)
    multiplier, shift = tflite_scale(x.scale / float(out.scales[0]))
    exponent = TFLITE_MULTIPLIER_BITS - shift
    divided_shift = min(terms.bit_length() - 1, 32, 31 + exponent)
    divided = (multiplier << divided_shift) // terms
    _mean_of(layer, x, total, terms, (divided, shift + divided_shift), whole)


def sum_(layer: Layer) -> None:
    """SUM: the sum over some dimensions, on the scale of the output."""
    x, total, terms, out, whole = _reduced(layer)
    check_zero_point(layer)
    _mean_of(layer, x, total, terms, layer.scale(x.scale, to=float(out.scales[0])), whole)


def window(layer: Layer, x: Value, kernel: Pair, dilation: Pair = (1, 1)) -> tuple[Pair, Padding]:
    """Stride and padding of a sliding window, by the options."""
    options = layer.options
    stride = (options["StrideH"], options["StrideW"])
    if min(*stride, *dilation, *kernel) < 1:
        raise ValueError(f"stride {stride}, dilation {dilation} and kernel {kernel} must be at least 1")
    if max((k - 1) * d for k, d in zip(kernel, dilation, strict=True)) >= _MAX_WINDOW:
        raise ValueError(f"its windows of {kernel}, dilation {dilation}, must be at most {_MAX_WINDOW} wide and high")
    if options["Padding"] == _SAME:
        return stride, same_padding((x.type.shape[0], x.type.shape[1]), kernel, stride, dilation)
    if options["Padding"] != _VALID:
        raise ValueError(f"its padding must be SAME or VALID, not {options['Padding']}")
    return stride, NO_PADDING


def _weighted_window(layer: Layer, x: Value, filters: FileTensor, weight: IntArray, groups: int) -> None:
    dilation = (layer.options["DilationHFactor"], layer.options["DilationWFactor"])
    kernel = (weight.shape[1], weight.shape[2])
    stride, padding = window(layer, x, kernel, dilation)
    axis = 3 if layer.operator.kind == "DEPTHWISE_CONV_2D" else 0
    if np.any(filters.zero_points) or (filters.scales.size > 1 and filters.axis != axis):
        raise ValueError(f"the filters {filters.name!r} must have scales per output, and zero points of 0")
    bias = _bias(layer, len(weight))

    def conv(w: IntArray, b: IntArray) -> Conv:
        return Conv(w, b, stride, padding, dilation, groups, x.zero_point)

    whole = (1, *out_shape(x.type, kernel, stride, padding, dilation, layer.operator.kind), len(weight))
    _scaled(layer, conv, weight, bias, x, x.name, filters, whole)


def _scaled(
    layer: Layer,
    op: Callable[[IntArray, IntArray], Conv | Dense],
    weight: IntArray,
    bias: IntArray,
    x: Value,
    source: str,
    filters: FileTensor,
    whole: Sequence[int],
) -> None:
    """The op with the zero point of its input in its bias, then 32 bits, then the scale of the output.

    A channel whose multiplier is zero does not look at its sum, which therefore needs no bits. A multiplier above 1 is
    a shift to the left first; where that could leave 32 bits it is done to the weights, and then cut off.
    """
    out = layer.output()
    scales = [layer.scale(x.scale, float(scale), to=float(out.scales[0])) for scale in filters.scales]
    multiplier, shift = (np.array(numbers, dtype=np.int64) for numbers in zip(*scales, strict=True))
    per_output = tuple(np.broadcast_to(numbers, len(weight)).copy() for numbers in (multiplier, shift))
    axes = tuple(range(1, weight.ndim))
    bias = bias - x.zero_point * weight.sum(axis=axes)
    live = per_output[0] > 0
    weight = np.where(np.expand_dims(live, axes), weight, 0)
    bias = np.where(live, bias, 0)
    made = op(weight, bias)
    reached = made.out_type(layer.network.types[source]).dtype
    left = int(max(0, TFLITE_MULTIPLIER_BITS - per_output[1].min())) if layer.arithmetic == "tflm" else 0
    wide = not S32.holds(IntType.holding(reached.min << left, reached.max << left))
    if wide and left:
        lefts = np.maximum(0, TFLITE_MULTIPLIER_BITS - per_output[1])
        made = op(weight << np.expand_dims(lefts, axes), bias << lefts)
        shift = np.maximum(shift, TFLITE_MULTIPLIER_BITS)
    accumulator = layer.step("acc", made, source)
    if wide:
        accumulator = layer.step("wrap", Wrap(S32), accumulator)
    if len(scales) == 1:
        multiplier, shift = multiplier[0], shift[0]
    _requantized(layer, accumulator, multiplier, shift, 0, fused_limits(layer, out), whole)


def _requantized(
    layer: Layer,
    source: str,
    multiplier: IntArray,
    shift: IntArray,
    x_zero_point: int,
    limits: tuple[int, int] | None,
    whole: Sequence[int],
) -> None:
    """The result; refuses what would overflow 32 bits when the reference adds the zero point."""
    zero_point = int(layer.output().zero_points[0])
    op = Requantize(multiplier, shift, zero_point, S8, layer.arithmetic, x_zero_point, limits)
    dtype = layer.network.types[source].dtype
    ends = (dtype.min - x_zero_point, dtype.max - x_zero_point)
    low, high = scaled_interval(*ends, op.multiplier, op.shift, layer.arithmetic, "Requantize")
    if layer.arithmetic != "float32" and not S32.holds(IntType.holding(low + zero_point, high + zero_point)):
        raise ValueError(f"its sums reach {low}..{high} after scaling: the reference would overflow")
    layer.result(op, source, whole=whole)


def _mean_of(layer: Layer, x: Value, total: str, terms: int, scale: tuple[int, int], whole: Sequence[int]) -> None:
    multiplier, shift = (np.array(number) for number in scale)
    _requantized(layer, total, multiplier, shift, x.zero_point * terms, None, whole)


def _reduced(layer: Layer) -> tuple[Value, str, int, FileTensor, list[int]]:
    """The input, its sum over the axes of the second input, how many terms that has, the output, and its shape."""
    layer.count((2,))
    x, out = layer.value(), layer.output()
    axes = {layer.axis(axis, x.file) for axis in layer.integers(1)}
    behind, keep, batch = tuple(axes - {-1}), bool(layer.options["KeepDims"]), len(x.file.shape) - len(x.type.shape)
    if not behind:
        raise ValueError("it must reduce a dimension behind the batch")
    op = Sum(behind, keep)
    shape = [1 if i - batch in axes else abs(d) for i, d in enumerate(x.file.shape) if keep or i - batch not in axes]
    return x, layer.step("acc", op, x.name), op.terms(x.type), out, shape


def _image(x: Value) -> None:
    if len(x.file.shape) != 4 or len(x.type.shape) != 3:
        raise ValueError(f"its input must have the shape (1, rows, columns, channels), not {x.file.shape}")


def _filters(layer: Layer, rank: int) -> IntArray:
    """The weights, checked: constant, of 8 bits, quantized as a whole or per channel."""
    tensor = layer.tensor(1)
    weight = layer.constant(1, "INT8").astype(np.int64)
    if weight.ndim != rank or 0 in weight.shape:
        raise ValueError(f"the weights {tensor.name!r} must have {rank} dimensions, not the shape {weight.shape}")
    check_quantization(tensor)
    if tensor.scales.size > 1 and (not 0 <= tensor.axis < rank or tensor.scales.size != weight.shape[tensor.axis]):
        raise ValueError(
            f"the weights {tensor.name!r} of shape {weight.shape} have {tensor.scales.size} scales "
            f"along dimension {tensor.axis}"
        )
    return weight


def _bias(layer: Layer, outputs: int) -> IntArray:
    if not layer.has(2):
        return np.zeros(outputs, dtype=np.int64)
    bias = layer.constant(2, "INT32").astype(np.int64).ravel()
    if bias.size != outputs:
        raise ValueError(f"its bias must have {outputs} numbers, not {bias.size}")
    return bias


def _check_bias_scale(layer: Layer, x: Value, filters: FileTensor, out: FileTensor) -> None:
    """Raises ValueError where the reference does (``GetQuantizedConvolutionMultipler``)."""
    if not layer.has(2):
        return
    scales = layer.tensor(2).scales
    difference = abs(x.scale * float(filters.scales[0]) - (float(scales[0]) if scales.size else 0.0))
    if not difference / float(out.scales[0]) <= 0.02:
        raise ValueError("the scale of its bias must be that of its input times that of its weights")
