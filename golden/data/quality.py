"""What quantization does to data: error, signal-to-noise ratio, histograms before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Quality:
    """How well integers stand for the real numbers of one split.

    ``mse = mean((decoded - x)**2)`` in the square of the data's unit, ``sqnr_db = 10 log10(sum(x**2) / sum((decoded -
    x)**2))`` in decibels: the signal-to-quantization-noise ratio, infinite without any error. Per feature they have
    shape (features,); the totals take all values together. Without samples all of them are NaN.
    """

    mse_per_feature: FloatArray
    sqnr_db_per_feature: FloatArray
    mse: float
    sqnr_db: float

    @classmethod
    def measure(cls, x: FloatArray, decoded: FloatArray) -> Quality:
        """The quality of ``decoded`` as a stand-in for ``x``, both of shape (values, features)."""
        signal, noise = np.square(x).sum(axis=0), np.square(decoded - x).sum(axis=0)
        values, features = x.shape
        if not values:
            nothing = np.full(features, np.nan)
            return cls(nothing, nothing.copy(), float("nan"), float("nan"))
        total = _decibels(signal.sum(keepdims=True), noise.sum(keepdims=True))
        return cls(noise / values, _decibels(signal, noise), float(noise.sum() / x.size), float(total[0]))

    def __str__(self) -> str:
        return f"MSE {self.mse:.3g}, SQNR {self.sqnr_db:.1f} dB"


@dataclass(frozen=True, eq=False)
class Histograms:
    """One feature before (real numbers) and after (integers): ``counts[i]`` values lie in ``edges[i]..edges[i+1]``.

    Each counts over ``bins`` bins of equal width from its own smallest to its own largest value, so that equal shapes
    of the two mean that the distribution survived.
    """

    feature: str
    counts_before: IntArray
    edges_before: FloatArray
    counts_after: IntArray
    edges_after: FloatArray

    @classmethod
    def count(cls, feature: str, before: FloatArray, after: IntArray, bins: int) -> Histograms:
        """Histograms of ``bins`` bins; ``feature`` is what the values are called."""
        if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)):
            raise TypeError(f"the bins of a histogram must be an int, not {bins!r}")
        if bins < 1:
            raise ValueError(f"a histogram must have at least one bin, not {bins}")
        counts_before, edges_before = np.histogram(before, bins, _span(before))
        counts_after, edges_after = np.histogram(after, bins, _span(after))
        return cls(feature, counts_before, edges_before, counts_after, edges_after)


def _span(values: FloatArray | IntArray) -> tuple[float, float]:
    """The range to divide into bins: wide enough for them to differ, also where the values (nearly) do not."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    peak = max(abs(low), abs(high))
    margin = max(0.5, peak * 1e-6) if high - low <= peak * 1e-9 else 0.0
    return low - margin, high + margin


def _decibels(signal: FloatArray, noise: FloatArray) -> FloatArray:
    ratio = np.full(signal.shape, np.inf)
    np.divide(signal, noise, out=ratio, where=noise > 0)
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(ratio), dtype=np.float64)
