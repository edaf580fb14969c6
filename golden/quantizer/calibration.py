"""What typical samples do in the float network: the range of every tensor that is worth encoding, and its mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from golden.network import Network
from golden.types import FloatArray, IntArray, IntType

BINS = 2048
"""Of the histograms that percentiles and squared errors are found by."""
SHRINKS = np.linspace(1.0, 0.2, 81)
"""Parts of the whole range that are tried for the least squared error."""
_ELEMENTS_AT_A_TIME = 1 << 22
"""Of all tensors together: 32 MB."""


@dataclass(eq=False)
class Statistics:
    """Of one tensor over all samples.

    Args:
        low, high: smallest and largest value.
        mean: over the samples, of the shape of the tensor.
        counts: how many values, other than zero, lie in each of ``BINS`` bins between ``low`` and ``high``.
        zeros: how many are zero.
    """

    low: float
    high: float
    mean: FloatArray
    counts: IntArray = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))
    zeros: int = 0

    @property
    def centres(self) -> FloatArray:
        """The middle of each bin."""
        edges = np.linspace(self.low, self.high, BINS + 1)
        return np.asarray((edges[1:] + edges[:-1]) / 2, dtype=np.float64)


def observe(network: Network, x: Mapping[str, FloatArray]) -> dict[str, Statistics]:
    """Range and mean of every tensor by name, over the samples ``x`` of every input."""
    found: dict[str, Statistics] = {}
    for traced in _pieces(network, x):
        for name, values in traced.items():
            low, high, total = float(values.min()), float(values.max()), np.asarray(values.sum(axis=0), dtype=float)
            if name in found:
                before = found[name]
                low, high, total = min(low, before.low), max(high, before.high), before.mean + total
            found[name] = Statistics(low, high, total)
    samples = len(next(iter(x.values())))
    for statistics in found.values():
        statistics.mean = statistics.mean / samples
    return found


def count(network: Network, x: Mapping[str, FloatArray], found: Mapping[str, Statistics]) -> None:
    """Adds the histograms to statistics that ``observe`` found."""
    for traced in _pieces(network, x):
        for name, statistics in found.items():
            values = traced[name]
            nonzero = values[values != 0]
            statistics.zeros += values.size - nonzero.size
            if statistics.high > statistics.low:
                statistics.counts += np.histogram(nonzero, BINS, (statistics.low, statistics.high))[0]


def clip_range(statistics: Statistics, method: str, percentile: float, dtype: IntType) -> tuple[float, float]:
    """The real range that ``dtype`` is to hold, zero included.

    ``min-max`` is all of it. ``percentile`` leaves out what lies above that percentile or below its counterpart at the
    other end. ``mse`` shrinks the range until the mean squared error of rounding and saturation together is least.
    """
    low, high = min(statistics.low, 0.0), max(statistics.high, 0.0)
    if method == "min-max" or not statistics.counts.any() or statistics.high == statistics.low:
        return low, high
    if method == "percentile":
        return _percentiles(statistics, percentile)
    errors = [_squared_error(statistics, low * part, high * part, dtype) for part in SHRINKS]
    part = float(SHRINKS[int(np.argmin(errors))])
    return low * part, high * part


def _percentiles(statistics: Statistics, percentile: float) -> tuple[float, float]:
    """Values by rank, linear within a bin; zero is included, but the zeros themselves count among the values."""
    centres, counts = statistics.centres, statistics.counts.astype(np.float64)
    width = centres[1] - centres[0]
    values, weights = np.append(centres, 0.0), np.append(counts, statistics.zeros)
    order = np.argsort(values, kind="stable")
    values, ranks = values[order], np.cumsum(weights[order])
    widths = np.where(order == BINS, 0.0, width)
    ends = []
    for part in (1.0 - percentile / 100.0, percentile / 100.0):
        wanted = part * ranks[-1]
        place = int(np.searchsorted(ranks, wanted))
        before = ranks[place - 1] if place else 0.0
        inside = (wanted - before) / max(ranks[place] - before, 1.0)
        ends.append(float(values[place] + (inside - 0.5) * widths[place]))
    return min(ends[0], 0.0), max(ends[1], 0.0)


def _squared_error(statistics: Statistics, low: float, high: float, dtype: IntType) -> float:
    """Sum over the bins of the squared difference to the nearest value that ``dtype`` has for the range."""
    step = (high - low) / (dtype.max - dtype.min)
    centres = statistics.centres
    saturated = np.clip(centres, low, high)
    error = np.square(centres - saturated)
    inside = np.square(saturated - np.floor(saturated / step + 0.5) * step)
    if step < 4 * (centres[1] - centres[0]):
        inside = np.full(BINS, step * step / 12.0)  # a bin spans so many steps that the error in it is uniform
    return float(((error + inside) * statistics.counts).sum())


def _pieces(network: Network, x: Mapping[str, FloatArray]) -> Iterator[dict[str, FloatArray]]:
    """Traces of some samples at a time."""
    elements = sum(int(np.prod(shape)) for shape in network.shapes.values())
    piece = max(1, _ELEMENTS_AT_A_TIME // elements)
    for start in range(0, len(next(iter(x.values()))), piece):
        yield network.trace({name: values[start : start + piece] for name, values in x.items()})
