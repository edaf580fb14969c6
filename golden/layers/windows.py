"""How layers with windows are given their kernel, stride and padding: ``3``, ``(3, 1)``, ``"same"``, pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.types import FloatArray, IntType, TensorType
from golden.window import Padding, Pair, out_shape, same_padding

SAME = "same"


def pair(value: Any, what: str, low: int = 1) -> Pair:
    """``value``, an int for both or (rows, columns), as two ints of at least ``low``."""
    numbers = (value, value) if isinstance(value, int | np.integer) else value
    try:
        rows, columns = numbers
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be an int or a pair (rows, columns), not {value!r}") from None
    for number in (rows, columns):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < low:
            raise ValueError(f"{what} must be at least {low} and int, not {value!r}")
    return int(rows), int(columns)


def border(value: Any, what: str) -> Padding | str:
    """A padding: ``"same"``, an int for all sides, (rows, columns), or ((top, bottom), (left, right))."""
    if isinstance(value, str):
        if value != SAME:
            raise ValueError(f'{what} must be ints or "same", not {value!r}')
        return SAME
    if not isinstance(value, int | np.integer) and len(value) == 2 and all(hasattr(side, "__len__") for side in value):
        return pair(value[0], what, 0), pair(value[1], what, 0)
    rows, columns = pair(value, what, 0)
    return (rows, rows), (columns, columns)


def padding_of(border: Padding | str, size: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Padding:
    """The padding of an image of ``size`` (rows, columns): ``border``, or what ``"same"`` means for it."""
    return same_padding(size, kernel, stride, dilation) if isinstance(border, str) else border


def windows(x: FloatArray, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair, what: str) -> Pair:
    """Rows and columns of the result on a batch (batch, rows, columns, channels); ValueError if it is none."""
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"{what} needs floats of shape (batch, rows, columns, channels), not {x.shape}")
    return out_shape(TensorType(x.shape[1:], IntType(1, False)), kernel, stride, padding, dilation, what)


def same_or(border: Padding | str) -> str:
    """A padding as its caller might have written it."""
    if isinstance(border, str):
        return repr(border)
    (top, bottom), (left, right) = border
    if top == bottom and left == right:
        return str(top if top == left else (top, left))
    return str(border)
