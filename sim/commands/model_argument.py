"""The MODEL of a command line: a network of the zoo, or a file; and the samples to run it on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden import zoo
from golden.graph import Graph
from golden.ops import Requantize
from golden.types import IntArray, TensorType
from sim.commands.module_name import module_name
from sim.commands.printing import note
from sim.commands.user_error import UserError, blame_user, one_line

SUFFIXES_TO_COME = (".tflite", ".onnx")
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
    def load(cls, argument: str) -> Model:
        """The network of the zoo called ``argument``, or else the one saved in that file.

        Raises:
            UserError: if it is neither.
        """
        path = Path(argument)
        if argument in zoo.NAMES:
            with blame_user(f"MODEL {argument!r}"):
                entry = zoo.load(argument)
                return cls(argument, argument, entry.graph, entry)
        if path.suffix.lower() in SUFFIXES_TO_COME:
            raise UserError(
                f"MODEL {argument!r}: importing {path.suffix.lower()} files is not supported yet; MODEL must be a "
                f"network of the zoo ({', '.join(zoo.NAMES)}) or a file that Graph.save wrote"
            )
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
            return cls(argument, module_name(path.stem), _load_graph(path))

    def check_arithmetic(self, wanted: str | None) -> None:
        """Whether the graph rounds as ``wanted``, if anything is.

        Raises:
            UserError: if it does not.
        """
        own = sorted({node.op.arithmetic for node in self.graph.nodes if isinstance(node.op, Requantize)})
        if wanted is not None and own and own != [wanted]:
            raise UserError(
                f"--arithmetic must be that of the network, {' and '.join(own)} for {self.argument!r}, not {wanted}: "
                f"it is chosen when a network is made, and tflm and single come with imported models, "
                f"which are not supported yet"
            )

    def samples(self, count: int | None, seed: int, file: Path | None) -> IntArray:
        """Integer inputs, shape (batch, \\*shape): of ``file``, else of the test split, else corners and random ones.

        Args:
            count: the first so many; None for all of ``file``, and for ``DEFAULT_SAMPLES`` without one.
            seed: of the random ones.
            file: of inputs, as the user named it.
        """
        number = DEFAULT_SAMPLES if count is None and file is None else count
        if file is not None:
            x, where = read_samples(file, self.graph.input_type), f"in {str(file)!r}"
        elif self.entry is not None:
            x, where = self.graph.encode(self.entry.dataset["test"].x), f"in the test set of {self.name}"
        else:
            assert number is not None
            with blame_user(f"--samples {number}"):
                return corner_samples(self.graph.input_type, number, seed)
        available(count, len(x), where)
        return x[:number]


def available(count: int | None, there: int, where: str) -> int:
    """``count``, or with a note all the samples that are ``there``, if those are fewer or none are asked for."""
    if count is not None and count > there:
        note(f"there are {there} samples {where}, not {count}: taking them all")
    return there if count is None else min(count, there)


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
        x = type.check(array, "the array")
        if not len(x):
            raise ValueError(f"must hold at least one sample, but its shape is {array.shape}")
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
