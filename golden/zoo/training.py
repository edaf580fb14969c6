"""Making the weights of the built-in networks."""

from __future__ import annotations

from pathlib import Path

from golden.training import fit
from golden.zoo.entry import untrained
from golden.zoo.recipes import RECIPES, Fit
from golden.zoo.torch_training import torch_fit
from golden.zoo.weights import WEIGHTS, save_weights


def train(name: str, folder: Path = WEIGHTS) -> Path:
    """Train a built-in network from scratch and write its weights to ``folder``; the same bytes every time.

    Raises:
        ModuleNotFoundError: without PyTorch, for a network with convolutions.
        FileNotFoundError: without its data set.
    """
    recipe, model = RECIPES[name], untrained(name)
    dataset, how = recipe.data.load(0), recipe.training
    if isinstance(how, Fit):
        fit(
            model,
            dataset["train"],
            epochs=how.epochs,
            batch_size=how.batch_size,
            learning_rate=how.learning_rate,
            weight_decay=how.weight_decay,
        )
    else:
        torch_fit(model, dataset["train"], how)
    model.classes = dataset.classes
    return save_weights(model, folder / f"{name}.npz")
