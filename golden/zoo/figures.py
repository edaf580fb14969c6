"""Measured accuracies that ship beside the weights: a list of the networks needs no data set and no minute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from golden.serialize import write_atomically
from golden.zoo.weights import WEIGHTS

FIGURES = WEIGHTS / "figures.json"


@dataclass(frozen=True)
class Figures:
    """Accuracies, 0 to 1, of the float model and of the int8 graph on the whole test split, and its size."""

    float_accuracy: float
    integer_accuracy: float
    test_samples: int


def read_figures(path: Path = FIGURES) -> dict[str, Figures]:
    """The figures by the name of the network."""
    return {name: Figures(**figures) for name, figures in json.loads(path.read_text()).items()}


def write_figures(figures: Mapping[str, Figures], path: Path = FIGURES) -> None:
    """Replace the file."""
    content = {name: asdict(measured) for name, measured in figures.items()}
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
