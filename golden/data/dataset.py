"""The Dataset: named splits of samples with what their columns and classes are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import FloatArray, IntArray

Values = FloatArray | IntArray
"""What samples consist of: real numbers, or integers once they are quantized."""


@dataclass(frozen=True, eq=False)
class Split:
    """Samples and what they should yield; the arrays are read-only copies.

    ``x`` is float64 or int64 of shape ``(samples, *features)``, channels last. ``y`` holds a class index (int64) per
    sample, or targets (float64) of shape (samples,) or (samples, targets), or is None.

    Raises:
        TypeError: for values that are not numbers.
        ValueError: for a shape without samples or features, NaN or infinity, or a ``y`` of another length than ``x``.
    """

    x: Values
    y: Values | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", _frozen(self.x, "the samples of a Split"))
        if self.x.ndim == 0 or 0 in self.x.shape[1:]:
            raise ValueError(f"the samples of a Split must have shape (samples, *features), not {self.x.shape}")
        if self.y is None:
            return
        y = _frozen(self.y, "the labels of a Split")
        object.__setattr__(self, "y", y)
        if y.shape[:1] != (len(self),) or y.ndim > (2 if y.dtype.kind == "f" else 1):
            raise ValueError(f"the labels of {len(self)} samples must have shape ({len(self)},), not {y.shape}")

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def columns(self) -> Values:
        """``x`` as (values, features): every position of the innermost dimension in a column of its own."""
        return self.x.reshape(-1, self.x.shape[-1] if self.x.ndim > 1 else 1)

    def take(self, indices: npt.ArrayLike) -> Split:
        """The samples at ``indices``, in their order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return Split(self.x[chosen], None if self.y is None else self.y[chosen])


class Dataset(Mapping[str, Split]):
    """An immutable mapping from the name of a split to its samples: ``data["train"].x``.

    A feature is an element of the innermost dimension of a sample (a column of a table, a channel of an image), as in
    ``Encoding``. Freshly loaded data has the one split ``all``; transforms return new datasets.

    Args:
        splits: the splits by name, alike in the shape of a sample and in type.
        feature_names: one name per feature, or none at all.
        classes: what the class indices stand for; empty for regression and unlabelled data.

    Raises:
        TypeError, ValueError: where the splits, names and classes do not fit together.
    """

    def __init__(
        self, splits: Mapping[str, Split], feature_names: Iterable[str] = (), classes: Iterable[str] = ()
    ) -> None:
        self._splits = dict(splits)
        self._feature_names = tuple(feature_names)
        self._classes = tuple(classes)
        if not self._splits:
            raise ValueError("a Dataset must have at least one split")
        for name, split in self._splits.items():
            if not isinstance(name, str) or not name:
                raise ValueError(f"the name of a split must be a string that is not empty, not {name!r}")
            if not isinstance(split, Split):
                raise TypeError(f"the split {name!r} of a Dataset must be a Split, not {type(split).__name__}")
            self._check_alike(name, split)
        for what, names in (("feature names", self._feature_names), ("classes", self._classes)):
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                raise ValueError(f"the {what} of a Dataset must be distinct strings, not {names}")
        if self._feature_names and len(self._feature_names) != self.features:
            raise ValueError(f"{self.features} features need as many names, not {len(self._feature_names)}")

    def _check_alike(self, name: str, split: Split) -> None:
        first_name, first = next(iter(self._splits.items()))
        kind, first_kind = _kind(split), _kind(first)
        if kind != first_kind:
            raise ValueError(f"all splits must be alike, but {first_name!r} has {first_kind} and {name!r} has {kind}")
        if self._classes and split.y is not None:
            if split.y.dtype.kind != "i":
                raise ValueError(f"a Dataset with classes must have class indices as labels, not {split.y.dtype}")
            if len(split) and (split.y.min() < 0 or split.y.max() >= len(self._classes)):
                raise ValueError(
                    f"the labels of {len(self._classes)} classes must lie in 0..{len(self._classes) - 1}, "
                    f"but those of {name!r} span {split.y.min()}..{split.y.max()}"
                )

    def __getitem__(self, name: str) -> Split:
        if name not in self._splits:
            raise KeyError(f"no split {name!r}; there are {', '.join(self._splits)}")
        return self._splits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(split)}" for name, split in self.items())
        shape = ", ".join(map(str, self.feature_shape))
        return f"{type(self).__name__}({sizes}; samples of [{shape}], {len(self.classes)} classes)"

    def get_names(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self._splits)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name per feature; empty where the data has none."""
        return self._feature_names

    @property
    def classes(self) -> tuple[str, ...]:
        """What the class indices stand for; empty for regression."""
        return self._classes

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self._first.x.shape[1:])

    @property
    def features(self) -> int:
        """Number of features: the innermost dimension of a sample, 1 for scalar samples."""
        return int(self._first.columns.shape[1])

    @property
    def training(self) -> Split:
        """What statistics are fitted on: the split ``train``, or else the only split.

        Raises:
            ValueError: if there are several splits and none is called ``train``.
        """
        if "train" in self._splits:
            return self._splits["train"]
        if len(self._splits) > 1:
            raise ValueError(f"there must be a split 'train' to fit on among {', '.join(self._splits)}")
        return self._first

    def feature_index(self, feature: str | int) -> int:
        """Position of a feature, given by its name or its index (negative: from the end)."""
        if isinstance(feature, str):
            if feature not in self._feature_names:
                known = ", ".join(self._feature_names) or f"no names, only indices 0..{self.features - 1}"
                raise ValueError(f"no feature {feature!r}; there are {known}")
            return self._feature_names.index(feature)
        if isinstance(feature, bool) or not isinstance(feature, (int, np.integer)):
            raise TypeError(f"a feature must be given by its name or index, not {feature!r}")
        if not -self.features <= feature < self.features:
            raise ValueError(f"the index of one of {self.features} features cannot be {feature}")
        return int(feature) % self.features

    def with_splits(self, splits: Mapping[str, Split]) -> Dataset:
        """A dataset of other splits with these feature names and classes."""
        return Dataset(splits, self._feature_names, self._classes)

    def map_x(self, function: Callable[[Values], Values]) -> Dataset:
        """A dataset with ``function`` applied to the samples of every split; the labels stay."""
        return self.with_splits({name: Split(function(split.x), split.y) for name, split in self.items()})

    @property
    def _first(self) -> Split:
        return next(iter(self._splits.values()))


def _frozen(values: Any, what: str) -> Values:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be numbers, not {array.dtype}")
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{what} must fit 64 bits with sign, not {array.max()}")
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        raise ValueError(f"{what} must be finite, there is a NaN or an infinity among them")
    frozen: Values = array.astype(np.float64) if array.dtype.kind == "f" else array.astype(np.int64)
    frozen.setflags(write=False)
    return frozen


def _kind(split: Split) -> str:
    y = "no labels" if split.y is None else f"{split.y.dtype} labels"
    return f"{split.x.dtype} samples of shape {split.x.shape[1:]} with {y}"
