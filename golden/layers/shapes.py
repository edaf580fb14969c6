"""The same elements elsewhere: other shapes, another order, a border."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from golden.types import FloatArray


@dataclass(frozen=True)
class Flatten:
    """All dimensions behind the batch as one, in row-major order: rows, columns, channels.

    PyTorch's order is channels, rows, columns: a Linear behind it has other columns there.
    """

    def __call__(self, x: FloatArray) -> FloatArray:
        return x.reshape(len(x), prod(x.shape[1:]))


@dataclass(frozen=True)
class Reshape:
    """The elements in row-major order, in ``shape`` (which excludes the batch)."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))

    def __call__(self, x: FloatArray) -> FloatArray:
        if prod(self.shape) != prod(x.shape[1:]):
            raise ValueError(f"{self}, {prod(self.shape)} elements a sample, cannot take {x.shape}")
        return x.reshape(len(x), *self.shape)


@dataclass(frozen=True)
class Transpose:
    """Dimension ``i`` of ``y`` is dimension ``permutation[i]`` of ``x``; 0 is the first one behind the batch."""

    permutation: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "permutation", tuple(self.permutation))
        if sorted(self.permutation) != list(range(len(self.permutation))):
            raise ValueError(f"the permutation of Transpose must have each of 0..n-1 once, not {self.permutation}")

    def __call__(self, x: FloatArray) -> FloatArray:
        if x.ndim != len(self.permutation) + 1:
            raise ValueError(f"{self} cannot take {x.shape}")
        return x.transpose(0, *(axis + 1 for axis in self.permutation))


@dataclass(frozen=True)
class Pad:
    """``x`` with ``padding``, one (before, after) per dimension behind the batch, of ``value`` around it."""

    padding: tuple[tuple[int, int], ...]
    value: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "padding", tuple((before, after) for before, after in self.padding))
        if any(side < 0 for sides in self.padding for side in sides):
            raise ValueError(f"the padding of Pad must not be negative, not {self.padding}")

    def __call__(self, x: FloatArray) -> FloatArray:
        if x.ndim != len(self.padding) + 1:
            raise ValueError(f"{self} cannot take {x.shape}")
        return np.pad(x, ((0, 0), *self.padding), constant_values=self.value)
