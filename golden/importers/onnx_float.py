"""Float ONNX networks as float networks of ours, channels last, to be quantized here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from golden.importers.onnx_constants import can_fold, fold
from golden.importers.onnx_file import Array, OnnxFile, OnnxNode, Refusals
from golden.importers.onnx_fold import fold as fold_steps
from golden.importers.onnx_layout import Order, Steps, Tensor, channels_last
from golden.layers import LeakyReLU, ReLU6, Reshape, Sigmoid, Tanh, Transpose
from golden.model import Linear, ReLU
from golden.network import Network, Step
from golden.types import IntArray

Layer = Callable[..., Any]


class LayerSteps(Steps[Layer]):
    """Layers in the making, with the shape of every tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.own_shapes: dict[str, tuple[int, ...]] = {}

    def kind(self, step: Layer) -> str:
        return "relu" if isinstance(step, ReLU | ReLU6) else super().kind(step).removesuffix("2d")

    def add(self, step: Layer, *inputs: str) -> str:
        """The name of a new layer; raises ValueError where it cannot take its inputs."""
        made = np.asarray(step(*(np.zeros((1, *self.own_shapes[name])) for name in inputs)))
        name = super().add(step, *inputs)
        self.own_shapes[name] = made.shape[1:]
        return name

    def is_reshape(self, step: Layer) -> bool:
        return isinstance(step, Reshape)

    def permutation_of(self, step: Layer) -> Order | None:
        return step.permutation if isinstance(step, Transpose) else None

    def elementwise(self, step: Layer) -> bool:
        return isinstance(step, ReLU | ReLU6 | LeakyReLU | Sigmoid | Tanh)

    def permuted(self, step: Layer, places: IntArray) -> Layer | None:
        if not isinstance(step, Linear):
            return None
        weight = np.empty_like(step.weight)
        weight[:, places] = step.weight
        return Linear.from_weights(weight, step.bias)

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self.own_shapes[name]

    def transpose(self, permutation: Order) -> Layer:
        return Transpose(permutation)

    def reshape(self, shape: tuple[int, ...]) -> Layer:
        return Reshape(shape)


Handler = Callable[["FloatImport", OnnxNode, list[Any]], Any]
HANDLERS: dict[str, Handler] = {}


def handles(*ops: str) -> Callable[[Handler], Handler]:
    """Registers a function for operators."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(ops, handler))
        return handler

    return register


class Skipped:
    """What a node that was refused would have made."""


class FloatImport:
    """One import: the layers made so far, and what every tensor of the file is: a constant or a ``Tensor``."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.steps = LayerSteps()
        self.refusals = Refusals()
        self.values: dict[str, Any] = {"": None, **file.constants}
        self.inputs: dict[str, tuple[int, ...]] = {}
        for name, (dtype, shape) in file.inputs.items():
            if dtype.kind != "f":
                raise NotImplementedError(f"the input {name!r} of a float network must be floats, not {dtype}")
            own = "x" if len(file.inputs) == 1 else f"x{len(self.inputs) + 1}"
            order = channels_last(len(shape) - 1)
            self.values[name] = Tensor(own, shape[1:], order)
            self.inputs[own] = self.steps.own_shapes[own] = tuple(shape[1:][axis] for axis in order)

    def network(self) -> Network:
        """The whole import; raises NotImplementedError with everything that is not supported."""
        for node in self.file.nodes:
            self.import_node(node)
        if not self.refusals.reasons:
            outputs = tuple(self.output(name) for name in self.file.outputs)
        self.refusals.check()
        fold_steps(self.steps, outputs)
        steps = tuple(Step(name, layer, inputs) for name, layer, inputs in self.steps.made)
        return Network(self.inputs, steps, outputs)

    def import_node(self, node: OnnxNode) -> None:
        """Make what ``node`` makes, or note why that is not possible."""
        inputs = [self.values[name] for name in node.inputs]
        result: Any = Skipped()
        handler = HANDLERS.get(node.op)
        constant = all(value is None or isinstance(value, np.ndarray) for value in inputs)
        try:
            if constant and can_fold(node.op):
                result = fold(node, inputs, self.file.opset)
            elif handler is None:
                raise NotImplementedError("this operator is not supported in a float network")
            elif not any(isinstance(value, Skipped) for value in inputs):
                result = handler(self, node, inputs)
        except (ValueError, TypeError, NotImplementedError) as error:
            self.refusals.add(node, str(error))
        except IndexError:
            self.refusals.add(node, f"it has too few inputs or outputs: {len(inputs)} and {len(node.outputs)}")
        for name in node.outputs:
            self.values[name] = Skipped()
        if node.outputs:
            self.values[node.outputs[0]] = result

    def output(self, name: str) -> str:
        """An output of the network, channels last."""
        value = self.values[name]
        if not isinstance(value, Tensor):
            self.refusals.reasons.append(f"output {name!r}: it must depend on the inputs")
            return name
        return self.steps.arranged(value, channels_last(len(value.shape))).name


def tensor(value: Any, what: str = "its input") -> Tensor:
    """``value``, which must not be constant."""
    if not isinstance(value, Tensor):
        raise ValueError(f"{what} must not be constant")
    return value


def constant(value: Any, what: str) -> Array:
    """``value``, which must be constant floats."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise ValueError(f"{what} must be constant floats")
    if not np.all(np.isfinite(value)):
        raise ValueError(f"{what} must be finite")
    return value.astype(np.float64)


def import_float(file: OnnxFile) -> Network:
    """The network of a float file; raises NotImplementedError with everything in it that is not supported."""
    from golden.importers import onnx_layers

    del onnx_layers  # its import has registered the handlers
    return FloatImport(file).network()
