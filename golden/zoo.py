"""Built-in networks for the data sets that need no download: float weights, shipped, and the graphs made of them.

``python -m golden.zoo`` trains all of them anew (some seconds) and rewrites ``golden/weights``. The weights are stored
as float16, and those are *the* weights: the float accuracy is measured with them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from golden.accuracy import accuracy
from golden.data import Dataset, load_breast_cancer, load_digits, load_iris, load_mnist, load_wine
from golden.graph import Graph
from golden.model import Layer, Linear, ReLU, Sequential, SoftMax
from golden.quantizer import quantize
from golden.serialize import write_atomically
from golden.training import fit

WEIGHTS = Path(__file__).with_name("weights")


@dataclass(frozen=True)
class _Recipe:
    """What a network is for, its features per layer, and how it is trained."""

    task: str
    load: Callable[[int], Dataset]
    features: tuple[int, ...]
    epochs: int = 200
    learning_rate: float = 0.01
    weight_decay: float = 0.1


_RECIPES = {
    "iris": _Recipe("species of an iris from four lengths of its flower", load_iris, (4, 10, 3)),
    "wine": _Recipe("cultivar of a wine from its chemistry", load_wine, (13, 16, 3), 60, 0.01, 1.0),
    "breast_cancer": _Recipe("malignant or benign tumour from its cell nuclei", load_breast_cancer, (30, 16, 2)),
    "digits": _Recipe("handwritten digits, 8 x 8 pixels", load_digits, (64, 32, 10), epochs=60),
    "mnist": _Recipe("handwritten digits, 28 x 28 pixels", load_mnist, (784, 32, 10), 30, 0.003, 1.0),
}

NAMES = tuple(_RECIPES)
"""The built-in networks."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A built-in network; its data, graph and accuracies are made when they are first asked for."""

    name: str
    task: str
    model: Sequential

    @cached_property
    def dataset(self) -> Dataset:
        """The splits ``train`` and ``test`` that the network was trained and is measured on."""
        return _RECIPES[self.name].load(0)

    @cached_property
    def graph(self) -> Graph:
        """The network in int8 with its class as result, calibrated on the training split."""
        return quantize(self.model, self.dataset["train"].x)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(array.size for array in self.model.parameters())

    @property
    def macs(self) -> int:
        """Multiplications and additions per sample."""
        return sum(layer.weight.size for layer in self.model.linears)

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
    if name not in _RECIPES:
        near = get_close_matches(str(name), NAMES, n=1)
        suggestion = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"the zoo has no {name!r}, it has {', '.join(NAMES)}{suggestion}")
    recipe = _RECIPES[name]
    model = untrained(name)
    with np.load(WEIGHTS / f"{name}.npz", allow_pickle=False) as arrays:
        for number, layer in enumerate(model.linears, 1):
            layer.weight[:] = arrays[f"weight{number}"]
            layer.bias[:] = arrays[f"bias{number}"]
        model.classes = tuple(map(str, arrays["classes"]))
    return Entry(name, recipe.task, model.eval())


def untrained(name: str) -> Sequential:
    """The layers of a built-in network with their initial weights."""
    features = _RECIPES[name].features
    layers: list[Layer] = []
    for inputs, outputs in pairwise(features):
        layers += [Linear(inputs, outputs), ReLU()]
    layers[-1] = SoftMax()
    return Sequential(layers)


def train(name: str, folder: Path = WEIGHTS) -> Path:
    """Train a built-in network from scratch and write its weights to ``folder``; the same bytes every time."""
    recipe = _RECIPES[name]
    dataset, model = recipe.load(0), untrained(name)
    fit(
        model,
        dataset["train"],
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        batch_size=64 if len(dataset["train"]) > 2000 else 32,
    )
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {"classes": np.array(dataset.classes)}
    for number, layer in enumerate(model.linears, 1):
        arrays[f"weight{number}"] = layer.weight.astype(np.float16)
        arrays[f"bias{number}"] = layer.bias.astype(np.float16)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path = folder / f"{name}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return path


def _main() -> None:
    for name in NAMES:
        path = train(name)
        entry = load(name)
        power = accuracy(quantize(entry.model, entry.dataset["train"].x, scale="power-of-two"), entry.dataset["test"])
        print(
            f"{name:14} {entry.parameters:6} parameters {path.stat().st_size / 1024:6.1f} KiB   accuracy: "
            f"float {entry.float_accuracy:.1%}   int8 {entry.integer_accuracy:.1%}   powers of two {power:.1%}"
        )


if __name__ == "__main__":
    _main()
