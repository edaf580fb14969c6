"""Two tensors of different shapes, element by element: numpy's rule, but the batch stays in front."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import TensorType

Numbers = npt.NDArray[Any]


def broadcast_shape(a: TensorType, b: TensorType, what: str) -> tuple[int, ...]:
    """The shape of the result, dimensions matched from the innermost one; raises ValueError where they do not fit."""
    try:
        return tuple(np.broadcast_shapes(a.shape, b.shape))
    except ValueError:
        raise ValueError(f"{what} cannot take {a} and {b}: their shapes do not broadcast") from None


def matched(a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
    """Two batches with as many dimensions: the one that lacks some gets ones behind the batch."""
    rank = max(a.ndim, b.ndim)
    return _raised(a, rank), _raised(b, rank)


def _raised(x: Numbers, rank: int) -> Numbers:
    return x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:])
