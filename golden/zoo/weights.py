"""The weights that ship with the built-in networks: one small file of float16 each, and those are *the* weights."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.layers import BatchNorm2d, Conv2d, Residual
from golden.model import Layer, Linear, Sequential
from golden.serialize import write_atomically

WEIGHTS = Path(__file__).parents[1] / "weights"
Weighted = Linear | Conv2d | BatchNorm2d
_ARRAYS = ("weight", "bias", "running_mean", "running_var")


def weighted(layers: Iterable[Layer]) -> Iterator[Weighted]:
    """The layers that have weights, in the order of their numbers: of a Residual first the body, then the shortcut."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from weighted((*layer.body, *layer.shortcut))
        elif isinstance(layer, Weighted):
            yield layer


def arrays_of(layer: Weighted) -> dict[str, npt.NDArray[np.float64]]:
    """The arrays of a layer by the names of its attributes, for as many as it has; themselves, not copies."""
    without_bias = isinstance(layer, Conv2d) and not layer.has_bias
    found = {name: getattr(layer, name) for name in _ARRAYS if hasattr(layer, name)}
    return {name: array for name, array in found.items() if not (without_bias and name == "bias")}


def save_weights(model: Sequential, path: Path) -> Path:
    """Write classes and weights as ``weight1``, ``bias1``, ``weight2``, ... by the number of the weighted layer."""
    arrays: dict[str, npt.NDArray[Any]] = {"classes": np.array(model.classes)}
    for number, layer in enumerate(weighted(model.layers), 1):
        arrays |= {f"{name}{number}": array.astype(np.float16) for name, array in arrays_of(layer).items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return path


def load_weights(model: Sequential, path: Path) -> Sequential:
    """Give ``model`` the classes and weights that ``save_weights`` wrote of one with the same layers."""
    with np.load(path, allow_pickle=False) as arrays:
        for number, layer in enumerate(weighted(model.layers), 1):
            for name, array in arrays_of(layer).items():
                array[...] = arrays[f"{name}{number}"]
        model.classes = tuple(map(str, arrays["classes"]))
    return model
