"""Layers of TensorFlow Lite files: shapes as the operators make them, random weights, and scales that suit them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np
from tflite_writer import TfliteModel

Pair = tuple[int, int]
_SPREAD = 74.0
"""Standard deviation of uniform int8."""


class Network(TfliteModel):
    """A file that grows layer by layer; every method returns the index of the tensor that it makes.

    What is not given is drawn: weights uniformly, zero points often at the limits, scales so that results neither
    vanish nor always saturate.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)

    def shape(self, x: int) -> tuple[int, ...]:
        return self.tensors[x].shape

    def scale(self, x: int) -> float:
        return float(self.tensors[x].scales[0])

    def zero_point(self, x: int) -> int:
        return int(self.tensors[x].zero_points[0])

    def pick(self, *choices: Any) -> Any:
        return choices[self.random.integers(len(choices))]

    def any_zero_point(self) -> int:
        return int(self.pick(-128, 127, 0, *self.random.integers(-128, 128, 3)))

    def int8(self, *shape: int, low: int = -128) -> np.ndarray:
        return self.random.integers(low, 128, shape).astype(np.int8)

    def placeholder(self, *shape: int, scale: float | None = None, zero_point: int | None = None, **other: Any) -> int:
        """An input; without a scale a random one."""
        scale = scale or float(np.exp(self.random.uniform(-5, 1)))
        return self.input(shape, scale, self.any_zero_point() if zero_point is None else zero_point, **other)

    def made(self, shape: Sequence[int], scale: float, zero_point: int | None = None) -> int:
        """A result, usually with a random zero point."""
        return self.tensor(shape, scale, self.any_zero_point() if zero_point is None else zero_point)

    def like(self, x: int, shape: Sequence[int] | None = None) -> int:
        """A result with the scale and zero point of ``x``."""
        return self.tensor(self.shape(x) if shape is None else shape, self.scale(x), self.zero_point(x))

    def operand(self, *shape: int, scale: float | None = None, zero_point: int | None = None) -> int:
        """A constant activation."""
        scale = scale or float(np.exp(self.random.uniform(-5, 1)))
        return self.constant(self.int8(*shape), scale, self.any_zero_point() if zero_point is None else zero_point)

    def integers(self, *values: int, type: Any = np.int32) -> int:
        """A constant of indices or sizes."""
        return self.constant(np.array(values, dtype=type))

    # Weighted sums

    def conv(
        self,
        x: int,
        outputs: int,
        kernel: Pair,
        stride: Pair = (1, 1),
        padding: str = "VALID",
        dilation: Pair = (1, 1),
        groups: int = 1,
        **other: Any,
    ) -> int:
        """CONV_2D."""
        channels = self.shape(x)[3] // groups
        options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
        options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}
        shape = (1, *self.windows(x, kernel, stride, padding, dilation), outputs)
        return self._weighted("CONV_2D", x, (outputs, *kernel, channels), shape, 0, options, **other)

    def depthwise(
        self,
        x: int,
        multiplier: int,
        kernel: Pair,
        stride: Pair = (1, 1),
        padding: str = "VALID",
        dilation: Pair = (1, 1),
        **other: Any,
    ) -> int:
        """DEPTHWISE_CONV_2D."""
        outputs = self.shape(x)[3] * multiplier
        options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1], "depth_multiplier": multiplier}
        options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}
        shape = (1, *self.windows(x, kernel, stride, padding, dilation), outputs)
        return self._weighted("DEPTHWISE_CONV_2D", x, (1, *kernel, outputs), shape, 3, options, **other)

    def dense(self, x: int, outputs: int, keep: bool = False, **other: Any) -> int:
        """FULLY_CONNECTED; ``keep`` keeps the dimensions in front of the last one."""
        inputs = self.shape(x)[-1] if keep else prod(self.shape(x)[1:])
        shape = (*self.shape(x)[:-1], outputs) if keep else (prod(self.shape(x)) // inputs, outputs)
        options = {"keep_num_dims": keep}
        return self._weighted("FULLY_CONNECTED", x, (outputs, inputs), shape, 0, options, **other)

    def _weighted(
        self,
        kind: str,
        x: int,
        filters: tuple[int, ...],
        shape: tuple[int, ...],
        axis: int,
        options: dict[str, Any],
        *,
        activation: str = "NONE",
        bias: bool | np.ndarray = True,
        per_channel: bool | None = None,
        weight: np.ndarray | None = None,
        weight_scale: float | Sequence[float] | None = None,
        weight_zero_point: int = 0,
        scale: float | None = None,
        zero_point: int | None = None,
    ) -> int:
        weight = self.int8(*filters, low=-127) if weight is None else weight
        per_channel = bool(self.random.integers(2)) if per_channel is None else per_channel
        count = filters[axis] if per_channel else 1
        if weight_scale is None:
            scales = np.exp(self.random.uniform(-6, -2) + self.random.uniform(-0.7, 0.7, count)).astype(np.float32)
        else:
            scales = np.broadcast_to(np.asarray(weight_scale, np.float32), (count,))
        terms = weight.size // filters[axis] if kind != "DEPTHWISE_CONV_2D" else prod(filters[1:3])
        reach = sqrt(terms) * _SPREAD * _SPREAD
        out_scale = scale or self.scale(x) * float(scales.mean()) * reach / 50 * float(np.exp(self.random.normal() / 3))
        w = self.constant(weight, scales, np.full(count, weight_zero_point), axis=axis if per_channel else 0)
        inputs = [x, w]
        if bias is not False:
            values = self.random.integers(-int(reach), int(reach) + 1, filters[axis]) if bias is True else bias
            inputs.append(self.constant(values.astype(np.int32), self.scale(x) * scales, np.zeros(count)))
        elif kind != "DEPTHWISE_CONV_2D" and self.random.integers(2):
            inputs.append(-1)  # the interpreter's depthwise convolution would crash
        y = self.made(shape, out_scale, zero_point)
        self.operator(kind, inputs, y, fused_activation_function=activation, **options)
        return y

    def windows(self, x: int, kernel: Pair, stride: Pair, padding: str, dilation: Pair = (1, 1)) -> Pair:
        """Rows and columns of what a sliding window makes."""
        sizes = []
        for n, k, s, d in zip(self.shape(x)[1:3], kernel, stride, dilation, strict=True):
            sizes.append(-(-n // s) if padding == "SAME" else (n - (k - 1) * d - 1) // s + 1)
        return sizes[0], sizes[1]

    # Sliding windows without weights, and reductions

    def pool(
        self, kind: str, x: int, kernel: Pair, stride: Pair = (1, 1), padding: str = "VALID", activation: str = "NONE"
    ) -> int:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        y = self.like(x, (1, *self.windows(x, kernel, stride, padding), self.shape(x)[3]))
        options = {"filter_height": kernel[0], "filter_width": kernel[1], "stride_h": stride[0], "stride_w": stride[1]}
        self.operator(kind, [x], y, padding=padding, fused_activation_function=activation, **options)
        return y

    def reduce(
        self,
        kind: str,
        x: int,
        axes: Sequence[int],
        keep: bool = False,
        scale: float | None = None,
        zero_point: int | None = None,
    ) -> int:
        """MEAN, SUM or REDUCE_MAX."""
        rank, terms = len(self.shape(x)), prod(self.shape(x)[axis] for axis in axes)
        gone = {axis % rank for axis in axes}
        shape = [1 if i in gone else d for i, d in enumerate(self.shape(x)) if keep or i not in gone]
        if kind == "REDUCE_MAX":
            y = self.like(x, shape)
        else:
            gain = terms if kind == "SUM" else 1
            scale = scale or self.scale(x) * float(np.exp(self.random.normal() / 2)) * gain / sqrt(terms)
            y = self.made(shape, scale, zero_point)
        self.operator(kind, [x, self.integers(*axes)], y, keep_dims=keep)
        return y

    # Element by element

    def binary(
        self,
        kind: str,
        a: int,
        b: int,
        activation: str = "NONE",
        scale: float | None = None,
        zero_point: int | None = None,
    ) -> int:
        """ADD, SUB or MUL."""
        spread = self.scale(a) * self.scale(b) * _SPREAD if kind == "MUL" else self.scale(a) + self.scale(b)
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        y = self.made(shape, scale or spread * float(np.exp(self.random.normal() / 3)), zero_point)
        self.operator(kind, [a, b], y, fused_activation_function=activation)
        return y

    def bound(self, kind: str, a: int, b: int) -> int:
        """MAXIMUM or MINIMUM."""
        y = self.like(a, np.broadcast_shapes(self.shape(a), self.shape(b)))
        self.operator(kind, [a, b], y)
        return y

    def unary(self, kind: str, x: int, scale: float | None = None, zero_point: int | None = None) -> int:
        """RELU, HARD_SWISH, QUANTIZE: to another scale; RELU6: to the same; LOGISTIC, TANH: to their own."""
        if kind == "RELU6":
            y = self.like(x)
        elif kind in ("LOGISTIC", "TANH"):
            y = self.tensor(self.shape(x), *((1 / 256, -128) if kind == "LOGISTIC" else (1 / 128, 0)))
        else:
            y = self.made(self.shape(x), scale or self.scale(x) * float(np.exp(self.random.normal() / 2)), zero_point)
        self.operator(kind, [x], y)
        return y

    def leaky(self, x: int, alpha: float, scale: float | None = None, zero_point: int | None = None) -> int:
        """LEAKY_RELU."""
        y = self.made(self.shape(x), scale or self.scale(x) * float(np.exp(self.random.normal() / 2)), zero_point)
        self.operator("LEAKY_RELU", [x], y, alpha=alpha)
        return y

    def prelu(self, x: int, alpha: int) -> int:
        """PRELU."""
        y = self.made(self.shape(x), self.scale(x) * float(np.exp(self.random.normal() / 2)))
        self.operator("PRELU", [x, alpha], y)
        return y

    def softmax(self, x: int, beta: float = 1.0) -> int:
        """SOFTMAX."""
        y = self.tensor(self.shape(x), 1 / 256, -128)
        self.operator("SOFTMAX", [x], y, beta=beta)
        return y

    # Moving elements

    def reshape(self, x: int, shape: Sequence[int], by: str = "tensor", given: Sequence[int] | None = None) -> int:
        """RESHAPE by a constant tensor, by the options, or by both; ``given`` is what they say, may be with a -1."""
        y = self.like(x, shape)
        given = list(shape if given is None else given)
        options = {"new_shape": given} if by != "tensor" else {}
        table = "" if by == "tensor" else None
        self.operator("RESHAPE", [x] if by == "options" else [x, self.integers(*given)], y, table, **options)
        return y

    def squeeze(self, x: int, *dimensions: int) -> int:
        """SQUEEZE of dimensions of 1, all of them without any."""
        gone = {d % len(self.shape(x)) for d in dimensions} or {i for i, d in enumerate(self.shape(x)) if d == 1}
        y = self.like(x, [d for i, d in enumerate(self.shape(x)) if i not in gone])
        self.operator("SQUEEZE", [x], y, squeeze_dims=list(dimensions))
        return y

    def expand_dims(self, x: int, axis: int) -> int:
        """EXPAND_DIMS."""
        shape = list(self.shape(x))
        shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, 1)
        y = self.like(x, shape)
        self.operator("EXPAND_DIMS", [x, self.integers(axis)], y)
        return y

    def transpose(self, x: int, *permutation: int) -> int:
        """TRANSPOSE."""
        y = self.like(x, [self.shape(x)[axis] for axis in permutation])
        self.operator("TRANSPOSE", [x, self.integers(*permutation)], y)
        return y

    def pad(self, x: int, pairs: Sequence[Pair], value: int | None = None, type: Any = np.int32) -> int:
        """PAD, or PADV2 with a value."""
        y = self.like(x, [d + sum(pair) for d, pair in zip(self.shape(x), pairs, strict=True)])
        inputs = [x, self.constant(np.array(pairs, dtype=type))]
        if value is not None:
            inputs.append(self.constant(np.array([value], np.int8), self.scale(x), self.zero_point(x)))
        self.operator("PAD" if value is None else "PADV2", inputs, y)
        return y

    def concat(self, axis: int, *x: int) -> int:
        """CONCATENATION."""
        shape = list(self.shape(x[0]))
        shape[axis] = sum(self.shape(i)[axis] for i in x)
        y = self.like(x[0], shape)
        self.operator("CONCATENATION", x, y, axis=axis)
        return y

    def pack(self, axis: int, *x: int) -> int:
        """PACK."""
        shape = list(self.shape(x[0]))
        shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, len(x))
        y = self.like(x[0], shape)
        self.operator("PACK", x, y, axis=axis, values_count=len(x))
        return y

    def slice(self, x: int, begin: Sequence[int], size: Sequence[int]) -> int:
        """SLICE; a size of -1 is all that is left."""
        y = self.like(x, [s if s != -1 else d - b for d, b, s in zip(self.shape(x), begin, size, strict=True)])
        self.operator("SLICE", [x, self.integers(*begin), self.integers(*size)], y)
        return y

    def strided_slice(
        self, x: int, begin: Sequence[int], end: Sequence[int], strides: Sequence[int], **masks: int
    ) -> int:
        """STRIDED_SLICE with begin_mask, end_mask and shrink_axis_mask."""
        places: list[Any] = []
        for i, (b, e, s) in enumerate(zip(begin, end, strides, strict=True)):
            if masks.get("shrink_axis_mask", 0) >> i & 1:
                places.append(b)
            else:
                start = None if masks.get("begin_mask", 0) >> i & 1 else b
                places.append(slice(start, None if masks.get("end_mask", 0) >> i & 1 else e, s))
        y = self.like(x, np.empty(self.shape(x), np.int8)[tuple(places)].shape)
        self.operator("STRIDED_SLICE", [x, *(self.integers(*v) for v in (begin, end, strides))], y, **masks)
        return y

    def split(self, x: int, axis: int, *sizes: int, equal: bool = False) -> list[int]:
        """SPLIT into equal parts, or SPLIT_V."""
        parts = []
        for size in sizes:
            shape = list(self.shape(x))
            shape[axis] = size
            parts.append(self.like(x, shape))
        if equal:
            self.operator("SPLIT", [self.integers(axis), x], parts, num_splits=len(sizes))
        else:
            self.operator(
                "SPLIT_V", [x, self.integers(*sizes), self.constant(np.int32(axis))], parts, num_splits=len(sizes)
            )
        return parts

    def unpack(self, x: int, axis: int) -> list[int]:
        """UNPACK."""
        shape = list(self.shape(x))
        count = shape.pop(axis)
        parts = [self.like(x, shape) for _ in range(count)]
        self.operator("UNPACK", [x], parts, num=count, axis=axis)
        return parts

    def argmax(self, x: int, axis: int = -1) -> int:
        """ARG_MAX, an int32."""
        shape = list(self.shape(x))
        shape.pop(axis)
        y = self.tensor(shape, type="INT32")
        self.operator("ARG_MAX", [x, self.integers(axis)], y, output_type=2)
        return y
