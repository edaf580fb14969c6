"""The MODEL of a command line: a network of the zoo, or a file; and the samples to run it on."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import golden as gold
from golden import zoo
from golden.graph import Graph
from golden.ops import Add, Multiply, Requantize
from golden.profiling import Profile
from golden.types import IntArray, TensorType
from sim.commands.module_name import module_name
from sim.commands.printing import note
from sim.commands.user_error import UserError, blame_user, one_line

IMPORTERS: dict[str, Callable[[Path, str | None], Graph]] = {
    ".tflite": lambda path, arithmetic: gold.from_tflite(path, arithmetic=arithmetic or "tflm"),
    ".onnx": lambda path, arithmetic: _quantized(gold.from_onnx(path), path),
}
"""How files of other frameworks become graphs, by suffix; the arithmetic is the user's wish, if there is one."""
DEFAULT_SAMPLES = 32


@dataclass(frozen=True)
class Model:
    """The network that a MODEL argument names.

    Args:
        argument: as it was given.
        name: for the Verilog module.
        graph: the network.
        entry: in the zoo; None for a file.
    """

    argument: str
    name: str
    graph: Graph
    entry: zoo.Entry | None = None

    @classmethod
    def load(cls, argument: str, arithmetic: str | None = None) -> Model:
        """The network of the zoo called ``argument``, or else the one in that file, imported by its suffix.

        Args:
            argument: as the user gave it.
            arithmetic: how its requantizers are to round; None for what the network says, or ``tflm`` where the file
                leaves it open, as TensorFlow Lite's do.

        Raises:
            UserError: if it is neither, or does not round like that.
        """
        model = cls._load(argument, arithmetic)
        if model.entry is not None or Path(argument).suffix.lower() != ".tflite":  # there the wish was granted
            model._check_arithmetic(arithmetic)
        return model

    @classmethod
    def _load(cls, argument: str, arithmetic: str | None) -> Model:
        path = Path(argument)
        if argument in zoo.NAMES:
            with blame_user(f"MODEL {argument!r}"):
                entry = zoo.load(argument)
                return cls(argument, argument, entry.graph, entry)
        with blame_user("MODEL"):
            if not argument:
                raise ValueError(f"must be a graph file or a network of the zoo ({', '.join(zoo.NAMES)}), not ''")
            if path.is_dir():
                raise IsADirectoryError(f"{argument!r} is a folder; it must be a graph file or a network of the zoo")
            if not path.exists() and (path.suffix or os.sep in argument or path.is_symlink()):
                raise FileNotFoundError(f"there is no file {argument!r}, and the zoo has only {', '.join(zoo.NAMES)}")
            if not path.exists():
                zoo.load(argument)  # an error, with the nearest name
            if not path.is_file():
                raise ValueError(f"{argument!r} must be a graph file, not a device or pipe")
            suffix = path.suffix.lower()
            if suffix in IMPORTERS:
                return cls(argument, module_name(path.stem), IMPORTERS[suffix](path, arithmetic))
            return cls(argument, module_name(path.stem), _load_graph(path))

    def _check_arithmetic(self, wanted: str | None) -> None:
        own = sorted(
            {node.op.arithmetic for node in self.graph.nodes if isinstance(node.op, Requantize | Add | Multiply)}
        )
        if wanted is not None and own and own != [wanted]:
            raise UserError(
                f"--arithmetic must be that of the network, {' and '.join(own)} for {self.argument!r}, not {wanted}: "
                f"it is chosen when a network is made; only a .tflite file leaves the choice of tflm, single or float32"
            )

    def samples(self, count: int | None, seed: int, file: Path | None) -> IntArray:
        """Integer inputs, shape (batch, \\*shape): of ``file``, else of the test split, else corners and random ones.

        Args:
            count: the first so many; None for all of ``file``, and for ``DEFAULT_SAMPLES`` without one.
            seed: of the random ones.
            file: of inputs, as the user named it.
        """
        number = DEFAULT_SAMPLES if count is None and file is None else count
        with blame_user(f"MODEL {self.argument!r}"):
            type = self.graph.input_type
        if file is not None:
            x, where = read_samples(file, type), f"in {str(file)!r}"
        elif self.entry is not None:
            x, where = self.graph.encode(self.entry.dataset["test"].x), f"in the test set of {self.name}"
        else:
            assert number is not None
            with blame_user(f"--samples {number}"):
                return corner_samples(type, number, seed)
        available(count, len(x), where)
        return x[:number]

    def profile(self, count: int, seed: int, file: Path | None) -> Profile:
        """The profile on up to ``count`` samples, chosen as by ``samples``.

        Noise is measured against the float network where there is one, and against the integers without rounding else.
        """
        if self.entry is None:
            return gold.profile(self.graph, self.inputs(count, seed, file))
        network = gold.Network.of(self.entry.model, self.graph.input_type.shape)
        if file is not None:
            integers = self.samples(count, seed, file)
            (encoding,) = (self.graph.encodings[name] for name in self.graph.inputs)
            return gold.profile(self.graph, integers, network, encoding.decode(integers))
        test = self.entry.dataset["test"]
        x = test.x[: available(count, len(test), f"in the test set of {self.name}")]
        return gold.profile(self.graph, self.graph.encode(x), network, x)

    def inputs(self, count: int | None, seed: int, file: Path | None) -> dict[str, IntArray]:
        """The samples by name of input: as ``samples``, but for any number of inputs."""
        if len(self.graph.inputs) == 1:
            return {next(iter(self.graph.inputs)): self.samples(count, seed, file)}
        number = DEFAULT_SAMPLES if count is None and file is None else count
        if file is None:
            assert number is not None
            with blame_user(f"--samples {number}"):
                types = self.graph.inputs.items()
                return {name: corner_samples(type, number, seed + place) for place, (name, type) in enumerate(types)}
        x = read_inputs(file, self.graph)
        available(count, min(map(len, x.values())), f"in {str(file)!r}")
        return {name: array[:number] for name, array in x.items()}


