"""Arrays of elements: numpy's rules for shapes, and what is done at each place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from rtlgen.element import Element
from rtlgen.reduction import dot

Elements = npt.NDArray[Any]
"""Array of `Element`."""

Axis = int | tuple[int, ...] | None
"""One axis, several, or all of them."""


def object_array(items: Iterable[Any], shape: Sequence[int]) -> npt.NDArray[Any]:
    """``items`` in row-major order; numpy never looks into them (a wire is a sequence of its bits)."""
    return np.fromiter(items, dtype=object, count=prod(shape)).reshape(tuple(shape))


def elementwise(function: Callable[..., Element], *arrays: Elements) -> Elements:
    """``function`` of the elements at each place of the arrays, broadcast.

    Raises:
        ValueError: if the shapes do not broadcast.
    """
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"shapes must broadcast to each other, but {shapes} do not") from None
    flat = [np.broadcast_to(array, shape).flat for array in arrays]
    return object_array(map(function, *flat), shape)


def reduced(
    function: Callable[[list[Element]], Element], array: Elements, axis: Axis, keepdims: bool, may_be_empty: bool
) -> Elements:
    """``function`` of all elements along an axis, several, or all, in row-major order.

    Raises:
        TypeError: if an axis is not an int.
        ValueError: if there is no such axis, or nothing along it.
    """
    axes = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if isinstance(a, bool) or not isinstance(a, int | np.integer):
            raise TypeError(f"an axis must be an int, not {a!r}")
        if not -array.ndim <= a < array.ndim:
            raise ValueError(f"an axis must be one of the {array.ndim} of shape {array.shape}, not {a}")
    gone = {int(a) % array.ndim for a in axes}
    if len(gone) < len(axes):
        raise ValueError(f"axes must differ from each other, not {axis}")
    kept = [a for a in range(array.ndim) if a not in gone]
    length = prod(array.shape[a] for a in gone)
    if not length and not may_be_empty:
        raise ValueError(f"axis {axis} of shape {array.shape} must have an element to choose")
    shape = [array.shape[a] for a in kept]
    rows = array.transpose([*kept, *sorted(gone)]).reshape(prod(shape), length)
    result = object_array((function(list(row)) for row in rows), shape)
    return np.expand_dims(result, tuple(gone)) if keepdims else result


def matmul(x: Elements, y: Elements) -> Elements:
    """As `numpy.matmul`: batches broadcast; a vector is a row on the left and a column on the right.

    Raises:
        ValueError: if the shapes do not match.
    """
    if not x.ndim or not y.ndim or x.shape[-1] != y.shape[-min(2, y.ndim)]:
        raise ValueError(f"@ needs (..., n, k) and (..., k, m), not {x.shape} and {y.shape}")
    rows = x[np.newaxis] if x.ndim == 1 else x
    columns = y[np.newaxis] if y.ndim == 1 else y.swapaxes(-1, -2)
    try:
        batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise ValueError(f"the batches of @ must broadcast to each other, but {x.shape} and {y.shape} do not") from None
    shape = (*batch, rows.shape[-2], columns.shape[-2])
    rows, columns = (np.broadcast_to(array, (*batch, *array.shape[-2:])) for array in (rows, columns))
    result = object_array((dot(rows[at[:-1]], columns[(*at[:-2], at[-1])]) for at in np.ndindex(*shape)), shape)
    if x.ndim == 1:
        result = result[..., 0, :]
    return np.asarray(result[..., 0] if y.ndim == 1 else result, dtype=object)
