"""Operators on constants, such as shapes computed from shapes: done once, while the file is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.importers.tflite_layer import Layer
from golden.importers.tflite_shapes import strides_of

_MAX_ELEMENTS = 1 << 16
"""Of a folded constant: shapes and indices are small, and nothing else is folded."""
_INTEGERS = ("INT32", "INT64")


def fold(layer: Layer) -> bool:
    """Whether the operator could be done, its inputs being constants of indices; its outputs then are, too."""
    operator = layer.operator
    if operator.kind == "SHAPE" and len(operator.inputs) == 1 and len(operator.outputs) == 1:
        layer.network.constants[operator.outputs[0]] = np.array([abs(d) for d in layer.tensor(0).shape], np.int64)
        return True
    places = range(len(operator.inputs))
    if operator.kind not in _FOLDS or len(operator.outputs) != 1 or not operator.inputs:
        return False
    if not all(layer.has(i) and layer.is_constant(i) and layer.tensor(i).type in _INTEGERS for i in places):
        return False
    arrays = [layer.constant(place, *_INTEGERS) for place in places]
    if sum(array.size for array in arrays) > _MAX_ELEMENTS:
        raise ValueError(f"its constants have more than {_MAX_ELEMENTS} elements")
    made = _FOLDS[operator.kind](layer, arrays)
    declared = layer.network.file.tensors[operator.outputs[0]].shape
    if tuple(made.shape) != tuple(declared):
        raise ValueError(f"the file says it makes the shape {declared}, but it makes {made.shape}")
    layer.network.constants[operator.outputs[0]] = made
    return True


Arrays = list[npt.NDArray[Any]]


def _strided_slice(layer: Layer, arrays: Arrays) -> npt.NDArray[Any]:
    array = arrays[0]
    begin, size, stride = strides_of(layer, list(array.shape))
    cut = array[tuple(slice(b, b + n * s, s) for b, n, s in zip(begin, size, stride, strict=True))]
    shrunk = layer.options["ShrinkAxisMask"]
    return cut.reshape([d for i, d in enumerate(cut.shape) if not shrunk >> i & 1])


def _gather(layer: Layer, arrays: Arrays) -> npt.NDArray[Any]:
    array, indices = arrays
    options = layer.operator.options or {"Axis": 0, "BatchDims": 0}  # what the format says of an operator without any
    axis = options["Axis"]
    if options["BatchDims"]:
        raise NotImplementedError(f"it has {options['BatchDims']} batch dimensions, supported are none")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"its axis {axis} must be one of the {array.ndim} dimensions of {array.tolist()}")
    if indices.size and not 0 <= indices.min() <= indices.max() < array.shape[axis]:
        raise ValueError(f"its indices {indices.tolist()} leave the {array.shape[axis]} elements")
    return np.take(array, indices, axis)


_FOLDS: dict[str, Callable[[Layer, Arrays], npt.NDArray[Any]]] = {
    "STRIDED_SLICE": _strided_slice,
    "PACK": lambda layer, arrays: np.stack(arrays, layer.options["Axis"]),
    "CONCATENATION": lambda layer, arrays: np.concatenate(arrays, layer.options["Axis"]),
    "GATHER": _gather,
}

FOLDED = ("SHAPE", *_FOLDS)
"""Operators that are fine where all that they read is constant."""
