"""Tasks to train for: data, the layers of a network, and the settings that suit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from golden.data import Dataset, Split, load_breast_cancer, load_digits, load_iris, load_mnist, load_wine
from golden.layers import Conv2d, Flatten, MaxPool2d, Reshape
from golden.model import Layer, Linear, ReLU, Sequential
from golden.trainer.trainer import DEFAULT_LEARNING_RATE_SHIFT, IntegerTrainer
from golden.types import FloatArray


@dataclass(frozen=True)
class Task:
    """A data set and a network for it: dense layers, and perhaps a convolution with a pool before them.

    Args:
        name: on the command line.
        title: of the data.
        load: splits ``train`` and ``test`` by a seed.
        sizes: features, then the outputs of each dense layer; behind a convolution the outputs alone.
        scaling: how features become integers, see ``golden.IntegerTrainer``.
        epochs: that it takes to converge.
        lanes: multipliers that suit it.
        learning_rate_shift: as of ``IntegerTrainer.step``.
        image: rows and columns of a sample; None where it is none.
        filters: outputs of a convolution of 3 x 3 without padding, with a pool of 2 x 2 behind it; 0 without one.
    """

    name: str
    title: str
    load: Callable[[int], Dataset]
    sizes: tuple[int, ...]
    scaling: str = "standardise"
    epochs: int = 10
    lanes: int = 8
    learning_rate_shift: int = DEFAULT_LEARNING_RATE_SHIFT
    image: tuple[int, int] | None = None
    filters: int = 0

    @property
    def layers(self) -> str:
        """The network in a word."""
        sizes = "-".join(map(str, self.sizes))
        return (
            f"{self.image[0]}x{self.image[1]}-3x3x{self.filters}-pool-{sizes}" if self.filters and self.image else sizes
        )

    def network(self) -> Sequential:
        """Layers with ReLU between any two, not trained."""
        layers: list[Layer] = []
        sizes = self.sizes
        if self.filters and self.image:
            rows, columns = self.image
            layers = [Reshape((rows, columns, 1)), Conv2d(1, self.filters, 3), ReLU(), MaxPool2d(2), Flatten()]
            sizes = ((rows - 2) // 2 * ((columns - 2) // 2) * self.filters, *sizes)
        for inputs, outputs in pairwise(sizes):
            layers += [Linear(inputs, outputs), ReLU()]
        return Sequential(layers[:-1])

    def trainer(self, data: Dataset, seed: int = 0, dither_seed: int | None = None) -> IntegerTrainer:
        """From random weights, with features scaled as those of the training split are."""
        return IntegerTrainer(self.network(), data["train"].x, scaling=self.scaling, seed=seed, dither_seed=dither_seed)


def load_mnist_12x12(seed: int = 0) -> Dataset:
    """MNIST 5,000 in 12 x 12 pixels: the border of two is cut off, and each two by two are their mean."""
    data = load_mnist(seed)
    splits = {name: Split(_shrunken(split.x), split.y) for name, split in data.items()}
    names = [f"pixel_{row}_{column}" for row in range(12) for column in range(12)]
    return Dataset(splits, names, data.classes)


def _shrunken(x: npt.ArrayLike) -> FloatArray:
    inner = np.asarray(x, dtype=np.float64).reshape(-1, 28, 28)[:, 2:-2, 2:-2]
    means: FloatArray = inner.reshape(-1, 12, 2, 12, 2).mean(axis=(2, 4)).reshape(-1, 144)
    return means


_TASKS = (
    Task("iris", "iris", load_iris, (4, 10, 3), epochs=20, lanes=4),
    Task("wine", "wine", load_wine, (13, 16, 3), epochs=20),
    Task("breast_cancer", "breast cancer", load_breast_cancer, (30, 16, 2)),
    Task("digits", "digits", load_digits, (64, 32, 10), "pixels", lanes=16, image=(8, 8)),
    Task("digits_conv", "digits", load_digits, (10,), "pixels", lanes=8, image=(8, 8), filters=8),
    Task("mnist_12x12", "MNIST 5,000, 12 x 12", load_mnist_12x12, (144, 64, 10), "pixels", lanes=16, image=(12, 12)),
)
TASKS = {task.name: task for task in _TASKS}
"""By name."""


def task_named(name: str) -> Task:
    """The task called ``name``.

    Raises:
        ValueError: for a name that is not there; the nearest one is suggested.
    """
    if name not in TASKS:
        near = get_close_matches(str(name), TASKS, n=1)
        suggestion = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no task {name!r} to train for, there are {', '.join(TASKS)}{suggestion}")
    return TASKS[name]
