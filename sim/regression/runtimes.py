"""The runtimes that golden is held against: TensorFlow Lite Micro, TensorFlow Lite and ONNX Runtime on a batch.

Each is imported late, so that nothing else needs it; ``pip install 'tensorgate[test]'`` brings all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.graph import Graph
from golden.types import IntArray

Array = npt.NDArray[Any]
MICRO, LITERT, ONNX = "tflite-micro", "ai-edge-litert", "onnxruntime"


def runtime(package: str) -> Any:
    """The module of one of the three packages; raises ModuleNotFoundError that says how to install it."""
    try:
        if package == MICRO:
            from tflite_micro.python.tflite_micro import runtime as micro_runtime

            return micro_runtime
        if package == LITERT:
            import ai_edge_litert.interpreter

            return ai_edge_litert.interpreter
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{package} is not there: pip install {package}") from error
    return onnxruntime


def title(package: str) -> str:
    """The package with its version, as it is installed here."""
    return f"{package} {version(package)}"


def micro(path: Path, x: IntArray, tensors: Sequence[int] = ()) -> tuple[Array, dict[int, Array]]:
    """Outputs of TensorFlow Lite Micro, one sample at a time, and with ``tensors`` also those of the file, by index."""
    module = runtime(MICRO)
    config = module.InterpreterConfig
    interpreter = module.Interpreter.from_file(
        str(path), intrepreter_config=config.kPreserveAllTensors if tensors else config.kAllocationRecording
    )
    outputs: list[Array] = []
    seen: dict[int, list[Array]] = {index: [] for index in tensors}
    for sample in x:
        interpreter.set_input(sample[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
        for index in tensors:
            seen[index].append(interpreter.GetTensor(index, 0)["tensor_data"][0].copy())
    return np.array(outputs), {index: np.array(values) for index, values in seen.items()}


def litert(path: Path, x: IntArray) -> Array:
    """The only output of TensorFlow Lite (XNNPACK) for a file with one input, one sample at a time."""
    (output,) = litert_outputs(path, x)
    return output


def litert_outputs(path: Path, *x: IntArray) -> list[Array]:
    """Every output of TensorFlow Lite (XNNPACK), one sample of each input at a time; the batch of 1 is left out."""
    interpreter = runtime(LITERT).Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    made: list[list[Array]] = [[] for _ in outputs]
    for samples in zip(*x, strict=True):
        for detail, sample in zip(inputs, samples, strict=True):
            interpreter.set_tensor(detail["index"], sample.astype(detail["dtype"]).reshape(detail["shape"]))
        interpreter.invoke()
        for values, detail in zip(made, outputs, strict=True):
            y = interpreter.get_tensor(detail["index"])
            values.append((y[0] if y.ndim and y.shape[0] == 1 else y).copy())
    return [np.array(values) for values in made]


def onnx_runtime(model: Any, feeds: Mapping[str, Array], optimized: bool = True, **entries: str) -> list[Array]:
    """Outputs of ONNX Runtime, with int8 between QuantizeLinear and DequantizeLinear computed in int8.

    Args:
        model: an ``onnx.ModelProto``.
        feeds: a batch of each input by name, channels first.
        optimized: with its optimizer, which makes integer operators of those between QuantizeLinear and
            DequantizeLinear.
        entries: of the session's configuration, without ``session.`` in front.
    """
    module = runtime(ONNX)
    options = module.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    levels = module.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    for name, value in entries.items():
        options.add_session_config_entry(f"session.{name}", value)
    session = module.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(feeds)))


def channels_first(x: Array) -> Array:
    """Our order of dimensions to ONNX's."""
    return x.transpose(0, -1, *range(1, x.ndim - 1)) if x.ndim > 2 else x


def decoded(graph: Graph, name: str, x: Array) -> Array:
    """Integers of a tensor as the floats of DequantizeLinear."""
    encoding = graph.encodings[name]
    reals: Array = (x - int(encoding.zero_point)).astype(np.float32) * np.float32(encoding.scale)
    return reals


def onnx_feeds(model: Any, graph: Graph, integers: Mapping[str, IntArray]) -> dict[str, Array]:
    """What ONNX Runtime takes for ``integers``, the inputs of the graph that was imported from ``model``."""
    wanted = {value.name: _dtype(value) for value in model.graph.input}
    feeds = {}
    for name, integer in integers.items():
        origin = graph.origins[name]
        real = decoded(graph, name, integer) if wanted[origin] == np.float32 else integer
        feeds[origin] = np.ascontiguousarray(channels_first(real)).astype(wanted[origin])
    return feeds


def _dtype(value: Any) -> np.dtype[Any]:
    """Of an input; TensorProto's numbers of the types that quantized networks begin with."""
    return np.dtype({1: np.float32, 2: np.uint8, 3: np.int8}[value.type.tensor_type.elem_type])


def onnx_differences(
    model: Any, graph: Graph, integers: Mapping[str, IntArray], *, optimized: bool = True, **entries: str
) -> tuple[int, int]:
    """How many of how many output values of golden and of ONNX Runtime differ on ``integers``.

    Raises:
        ValueError: for outputs of other shapes.
    """
    made = graph.run(integers)
    references = onnx_runtime(model, onnx_feeds(model, graph, integers), optimized, **entries)
    wrong = count = 0
    for name, reference in zip(graph.outputs, references, strict=True):
        own = channels_first(decoded(graph, name, made[name]) if reference.dtype == np.float32 else made[name])
        if own.shape != reference.shape:
            raise ValueError(f"the output {name!r} is of shape {own.shape}, that of ONNX Runtime {reference.shape}")
        wrong += int((own != reference).sum())
        count += own.size
    return wrong, count
