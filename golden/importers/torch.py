"""PyTorch modules as float networks: exported by ``torch.export``, read as the ONNX operators of the same meaning.

PyTorch is imported in here only, and late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from golden.importers.onnx_file import Array, OnnxFile, OnnxNode
from golden.importers.onnx_float import import_float
from golden.network import Network

_SKIPPED = ("_assert", "sym_size")
"""Checks of shapes and types: nothing is computed."""


def from_torch(module: Any, example: Any) -> Network:
    """The network of a ``torch.nn.Module`` in evaluation mode, as a float network, channels last.

    Args:
        module: the module. Its mode is put back after the export.
        example: one batch of inputs, a tensor or a tuple of tensors, or the shape of the only input without the batch,
            such as ``(3, 32, 32)``: channels, rows, columns, as the module takes it.

    Returns:
        A network whose inputs are of shape (rows, columns, channels) where the module's are (channels, rows, columns).

    Raises:
        ModuleNotFoundError: without PyTorch.
        TypeError: for anything else than a module and tensors.
        NotImplementedError: for what ``torch.export`` cannot trace, or operators that are not supported; one error
            names all of these.
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"from_torch takes a torch.nn.Module, not {type(module).__name__}")
    inputs = _inputs(torch, example)
    training = module.training
    try:
        with torch.no_grad():
            program = torch.export.export(module.eval(), inputs)
    except Exception as error:  # torch.export has many of its own
        reason = str(error).strip().splitlines()[:1]
        raise NotImplementedError(f"torch.export cannot trace this module: {' '.join(reason)}") from error
    finally:
        module.train(training)
    return import_float(_Export(torch, program, inputs).file())


def _torch() -> Any:
    try:
        import torch
        import torch.export
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("reading PyTorch modules needs the package torch: pip install torch") from error
    return torch


def _inputs(torch: Any, example: Any) -> tuple[Any, ...]:
    if isinstance(example, torch.Tensor):
        return (example,)
    values = tuple(example) if hasattr(example, "__iter__") and not isinstance(example, str) else ()
    if values and all(isinstance(value, torch.Tensor) for value in values):
        return values
    if values and all(isinstance(size, int) and size > 0 for size in values):
        return (torch.zeros((1, *values)),)
    raise TypeError(f"the example must be a tensor, tensors, or a shape without the batch, not {example!r}")


class _Export:
    """An exported program on its way to the file that ONNX would have made of it."""

    def __init__(self, torch: Any, program: Any, inputs: Sequence[Any]) -> None:
        self.torch = torch
        self.program = program
        self.nodes: list[OnnxNode] = []
        self.constants: dict[str, Array] = {}
        self.inputs: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        self.example = list(inputs)

    def file(self) -> OnnxFile:
        """The whole program."""
        signature = self.program.graph_signature
        states = {**self.program.state_dict, **self.program.constants}
        held = {spec.arg.name: spec.target for spec in signature.input_specs if spec.target is not None}
        outputs: tuple[str, ...] = ()
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and node.name in held:
                self.constants[node.name] = states[held[node.name]].detach().cpu().numpy()
            elif node.op == "placeholder":
                value = self.example.pop(0)
                self.inputs[node.name] = np.dtype(str(value.dtype).removeprefix("torch.")), tuple(value.shape)
            elif node.op == "output":
                outputs = tuple(value.name for value in node.args[0])
            elif node.op == "call_function":
                self._call(node)
        return OnnxFile(tuple(self.nodes), self.constants, self.inputs, outputs, 18)

    def _call(self, node: Any) -> None:
        name = str(node.target).removeprefix("aten.").removesuffix(".default")
        if name.startswith(_SKIPPED):
            return
        # Arguments by name and with their defaults: positions differ from call to call.
        schema = getattr(node.target, "_schema", None)
        arguments: dict[str, Any] = {}
        for place, argument in enumerate(schema.arguments if schema else ()):
            given = node.args[place] if place < len(node.args) else argument.default_value
            arguments[argument.name] = node.kwargs.get(argument.name, given)
        translate = _TRANSLATIONS.get(name)
        if translate is None:
            tensors = [value for value in arguments.values() if isinstance(value, self.torch.fx.Node)]
            self.add(f"aten.{name}", tensors, node.name)
        else:
            translate(self, node, arguments)

    def add(self, op: str, inputs: Sequence[Any], output: str, **attributes: Any) -> None:
        """One more operator; inputs are nodes, arrays or None."""
        names = [self._named(value) for value in inputs]
        while names and not names[-1]:
            names.pop()
        self.nodes.append(OnnxNode(len(self.nodes), output, op, tuple(names), (output,), attributes))

    def _named(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, self.torch.fx.Node):
            return str(value.name)
        name = f"constant_{len(self.constants)}"
        array = np.asarray(value)
        self.constants[name] = array.astype(np.float32) if array.dtype == np.float64 else array
        return name

    def shape(self, node: Any) -> tuple[int, ...]:
        """The shape of a tensor in the program, with the batch."""
        return tuple(int(size) for size in node.meta["val"].shape)


