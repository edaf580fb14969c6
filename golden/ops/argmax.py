"""Index of the largest element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class Argmax:
    """``y = min { i : x[i] = max(x) }`` over the innermost dimension: the first maximum wins."""

    def out_type(self, x: TensorType) -> TensorType:
        """``x`` without its innermost dimension, in as many bits as the index needs."""
        if not x.shape:
            raise ValueError(f"Argmax needs at least one dimension, it cannot take {x}")
        return TensorType(x.shape[:-1], IntType.holding(0, x.shape[-1] - 1))

    def __call__(self, x: IntArray) -> IntArray:
        return np.asarray(np.argmax(x, axis=-1), dtype=np.int64)
