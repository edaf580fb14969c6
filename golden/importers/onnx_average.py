"""QLinearAveragePool: means in floats, as integer ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from golden.importers.onnx_file import OnnxNode
from golden.importers.onnx_layout import Tensor
from golden.importers.onnx_linear import OpSteps
from golden.importers.onnx_qdq import operand, same_type
from golden.importers.onnx_quantized import Awaiting, QuantizedImport, handles, used_once
from golden.importers.onnx_runtime import Floats, Quantization, rescale, unit
from golden.importers.onnx_window import Window, window_of
from golden.ops import Add, Clamp, Conv, Lookup, Pad, Requantize, Slice
from golden.ops.lookup import MAX_BITS
from golden.types import IntArray, IntType
from golden.window import NO_PADDING

_SIGNIFICAND = 24
_MAX_WINDOW = 4096
_MAX_ADDITIONS = 64
_GUESS_BITS = 16


def average_pool(steps: OpSteps, node: OnnxNode, x: Tensor, xq: Quantization, y: Quantization) -> Tensor:
    """``y = clip(rint(fl(fl(fl(sum fl(sx * (x - zx)) / n) / sy) + zy)))``, the sum rounded at each addition.

    Where no ``S = sum (x - zx)`` is so near to a tie that roundings matter, this is a function of ``S``: a Conv with
    ones for weights, and a Requantize or a table. Where the input and the result have the same scale, such ties are the
    rule, and the additions are made one by one as ONNX Runtime makes them.

    Raises:
        NotImplementedError: for padding that is not counted, dilations, and windows too large for either way.
    """
    rank = len(x.shape)
    window = window_of(node, x.shape[1:])
    images = steps.as_images(x)
    if window.padding != NO_PADDING and (not node.integer("count_include_pad", 0) or node.integer("ceil_mode", 0)):
        raise NotImplementedError("padding that is not counted is not supported: windows would differ in their size")
    if window.dilation != (1, 1):
        raise NotImplementedError("dilations are not supported")
    count = window.kernel[0] * window.kernel[1]
    if count > _MAX_WINDOW:
        raise NotImplementedError(f"windows of more than {_MAX_WINDOW} places are not supported")
    low, high = (count * (end - xq.zero_point) for end in (xq.dtype.min, xq.dtype.max))
    sums = np.arange(low, high + 1, dtype=np.int64)
    results = _results(sums, count, xq, y)
    if results is None:
        return steps.from_images(_one_by_one(steps, images.name, window, xq, y), rank)
    channels = x.shape[0]
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


def _one_by_one(steps: OpSteps, name: str, window: Window, xq: Quantization, y: Quantization) -> str:
    """The sum of a window in units of ``2**-u``, rounded to single precision after each addition, and its result."""
    count = window.kernel[0] * window.kernel[1]
    if count > _MAX_ADDITIONS:
        raise NotImplementedError(
            f"a window of {count} places whose result depends on the order of float additions is not supported, at "
            f"most {_MAX_ADDITIONS} places are"
        )
    if window.padding != NO_PADDING:
        name = steps.add(Pad((*window.padding, (0, 0)), xq.zero_point), name)
    rows, columns, channels = steps.types[name].shape
    real = xq.dequantize(xq.values)
    units = unit(*real)
    entries = (real.astype(np.float64) * 2.0**units).astype(np.int64)
    name = steps.add(Lookup(entries, xq.dtype.min, IntType.holding(entries.min(), entries.max())), name)
    out = [(n - k) // s + 1 for n, k, s in zip((rows, columns), window.kernel, window.stride, strict=True)]
    taps = [(row, column) for row in range(window.kernel[0]) for column in range(window.kernel[1])]
    parts = [steps.add(Slice((*tap, 0), (*out, channels), (*window.stride, 1)), name) for tap in taps]
    total, low, high = parts[0], int(entries.min()), int(entries.max())
    for part in parts[1:]:
        low, high = low + int(entries.min()), high + int(entries.max())
        total = steps.add(Add((0, 0), (1, 1), (0, 0), 0, 1, 0, 0, IntType.holding(low, high)), total, part)
        low, high = int(np.float32(low)), int(np.float32(high))
        rounded = Requantize(1, 0, 0, IntType.holding(low, high), "float32")  # type: ignore[arg-type]
        total = steps.add(rounded, total)
    return staircase(steps, total, lambda s: _rounded((s * 2.0**-units).astype(np.float32), count, y), y)


def staircase(steps: OpSteps, name: str, function: Callable[[Any], IntArray], y: Quantization) -> str:
    """Any rising ``function`` of an integer, of nearly even steps: a guess ``g`` that is right or one too low, and
    ``g + 1 + min(max(x - threshold[g + 1], -1), 0)``, where ``threshold[j]`` is the first ``x`` of result ``j``.
    """
    low, high = steps.types[name].dtype.min, steps.types[name].dtype.max
    levels = np.arange(y.dtype.min + 1, y.dtype.max + 1)
    below, above = np.full(len(levels), low - 1), np.full(len(levels), high + 1)
    while np.any(above - below > 1):
        middle = (below + above) // 2
        reached = function(middle.astype(np.float64)) >= levels
        below, above = np.where(reached, below, middle), np.where(reached, middle, above)
    inside = (above > low) & (above <= high)
    if np.count_nonzero(inside) < 2:
        raise NotImplementedError("its result is nearly constant, which is not supported")
    first, last = np.flatnonzero(inside)[[0, -1]]
    step = float(above[last] - above[first]) / float(last - first)
    shift = _GUESS_BITS + max(0, int(np.ceil(np.log2(step))))
    # The guess is half a step lower than the nearest integer.
    middle_of_first = round(float(above[first]) + step / 2 + step / 2 - step * float(levels[first]))
    guess = Requantize(
        round(2.0**shift / step),  # type: ignore[arg-type]
        shift,  # type: ignore[arg-type]
        0,
        y.dtype,
        x_zero_point=middle_of_first,
    )
    guessed = steps.add(guess, name)
    if np.any(guess(above[inside]) < levels[inside] - 1) or np.any(guess(above[inside] - 1) > levels[inside] - 1):
        raise NotImplementedError("its steps are too uneven")
    table = Lookup(np.append(above, high + 1), y.dtype.min, IntType.holding(low, high + 1))
    threshold = steps.add(table, guessed)
    held = IntType.holding(low - high - 1, high - low)
    distance = steps.add(Add((0, 0), (1, 1), (0, 0), 0, 1, 0, 0, held, subtract=True), name, threshold)
    correction = steps.add(Clamp(-1, 0), distance)
    return steps.add(Add((0, 0), (1, 1), (0, 0), 0, 1, 0, 1, y.dtype), guessed, correction)


def _results(sums: IntArray, count: int, xq: Quantization, y: Quantization) -> IntArray | None:
    """The result for each sum, or None where it depends on the order of additions."""
    largest = max(abs(xq.dtype.min - xq.zero_point), abs(xq.dtype.max - xq.zero_point))
    numerator = float(xq.scale).as_integer_ratio()[0]
    bits = (numerator >> ((numerator & -numerator).bit_length() - 1)).bit_length() + (count * largest).bit_length()
    # Each of the products and of the partial sums is off by 2**-24 of itself at most; both ends are then rounded once.
    terms = 0.0 if bits <= _SIGNIFICAND else float(count + count * (count + 1) / 2 + 2)
    error = terms * 2.0**-_SIGNIFICAND * float(xq.scale) * largest
    exact = sums * float(xq.scale)
    lower, upper = (_rounded((exact + side * error).astype(np.float32), count, y) for side in (-1.0, 1.0))
    return lower if np.array_equal(lower, upper) else None


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
