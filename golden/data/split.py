"""Dividing samples into training, test and other splits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from golden.data.dataset import Dataset
from golden.types import IntArray

_ROUNDING = 1e-9


class DataSplitterTransform:
    """Shuffles the only split of a dataset and divides it, every sample into exactly one split.

    The sizes are the fractions of the samples, rounded by the method of the largest remainder (ties to the split named
    first); where that leaves nothing, a split is empty.

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
            for name in np.unique(label):
                split_of[label == name] = self._assign(int(np.sum(label == name)))
        else:
            split_of = self._assign(len(whole))
        return data.with_splits({name: whole.take(order[split_of == i]) for i, name in enumerate(self.names)})

    def _assign(self, samples: int) -> IntArray:
        return np.repeat(np.arange(len(self.names)), _apportion(samples, self.fractions))


def _apportion(total: int, fractions: Sequence[float]) -> list[int]:
    """Integers that sum to ``total``, each ``total * fraction`` rounded up or down: largest remainders go up."""
    quotas = [total * fraction for fraction in fractions]
    counts = [math.floor(quota) for quota in quotas]
    # Rounded: 0.7 * 45 and 0.3 * 45 tie. 28.999999999999996, meant as 29, has the remainder 1 and goes first.
    by_remainder = sorted(range(len(quotas)), key=lambda i: -round(quotas[i] - counts[i], 9))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts
