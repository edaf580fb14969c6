"""A part of a tensor."""

from __future__ import annotations

from dataclasses import dataclass

from golden.ops.op import plain_ints
from golden.types import IntArray, TensorType


@dataclass(frozen=True)
class Slice:
    """``y[i, ...] = x[begin + i * stride, ...]``, ``size`` elements of each dimension behind the batch."""

    begin: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        for name, low in (("begin", 0), ("size", 1), ("stride", 1)):
            object.__setattr__(self, name, plain_ints(getattr(self, name), None, f"the {name} of Slice", low))
        if not len(self.begin) == len(self.size) == len(self.stride):
            raise ValueError(
                "begin, size and stride of Slice must have a number for each dimension, "
                f"not {len(self.begin)}, {len(self.size)} and {len(self.stride)}"
            )

    def out_type(self, x: TensorType) -> TensorType:
        """The element type of ``x``, in the shape ``size``."""
        last = [b + (n - 1) * s for b, n, s in zip(self.begin, self.size, self.stride, strict=True)]
        if len(last) != len(x.shape) or any(i >= size for i, size in zip(last, x.shape, strict=False)):
            raise ValueError(f"Slice from {self.begin} of {self.size} elements by {self.stride} cannot take {x}")
        return TensorType(self.size, x.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        places = zip(self.begin, self.size, self.stride, strict=True)
        return x[(slice(None), *(slice(b, b + (n - 1) * s + 1, s) for b, n, s in places))]
