"""QLinear operators as ops of a graph, in the integer arithmetic of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.encoding import Encoding
from golden.importers.onnx_file import Array, OnnxNode
from golden.importers.onnx_layout import Order, Steps, Tensor, as_in_file, renamed
from golden.importers.onnx_runtime import Quantization, rescale
from golden.importers.onnx_window import window_of
from golden.ops import Clamp, Conv, Dense, Lookup, MaxPool, Op, Relu, Requantize, Reshape, Sum, Transpose, Wrap
from golden.types import IntArray, IntType, TensorType

_INT32 = IntType(32, True)
MAX_ELEMENTS = 1 << 26
"""Of one tensor: a broken file must not ask for more memory than there is."""


class OpSteps(Steps[Op]):
    """Ops in the making, with the type of every tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, TensorType] = {}
        self.encodings: dict[str, Encoding] = {}

    def add(self, step: Op, *inputs: str) -> str:
        """The name of a new op; raises ValueError where it cannot take its inputs."""
        type = step.out_type(*(self.types[name] for name in inputs))
        if type.size > MAX_ELEMENTS:
            raise ValueError(f"its result {type} has more than {MAX_ELEMENTS} elements")
        name = super().add(step, *inputs)
        self.types[name] = type
        return name

    def transpose(self, permutation: Order) -> Op:
        return Transpose(permutation)

    def reshape(self, shape: tuple[int, ...]) -> Op:
        return Reshape(shape)

    def is_reshape(self, step: Op) -> bool:
        return isinstance(step, Reshape)

    def permutation_of(self, step: Op) -> Order | None:
        return step.permutation if isinstance(step, Transpose) else None

    def elementwise(self, step: Op) -> bool:
        if isinstance(step, Requantize):
            return step.multiplier.ndim == 0
        return isinstance(step, Relu | Clamp) or (isinstance(step, Lookup) and step.table.ndim == 1)

    def permuted(self, step: Op, places: IntArray) -> Op | None:
        if not isinstance(step, Dense):
            return None
        weight = np.empty_like(step.weight)
        weight[:, places] = step.weight
        return Dense(weight, step.bias)

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self.types[name].shape

    def encoded(self, x: Tensor, q: Quantization) -> Tensor:
        """``x``, of which it is now known what its integers stand for."""
        self.encodings.setdefault(x.name, Encoding(np.asarray(float(q.scale)), np.asarray(q.zero_point)))
        return x


@dataclass(frozen=True)
class Weights:
    """Constant integers that stand for ``scale * (integers - zero_point)``, per tensor or along ``axis``."""

    integers: IntArray
    scale: Array
    zero_point: IntArray
    axis: int = 0
    dtype: IntType | None = None

    def centred(self, axis: int) -> IntArray:
        """``integers - zero_point``, one zero point for each index of ``axis``."""
        if self.zero_point.size == 1:
            return self.integers - int(self.zero_point.ravel()[0])
        shape = [1] * self.integers.ndim
        shape[axis] = -1
        if self.zero_point.size != self.integers.shape[axis]:
            raise ValueError(f"its {self.zero_point.size} zero points of weights are not one a channel")
        return self.integers - self.zero_point.reshape(shape)

    def scales(self, axis: int) -> Array:
        """One scale, or one for each index of ``axis``."""
        if self.scale.size not in (1, self.integers.shape[axis]):
            raise ValueError(f"its {self.scale.size} scales of weights are not one a channel")
        return np.asarray(self.scale.ravel())


def _requantized(steps: OpSteps, name: str, scale: tuple[IntArray, IntArray], y: Quantization) -> str:
    """Accumulators, which wrap around in 32 bits, to the integers of ``y``."""
    if not _INT32.holds(steps.types[name].dtype):
        name = steps.add(Wrap(_INT32), name)
    return steps.add(Requantize(*scale, y.zero_point, y.dtype, "float32"), name)


