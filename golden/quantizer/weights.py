"""Integer weights and bias of a layer, whatever its terms are.

For the integers ``q`` of its input ``x = s * (q - z)``, with ``w' = w * s``::

    W[o, i] = round(w'[o, i] / t[o])                               symmetric, narrow range; t: step of accumulator o
    B[o]    = round((b + E[o]) / t[o]) - sum_i W[o, i] * z[i]
    E[o]    = mean of sum_i (w' - t W)[o, i] * (q - z)[i] over the calibration samples

The zero point of the input is thus folded into the bias, and with it the mean error that rounding the weights makes
(bias correction, Nagel et al. 2019), which is zero only at ``q = z`` otherwise: far away for a feature like a year.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.types import FloatArray, IntArray

_FINEST_ROW = 256.0
"""No row of weights has a step finer than this part of the coarsest: its rounding is already far below the output's."""
_LARGEST_BIAS = 2.0**30
_SHRINKS = np.linspace(1.0, 0.4, 61)
"""Parts of the largest weight that are tried for the least squared error."""


@dataclass(frozen=True, eq=False)
class IntegerWeights:
    """``weight`` (outputs, terms), ``bias`` (outputs,), and the accumulators' real ``step``, (outputs,) or a scalar."""

    weight: IntArray
    bias: IntArray
    step: FloatArray


def integer_weights(
    folded: FloatArray,
    bias: FloatArray,
    zero_point: IntArray,
    bits: int,
    per_channel: bool,
    power: bool,
    least_squares: bool,
    mean_error: Callable[[FloatArray], FloatArray] | None,
) -> IntegerWeights:
    """The integers of a layer.

    Args:
        folded: weights times the input's scale, (outputs, terms).
        bias: (outputs,).
        zero_point: of the input, a scalar or (terms,).
        bits: width of the weights, which use -(2**(bits - 1) - 1) and up.
        per_channel: one step per output rather than one for all.
        power: steps that are powers of two.
        least_squares: the steps that make the least squared error rather than those that hold the largest weight.
        mean_error: from an error of ``folded`` the mean error of every output; None for no bias correction.

    Raises:
        ValueError: for a bias that does not fit.
    """
    largest = 2 ** (bits - 1) - 1
    rows = np.abs(folded).max(axis=1)
    floor = max(rows.max() / largest / _FINEST_ROW, np.abs(bias).max() / _LARGEST_BIAS)
    widest = rows if per_channel else rows.max()
    if least_squares:
        widest = widest * _best_parts(folded, np.asarray(widest), largest, power)
    step = np.maximum(widest / largest, floor if floor > 0 else 1.0)
    if power:
        step = np.exp2(np.ceil(np.log2(step)))
    column = np.broadcast_to(step, rows.shape)[:, None]
    weight = _rounded(folded, column, largest)
    error = 0.0 if mean_error is None else mean_error(folded - weight * column)
    real = np.floor((bias + error) / step + 0.5)
    zero_points = np.broadcast_to(zero_point, folded.shape[1:]).astype(np.int64)
    if np.abs(real).max() + np.abs(weight).sum(axis=1).max() * np.abs(zero_points).max() >= 2.0**62:
        raise ValueError("the bias does not fit 63 bits: the inputs are too far from zero for their range")
    integers = weight.astype(np.int64)
    return IntegerWeights(integers, real.astype(np.int64) - integers @ zero_points, np.asarray(step, dtype=np.float64))


def _rounded(folded: FloatArray, column: FloatArray, largest: int) -> FloatArray:
    return np.asarray(np.clip(np.floor(folded / column + 0.5), -largest, largest), dtype=np.float64)


def _best_parts(folded: FloatArray, widest: FloatArray, largest: int, power: bool) -> FloatArray:
    """For every row, or for all, the part of ``widest`` as range that makes the least squared error of the weights."""
    errors = []
    for part in _SHRINKS:
        steps = np.where(widest > 0, widest, 1.0) * part / largest
        steps = np.exp2(np.ceil(np.log2(steps))) if power else steps
        column = np.broadcast_to(steps, folded.shape[:1])[:, None]
        of_rows = np.square(folded - _rounded(folded, column, largest) * column).sum(axis=1)
        errors.append(of_rows if widest.ndim else of_rows.sum())
    return np.asarray(_SHRINKS[np.argmin(errors, axis=0)])
