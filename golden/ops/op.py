"""What an op is: a frozen dataclass of parameters that says its result type and, when called, its exact meaning."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from golden.types import IntArray, TensorType


class Op(Protocol):
    """The interface of every op of one input; its docstring is its equation."""

    def out_type(self, x: TensorType) -> TensorType:
        """Type of the result; raises ValueError where the op cannot take ``x``."""
        ...

    def __call__(self, x: IntArray) -> IntArray:
        """The exact integer result on a batch ``(batch, *shape)``."""
        ...


def frozen_ints(values: npt.ArrayLike, what: str) -> IntArray:
    """``values`` as a read-only int64 array, refusing anything that is not an integer already."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, not {array.dtype}")
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


def same_op(a: Any, b: Any) -> bool:
    """Whether two ops are of one class with equal parameters (arrays compared by value)."""
    if type(a) is not type(b):
        return False
    pairs = ((getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)
    return all(np.array_equal(x, y) if isinstance(x, np.ndarray) else bool(x == y) for x, y in pairs)
