"""Files that a test has written, golden and TensorFlow Lite Micro side by side on every value."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from networks import corners
from tflite_writer import TfliteModel

import golden
from sim.difference import Difference, VerificationError

_ARENA = 1 << 22


class RefusedError(Exception):
    """The interpreter does not take the file."""


def micro_interpreter(content: bytes):
    """TensorFlow Lite Micro with a file's bytes; raises RefusedError with what it says where it does not take them."""
    runtime = pytest.importorskip(
        "tflite_micro.python.tflite_micro.runtime",
        reason="TensorFlow Lite Micro is not there: pip install tflite-micro",
    )
    with _standard_error() as said:
        try:
            return runtime.Interpreter.from_bytes(
                content, arena_size=_ARENA, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
            )
        except RuntimeError as error:
            failed = error
    raise RefusedError(f"{failed}: {' '.join(said)}")


@contextmanager
def _standard_error():
    """The lines that a library writes to file descriptor 2."""
    said: list[str] = []
    read, write = os.pipe()
    kept = os.dup(2)
    os.dup2(write, 2)
    os.close(write)
    try:
        yield said
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.set_blocking(read, False)
        with os.fdopen(read, "rb") as pipe:
            said += (pipe.read() or b"").decode(errors="replace").splitlines()


def stimulus(graph: golden.Graph, count: int, seed: int) -> dict[str, np.ndarray]:
    """Corner and random inputs of every input of a graph."""
    return {name: corners(type, count, seed + i) for i, (name, type) in enumerate(graph.inputs.items())}


def micro_values(model: TfliteModel, content: bytes, x: list[np.ndarray]) -> dict[int, np.ndarray]:
    """What TensorFlow Lite Micro has in every tensor that is not constant, shape (batch, elements)."""
    interpreter = micro_interpreter(content)
    wanted = [i for i, tensor in enumerate(model.tensors) if not tensor.data]
    seen: dict[int, list[np.ndarray]] = {index: [] for index in wanted}
    for sample in zip(*x, strict=True):
        try:
            for place, (values, index) in enumerate(zip(sample, model.inputs, strict=True)):
                tensor = model.tensors[index]
                interpreter.set_input(values.astype(tensor.type.lower()).reshape(tensor.shape), place)
            interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise RefusedError(str(error)) from error
        for index in wanted:
            seen[index].append(np.ravel(interpreter.GetTensor(index, 0)["tensor_data"]).copy())
        for place, index in enumerate(model.outputs):
            np.testing.assert_array_equal(np.ravel(interpreter.get_output(place)), seen[index][-1])
    return {index: np.array(values) for index, values in seen.items()}


def compare(name: str, kind: str, made: np.ndarray, values: np.ndarray) -> None:
    """Hold golden's tensor, shape (batch, *shape), against the interpreter's.

    Raises:
        VerificationError: where they differ first.
    """
    places = np.argwhere(made != values.reshape(made.shape))
    if not len(places):
        return
    place = tuple(int(index) for index in places[0])
    golden_, other = int(made[place]), int(values.reshape(made.shape)[place])
    message = (
        f"{name}{list(place[1:])} of sample {place[0]}, {kind}: golden {golden_}, TensorFlow Lite Micro {other} "
        f"({len(places)} of {made.size} values differ)"
    )
    raise VerificationError(
        Difference(
            "tflite-micro", message, layer=name, sample=place[0], element=place[1:], golden=golden_, hardware=other
        )
    )


def file_of(model: TfliteModel, folder: Path) -> Path:
    """The path of the file."""
    path = folder / "network.tflite"
    path.write_bytes(model.bytes())
    return path


def assert_equal(
    model: TfliteModel, folder: Path, count: int = 20, seed: int = 0, x: list[np.ndarray] | None = None
) -> golden.Graph:
    """Imports the file and holds every output, and every tensor of a name of its own, against the interpreter.

    Args:
        x: a batch of each input; without it ``count`` corners and random ones.

    Raises:
        RefusedError: where golden takes the file and the interpreter does not.
    """
    graph = golden.from_tflite(file_of(model, folder))
    inputs = stimulus(graph, count, seed) if x is None else dict(zip(graph.inputs, x, strict=True))
    count = len(next(iter(inputs.values())))
    made = graph.trace(inputs)
    values = micro_values(model, model.bytes(), list(inputs.values()))
    names = [tensor.name for tensor in model.tensors]
    places = [(name, names.index(origin)) for name, origin in graph.origins.items() if names.count(origin) == 1]
    outputs = [index for i, index in enumerate(model.outputs) if index not in model.outputs[:i]]
    assert len(graph.outputs) == len(outputs)
    for name, index in [*places, *zip(graph.outputs, outputs, strict=True)]:
        shape = model.tensors[index].shape
        assert graph.types[name].shape == (shape[1:] if shape[:1] == (1,) else shape)
        maker = next((o.kind for o in model.operators if index in o.outputs), "input")
        compare(name, f"{maker} {shape}", made[name], values[index])
    for name, y in graph.run(inputs).items():
        np.testing.assert_array_equal(y, made[name])
    return graph
