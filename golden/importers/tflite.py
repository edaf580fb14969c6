"""TensorFlow Lite's int8 networks as graphs that compute what the reference computes, bit for bit.

``tflm``
    TensorFlow Lite Micro as PyPI ``tflite-micro`` has it: two roundings. Its kernels are the meaning of every operator
    here; where they and TensorFlow Lite differ in more than rounding, the network is refused.
``single``
    The same kernels built with ``TFLITE_SINGLE_ROUNDING``.
``float32``
    TensorFlow Lite as PyPI ``ai-edge-litert`` 2.3 has it on x86, where XNNPACK does most of the work. It scales in
    single precision, so ``single`` is close to it, and not always equal.

What ``ai-edge-litert``'s operators compute, held against golden with random scales, and with powers of two, which make
ties, by ``tests/compare_litert_operators.py``:

=======================================  ===============================================================
CONV_2D, DEPTHWISE_CONV_2D,              ``float32``: scale ``(x * filter) / output``, product and rounding in single
FULLY_CONNECTED                          precision, ties to even; ``single`` differs at ties
MUL, SUM, MEAN                           as before, but rounded after the zero point is added, so that ties go
                                         elsewhere: without a zero point MUL and SUM are ``float32``, all else
                                         is refused in it; ``single`` differs at ties
ADD, SUB                                 ``float32``: one rounding, ties up, multipliers of 21 bits over the scale
                                         of the output; ``single`` differs next to ties
QUANTIZE of int8, LEAKY_RELU             ``float32``: one rounding, ties up, multipliers with 8 bits of fraction;
                                         LEAKY_RELU outside of 2**-8 to 2**7 as ``tflm``
LOGISTIC, TANH                           ``float32``: the function in single precision, to the nearest; next to a
                                         tie TANH hangs on the C library, and is refused
PRELU, RELU                              as ``tflm``, with scales in single precision; ``single`` differs
SOFTMAX                                  ``float32``: exponentials of the C library, glibc, and sums, all in single
                                         precision; next to the middle between two numbers an exponential hangs on
                                         how that library is compiled, and is refused, about one file in 4,000;
                                         ``tflm`` and ``single`` differ in a few values of 100,000
HARD_SWISH, pooling, what moves          as ``tflm``, and all three are the same
elements
=======================================  ===============================================================

A fused activation that ends half-way between two integers is refused in ``float32``: it depends on the operator.
How many values of published models differ is a table of the README, which ``python -m sim.regression.tflite_runtimes
FOLDER`` measures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.graph import Graph
from golden.importers import tflite_activations, tflite_binary, tflite_shapes, tflite_sums
from golden.importers.tflite_constants import FOLDED, fold
from golden.importers.tflite_file import FileOperator, FileTensor, TFLiteFile, read_tflite
from golden.importers.tflite_layer import DTYPES, DependsOnRefusedError, Layer, Network, activation_type

ARITHMETICS = ("tflm", "single", "float32")

OPERATORS: dict[str, Callable[[Layer], None]] = {
    "ADD": tflite_binary.add,
    "ARG_MAX": tflite_shapes.arg_max,
    "AVERAGE_POOL_2D": tflite_shapes.pool,
    "CONCATENATION": tflite_shapes.concatenation,
    "CONV_2D": tflite_sums.conv_2d,
    "DEPTHWISE_CONV_2D": tflite_sums.depthwise_conv_2d,
    "EXPAND_DIMS": tflite_shapes.reshape,
    "FULLY_CONNECTED": tflite_sums.fully_connected,
    "HARD_SWISH": tflite_activations.hard_swish,
    "LEAKY_RELU": tflite_activations.leaky_relu,
    "LOGISTIC": tflite_activations.logistic,
    "MAXIMUM": tflite_binary.maximum_minimum,
    "MAX_POOL_2D": tflite_shapes.pool,
    "MEAN": tflite_sums.mean,
    "MINIMUM": tflite_binary.maximum_minimum,
    "MUL": tflite_binary.mul,
    "PACK": tflite_shapes.pack,
    "PAD": tflite_shapes.pad,
    "PADV2": tflite_shapes.pad,
    "PRELU": tflite_activations.prelu,
    "QUANTIZE": tflite_activations.quantize,
    "RELU": tflite_activations.relu,
    "RELU6": tflite_activations.relu6,
    "RELU_N1_TO_1": tflite_activations.relu,
    "RESHAPE": tflite_shapes.reshape,
    "SLICE": tflite_shapes.slice_,
    "SOFTMAX": tflite_activations.softmax,
    "SPLIT": tflite_shapes.split,
    "SPLIT_V": tflite_shapes.split,
    "SQUEEZE": tflite_shapes.reshape,
    "STRIDED_SLICE": tflite_shapes.strided_slice,
    "SUB": tflite_binary.sub,
    "SUM": tflite_sums.sum_,
    "TANH": tflite_activations.tanh,
    "TRANSPOSE": tflite_shapes.transpose,
    "UNPACK": tflite_shapes.unpack,
}
"""What makes ops of an operator, by its name in the file."""


_KNOWN = {*OPERATORS, "DEQUANTIZE", *FOLDED}


def from_tflite(path: str | Path, arithmetic: str = "tflm") -> Graph:
    """The network of a TensorFlow Lite file, int8 with per-tensor or per-channel scales, as an integer graph.

    Args:
        path: a ``.tflite`` file with one subgraph, whose inputs have a batch of 1 (or -1) in front. Float inputs and
            outputs are fine where a QUANTIZE follows right away and a DEQUANTIZE comes last: the graph begins and ends
            at their integers, ``graph.encode`` and ``graph.decode`` do the rest.
        arithmetic: how scaled sums are rounded, ``tflm``, ``single`` or ``float32``; the text of this module says what
            each is.

    Returns:
        The graph, with the file's scales as encodings and its names of tensors as origins. Shapes are channels-last.

    Raises:
        FileNotFoundError, IsADirectoryError: where there is no such file.
        ModuleNotFoundError: without the parser, PyPI ``tflite``.
        ValueError: for a damaged file, or one that says what cannot be.
        NotImplementedError: for what is not supported. Both list everything that is wrong with the file, at once.
    """
    if arithmetic not in ARITHMETICS:
        raise ValueError(f"the arithmetic of a TensorFlow Lite file must be one of {ARITHMETICS}, not {arithmetic!r}")
    path = Path(path)
    try:
        file = read_tflite(path)
        return _Importer(file, arithmetic).graph()
    except (ValueError, NotImplementedError) as error:
        reasons = " ".join([str(error), *getattr(error, "__notes__", [])])
        raise type(error)(f"{str(path)!r} cannot be imported: {reasons}") from error


class _Importer:
    """Goes through the operators in order, and collects what is wrong with any of them."""

    def __init__(self, file: TFLiteFile, arithmetic: str) -> None:
        self._file = file
        self._arithmetic = arithmetic
        self._network = Network(file)
        self._problems: list[str] = []
        self._broken = False
        self._readers: dict[int, list[FileOperator]] = {}
        for operator in file.operators:
            for index in operator.inputs:
                self._readers.setdefault(index, []).append(operator)

    def graph(self) -> Graph:
        boundary = self._inputs()
        outputs = {index: index for index in self._file.outputs}
        for operator in self._file.operators:
            if operator.index in boundary:
                continue
            if operator.kind == "DEQUANTIZE" and self._is_last(operator):
                outputs[operator.outputs[0]] = operator.inputs[0]
                continue
            self._attempt(operator)
        if self._problems:
            kind = ValueError if self._broken else NotImplementedError
            raise kind("; ".join(self._problems) + f". Supported are {', '.join(OPERATORS)}")
        network = self._network
        names = dict.fromkeys(self._output(outputs[index]) for index in self._file.outputs)
        needed = set(names)
        for node in reversed(network.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        nodes = tuple(node for node in network.nodes if node.name in needed)
        kept = {*network.inputs, *(node.name for node in nodes)}
        return Graph(
            network.inputs,
            nodes,
            tuple(names),
            {name: encoding for name, encoding in network.encodings.items() if name in kept},
            origins={name: origin for name, origin in network.origins.items() if name in kept},
        )

    def _inputs(self) -> set[int]:
        """Puts in the network's inputs; the indices of operators that only quantize a float input."""
        boundary = set()
        other = [tensor for tensor in map(self._file.tensors.__getitem__, self._file.inputs) if self._is_float(tensor)]
        if other:
            told = ", ".join(f"{tensor.name!r} is {tensor.type}" for tensor in other)
            unknown = [f"operator {o.index}, {o.kind}" for o in self._file.operators if o.kind not in _KNOWN]
            more = f"; not supported either: {', '.join(unknown)}" if unknown else ""
            raise ValueError(
                f"its input {told}: supported are int8 networks, and QUANTIZE right behind a FLOAT32 input{more}"
            )
        names = ["x"] if len(self._file.inputs) == 1 else [f"x{i + 1}" for i in range(len(self._file.inputs))]
        for name, index in zip(names, self._file.inputs, strict=True):
            tensor = self._file.tensors[index]
            readers = self._readers.get(index, [])
            try:
                if tensor.type == "FLOAT32":
                    boundary.add(readers[0].index)
                    index = readers[0].outputs[0]
                self._network.put_input(index, name)
            except ValueError as error:
                self._problem(error, f"input {tensor.name!r}")
        return boundary

    def _is_float(self, tensor: FileTensor) -> bool:
        """Whether an input is not of 8 bits, and no float that is quantized right away."""
        readers = self._readers.get(tensor.index, [])
        quantized = [r.kind for r in readers] == ["QUANTIZE"] and len(readers[0].outputs) == 1
        return tensor.type not in DTYPES and not (tensor.type == "FLOAT32" and quantized)

    def _output(self, index: int) -> str:
        try:
            return self._network.get(index).name
        except DependsOnRefusedError:
            raise ValueError(f"the output {self._file.tensors[index].name!r} does not depend on any input") from None

    def _is_last(self, operator: FileOperator) -> bool:
        made = operator.outputs
        return (
            len(made) == 1
            and len(operator.inputs) == 1
            and made[0] in self._file.outputs
            and (made[0] not in self._readers)
        )

    def _attempt(self, operator: FileOperator) -> None:
        layer = Layer(self._network, operator, self._arithmetic)
        outputs = ", ".join(repr(self._file.tensors[index].name) for index in operator.outputs)
        try:
            if fold(layer):
                return
            if operator.kind not in OPERATORS:
                raise NotImplementedError("it is not supported")
            OPERATORS[operator.kind](layer)
        except DependsOnRefusedError:
            pass
        except (ValueError, NotImplementedError) as error:
            self._problem(error, f"operator {operator.index}, {operator.kind}, output {outputs}")
            self._pretend(operator)

    def _problem(self, error: Exception, where: str) -> None:
        self._problems.append(f"{where}: {error}")
        self._broken = self._broken or isinstance(error, ValueError)

    def _pretend(self, operator: FileOperator) -> None:
        """What a refused operator would have made is there, as the file says, so that its readers are looked at."""
        for index in operator.outputs:
            try:
                type = activation_type(self._file.tensors[index])
            except ValueError:
                continue
            name = self._network.name("refused")
            self._network.types[name] = type
            self._network.put(index, name)
