"""Transforms: callables from Dataset to Dataset, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from golden.data.dataset import Dataset
from golden.data.split import DataSplitterTransform
from golden.types import FloatArray


class Transform(Protocol):
    """The interface of every transform: a new dataset from a dataset, which stays as it was."""

    def __call__(self, data: Dataset, /) -> Dataset:
        """The transformed dataset. What has to be learned from the data is learned from ``data.training``."""
        ...


@runtime_checkable
class FittedTransform(Protocol):
    """A transform with parameters: calling it is ``fit`` and then ``apply``."""

    def fit(self, data: Dataset, /) -> Self:
        """Learn the parameters from ``data.training``, replacing earlier ones."""
        ...

    def apply(self, data: Dataset, /) -> Dataset:
        """Transform every split with the parameters as they are."""
        ...


class TransformsPipeline:
    """Transforms in a row: ``pipeline(data)`` fits and applies each on the result of the one before.

    Nothing is ever fitted on test data: a ``DataSplitterTransform`` that comes after transforms that are fitted runs
    before the first of them. The result is divided as if it had run in its place, for a fitted transform takes each
    sample by itself, and what it learned is learned from the split ``train`` alone.

    Raises:
        TypeError: for a transform that cannot be called. What a transform raises gets a note that names it.
        ValueError: for a transform of one's own, without ``fit`` and ``apply``, between a fitted one and the splitter:
            whether the splitter may pass it is unknown.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = tuple(transforms)
        for transform in self.transforms:
            if not callable(transform) or isinstance(transform, type):
                raise TypeError(f"a transform must be a callable object, not {transform!r}")
        self._order = _splitter_first(self.transforms)

    def __call__(self, data: Dataset) -> Dataset:
        """The data after all transforms, fitted anew."""
        return self._run(data, refit=True)

    def apply(self, data: Dataset) -> Dataset:
        """The same for data at inference: as fitted before, and without what has nothing to apply (a splitter)."""
        return self._run(data, refit=False)

    def _run(self, data: Dataset, refit: bool) -> Dataset:
        if not isinstance(data, Dataset):
            raise TypeError(f"a pipeline must be given a Dataset, not {type(data).__name__}")
        for position in self._order:
            transform = self.transforms[position]
            try:
                if refit:
                    data = transform(data)
                elif isinstance(transform, FittedTransform):
                    data = transform.apply(data)
            except Exception as error:
                error.add_note(f"in transform {position + 1} of {len(self.transforms)}, {transform!r}")
                raise
        return data


class NormalizeZScoreTransform:
    """``y = (x - mean) / std`` per feature; 0 for a feature whose ``std`` is 0.

    Args:
        mean, std: given statistics, scalars or one number per feature. Without them they are fitted on
            ``data.training`` (the population's standard deviation, divided by the number of values).

    Raises:
        TypeError, ValueError: for only one of the two, or numbers that are not finite or of another count than the
            features; when fitted, for no samples.
    """

    def __init__(self, mean: npt.ArrayLike | None = None, std: npt.ArrayLike | None = None) -> None:
        if (mean is None) != (std is None):
            raise TypeError("mean and std must be given both, or neither to fit them")
        self.given = mean is not None
        self._mean = None if mean is None else _statistic(mean, "mean")
        self._std = None if std is None else _statistic(std, "std")
        if self._std is not None and np.any(self._std < 0):
            raise ValueError(f"a std must not be negative, not {self._std}")

    def __repr__(self) -> str:
        return f"NormalizeZScoreTransform({'given' if self.given else 'fitted'})"

    @property
    def mean(self) -> FloatArray:
        """Mean of each feature; raises RuntimeError before it is fitted."""
        return _fitted(self._mean)

    @property
    def std(self) -> FloatArray:
        """Standard deviation of each feature; raises RuntimeError before it is fitted."""
        return _fitted(self._std)

    def fit(self, data: Dataset) -> Self:
        """Learn mean and standard deviation from ``data.training``; given ones stay as they are."""
        if self.given:
            return self
        x = data.training.columns.astype(np.float64)
        if not len(x):
            raise ValueError("mean and std must be fitted on samples, the split to fit on is empty")
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = x.mean(axis=0), x.std(axis=0)
        # The mean of equal numbers is off by a rounding, and so would be their deviation from it: ask for equality.
        std[x.min(axis=0) == x.max(axis=0)] = 0
        self._mean, self._std = _statistic(mean, "mean"), _statistic(std, "std")
        return self

    def apply(self, data: Dataset) -> Dataset:
        """Every split with the mean and standard deviation as they are."""
        mean, std = self.mean, self.std
        for name, statistic in (("mean", mean), ("std", std)):
            if statistic.shape not in ((), (data.features,)):
                raise ValueError(f"the {name} of {data.features} features cannot be {statistic.size} numbers")
        divisor = np.where(std > 0, std, 1.0)
        return data.map_x(lambda x: np.where(std > 0, (x - mean) / divisor, 0.0))

    def __call__(self, data: Dataset) -> Dataset:
        """``fit`` and ``apply``."""
        return self.fit(data).apply(data)


def _splitter_first(transforms: Sequence[Transform]) -> list[int]:
    """The order to run ``transforms`` in: splitters ahead of what is fitted."""
    order = list(range(len(transforms)))
    fitted = [i for i, transform in enumerate(transforms) if _learns(transform)]
    for position, transform in enumerate(transforms):
        if not isinstance(transform, DataSplitterTransform) or not fitted or position < fitted[0]:
            continue
        for other in transforms[fitted[0] : position]:
            if not isinstance(other, (FittedTransform, DataSplitterTransform)):
                raise ValueError(
                    f"{transform!r} must come before {transforms[fitted[0]]!r}, which is to be fitted on the training "
                    f"split alone; it cannot be moved there past {other!r}, which may need the undivided data"
                )
        order.remove(position)
        order.insert(order.index(fitted[0]), position)
    return order


def _learns(transform: Transform) -> bool:
    given = isinstance(transform, NormalizeZScoreTransform) and transform.given
    return isinstance(transform, FittedTransform) and not given


def _statistic(values: npt.ArrayLike, name: str) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    if array.ndim > 1 or not np.all(np.isfinite(array)):
        raise ValueError(f"the {name} must be one finite number, or one per feature, not {values!r}")
    array.setflags(write=False)
    return array


def _fitted(values: FloatArray | None) -> FloatArray:
    if values is None:
        raise RuntimeError("NormalizeZScoreTransform has no statistics yet: call it, or fit, on a Dataset first")
    return values
