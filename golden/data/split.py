"""Dividing samples into training, test and other splits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from golden.data.dataset import Dataset
from golden.types import FloatArray, IntArray

_ROUNDING = 1e-9


class DataSplitterTransform:
    """Shuffles the only split of a dataset and divides it, every sample into exactly one split.

    The sizes are the fractions of the samples, rounded by the method of the largest remainder (ties to the split named
    first); where that leaves nothing, a split is empty. Stratified, each class is rounded so; where many small classes
    all round the same way and a split would miss its size by more than one sample, as many of them are rounded the
    other way as brings the sizes next to their fractions. No class is ever off by a whole sample.

    Args:
        names: names of the splits.
        fractions: the share of each, positive, together 1.
        stratified: divide every class by itself, so that each split has the classes in equal proportion. Data without
            class labels has none to keep in proportion and is divided as a whole.
        seed: of the shuffling; the same seed divides the same data the same way.

    Raises:
        TypeError, ValueError: for names or fractions that do not fit; when called, for data that is divided already.
    """

    def __init__(
        self, names: Sequence[str], fractions: Sequence[float], stratified: bool = True, seed: int = 0
    ) -> None:
        if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
            raise TypeError(f"the names of splits must be a list of strings that are not empty, not {names!r}")
        if not isinstance(stratified, bool):
            raise TypeError(f"stratified must be True or False, not {stratified!r}")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TypeError(f"a seed must be an int, not {seed!r}")
        if seed < 0:
            raise ValueError(f"a seed must not be negative, not {seed}")
        self.names, self.fractions = tuple(names), tuple(map(float, fractions))
        self.stratified, self.seed = stratified, int(seed)
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError(f"the names of splits must be distinct, and there must be one, not {self.names}")
        if len(self.fractions) != len(self.names):
            raise ValueError(f"{len(self.names)} splits need as many fractions, not {len(self.fractions)}")
        if not all(fraction > 0 for fraction in self.fractions):
            raise ValueError(f"the fractions of splits must be positive, not {self.fractions}")
        if not abs(math.fsum(self.fractions) - 1) <= _ROUNDING:
            raise ValueError(f"the fractions of splits must sum to 1, not {math.fsum(self.fractions):g}")

    def __repr__(self) -> str:
        return (
            f"DataSplitterTransform({list(self.names)}, {list(self.fractions)}, "
            f"stratified={self.stratified}, seed={self.seed})"
        )

    def __call__(self, data: Dataset) -> Dataset:
        """The divided dataset; the samples of a split are in random order."""
        if len(data) > 1:
            raise ValueError(f"a dataset to split must have one split, not {', '.join(data.get_names())}")
        whole = data[data.get_names()[0]]
        order = np.random.default_rng(self.seed).permutation(len(whole))
        split_of = np.zeros(len(whole), dtype=np.int64)
        if self.stratified and whole.y is not None and whole.y.dtype.kind == "i":
            label = whole.y[order]
            classes, samples = np.unique(label, return_counts=True)
            for name, counts in zip(classes, _stratify(samples, self.fractions), strict=True):
                split_of[label == name] = np.repeat(np.arange(len(self.names)), counts)
        else:
            split_of = np.repeat(np.arange(len(self.names)), _apportion(len(whole), self.fractions))
        return data.with_splits({name: whole.take(order[split_of == i]) for i, name in enumerate(self.names)})


def _apportion(total: int, fractions: Sequence[float]) -> list[int]:
    """Integers that sum to ``total``, each ``total * fraction`` rounded up or down: largest remainders go up."""
    quotas = [total * fraction for fraction in fractions]
    counts = [math.floor(quota) for quota in quotas]
    # Rounded: 0.7 * 45 and 0.3 * 45 tie. 28.999999999999996, meant as 29, has the remainder 1 and goes first.
    by_remainder = sorted(range(len(quotas)), key=lambda i: -round(quotas[i] - counts[i], 9))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _stratify(samples: IntArray, fractions: Sequence[float]) -> IntArray:
    """Counts (classes, splits): each row apportioned, and no column sum more than 1 from its fraction of all samples.

    A repair moves one sample of a class from a split where its share was rounded up to one where it was rounded down,
    directly or by way of others: the cheapest way in squared deviation. It ends next to the fractions because a split
    that is too large by 1 always has a way to one that is too small (the flow of the unrounded shares is such a way).
    """
    shares: FloatArray = np.outer(samples, np.asarray(fractions))
    counts = np.array([_apportion(int(n), fractions) for n in samples], dtype=np.int64).reshape(shares.shape)
    if np.all(np.abs(counts.sum(axis=0) - shares.sum(axis=0)) <= 1 + _ROUNDING):
        return counts
    while True:
        excess = counts.sum(axis=0) - shares.sum(axis=0)
        ways = [
            (excess[i] - excess[j], way)
            for i, from_i in enumerate(_ways(np.asarray(counts - shares, dtype=np.float64)))
            for j, way in from_i.items()
            if excess[i] - excess[j] > 1 + _ROUNDING
        ]
        if not ways:
            return counts
        for row, i, j in max(ways, key=lambda item: round(item[0], 9))[1]:
            counts[row, i] -= 1
            counts[row, j] += 1


_Way = list[tuple[int, int, int]]
"""Moves of one sample each: class, from split, to split."""


def _ways(deviation: FloatArray) -> list[dict[int, _Way]]:
    """The cheapest way from each split to every other that has one (Bellman and Ford), by start and end."""
    splits = range(deviation.shape[1])
    steps: dict[tuple[int, int], tuple[float, int]] = {}
    for i in splits:
        for j in splits:
            movable = np.flatnonzero((deviation[:, i] > _ROUNDING) & (deviation[:, j] < -_ROUNDING))
            if len(movable):
                costs = 1 + deviation[movable, j] - deviation[movable, i]
                chosen = int(np.argmin(np.round(costs, 9)))  # equal costs differ in floats: the first class of these
                steps[i, j] = float(costs[chosen]), int(movable[chosen])
    ways = []
    for start in splits:
        cheapest: dict[int, tuple[float, _Way]] = {start: (0.0, [])}
        for _ in splits:
            for (i, j), (cost, row) in steps.items():
                if i in cheapest and cheapest[i][0] + cost < cheapest.get(j, (np.inf,))[0] - _ROUNDING:
                    cheapest[j] = cheapest[i][0] + cost, [*cheapest[i][1], (row, i, j)]
        ways.append({end: way for end, (_, way) in cheapest.items() if way})
    return ways
