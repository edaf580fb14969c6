"""TensorFlow Lite files against the runtimes that are installed here, in every arithmetic: a table of the README.

``python -m sim.regression.tflite_runtimes FOLDER`` runs every ``NAME.tflite`` of a folder on seeded noise, and on the
inputs ``x`` of a ``NAME.npz`` beside it, in TensorFlow Lite Micro and in TensorFlow Lite, and prints how many values of
golden differ; ``--readme FILE`` puts the table there. Golden has to equal the former in ``tflm``, the latter in
``float32``.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import golden
from golden.graph import Graph
from golden.importers.tflite import ARITHMETICS
from golden.types import IntArray
from sim.regression.readme import put_between_markers
from sim.regression.runtimes import LITERT, MICRO, litert, micro, title

MARKER = "tflite-runtimes"
NOISE_SAMPLES = 300


@dataclass(frozen=True)
class Comparison:
    """How many of ``values`` outputs of a network golden does not give as the runtimes do.

    Args:
        micro: in the arithmetic ``tflm``, of TensorFlow Lite Micro's.
        litert: by arithmetic, of TensorFlow Lite's.
    """

    name: str
    values: int
    micro: int
    litert: dict[str, int]

    @property
    def as_promised(self) -> bool:
        """Whether golden equals both runtimes in the arithmetic that is theirs."""
        return self.micro == 0 and self.litert["float32"] == 0


def compare(path: Path, noise_samples: int = NOISE_SAMPLES) -> Comparison:
    """Run a network in both runtimes and in golden.

    Raises:
        OSError, ValueError, NotImplementedError: if it cannot be imported, or the inputs beside it are none.
        ModuleNotFoundError: where a runtime is missing.
    """
    graphs = {arithmetic: golden.from_tflite(path, arithmetic) for arithmetic in ARITHMETICS}
    x = _inputs(path, graphs["tflm"], noise_samples)
    own = {arithmetic: graph(x.astype(np.int64)) for arithmetic, graph in graphs.items()}
    theirs = litert(path, x)
    differ = {arithmetic: int((y != theirs).sum()) for arithmetic, y in own.items()}
    return Comparison(path.stem, theirs.size, int((own["tflm"] != micro(path, x)[0]).sum()), differ)


def _inputs(path: Path, graph: Graph, noise_samples: int) -> IntArray:
    type = graph.input_type
    rng = np.random.default_rng(0)
    noise = rng.integers(type.dtype.min, type.dtype.max, (noise_samples, *type.shape), endpoint=True)
    stored = path.with_suffix(".npz")
    if stored.exists():
        try:
            with np.load(stored, allow_pickle=False) as arrays:
                noise = np.concatenate([arrays["x"].reshape(-1, *type.shape), noise])
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{str(stored)!r} must hold inputs x: {error}") from error
    return noise.astype(np.int8 if type.dtype.signed else np.uint8)


def markdown(comparisons: Sequence[Comparison]) -> str:
    """The table."""
    head = ["network", "values", f"`tflm`, {title(MICRO)}", *(f"`{name}`, {title(LITERT)}" for name in ARITHMETICS)]
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    for found in comparisons:
        numbers = (found.values, found.micro, *(found.litert[name] for name in ARITHMETICS))
        lines.append(f"| {' | '.join([found.name, *(f'{number:,}' for number in numbers)])} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: exit status 0 where golden equals both runtimes, 1 where it does not, 2 for no networks."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.tflite_runtimes", description=__doc__)
    parser.add_argument("folder", type=Path, help="with NAME.tflite")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    options = parser.parse_args(arguments)
    paths = sorted(options.folder.glob("*.tflite"))
    if not paths:
        print(f"there is no NAME.tflite in {str(options.folder)!r}", file=sys.stderr)
        return 2
    try:
        comparisons = [compare(path) for path in paths]
        if options.readme:
            put_between_markers(options.readme, MARKER, markdown(comparisons))
    except (OSError, ValueError, NotImplementedError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown(comparisons))
    return int(not all(found.as_promised for found in comparisons))


if __name__ == "__main__":
    sys.exit(main())
