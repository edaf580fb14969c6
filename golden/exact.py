"""Sums of integer products by floating-point BLAS: exact because a bound on every partial sum is checked first.

A float holds every integer up to ``2**24`` (single) or ``2**53`` (double precision). While the sum of the magnitudes of
all products stays below that, every partial sum does too, in any order of summation and with or without fused
multiply-add: nothing is ever rounded. And BLAS is an order of magnitude faster than numpy's integer matmul.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.types import IntArray

_EXACT = ((np.float32, 1 << 24), (np.float64, 1 << 53))


def exact_dtype(largest_sum: int) -> Any:
    """The fastest dtype in which sums of products are exact whose magnitudes add up to ``largest_sum`` at most."""
    return next((dtype for dtype, bound in _EXACT if largest_sum < bound), np.int64)


def largest_sum(x: IntArray, rows: IntArray) -> int:
    """A bound on the sum of the products' magnitudes, of any inputs among ``x`` with one of ``rows``, (rows, terms)."""
    magnitude = max(-int(x.min(initial=0)), int(x.max(initial=0)))
    return magnitude * int(np.abs(rows).sum(axis=1).max())


def reach(rows: IntArray, bias: IntArray, low: int, high: int) -> tuple[list[int], list[int]]:
    """Smallest and largest ``bias[r] + sum_t rows[r, t] * x[t]`` of every row, over all ``x[t]`` in ``[low, high]``.

    In Python's integers, which never wrap.
    """
    lows, highs = [], []
    for row, offset in zip(rows.tolist(), bias.tolist(), strict=True):
        up = sum(w for w in row if w > 0)
        down = sum(row) - up
        lows.append(offset + up * low + down * high)
        highs.append(offset + up * high + down * low)
    return lows, highs
