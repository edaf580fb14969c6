"""Networks that others trained, against the outputs that their own runtime gave: the table of the README.

``python -m sim.regression.third_party FOLDER`` takes every ``NAME.tflite`` in a folder that has a ``NAME.npz`` beside
it, with inputs ``x`` and TensorFlow Lite Micro's outputs ``y``, and prints the table; ``--readme FILE`` puts it there.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import golden
import rtlgen
from golden.graph import Graph
from golden.ops import Conv, Dense
from golden.types import IntArray
from sim.budget import DEFAULT_MULTIPLIERS
from sim.commands.module_name import module_name
from sim.difference import Difference, VerificationError
from sim.regression.in_bulk import check_in_bulk
from sim.regression.postmortem_page import leave
from sim.regression.readme import put_between_markers
from sim.regression.reproduction import python
from sim.scratch import remove_folder

MARKER = "third-party"
KEPT = Path("build/third_party")
"""What networks leave of which golden gives other values than their own runtime."""
HEAD = ("network", "layers", "MACs", "parameters", "values compared", "equal", "hardware")


@dataclass(frozen=True)
class Verdict:
    """One network: its size, how many of its reference values golden gives, and what its hardware says.

    Args:
        name: of the file.
        layers, macs, parameters: of the graph; layers are ops, parameters weights and biases.
        compared, equal: values of all reference outputs, and those that golden gives exactly.
        hardware: what came of verifying the RTL, or what it lacks.
    """

    name: str
    layers: int
    macs: int
    parameters: int
    compared: int
    equal: int
    hardware: str

    def row(self) -> str:
        """The row of the table in Markdown."""
        share = "all" if self.equal == self.compared else f"{self.equal:,}"
        cells = [self.name, self.layers, *(f"{n:,}" for n in (self.macs, self.parameters, self.compared)), share]
        return f"| {' | '.join(map(str, [*cells, self.hardware]))} |"


def examine(path: Path, hardware: bool = True) -> Verdict:
    """Compare the network in ``path`` with the outputs beside it, and its RTL with golden where it has any.

    Raises:
        OSError, ValueError, NotImplementedError: if it cannot be imported, or the file of outputs is none.
    """
    graph = golden.from_tflite(path)
    try:
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            x = arrays["x"].reshape(-1, *graph.input_type.shape)
            expected = arrays["y"].reshape(-1, *graph.output_type.shape)
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{str(path.with_suffix('.npz'))!r} must hold inputs x and outputs y: {error}") from error
    y = graph(x)
    if y.shape != expected.shape or not len(x):
        raise ValueError(
            f"{str(path.with_suffix('.npz'))!r} must hold an output for each input: {len(x)} inputs give the shape "
            f"{y.shape}, it has {expected.shape}"
        )
    _leave_difference(path, graph, x, y, expected)
    told = hardware_verdict(path.stem, graph, x) if hardware else ""
    return verdict(path.stem, graph, expected.size, int((y == expected).sum()), told)


def _leave_difference(path: Path, graph: Graph, x: IntArray, y: IntArray, expected: IntArray) -> None:
    """A folder with the first value that is not the one of the file's own runtime, if there is one, and its sample."""
    folder = KEPT / path.stem
    remove_folder(folder)  # of another time
    places = np.argwhere(y != expected)
    if not len(places):
        return
    sample, *element = (int(index) for index in places[0])
    golden_y, own = int(y[sample][tuple(element)]), int(expected[sample][tuple(element)])
    layer = graph.outputs[0]
    message = (
        f"{layer}{element or ''} of sample {sample}: golden {golden_y}, the network's own runtime {own} "
        f"({len(places)} of {y.size} values differ)"
    )
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", x[sample : sample + 1])
    found = Difference("runtime", message, layer=layer, sample=sample, element=tuple(element), golden=golden_y)
    command = shlex.join([python(), "-m", "sim.regression.third_party", str(path.parent)])
    print(f"{path.name}: {message}\n  files: {leave(found, command, folder)}", file=sys.stderr)


def verdict(name: str, graph: Graph, compared: int, equal: int, hardware: str) -> Verdict:
    """The verdict with the sizes of its graph."""
    weighted = [(node.op, graph.types[node.inputs[0]]) for node in graph.nodes if isinstance(node.op, Conv | Dense)]
    macs = sum(op.macs(type) for op, type in weighted)
    parameters = sum(op.weight.size + op.bias.size for op, _ in weighted)
    return Verdict(name, len(graph.nodes), macs, parameters, compared, equal, hardware)


def hardware_verdict(name: str, graph: Graph, x: IntArray) -> str:
    """What comes of holding the Verilog of a graph against golden on ``x``, or what it lacks, in a few words."""
    try:
        design = rtlgen.generate(graph, DEFAULT_MULTIPLIERS, name=module_name(name))
    except NotImplementedError as error:
        if "has no hardware yet" not in str(error):
            return f"refused: {', '.join([str(error), *getattr(error, '__notes__', [])])}"
        missing = sorted({part.partition(" has no ")[0] for part in str(error).split("; ")})
        return f"not yet: {', '.join(missing)}"
    plan = design.plan
    try:
        check_in_bulk(design, x)
    except VerificationError as error:
        print(error, file=sys.stderr)
        return f"DIFFERENT: {error.difference.message}"
    return (
        f"Verilog equal on {len(x)} samples; {plan.multipliers} multipliers, a sample every {plan.ii_cycles:,} cycles, "
        f"the first after {plan.latency_cycles:,}"
    )


def markdown(verdicts: Sequence[Verdict]) -> str:
    """The table."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|--:|--:|--:|--:|--:|---|"]
    return "\n".join([*lines, *(verdict.row() for verdict in verdicts)])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: exit status 0 where all is equal, 1 where anything differs, 2 for a folder without networks."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.third_party", description=__doc__)
    parser.add_argument("folder", type=Path, help="with NAME.tflite and NAME.npz")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    options = parser.parse_args(arguments)
    paths = sorted(path for path in options.folder.glob("*.tflite") if path.with_suffix(".npz").exists())
    if not paths:
        print(f"there is no NAME.tflite with a NAME.npz in {str(options.folder)!r}", file=sys.stderr)
        return 2
    try:
        verdicts = [examine(path) for path in paths]
        if options.readme:
            put_between_markers(options.readme, MARKER, markdown(verdicts))
    except (OSError, ValueError, NotImplementedError) as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown(verdicts))
    return exit_status(verdicts)


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """1 where anything differs."""
    return int(any(v.equal != v.compared or v.hardware.startswith("DIFFERENT") for v in verdicts))


if __name__ == "__main__":
    sys.exit(main())