Translation = Callable[[_Export, Any, dict[str, Any]], None]


def _plain(op: str, *names: str) -> Translation:
    """An operator that takes the arguments called ``names`` and nothing else."""

    def translate(export: _Export, node: Any, a: dict[str, Any]) -> None:
        export.add(op, [a[name] for name in names], node.name)

    return translate


def _pair(value: Any, rank: int) -> list[int]:
    values = [int(size) for size in (value if isinstance(value, list | tuple) else [value])]
    return values * rank if len(values) == 1 else values


def _conv(export: _Export, node: Any, a: dict[str, Any]) -> None:
    rank = len(export.shape(a["input"])) - 2
    attributes = {"strides": _pair(a["stride"], rank), "dilations": _pair(a["dilation"], rank), "group": a["groups"]}
    if isinstance(a["padding"], str):
        attributes["auto_pad"] = {"valid": b"VALID", "same": b"SAME_UPPER"}.get(a["padding"], b"")
    else:
        attributes["pads"] = _pair(a["padding"], rank) * 2
    export.add("Conv", [a["input"], a["weight"], a["bias"]], node.name, **attributes)


def _batch_norm(export: _Export, node: Any, a: dict[str, Any]) -> None:
    channels = export.shape(a["input"])[1]
    weight = a["weight"] if a["weight"] is not None else np.ones(channels, np.float32)
    bias = a["bias"] if a["bias"] is not None else np.zeros(channels, np.float32)
    statistics = [a["running_mean"], a["running_var"]]
    export.add("BatchNormalization", [a["input"], weight, bias, *statistics], node.name, epsilon=float(a["eps"]))


def _pool(op: str) -> Translation:
    def translate(export: _Export, node: Any, a: dict[str, Any]) -> None:
        kernel = _pair(a["kernel_size"], len(export.shape(a["self"])) - 2)
        rank = len(kernel)
        attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": _pair(a["stride"] or kernel, rank)}
        attributes |= {"pads": _pair(a["padding"], rank) * 2, "ceil_mode": int(a["ceil_mode"])}
        if op == "MaxPool":
            attributes["dilations"] = _pair(a["dilation"], rank)
        else:
            attributes["count_include_pad"] = int(a["count_include_pad"])
        special = a.get("divisor_override") is not None
        export.add("aten.avg_pool2d with divisor_override" if special else op, [a["self"]], node.name, **attributes)

    return translate


