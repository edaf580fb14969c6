"""Sums and products of two quantized tensors, or of one and a constant, with ONNX's broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.importers.onnx_file import Array, OnnxNode
from golden.importers.onnx_layout import Tensor, same_order
from golden.importers.onnx_linear import Weights
from golden.importers.onnx_qdq import operand, same_type
from golden.importers.onnx_quantized import Awaiting, QuantizedImport, handles, used_once
from golden.importers.onnx_runtime import Quantization, add_steps, multiply_steps
from golden.ops import Lookup, Op
from golden.types import IntArray

Chain = tuple[Op | None, Op, Op]
"""An op on the second operand or none, an op on both, an op on the result."""
Make = Callable[[Quantization, Quantization, Quantization], Chain]


def _add_chain(a: Quantization, b: Quantization, y: Quantization) -> Chain:
    steps = add_steps(a, b, y)
    return steps.first, steps.second, steps.last


def _multiply_chain(a: Quantization, b: Quantization, y: Quantization) -> Chain:
    steps = multiply_steps(a, b, y)
    return None, steps.first, steps.last


@dataclass(frozen=True)
class Operand:
    """A tensor, or a constant of integers with its whole shape."""

    value: Tensor | IntArray
    quantization: Quantization

    def shape(self, batch: int) -> tuple[int, ...]:
        """ONNX's, with the batch."""
        return (batch, *self.value.shape) if isinstance(self.value, Tensor) else self.value.shape


def _repeated(a: Operand, b: Operand) -> Operand | None:
    """The operand of which ONNX Runtime takes one element for a whole row of the other, or none."""
    some = 2  # any batch: not one
    shapes = [a.shape(some), b.shape(some)]
    rank = max(map(len, shapes))
    for m, n in zip(*((*(1,) * (rank - len(shape)), *shape)[::-1] for shape in shapes), strict=True):
        if (m, n) != (1, 1):
            return None if m == n else (a if m == 1 else b)
    return None


def combined(importer: QuantizedImport, make: Make, a: Operand, b: Operand, y: Quantization) -> Tensor:
    """Both operands through the ops of ``make``; the one that is repeated takes the part of the second."""
    if _repeated(a, b) is a:
        a, b = b, a
    if not isinstance(a.value, Tensor) or not isinstance(b.value, Tensor):
        return importer.steps.encoded(_with_constant(importer, make, a, b, y), y)
    if len(a.value.shape) != len(b.value.shape):
        raise ValueError("its inputs differ in their number of dimensions, so that the batch of one meets another's")
    first, second, last = make(a.quantization, b.quantization, y)
    order = same_order([a.value, b.value])
    left, right = (importer.steps.arranged(x, order) for x in (a.value, b.value))
    other = right.name if first is None else importer.steps.add(first, right.name)
    name = importer.steps.add(last, importer.steps.add(second, left.name, other))
    shape = tuple(int(size) for size in np.broadcast_shapes(left.shape, right.shape))
    return importer.steps.encoded(Tensor(name, shape, order), y)


def _with_constant(importer: QuantizedImport, make: Make, a: Operand, b: Operand, y: Quantization) -> Tensor:
    """A table for each value of the constant: it may differ along one dimension."""
    x, constant = (a.value, b.value) if isinstance(a.value, Tensor) else (b.value, a.value)
    if not isinstance(x, Tensor) or isinstance(constant, Tensor):
        raise ValueError("one of its inputs must not be constant")
    xq = a.quantization if x is a.value else b.quantization
    rank = len(x.shape) + 1
    if constant.ndim > rank or (constant.ndim == rank and constant.shape[0] != 1):
        raise ValueError(f"a constant of shape {list(constant.shape)} would change the batch")
    sizes = ((1,) * (rank - constant.ndim) + constant.shape)[1:]
    if any(size not in (1, own) for size, own in zip(sizes, x.shape, strict=True)):
        raise ValueError(f"a constant of shape {list(constant.shape)} does not fit a tensor (batch, {x.shape})")
    axes = [axis for axis, size in enumerate(sizes) if size != 1]
    if len(axes) > 1:
        raise ValueError("a constant that differs along more than one dimension is not supported")
    first, second, last = make(a.quantization, b.quantization, y)

    def entries(number: int) -> IntArray:
        fixed = np.full(len(xq.values), number, dtype=np.int64)
        left, right = (xq.values, fixed) if x is a.value else (fixed, xq.values)
        return last(second(left, right if first is None else first(right)))

    tables = {int(number): entries(int(number)) for number in np.unique(constant)}
    if not axes:
        (only,) = tables.values()
        return Tensor(importer.steps.add(Lookup(only, xq.dtype.min, y.dtype), x.name), x.shape, x.order)
    arranged = importer.steps.arranged(x, (*(axis for axis in x.order if axis != axes[0]), axes[0]))
    rows = np.stack([tables[int(number)] for number in constant.ravel()])
    name = importer.steps.add(Lookup(rows, xq.dtype.min, y.dtype), arranged.name)
    return Tensor(name, x.shape, arranged.order)


def _constant(importer: QuantizedImport, value: Array, q: Quantization, what: str) -> IntArray:
    if value.dtype != (np.int8 if q.dtype.signed else np.uint8):
        raise ValueError(f"{what} is {value.dtype}, but its zero point is of {q.dtype}")
    return value.astype(np.int64)


@handles("com.microsoft.QLinearAdd", "com.microsoft.QLinearMul")
def _qlinear_binary(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    if len(inputs) not in (7, 8):
        raise ValueError(f"it needs 8 inputs, not {len(inputs)}")
    operands = []
    for place, what in ((0, "its first input"), (3, "its second input")):
        q = importer.quantization(inputs[place + 1], inputs[place + 2], what)
        x = inputs[place]
        constant = isinstance(x, np.ndarray)
        value = _constant(importer, x, q, what) if constant else importer.typed(x, q, what)
        operands.append(Operand(value, q))
    y = importer.quantization(inputs[6], inputs[7] if len(inputs) == 8 else None, "its result")
    make = _add_chain if node.op.endswith("Add") else _multiply_chain
    return combined(importer, make, operands[0], operands[1], y)


def _float_operand(value: Any) -> Operand:
    if isinstance(value, Weights):
        if value.scale.size != 1 or value.zero_point.size != 1:
            raise ValueError("a constant must have one scale, not one a channel")
        dtype = value.dtype
        if dtype is None:
            raise ValueError("a constant must be int8 or uint8 behind a DequantizeLinear")
        q = Quantization(np.float32(value.scale.ravel()[0]), int(value.zero_point.ravel()[0]), dtype)
        return Operand(value.integers, q)
    return Operand(*operand(value))


@handles("Add", "Mul")
def _binary(importer: QuantizedImport, node: OnnxNode, inputs: list[Any]) -> Any:
    if len(inputs) != 2:
        raise ValueError(f"it needs 2 inputs, not {len(inputs)}")
    a, b = _float_operand(inputs[0]), _float_operand(inputs[1])
    used_once(importer, node)
    make = _add_chain if node.op == "Add" else _multiply_chain

    def finish(y: Quantization) -> Tensor:
        same_type(a.quantization, y)
        same_type(b.quantization, y)
        return combined(importer, make, a, b, y)

    return Awaiting(node, finish)
