"""ONNX models in the making, and what ONNX Runtime computes with them, beside what golden does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import golden

DATA = Path(__file__).parent / "data"
_ELEMENTS = {np.float32: TensorProto.FLOAT, np.int8: TensorProto.INT8, np.uint8: TensorProto.UINT8}
MICROSOFT = "com.microsoft"


class Builder:
    """A model, one node after the other; a tensor is its name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []

    def input(self, shape: list[int], dtype: Any = np.float32, batch: int | str = "N") -> str:
        name = f"in{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, _ELEMENTS[dtype], [batch, *shape]))
        return name

    def constant(self, values: Any, dtype: Any = None) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def node(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        name = f"node{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), names, name=name, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def scale(self, value: float) -> str:
        return self.constant(value, np.float32)

    def quantize(self, x: str, scale: float, zero_point: int, dtype: Any) -> str:
        return self.node("QuantizeLinear", x, self.scale(scale), self.constant(zero_point, dtype))

    def dequantize(self, x: str, scale: float, zero_point: int, dtype: Any) -> str:
        return self.node("DequantizeLinear", x, self.scale(scale), self.constant(zero_point, dtype))

    def both(self, x: str, scale: float, zero_point: int, dtype: Any) -> str:
        return self.dequantize(self.quantize(x, scale, zero_point, dtype), scale, zero_point, dtype)

    def model(self, *outputs: str, dtype: Any = np.float32, opset: int = 17) -> Any:
        element = dtype if isinstance(dtype, int) else _ELEMENTS[dtype]
        made = [helper.make_tensor_value_info(name, element, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", self.inputs, made, self.constants)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def onnx_runtime(model: Any, feeds: dict[str, Any], optimized: bool = True, **entries: str) -> list[Any]:
    """The outputs of ONNX Runtime, with int8 between QuantizeLinear and DequantizeLinear computed in int8."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    for name, value in entries.items():
        options.add_session_config_entry(f"session.{name}", value)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def channels_first(x: Any) -> Any:
    """Our order of dimensions to ONNX's."""
    return x.transpose(0, -1, *range(1, x.ndim - 1)) if x.ndim > 2 else x


def decoded(graph: golden.Graph, name: str, x: Any) -> Any:
    """Integers as the floats of DequantizeLinear."""
    encoding = graph.encodings[name]
    return (x - int(encoding.zero_point)).astype(np.float32) * np.float32(encoding.scale)


def feeds_of(model: Any, graph: golden.Graph, integers: dict[str, Any]) -> dict[str, Any]:
    """What ONNX Runtime takes for ``integers``, the inputs of the graph."""
    elements = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    feeds = {}
    for name, x in integers.items():
        origin = graph.origins[name]
        if elements[origin] == TensorProto.FLOAT:
            x = decoded(graph, name, x)
        feeds[origin] = np.ascontiguousarray(channels_first(x)).astype(
            helper.tensor_dtype_to_np_dtype(elements[origin])
        )
    return feeds


def random_integers(graph: golden.Graph, samples: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(type.dtype.min, type.dtype.max + 1, size=(samples, *type.shape))
        for name, type in graph.inputs.items()
    }


def differences(
    model: Any, samples: int = 50, seed: int = 0, optimized: bool = True, graph: Any = None, **entries: str
) -> tuple[int, int]:
    """How many of how many output values of golden and of ONNX Runtime differ, on random integers."""
    graph = graph or golden.from_onnx(model)
    integers = random_integers(graph, samples, seed)
    made = graph.run(integers)
    wrong = count = 0
    references = onnx_runtime(model, feeds_of(model, graph, integers), optimized, **entries)
    for name, reference in zip(graph.outputs, references, strict=True):
        own = decoded(graph, name, made[name]) if reference.dtype == np.float32 else made[name]
        own = channels_first(own)
        assert own.shape == reference.shape
        wrong += int((own != reference).sum())
        count += own.size
    return wrong, count


def all_tensors(model: Any) -> Any:
    """The model with every integer tensor of it as an output, too."""
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {value.name: value for value in inferred.graph.value_info}
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    present = {value.name for value in shown.graph.output}
    for node in model.graph.node:
        for name in node.output:
            element = known[name].type.tensor_type.elem_type if name in known else 0
            quantized = node.op_type.startswith("Q")
            if name not in present and (
                element in (TensorProto.INT8, TensorProto.UINT8) or (not element and quantized)
            ):
                shown.graph.output.append(onnx.ValueInfoProto(name=name))
    return shown
