"""ONNX models in the making, and what ONNX Runtime computes with them, beside what golden does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import golden
from sim.regression.runtimes import onnx_differences

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
    return onnx_differences(model, graph, random_integers(graph, samples, seed), optimized=optimized, **entries)


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
