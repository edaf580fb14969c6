"""Any function of a few bits, as a table: sigmoid, tanh, leaky ReLU, a product with a constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops.op import frozen_ints
from golden.types import IntArray, IntType, TensorType

MAX_BITS = 16
"""Widest input of a table."""


@dataclass(frozen=True, eq=False)
class Lookup:
    """``y = table[x - min(x)]``, where ``min(x)`` is the smallest value of the type of ``x``, here ``low``.

    ``table`` has shape (values,), an entry for each value of the type, or (channels, values) for a table per channel of
    the innermost dimension. Its entries are values of ``dtype``.
    """

    table: IntArray
    low: int
    dtype: IntType

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", frozen_ints(self.table, "the table of Lookup"))
        if self.table.ndim not in (1, 2) or 0 in self.table.shape:
            raise ValueError(
                f"the table of Lookup must have shape (values,) or (channels, values), not {self.table.shape}"
            )
        if int(self.table.min()) < self.dtype.min or int(self.table.max()) > self.dtype.max:
            raise ValueError(
                f"the table of Lookup must hold values of {self.dtype}, not {self.table.min()}..{self.table.max()}"
            )

    def out_type(self, x: TensorType) -> TensorType:
        """``dtype``; ``x`` must have as many values as the table, from ``low`` on."""
        values = 1 << x.dtype.bits
        if x.dtype.bits > MAX_BITS or self.table.shape[-1] != values or x.dtype.min != self.low:
            raise ValueError(f"Lookup in {self.table.shape[-1]} values from {self.low} on cannot take {x}")
        if self.table.ndim == 2 and self.table.shape[0] != x.inner:
            raise ValueError(f"Lookup with {self.table.shape[0]} channels cannot take {x}")
        return TensorType(x.shape, self.dtype)

    def __call__(self, x: IntArray) -> IntArray:
        if self.table.ndim == 1:
            return self.table[x - self.low]
        return self.table[np.arange(self.table.shape[0]), x - self.low]
