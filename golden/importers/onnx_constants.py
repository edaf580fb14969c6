"""Constant folding: what exporters compute from shapes and constants is computed once, here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from golden.importers.onnx_file import Array, OnnxNode, import_onnx

_MAX_ELEMENTS = 1 << 24
"""Of one folded constant: a small file must not ask for gigabytes."""

_BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Min": np.minimum,
    "Max": np.maximum,
    "Pow": np.power,
}
_UNARY: dict[str, Callable[[Array], Array]] = {
    "Identity": np.asarray,
    "Neg": np.negative,
    "Abs": np.abs,
    "Sqrt": np.sqrt,
    "Floor": np.floor,
    "Ceil": np.ceil,
}


def can_fold(op: str) -> bool:
    """Whether ``fold`` knows this operator."""
    return op in _BINARY or op in _UNARY or op in _OTHERS


def fold(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    """The result of ``node`` on constants; raises ValueError for what does not fit together or is too large."""
    try:
        with np.errstate(all="ignore"):
            result = _fold(node, inputs, opset)
    except (IndexError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"it cannot be computed: {error}") from error
    return np.asarray(result)


def _fold(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    if node.op in _BINARY:
        result = inputs[0]
        for other in inputs[1:]:
            _bounded(np.broadcast_shapes(result.shape, other.shape))
            result = np.asarray(_BINARY[node.op](result, other))
        return result
    if node.op in _UNARY:
        return _UNARY[node.op](inputs[0])
    return np.asarray(_OTHERS[node.op](node, inputs, opset))


def _bounded(shape: Sequence[int]) -> tuple[int, ...]:
    if any(size < 0 for size in shape) or prod(shape) > _MAX_ELEMENTS:
        raise ValueError(f"a constant of shape {list(shape)} is not possible here")
    return tuple(int(size) for size in shape)


def axes_of(node: OnnxNode, inputs: Sequence[Array], place: int = 1) -> list[int] | None:
    """Axes: an attribute in old files, an input in new ones; None where there are none."""
    if "axes" in node.attributes:
        return node.integers("axes", [])
    return [int(axis) for axis in inputs[place].ravel()] if len(inputs) > place else None


def _constant(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    for name, dtype in (("value", None), ("value_int", np.int64), ("value_ints", np.int64)):
        if name in node.attributes:
            return np.asarray(node.attributes[name], dtype=dtype)
    for name in ("value_float", "value_floats"):
        if name in node.attributes:
            return np.asarray(node.attributes[name], dtype=np.float32)
    raise ValueError("it has no tensor or numbers")


def _cast(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    dtype = import_onnx().helper.tensor_dtype_to_np_dtype(node.integer("to", 0))
    return inputs[0].astype(dtype)


def _divide(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    a, b = inputs
    _bounded(np.broadcast_shapes(a.shape, b.shape))
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    return np.asarray(np.trunc(a / b), dtype=a.dtype)  # ONNX rounds towards zero


def _gather(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    data, indices = inputs
    _bounded((data.size, indices.size) if data.ndim > 1 else (indices.size,))
    return np.take(data, indices, axis=node.integer("axis", 0))


def _unsqueeze(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    return np.expand_dims(inputs[0], tuple(axes_of(node, inputs) or ()))


def _squeeze(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    axes = axes_of(node, inputs)
    return np.squeeze(inputs[0], None if axes is None else tuple(axes))


def _concat(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    return np.concatenate(inputs, axis=node.integer("axis", 0))


def slices_of(node: OnnxNode, inputs: Sequence[Array], rank: int) -> list[slice]:
    """One slice per dimension, as a Slice node of any opset says."""
    if "starts" in node.attributes:
        starts, ends = node.integers("starts", []), node.integers("ends", [])
        axes, steps = node.integers("axes", range(len(starts))), [1] * len(starts)
    else:
        given = [[int(number) for number in values.ravel()] for values in inputs[1:]]
        starts, ends = given[0], given[1]
        axes = given[2] if len(given) > 2 and given[2] else list(range(len(starts)))
        steps = given[3] if len(given) > 3 and given[3] else [1] * len(starts)
    parts = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not -rank <= axis < rank or step == 0:
            raise ValueError(f"axis {axis} or step {step} is not possible in {rank} dimensions")
        parts[axis] = slice(start, None if step < 0 and end < -(1 << 30) else end, step)
    return parts


def _slice(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    return inputs[0][tuple(slices_of(node, inputs, inputs[0].ndim))]


def target_shape(shape: Sequence[int], wanted: Sequence[int], allow_zero: bool) -> tuple[int, ...]:
    """The shape a Reshape asks for: 0 copies a dimension (unless ``allow_zero``), one -1 takes what is left."""
    sizes = list(wanted)
    for i, size in enumerate(sizes):
        if size == 0 and not allow_zero:
            if i >= len(shape):
                raise ValueError(f"the shape {list(wanted)} copies a dimension that {list(shape)} has not")
            sizes[i] = shape[i]
    rest = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and rest > 0:
        sizes[sizes.index(-1)] = prod(shape) // rest
    if any(size < 0 for size in sizes) or prod(sizes) != prod(shape):
        raise ValueError(f"the shape {list(wanted)} is not possible for {list(shape)}")
    return tuple(sizes)


def _reshape(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    wanted = [int(size) for size in inputs[1].ravel()]
    return inputs[0].reshape(target_shape(inputs[0].shape, wanted, bool(node.integer("allowzero", 0))))


def _transpose(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    return inputs[0].transpose(node.integers("perm", reversed(range(inputs[0].ndim))))


def _constant_of_shape(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    value = np.asarray(node.attributes.get("value", np.zeros(1, np.float32)))
    return np.full(_bounded([int(size) for size in inputs[0].ravel()]), value.ravel()[0], dtype=value.dtype)


def _expand(node: OnnxNode, inputs: Sequence[Array], opset: int) -> Array:
    wanted = [int(size) for size in inputs[1].ravel()]
    shape = _bounded(np.broadcast_shapes(inputs[0].shape, _bounded(wanted)))
    return np.broadcast_to(inputs[0], shape).copy()


_OTHERS: dict[str, Callable[[OnnxNode, Sequence[Array], int], Any]] = {
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _divide,
    "Expand": _expand,
    "Gather": _gather,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
