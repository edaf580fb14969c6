"""QLinearAveragePool, where it is a function of integer sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.importers.onnx_file import OnnxNode
from golden.importers.onnx_layout import Tensor
from golden.importers.onnx_linear import OpSteps
from golden.importers.onnx_qdq import operand, same_type, used_once
from golden.importers.onnx_quantized import Awaiting, QuantizedImport, handles
from golden.importers.onnx_runtime import Floats, Quantization, rescale
from golden.importers.onnx_window import window_of
from golden.ops import Conv, Lookup, Requantize
from golden.ops.lookup import MAX_BITS
from golden.types import IntArray
from golden.window import NO_PADDING

_SIGNIFICAND = 24
_MAX_WINDOW = 4096


def average_pool(steps: OpSteps, node: OnnxNode, x: Tensor, xq: Quantization, y: Quantization) -> Tensor:
    """``y = clip(rint(fl(fl(fl(sum fl(sx * (x - zx)) / n) / sy) + zy)))``, the sum rounded at each addition.

    Because of these roundings it is not a function of ``S = sum (x - zx)`` in general. It is where no ``S`` is so near
    to a tie that they matter: then it is a Conv with ones for weights, and a table or a Requantize of ``S``. Such ties
    are the rule where the input and the result have the same scale.

    Raises:
        NotImplementedError: where the result depends on the order of additions.
    """
    rank = len(x.shape)
    window = window_of(node, x.shape[1:])
    images = steps.as_images(x)
    if window.padding != NO_PADDING and (not node.integer("count_include_pad", 0) or node.integer("ceil_mode", 0)):
        raise NotImplementedError("padding that is not counted is not supported: windows would differ in their size")
    if window.dilation != (1, 1):
        raise NotImplementedError("dilations are not supported")
    count, channels = window.kernel[0] * window.kernel[1], x.shape[0]
    if count > _MAX_WINDOW:
        raise NotImplementedError(f"windows of more than {_MAX_WINDOW} places are not supported")
    low, high = (count * (end - xq.zero_point) for end in (xq.dtype.min, xq.dtype.max))
    sums = np.arange(low, high + 1, dtype=np.int64)
    results = _results(sums, count, xq, y)
    ones = np.ones((channels, *window.kernel, 1), dtype=np.int64)
    bias = np.full(channels, -count * xq.zero_point)
    op = Conv(ones, bias, window.stride, window.padding, (1, 1), channels, xq.zero_point)
    name = steps.add(op, images.name)
    scale = rescale(xq.scale, 1.0, np.float32(y.scale * np.float32(count)), "its scale")
    requantize = Requantize(*scale, y.zero_point, y.dtype, "float32")
    if np.array_equal(requantize(sums), results):
        return steps.from_images(steps.add(requantize, name), rank)
    dtype = steps.types[name].dtype
    if dtype.bits > MAX_BITS:
        raise NotImplementedError(f"windows of {count} places are too large for a table")
    entries = results[np.clip(np.arange(dtype.min, dtype.max + 1), low, high) - low]
    return steps.from_images(steps.add(Lookup(entries, dtype.min, y.dtype), name), rank)


def _results(sums: IntArray, count: int, xq: Quantization, y: Quantization) -> IntArray:
    """The result for each sum, if there is one."""
    largest = max(abs(xq.dtype.min - xq.zero_point), abs(xq.dtype.max - xq.zero_point))
    numerator = float(xq.scale).as_integer_ratio()[0]
    bits = (numerator >> ((numerator & -numerator).bit_length() - 1)).bit_length() + (count * largest).bit_length()
    # Each of the products and of the partial sums is off by 2**-24 of itself at most; both ends are then rounded once.
    terms = 0.0 if bits <= _SIGNIFICAND else float(count + count * (count + 1) / 2 + 2)
    error = terms * 2.0**-_SIGNIFICAND * float(xq.scale) * largest
    exact = sums * float(xq.scale)
    lower, upper = (_rounded((exact + side * error).astype(np.float32), count, y) for side in (-1.0, 1.0))
    if not np.array_equal(lower, upper):
        tie = int(sums[np.flatnonzero(lower != upper)[0]])
        raise NotImplementedError(
            f"its result depends on the order in which ONNX Runtime adds floats: a sum of {tie} is a tie within their "
            "precision; supported are scales without such ties, and GlobalAveragePool"
        )
    return lower


def _rounded(total: Floats, count: int, y: Quantization) -> IntArray:
    """What the kernel does with a sum, step by step in single precision; it rises with the sum."""
    mean = total / np.float32(count)
    value = np.rint(mean / y.scale + np.float32(y.zero_point))
    return np.asarray(np.clip(value, y.dtype.min, y.dtype.max), dtype=np.int64)


@handles("com.microsoft.QLinearAveragePool")
def _qlinear_average(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    if len(inputs) != 5:
        raise ValueError(f"it needs 5 inputs, not {len(inputs)}")
    if node.integer("channels_last", 0):
        raise ValueError("channels_last is not supported, only ONNX's own order of dimensions")
    xq = importer.quantization(inputs[1], inputs[2], "its input")
    y = importer.quantization(inputs[3], inputs[4], "its result")
    x = importer.typed(inputs[0], xq, "its input")
    return importer.steps.encoded(average_pool(importer.steps, node, x, xq, y), y)


@handles("AveragePool")
def _average(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    tensor, xq = operand(inputs[0])
    used_once(importer, node)

    def finish(y: Quantization) -> Tensor:
        same_type(xq, y)
        return average_pool(importer.steps, node, tensor, xq, y)

    return Awaiting(node, finish)
