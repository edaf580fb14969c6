"""``python -m golden.zoo``: train the built-in networks, measure them, compare ways to quantize them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from golden.zoo.entry import NAMES, load
from golden.zoo.figures import FIGURES, Figures, read_figures, write_figures
from golden.zoo.recipes import RECIPES
from golden.zoo.study import study
from golden.zoo.training import train
from golden.zoo.weights import WEIGHTS


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0, or 2 with a line on standard error for bad usage or a missing package."""
    parser = argparse.ArgumentParser(
        prog="python -m golden.zoo",
        description="Train built-in networks from scratch (a quarter of an hour for all, those with convolutions by "
        "PyTorch), rewrite golden/weights, and measure their accuracies.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without one")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--measure", action="store_true", help="measure the weights that are there, train nothing")
    what.add_argument("--study", action="store_true", help="print the table of accuracies by way of quantization")
    options = parser.parse_args(arguments)
    try:
        names = [load(name).name if name not in NAMES else name for name in options.names] or list(NAMES)
        if options.study:
            print(study(names))
            return 0
        for name in names:
            if not options.measure:
                train(name)
            _measure(name)
    except (ValueError, FileNotFoundError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _measure(name: str) -> None:
    """Measure a network, and put the figures into the file with the others'."""
    entry = load(name)
    figures = Figures(entry.float_accuracy, entry.integer_accuracy, len(entry.dataset["test"]))
    known = (read_figures() if FIGURES.exists() else {}) | {name: figures}
    write_figures({name: known[name] for name in RECIPES if name in known})
    size = (WEIGHTS / f"{name}.npz").stat().st_size
    print(
        f"{name:14} {entry.parameters:6} parameters {entry.macs:9,} MACs {size / 1000:5.1f} kB   accuracy: "
        f"float {figures.float_accuracy:.2%}   int8 {figures.integer_accuracy:.2%}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