def convolution(
    steps: OpSteps,
    node: OnnxNode,
    x: Tensor,
    xq: Quantization,
    weights: Weights,
    bias: IntArray | None,
    y: Quantization,
) -> Tensor:
    """QLinearConv: ``clip(rint(fl(fl(sum) * scale)) + zy)`` with ``scale = fl(fl(sx * sw) / sy)``.

    This is ``MlasRequantizeOutput``. Outside of ``x`` is its zero point.
    """
    rank = len(x.shape)
    if weights.integers.ndim != rank + 1:
        raise ValueError(f"its weights have {weights.integers.ndim} dimensions, its input {rank + 1}")
    images = steps.as_images(x)
    outputs, kernel = weights.integers.shape[0], weights.integers.shape[2:]
    window = window_of(node, x.shape[1:], tuple(int(size) for size in kernel))
    centred = weights.centred(0).reshape(outputs, -1, *window.kernel).transpose(0, 2, 3, 1)
    if bias is None:
        bias = np.zeros(outputs, dtype=np.int64)
    folded = bias.ravel() - xq.zero_point * centred.reshape(outputs, -1).sum(axis=1)
    op = Conv(centred, folded, window.stride, window.padding, window.dilation, node.integer("group", 1), xq.zero_point)
    scale = rescale(xq.scale, weights.scales(0), y.scale, "its scale")
    return steps.from_images(_requantized(steps, steps.add(op, images.name), scale, y), rank)


def dense(
    steps: OpSteps,
    x: Tensor,
    x_scale: Any,
    x_zero_point: int,
    weights: Weights,
    bias: IntArray | None,
    y: Quantization,
) -> Tensor:
    """QLinearMatMul and QGemm with constant ``weights``, (inputs, outputs), rounded as in ``convolution``.

    ``x_scale`` has the alpha of a QGemm in it.
    """
    if weights.integers.ndim != 2 or not x.shape or weights.integers.shape[0] != x.shape[-1]:
        raise ValueError(f"its weights {list(weights.integers.shape)} do not fit its input, (batch, {x.shape})")
    centred = weights.centred(1).T
    if bias is None:
        bias = np.zeros(1, dtype=np.int64)
    if bias.size not in (1, len(centred)):
        raise ValueError(f"its bias must have one number an output, not shape {list(bias.shape)}")
    folded = np.broadcast_to(bias.ravel(), len(centred)) - x_zero_point * centred.sum(axis=1)
    plain = steps.arranged(x, as_in_file(len(x.shape)))
    name = steps.add(Dense(centred, folded), plain.name)
    scale = rescale(x_scale, weights.scales(1), y.scale, "its scale")
    return renamed(plain, _requantized(steps, name, scale, y), (*x.shape[:-1], len(centred)))


def global_average(steps: OpSteps, x: Tensor, xq: Quantization, y: Quantization) -> Tensor:
    """QLinearGlobalAveragePool: ``clip(rint(fl(fl(sum - n*zx) * fl(sx / fl(sy * n)))) + zy)``, n places a channel."""
    if len(x.shape) < 2:
        raise ValueError("it needs spatial dimensions")
    rank, count = len(x.shape), int(np.prod(x.shape[1:]))
    axes = tuple(place for place, axis in enumerate(x.order) if axis)
    name = steps.add(Sum(axes), x.name)
    scale = rescale(xq.scale, 1.0, np.float32(y.scale * np.float32(count)), "its scale")
    op = Requantize(*scale, y.zero_point, y.dtype, "float32", x_zero_point=xq.zero_point * count)
    flat = Tensor(steps.add(op, name), x.shape[:1], (0,))
    return steps.reshaped(flat, (x.shape[0], *(1,) * (rank - 1)))


def max_pool(steps: OpSteps, node: OnnxNode, x: Tensor) -> Tensor:
    """MaxPool, over integers as over what they stand for."""
    if any(node.outputs[1:]) or node.integer("storage_order", 0):
        raise ValueError("its second output, the places of the maxima, is not supported")
    rank = len(x.shape)
    images = steps.as_images(x)
    window = window_of(node, x.shape[1:])
    if window.dilation != (1, 1):
        raise ValueError("a MaxPool with dilations is not supported, only without")
    return steps.from_images(steps.add(MaxPool(window.kernel, window.stride, window.padding), images.name), rank)