def _adaptive_average(export: _Export, node: Any, a: dict[str, Any]) -> None:
    """Every output the mean of one window, where the input's size is a multiple of the output's."""
    size = export.shape(a["self"])[2:]
    wanted = _pair(a["output_size"], len(size))
    if all(n == 1 for n in wanted):
        export.add("GlobalAveragePool", [a["self"]], node.name)
    elif all(n % m == 0 for n, m in zip(size, wanted, strict=True)):
        window = [n // m for n, m in zip(size, wanted, strict=True)]
        export.add("AveragePool", [a["self"]], node.name, kernel_shape=window, strides=window)
    else:
        export.add(f"aten.adaptive_avg_pool of {size} to {wanted}", [a["self"]], node.name)


def _reshape(export: _Export, node: Any, a: dict[str, Any]) -> None:
    export.add("Reshape", [a["self"], np.array(export.shape(node), dtype=np.int64)], node.name)


def _mean(export: _Export, node: Any, a: dict[str, Any]) -> None:
    axes = a["dim"] if a["dim"] is not None else range(len(export.shape(a["self"])))
    inputs = [a["self"], np.array(list(axes), dtype=np.int64)]
    export.add("ReduceMean", inputs, node.name, keepdims=int(a["keepdim"]))


def _binary(op: str) -> Translation:
    def translate(export: _Export, node: Any, a: dict[str, Any]) -> None:
        if a.get("alpha", 1) != 1:
            export.add(f"aten.{node.target} with alpha", [a["self"]], node.name)
        else:
            numbers = [float(x) if isinstance(x, int | float) else x for x in (a["self"], a["other"])]
            export.add(op, numbers, node.name)

    return translate


def _hardtanh(export: _Export, node: Any, a: dict[str, Any]) -> None:
    low, high = a.get("min_val", a.get("min")), a.get("max_val", a.get("max"))
    limits = [None if limit is None else np.float32(limit) for limit in (low, high)]
    export.add("Clip", [a["self"], *limits], node.name)


def _pad(export: _Export, node: Any, a: dict[str, Any]) -> None:
    rank, pads = len(export.shape(a["self"])), list(a["pad"])
    before = [0] * (rank - len(pads) // 2) + pads[-2::-2]
    after = [0] * (rank - len(pads) // 2) + pads[-1::-2]
    value = np.float32(a.get("value") or 0.0)
    mode = str(a.get("mode", "constant")).encode()
    export.add("Pad", [a["self"], np.array(before + after, dtype=np.int64), value], node.name, mode=mode)


def _linear(export: _Export, node: Any, a: dict[str, Any]) -> None:
    if len(export.shape(a["input"])) == 2:
        export.add("Gemm", [a["input"], a["weight"], a["bias"]], node.name, transB=1)
        return
    weight = export.constants.get(str(a["weight"].name))
    product = node.name if a["bias"] is None else f"{node.name}_product"
    export.add("MatMul", [a["input"], a["weight"] if weight is None else weight.T], product)
    if a["bias"] is not None:
        export.nodes.append(OnnxNode(len(export.nodes), node.name, "Add", (product, a["bias"].name), (node.name,)))


def _exchange(export: _Export, node: Any, a: dict[str, Any]) -> None:
    order = list(range(len(export.shape(a["self"]))))
    first, second = a["dim0"], a["dim1"]
    order[first], order[second] = order[second], order[first]
    export.add("Transpose", [a["self"]], node.name, perm=order)


def _permute(export: _Export, node: Any, a: dict[str, Any]) -> None:
    rank = len(export.shape(a["self"]))
    export.add("Transpose", [a["self"]], node.name, perm=[axis % rank for axis in a["dims"]])


def _leaky_relu(export: _Export, node: Any, a: dict[str, Any]) -> None:
    export.add("LeakyRelu", [a["self"]], node.name, alpha=float(a["negative_slope"]))


def _relu6(export: _Export, node: Any, a: dict[str, Any]) -> None:
    export.add("Clip", [a["self"], np.float32(0), np.float32(6)], node.name)


def _concat(export: _Export, node: Any, a: dict[str, Any]) -> None:
    export.add("Concat", a["tensors"], node.name, axis=a["dim"])


def _softmax(export: _Export, node: Any, a: dict[str, Any]) -> None:
    export.add("Softmax", [a["self"]], node.name, axis=a["dim"])


_TRANSLATIONS: dict[str, Translation] = {
    "adaptive_avg_pool1d": _adaptive_average,
    "adaptive_avg_pool2d": _adaptive_average,
    "add.Tensor": _binary("Add"),
    "add_.Tensor": _binary("Add"),
    "avg_pool1d": _pool("AveragePool"),
    "avg_pool2d": _pool("AveragePool"),
    "batch_norm": _batch_norm,
    "cat": _concat,
    "clamp": _hardtanh,
    "clone": _plain("Identity", "self"),
    "constant_pad_nd": _pad,
    "contiguous": _plain("Identity", "self"),
    "conv1d": _conv,
    "conv1d.padding": _conv,
    "conv2d": _conv,
    "conv2d.padding": _conv,
    "div.Tensor": _binary("Div"),
    "dropout": _plain("Identity", "input"),
    "feature_dropout": _plain("Identity", "input"),
    "flatten.using_ints": _reshape,
    "hardtanh": _hardtanh,
    "hardtanh_": _hardtanh,
    "leaky_relu": _leaky_relu,
    "leaky_relu_": _leaky_relu,
    "lift_fresh_copy": _plain("Identity", "self"),
    "linear": _linear,
    "max_pool1d": _pool("MaxPool"),
    "max_pool2d": _pool("MaxPool"),
    "mean.dim": _mean,
    "mul.Tensor": _binary("Mul"),
    "pad": _pad,
    "permute": _permute,
    "relu": _plain("Relu", "self"),
    "relu6": _relu6,
    "relu6_": _relu6,
    "relu_": _plain("Relu", "self"),
    "reshape": _reshape,
    "sigmoid": _plain("Sigmoid", "self"),
    "softmax.int": _softmax,
    "squeeze.dim": _reshape,
    "sub.Tensor": _binary("Sub"),
    "tanh": _plain("Tanh", "self"),
    "transpose.int": _exchange,
    "unsqueeze": _reshape,
    "view": _reshape,
}
"""PyTorch's operators by their name in an exported program."""
