"""The same elements with the dimensions in another order."""

from __future__ import annotations

from dataclasses import dataclass

from golden.ops.op import plain_ints
from golden.types import IntArray, TensorType


@dataclass(frozen=True)
class Transpose:
    """Dimension ``i`` of ``y`` is dimension ``permutation[i]`` of ``x``; 0 is the first one behind the batch."""

    permutation: tuple[int, ...]

    def __post_init__(self) -> None:
        permutation = plain_ints(self.permutation, None, "the permutation of Transpose", 0)
        if sorted(permutation) != list(range(len(permutation))):
            raise ValueError(f"the permutation of Transpose must have each of 0..n-1 once, not {self.permutation}")
        object.__setattr__(self, "permutation", permutation)

    def out_type(self, x: TensorType) -> TensorType:
        """The element type of ``x``."""
        if len(self.permutation) != len(x.shape):
            raise ValueError(f"Transpose of {len(self.permutation)} dimensions cannot take {x}")
        return TensorType(tuple(x.shape[axis] for axis in self.permutation), x.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        return x.transpose(0, *(axis + 1 for axis in self.permutation))
