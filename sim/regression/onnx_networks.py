"""Networks that ONNX Runtime's own quantizer made integers of, against its outputs: a table of the README.

``python -m sim.regression.onnx_networks FILE...`` takes float ``.onnx`` files, has each quantized in the ``WAYS`` below
on seeded noise, as it is done without any other option, and prints the table; ``--readme FILE`` puts it there.
"""

from __future__ import annotations

import argparse
import logging
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import golden
from golden.graph import Graph
from golden.types import IntArray
from sim.difference import Difference
from sim.regression.postmortem_page import leave
from sim.regression.readme import put_between_markers
from sim.regression.reproduction import python
from sim.regression.runtimes import ONNX, onnx_differences, runtime
from sim.regression.third_party import Verdict, exit_status, hardware_verdict, markdown, verdict
from sim.scratch import remove_folder

MARKER = "onnx-runtime"
KEPT = Path("build/onnx_networks")
"""What networks leave of which golden gives other values than ONNX Runtime."""
SAMPLES = 1000
HARDWARE_SAMPLES = 32
CALIBRATION_SAMPLES = 100


@dataclass(frozen=True)
class Way:
    """How a network is quantized: ``form`` and ``activation`` by their names in ``onnxruntime.quantization``."""

    form: str
    activation: str
    per_channel: bool

    def __str__(self) -> str:
        scales = "a scale per channel" if self.per_channel else "a scale per tensor"
        form = "QLinear operators" if self.form == "QOperator" else self.form
        return f"{form}, {self.activation.removeprefix('Q').lower()}, {scales}"


WAYS = (Way("QOperator", "QUInt8", False), Way("QDQ", "QInt8", False), Way("QDQ", "QInt8", True))
"""Both forms, both types of activations, both kinds of scales."""


class Calibration:
    """Normally distributed inputs, as the quantizer asks for them."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        self._batches = iter(
            [{name: rng.normal(size=(1, *shape)).astype(np.float32)} for _ in range(CALIBRATION_SAMPLES)]
        )

    def get_next(self) -> dict[str, Any] | None:
        """One more sample by name of input; None at the end."""
        return next(self._batches, None)


def quantized(path: Path, way: Way) -> Any:
    """The float network of a file with one input as ``onnx.ModelProto`` of integers, by ONNX Runtime's quantizer.

    Raises:
        OSError, ValueError: for what is no float ONNX file with one input of known shape but the batch.
        ModuleNotFoundError: without the packages ``onnx`` and ``onnxruntime``.
    """
    runtime(ONNX)
    network = golden.from_onnx(path)
    if isinstance(network, Graph) or len(network.inputs) != 1:
        raise ValueError(f"{str(path)!r} must hold a float network with one input")
    import onnx
    from onnxruntime import quantization

    (value,) = onnx.load(path).graph.input
    shape = tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)[1:]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "quantized.onnx"
        logging.disable(logging.WARNING)  # it would have the network optimized before
        try:
            quantization.quantize_static(
                path,
                target,
                Calibration(value.name, shape),
                quant_format=quantization.QuantFormat[way.form],
                activation_type=quantization.QuantType[way.activation],
                weight_type=quantization.QuantType.QInt8,
                per_channel=way.per_channel,
            )
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load(target)


def examine(path: Path, way: Way, hardware: bool = True) -> Verdict:
    """Quantize a network, compare golden with ONNX Runtime on random integers, and its RTL with golden.

    Where the processor has no VNNI instructions, uint8 activations are computed with the entry that makes ONNX
    Runtime exact.
    """
    model = quantized(path, way)
    graph = golden.from_onnx(model)
    if not isinstance(graph, Graph):
        raise ValueError(f"the quantizer left {str(path)!r} in floats")
    rng, type = np.random.default_rng(0), graph.input_type
    x = rng.integers(type.dtype.min, type.dtype.max, (SAMPLES, *type.shape), endpoint=True)
    precision = "1" if way.activation == "QUInt8" else "0"
    wrong, compared = onnx_differences(model, graph, {next(iter(graph.inputs)): x}, x64quantprecision=precision)
    _leave_differences(path, way, model, x, wrong, compared)
    told = hardware_verdict(path.stem, graph, x[:HARDWARE_SAMPLES]) if hardware else ""
    return verdict(f"{path.stem}: {way}", graph, compared, compared - wrong, told)


def _leave_differences(path: Path, way: Way, model: Any, x: IntArray, wrong: int, compared: int) -> None:
    """A folder with the quantized network and its inputs, if any value is not ONNX Runtime's."""
    folder = KEPT / re.sub(r"\W+", "-", f"{path.stem} {way}")
    remove_folder(folder)  # of another time
    if not wrong:
        return
    folder.mkdir(parents=True)
    (folder / "quantized.onnx").write_bytes(model.SerializeToString())
    np.save(folder / "x.npy", x)
    message = f"{path.stem}, {way}: {wrong} of {compared} output values are not those of ONNX Runtime"
    command = shlex.join([python(), "-m", "sim.regression.onnx_networks", str(path)])
    print(f"{message}\n  files: {leave(Difference('runtime', message), command, folder)}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: exit status 0 where all is equal, 1 where anything differs, 2 for what cannot be quantized."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.onnx_networks", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a float network in ONNX")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    options = parser.parse_args(arguments)
    try:
        verdicts = [examine(path, way) for path in options.files for way in WAYS]
        if options.readme:
            put_between_markers(options.readme, MARKER, markdown(verdicts))
    except (OSError, ValueError, NotImplementedError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown(verdicts))
    return exit_status(verdicts)


if __name__ == "__main__":
    sys.exit(main())
