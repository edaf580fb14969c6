"""Layers of several inputs: sum, product, and side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.types import FloatArray


def _matched(a: FloatArray, b: FloatArray, what: str) -> tuple[FloatArray, FloatArray]:
    """Two batches with as many dimensions, matched from the innermost one as numpy does, but the batch in front."""
    rank = max(a.ndim, b.ndim)
    a, b = (x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (a, b))
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(f"{what} cannot take {a.shape} and {b.shape}: their shapes do not broadcast") from None
    return a, b


@dataclass(frozen=True)
class Add:
    """``y = a + b``; shapes broadcast from the innermost dimension."""

    def __call__(self, a: FloatArray, b: FloatArray) -> FloatArray:
        a, b = _matched(a, b, "Add")
        return a + b


@dataclass(frozen=True)
class Multiply:
    """``y = a * b``; shapes broadcast from the innermost dimension."""

    def __call__(self, a: FloatArray, b: FloatArray) -> FloatArray:
        a, b = _matched(a, b, "Multiply")
        return a * b


@dataclass(frozen=True)
class Concat:
    """``y = x_1, x_2, ...`` along ``axis``; axis 0 is the first dimension behind the batch, -1 the innermost one."""

    axis: int = -1

    def __call__(self, *x: FloatArray) -> FloatArray:
        if not x:
            raise ValueError("Concat needs at least one input")
        axis = self.axis if self.axis < 0 else self.axis + 1
        rank = x[0].ndim
        if not 1 <= axis % rank <= rank - 1 or axis >= rank or axis < 1 - rank:
            raise ValueError(f"{self} cannot take {x[0].shape}")
        try:
            return np.concatenate(x, axis=axis)
        except ValueError:
            raise ValueError(f"{self} cannot take {', '.join(str(each.shape) for each in x)}") from None
