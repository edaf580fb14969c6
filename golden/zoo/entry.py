"""A built-in network with what can be known of it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from golden.accuracy import accuracy
from golden.data import Dataset, Split
from golden.graph import Graph
from golden.layers import Conv2d
from golden.model import Linear, Sequential
from golden.network import Network
from golden.quantizer import quantize
from golden.zoo.figures import Figures, read_figures
from golden.zoo.recipes import RECIPES, Data, Recipe
from golden.zoo.weights import WEIGHTS, arrays_of, load_weights, weighted

NAMES = tuple(RECIPES)
"""The built-in networks."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A built-in network; its data, graph and accuracies are made when they are first asked for."""

    name: str
    task: str
    model: Sequential

    @property
    def data(self) -> Data:
        """The data set, whether it is installed or not."""
        return RECIPES[self.name].data

    @cached_property
    def dataset(self) -> Dataset:
        """The splits ``train`` and ``test`` that the network was trained and is measured on.

        Raises:
            FileNotFoundError, ModuleNotFoundError: if the package that it comes with is missing; it says what to
                install.
        """
        return self.data.load(0)

    @cached_property
    def calibration(self) -> Split:
        """The samples of the training split that the graph is calibrated on."""
        train, count = self.dataset["train"], RECIPES[self.name].calibration
        if count is None:
            return train
        return train.take(np.random.default_rng(0).permutation(len(train))[:count])

    @cached_property
    def graph(self) -> Graph:
        """The network in int8 with its class as result."""
        return self.quantized()

    def quantized(self, **settings: Any) -> Graph:
        """The network as integers, by other ``settings`` of ``quantize`` than its defaults."""
        method = RECIPES[self.name].calibration_method
        return quantize(self.model, self.calibration.x, **{"calibration_method": method, **settings})

    @cached_property
    def outline(self) -> Graph:
        """Ops and shapes of ``graph`` without the need of a data set: calibrated on noise, so its numbers are not."""
        return quantize(self.model, np.random.default_rng(0).uniform(0.0, 1.0, (4, *self.data.shape)))

    @property
    def figures(self) -> Figures:
        """The accuracies as measured when the weights were made: at hand without the data set, and at once."""
        return read_figures()[self.name]

    @property
    def parameters(self) -> int:
        """Number of weights and biases, those of batch norms too."""
        arrays = [arrays_of(layer) for layer in weighted(self.model.layers)]
        return sum(own[name].size for own in arrays for name in ("weight", "bias") if name in own)

    @property
    def weighted_steps(self) -> tuple[str, ...]:
        """The names of the layers that multiply by weights, convolutions and Linear, in order of computation."""
        return tuple(step.name for step in self._network.steps if isinstance(step.layer, Linear | Conv2d))

    @property
    def macs(self) -> int:
        """Multiplications and additions per sample, by the weights of convolutions and Linear layers."""
        return sum(
            prod(self._network.shapes[step.name]) * step.layer.weight[0].size
            for step in self._network.steps
            if isinstance(step.layer, Linear | Conv2d)
        )

    @cached_property
    def _network(self) -> Network:
        return Network.of(self.model, self.data.shape)

    @cached_property
    def float_accuracy(self) -> float:
        """Accuracy of the float model on the test split, 0 to 1."""
        return accuracy(self.model, self.dataset["test"])

    @cached_property
    def integer_accuracy(self) -> float:
        """Accuracy of the int8 graph on the test split, 0 to 1."""
        return accuracy(self.graph, self.dataset["test"])


def load(name: str) -> Entry:
    """The network called ``name``, one of ``NAMES``, with its shipped weights.

    Raises:
        ValueError: for a name that is not there; the nearest one is suggested.
    """
    return Entry(name, _recipe(name).task, load_weights(untrained(name), WEIGHTS / f"{name}.npz").eval())


def untrained(name: str) -> Sequential:
    """The layers of a built-in network with their initial weights; errors as of ``load``."""
    return Sequential(_recipe(name).layers())


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        near = get_close_matches(str(name), NAMES, n=1)
        suggestion = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"the zoo has no {name!r}, it has {', '.join(NAMES)}{suggestion}")
    return RECIPES[name]