def available(count: int | None, there: int, where: str) -> int:
    """``count``, or with a note all the samples that are ``there``, if those are fewer or none are asked for."""
    if count is not None and count > there:
        note(f"there are {there} samples {where}, not {count}: taking them all")
    return there if count is None else min(count, there)


def _quantized(network: object, path: Path) -> Graph:
    if isinstance(network, Graph):
        return network
    raise ValueError(
        f"{str(path)!r} holds a float network, MODEL must be one of integers: golden.quantize(golden.from_onnx(path), "
        "calibration).save(file) makes one of it"
    )


def _load_graph(path: Path) -> Graph:
    try:
        return Graph.load(path)
    except (OSError, ValueError):
        raise
    except Exception as error:  # an encrypted zip, an absurd header: who knows what a foreign file leads to
        raise ValueError(
            f"{str(path)!r} is not a valid graph file: {type(error).__name__} {one_line(error)}"
        ) from error


def read_samples(path: Path, type: TensorType) -> IntArray:
    """The batch of ``type`` in an npy file.

    Raises:
        UserError: if it holds anything else, or no sample.
    """
    with blame_user(f"--input {str(path)!r}"):
        try:
            with path.open("rb") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
        except OSError:
            raise
        except Exception as error:  # numpy lets the errors of Python's parser through
            raise ValueError(f"must be an npy file of integers {type}: {one_line(error)}") from error
        return _checked(array, type, "the array")


def read_inputs(path: Path, graph: Graph) -> dict[str, IntArray]:
    """The batch of every input by name: an npy file for one input, an npz file with an array by name for several.

    Raises:
        UserError: if it holds anything else, or no sample.
    """
    if len(graph.inputs) == 1:
        ((name, type),) = graph.inputs.items()
        return {name: read_samples(path, type)}
    with blame_user(f"--input {str(path)!r}"):
        expected = ", ".join(f"{name} ({type})" for name, type in graph.inputs.items())
        try:
            with zipfile.ZipFile(path) as file:
                members = [name for name in file.namelist() if name.endswith(".npy")]
                arrays = {
                    name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(file.read(name)), allow_pickle=False)
                    for name in members
                }
        except OSError:
            raise
        except Exception as error:  # of zip files and numpy, whatever a foreign file leads to
            raise ValueError(f"must be an npz file with the arrays {expected}: {one_line(error)}") from error
        if set(arrays) != set(graph.inputs):
            raise ValueError(f"must hold the arrays {expected}, not {', '.join(arrays) or 'nothing'}")
        found = {name: _checked(arrays[name], type, f"the array {name!r}") for name, type in graph.inputs.items()}
        if len({len(x) for x in found.values()}) > 1:
            raise ValueError(f"must hold as many samples of each, not {', '.join(str(len(x)) for x in found.values())}")
        return found


def _checked(array: Any, type: TensorType, what: str) -> IntArray:
    x = type.check(array, what)
    if not len(x):
        raise ValueError(f"must hold at least one sample, but the shape of {what} is {array.shape}")
    return x


def corner_samples(type: TensorType, count: int, seed: int) -> IntArray:
    """Samples of nothing but the smallest values, the largest, both by turns, zeros; the rest random."""
    low, high = type.dtype.min, type.dtype.max
    x = np.random.default_rng(seed).integers(low, high, (count, *type.shape), endpoint=True, dtype=np.int64)
    odd = np.arange(type.size).reshape(type.shape) % 2 == 1
    corners = [np.where(odd, *pair) for pair in ((low, low), (high, high), (low, high), (high, low), (0, 0))]
    for place, corner in enumerate(corners[:count]):
        x[place] = corner
    return x
