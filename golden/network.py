"""The Network: an immutable float DAG of layers, what importers give and quantization takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.classes import checked_classes
from golden.layers import Add, ReLU6, Residual
from golden.model import ReLU, Sequential, SoftMax
from golden.types import FloatArray

Batch = npt.ArrayLike | Mapping[str, npt.ArrayLike]
"""A batch of inputs: an array, or for a network of several inputs arrays by name."""

_ELEMENTS_AT_A_TIME = 1 << 21
"""Of the largest tensor, so that memory holds a piece of a batch rather than all of it."""


@dataclass(frozen=True, eq=False)
class Step:
    """One layer in a network, a callable on as many batches as it has inputs; its result has the step's name."""

    name: str
    layer: Callable[..., Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Network:
    """Layers on named tensors, in an order in which every tensor is made before it is read.

    Args:
        inputs: the shape of each input by name, without the batch.
        steps: the layers. A ``SoftMax`` gives what its own mode says.
        outputs: names of the result tensors.
        classes: what the indices of a classifier's outputs stand for, if anything: one name per output.

    Raises:
        TypeError: for names or classes that are not strings, or a layer that is not callable.
        ValueError: where a layer cannot take its inputs, a name is used twice or is unknown; a note names the step.
    """

    inputs: Mapping[str, tuple[int, ...]]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        set_field: Any = object.__setattr__
        set_field(self, "inputs", MappingProxyType({name: _shape(name, s) for name, s in self.inputs.items()}))
        set_field(self, "steps", tuple(self.steps))
        set_field(self, "outputs", tuple(self.outputs))
        set_field(self, "classes", checked_classes(self.classes))
        for name in self.inputs:
            _check_name(name, "an input's name")
        made: dict[str, Any] = {name: np.zeros((1, *shape)) for name, shape in self.inputs.items()}
        for step in self.steps:
            try:
                _check_name(step.name, "a step's name")
                if step.name in made:
                    raise ValueError(f"the name {step.name!r} is used twice")
                unknown = [name for name in step.inputs if name not in made]
                if unknown:
                    raise ValueError(f"unknown tensor {unknown[0]!r}; before this step there are {', '.join(made)}")
                if not callable(step.layer) or isinstance(step.layer, type):
                    raise TypeError(f"a layer must be a layer object such as ReLU(), not {step.layer!r}")
                made[step.name] = np.asarray(step.layer(*(made[name] for name in step.inputs)))
                if made[step.name].shape[:1] != (1,):
                    raise ValueError(f"a layer must give as many samples as it gets, not {made[step.name].shape} of 1")
            except (TypeError, ValueError) as error:
                self.placed(error, step.name)
                raise
        if not self.inputs or not self.outputs or any(name not in made for name in self.outputs):
            raise ValueError(
                f"a network needs inputs and outputs among its tensors {', '.join(made) or 'none'}, not {self.outputs}"
            )
        set_field(self, "shapes", MappingProxyType({name: tensor.shape[1:] for name, tensor in made.items()}))
        choices = [self.shapes[name][-1:] for name in self._logits_names()]
        if self.classes and (len(self.classes),) not in choices:
            counts = " or ".join(str(shape[-1]) if shape else "1" for shape in choices)
            raise ValueError(f"the {counts} outputs of a Network need as many classes, not {len(self.classes)}")

    @classmethod
    def of(cls, model: Sequential, shape: Sequence[int]) -> Network:
        """The steps of ``model``, which share its layers, for inputs of ``shape`` called ``x``; no Residual is left.

        Raises:
            ValueError: where a layer cannot take what comes before it.
        """
        steps: list[Step] = []
        last = _append(steps, model.layers, "x")
        return cls({"x": tuple(shape)}, tuple(steps), (last,), model.classes)

    def step(self, name: str) -> Step:
        """The step called ``name``."""
        for step in self.steps:
            if step.name == name:
                return step
        raise ValueError(f"no step {name!r}; there are {', '.join(step.name for step in self.steps)}")

    def parameters(self) -> list[FloatArray]:
        """Weights, biases and statistics of every layer that has some, in order; the arrays themselves, not copies."""
        layers = [step.layer for step in self.steps]
        return [array for layer in layers if hasattr(layer, "parameters") for array in layer.parameters()]

    def __call__(self, x: Batch) -> Any:
        """The result on a batch of floats, shape (batch, \\*shape); of several outputs a mapping from their names.

        Raises:
            ValueError: for a batch of another shape than the inputs'.
        """
        return self._results(x, self.outputs)

    def logits(self, x: Batch) -> Any:
        """As a call, but of a SoftMax at the end what comes before it, in either mode."""
        return self._results(x, self._logits_names())

    def trace(self, x: Batch) -> dict[str, FloatArray]:
        """Every tensor by name, the inputs included, for a batch of inputs."""
        made = self._checked(x)
        for step in self.steps:
            made[step.name] = self._apply(step, made)
        return made

    def placed(self, error: Exception, name: str) -> Exception:
        """``error`` with a note that says which step it is about."""
        names = [step.name for step in self.steps]
        if name in names:
            place = names.index(name)
            error.add_note(f"in step {name!r} ({place + 1} of {len(names)}): {self.steps[place].layer!r}")
        return error

    def _logits_names(self) -> tuple[str, ...]:
        softmaxes = {step.name: step.inputs[0] for step in self.steps if isinstance(step.layer, SoftMax)}
        return tuple(softmaxes.get(name, name) for name in self.outputs)

    def _results(self, x: Batch, wanted: tuple[str, ...]) -> Any:
        """Some tensors, a piece of the batch at a time, each other tensor only for as long as it is read."""
        tensors = self._checked(x)
        last_use = {name: place for place, step in enumerate(self.steps) for name in (*step.inputs, step.name)}
        largest = max(int(np.prod(shape)) for shape in self.shapes.values())
        piece = max(1, _ELEMENTS_AT_A_TIME // largest)
        batch = len(next(iter(tensors.values())))
        pieces = []
        for start in range(0, max(batch, 1), piece):
            made = {name: tensor[start : start + piece] for name, tensor in tensors.items()}
            for place, step in enumerate(self.steps):
                made[step.name] = self._apply(step, made)
                for name in {*step.inputs, step.name}:
                    if last_use[name] == place and name not in wanted:
                        del made[name]
            pieces.append([made[name] for name in wanted])
        parts = [np.concatenate(of_one) for of_one in zip(*pieces, strict=True)]
        return parts[0] if len(self.outputs) == 1 else dict(zip(self.outputs, parts, strict=True))

    def _apply(self, step: Step, made: Mapping[str, FloatArray]) -> Any:
        try:
            return step.layer(*(made[name] for name in step.inputs))
        except (TypeError, ValueError) as error:
            self.placed(error, step.name)
            raise

    def _checked(self, x: Batch) -> dict[str, FloatArray]:
        """The inputs by name, as float64 arrays of the right shape."""
        if not isinstance(x, Mapping):
            if len(self.inputs) != 1:
                raise ValueError(f"this network needs its inputs by name: {', '.join(self.inputs)}")
            x = {next(iter(self.inputs)): x}
        if set(x) != set(self.inputs):
            raise ValueError(f"this network has the inputs {', '.join(self.inputs)}, not {', '.join(map(str, x))}")
        tensors = {name: np.asarray(x[name], dtype=np.float64) for name in self.inputs}
        for name, shape in self.inputs.items():
            if tensors[name].shape[1:] != shape or tensors[name].ndim != len(shape) + 1:
                expected = "(" + ", ".join(["batch", *map(str, shape)]) + ")"
                raise ValueError(f"the input {name!r} must have shape {expected}, not {tensors[name].shape}")
        if len({len(tensor) for tensor in tensors.values()}) > 1:
            sizes = ", ".join(f"{len(tensor)} of {name}" for name, tensor in tensors.items())
            raise ValueError(f"all inputs must have as many samples, not {sizes}")
        return tensors


def step_name(layer: object, taken: Collection[str]) -> str:
    """A name for a step that is not ``taken`` yet: its kind and a number, such as ``conv1``; none ends in ``_...``."""
    kind = "relu" if isinstance(layer, ReLU | ReLU6) else type(layer).__name__.lower().removesuffix("2d")
    kind = "".join(letter for letter in kind if letter.isascii() and letter.isalpha()) or "layer"
    number = 1
    while f"{kind}{number}" in taken:
        number += 1
    return f"{kind}{number}"


def _append(steps: list[Step], layers: Iterable[Callable[..., Any]], x: str) -> str:
    """Adds ``layers``, one after the other from the tensor ``x`` on, to ``steps``; the name of the result."""
    for layer in layers:
        if isinstance(layer, Residual):
            body = _append(steps, layer.body, x)
            inputs: tuple[str, ...] = (body, _append(steps, layer.shortcut, x))
            layer = Add()
        elif isinstance(layer, Sequential):
            x = _append(steps, layer.layers, x)
            continue
        else:
            inputs = (x,)
        x = step_name(layer, {step.name for step in steps})
        steps.append(Step(x, layer, inputs))
    return x


def _shape(name: object, shape: Any) -> tuple[int, ...]:
    sizes = tuple(shape) if hasattr(shape, "__iter__") and not isinstance(shape, str) else (None,)
    if not all(isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1 for size in sizes):
        raise ValueError(f"the shape of the input {name!r} must be positive ints, without the batch, not {shape!r}")
    return tuple(int(size) for size in sizes)


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a string, not {name!r}")
    if not name.isidentifier() or not name.isascii():
        raise ValueError(f"{what} must be an identifier, not {name!r}: ASCII letters, digits, underscores")
