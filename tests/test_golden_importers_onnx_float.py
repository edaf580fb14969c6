"""Float ONNX models as float networks: golden computes what ONNX Runtime does, within single precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

import onnx
from onnx_models import DATA, Builder
from test_golden_importers_onnx_errors import mutations, refused

import golden
from sim.regression.runtimes import channels_first, onnx_runtime


def largest_difference(model: Any, samples: int = 8, batch: int | None = None) -> float:
    """Between golden and ONNX Runtime, on normally distributed inputs, relative to the largest output."""
    network = golden.from_onnx(model)
    assert isinstance(network, golden.Network)
    rng = np.random.default_rng(0)
    x = {name: rng.normal(size=(batch or samples, *shape)) for name, shape in network.inputs.items()}
    names = [value.name for value in model.graph.input]
    feeds = {
        name: np.ascontiguousarray(channels_first(values)).astype(np.float32)
        for name, values in zip(names, x.values(), strict=True)
    }
    (expected,) = onnx_runtime(model, feeds)
    y = channels_first(network(x))
    assert y.shape == expected.shape
    return float(np.abs(y - expected).max() / max(1.0, np.abs(expected).max()))


# ONNX Runtime computes in single precision: a sum of n products is off by about sqrt(n) * 2**-24 of the size of its
# terms, and n is below 2**9 here. A wrong layer is off by the size of the outputs.
TOLERANCE = 1e-5


@pytest.mark.parametrize("name", ["lenet", "residual"])
def test_networks_of_pytorch(name: str) -> None:
    assert largest_difference(onnx.load(DATA / f"{name}.onnx")) < TOLERANCE
    # The newer exporter leaves the batch of the example in the file.
    assert largest_difference(onnx.load(DATA / f"{name}_dynamo.onnx"), batch=1) < TOLERANCE


def test_both_exporters_give_the_same_network() -> None:
    old, new = (golden.from_onnx(DATA / name) for name in ("residual.onnx", "residual_dynamo.onnx"))
    assert isinstance(old, golden.Network)
    assert isinstance(new, golden.Network)
    assert [repr(step.layer) for step in old.steps] == [repr(step.layer) for step in new.steps]
    assert not [step for step in old.steps if "Transpose" in repr(step.layer)]


def operator_model(name: str) -> Any:
    """One operator, or a few, on images of (3, 6, 8)."""
    rng, b = np.random.default_rng(1), Builder()
    if name in ("matmul", "conv 1d", "pool 1d"):
        x = b.input([4, 9])
        if name == "matmul":
            weight, bias = b.constant(rng.normal(size=(9, 5)), np.float32), b.constant(rng.normal(size=5), np.float32)
            return b.model(b.node("Add", b.node("MatMul", x, weight), bias))
        if name == "pool 1d":
            return b.model(b.node("MaxPool", x, kernel_shape=[3], strides=[2]))
        weight = b.constant(rng.normal(size=(6, 2, 3)), np.float32)
        return b.model(b.node("Conv", x, weight, group=2, pads=[1, 0]))
    x = b.input([3, 6, 8])
    channels = [b.constant(rng.uniform(0.5, 1.5, size=3), np.float32) for _ in range(4)]
    per_channel = b.constant(rng.normal(size=(3, 1, 1)), np.float32)
    windows: dict[str, dict[str, Any]] = {
        "AveragePool": {},
        "AveragePool padded": {"pads": [1, 0, 1, 1]},
        "AveragePool counted": {"pads": [1, 0, 1, 1], "count_include_pad": 1},
        "MaxPool ceil": {"ceil_mode": 1, "strides": [3, 3]},
        "MaxPool same": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    }
    if name in windows:
        return b.model(b.node(name.split()[0], x, kernel_shape=[2, 2], **windows[name]))
    made: dict[str, Any] = {
        "BatchNormalization": lambda: b.node("BatchNormalization", x, *channels, epsilon=1e-3),
        "Clip": lambda: b.node("Clip", x, b.scale(0.0), b.scale(6.0)),
        "Concat": lambda: b.node("Concat", x, b.node("Relu", x), axis=2),
        "Div": lambda: b.node("Div", x, per_channel),
        "GlobalAveragePool": lambda: b.node("GlobalAveragePool", x),
        "LeakyRelu": lambda: b.node("LeakyRelu", x, alpha=0.3),
        "Mul": lambda: b.node("Mul", x, b.node("Sigmoid", x)),
        "Pad": lambda: b.node("Pad", x, b.constant([0, 0, 1, 2, 0, 0, 0, 1]), b.scale(0.5)),
        "ReduceMean": lambda: b.node("ReduceMean", x, axes=[2, 3], keepdims=0),
        "Softmax": lambda: b.node("Softmax", b.node("Flatten", x)),
        "Softmax channels": lambda: b.node("Softmax", x, axis=1),
        "Sub": lambda: b.node("Sub", b.scale(1.0), x),
        "Tanh": lambda: b.node("Tanh", b.node("Transpose", x, perm=[0, 2, 3, 1])),
        "squeeze and excite": lambda: b.node("Mul", x, b.node("Sigmoid", b.node("GlobalAveragePool", x))),
    }
    return b.model(made[name]())


OPERATORS = [
    "AveragePool",
    "AveragePool padded",
    "AveragePool counted",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Div",
    "GlobalAveragePool",
    "LeakyRelu",
    "MaxPool ceil",
    "MaxPool same",
    "Mul",
    "Pad",
    "ReduceMean",
    "Softmax",
    "Softmax channels",
    "Sub",
    "Tanh",
    "conv 1d",
    "matmul",
    "pool 1d",
    "squeeze and excite",
]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str) -> None:
    assert largest_difference(operator_model(name)) < TOLERANCE


def test_the_shape_of_a_flatten_computed_by_an_exporter() -> None:
    b = Builder()
    x = b.input([3, 2, 2])
    batch = b.node("Unsqueeze", b.node("Gather", b.node("Shape", x), b.constant(0)), b.constant([0]))
    y = b.node("Reshape", x, b.node("Concat", batch, b.constant([-1]), axis=0))
    assert largest_difference(b.model(y)) < TOLERANCE


def test_several_inputs() -> None:
    b = Builder()
    assert largest_difference(b.model(b.node("Add", b.input([3, 4, 5]), b.input([3, 1, 1])))) < TOLERANCE


def test_everything_unsupported_is_said_at_once() -> None:
    b = Builder()
    x = b.input([3, 6, 8])
    weight = b.constant(np.ones((3, 2, 3, 3)), np.float32)
    y = b.node("Erf", b.node("ConvTranspose", x, weight))
    z = b.node("Clip", x, b.scale(-1.0), b.scale(1.0))
    w = b.node("MatMul", x, x)
    refused(
        b.model(y, z, w),
        "4 of its nodes are not supported",
        "ConvTranspose (node 0, 'node0')",
        "Erf (node 1, 'node1')",
        "it clips to [-1.0, 1.0], supported are 0 to 6 and 0 to infinity",
        "MatMul (node 3, 'node3'): its second input must be constant floats",
    )


@pytest.mark.parametrize("name", ["lenet", "residual_dynamo"])
@pytest.mark.parametrize(
    ("seed", "count"), [(0, 150), pytest.param(1, 3000, marks=pytest.mark.exhaustive)], ids=["short", "long"]
)
@pytest.mark.filterwarnings("ignore")
def test_mutated_files_give_a_network_or_a_clear_error(name: str, seed: int, count: int, tmp_path: Path) -> None:
    path = tmp_path / "mutated.onnx"
    content = (DATA / f"{name}.onnx").read_bytes()
    networks = 0
    for data in mutations(content, count, seed):
        path.write_bytes(data)
        try:
            golden.from_onnx(path)
            networks += 1
        except (ValueError, NotImplementedError) as error:
            assert str(error)  # noqa: PT017
    assert 0 < networks < count


@pytest.mark.parametrize("name", ["lenet", "residual_dynamo"])
def test_float_networks_are_quantized_here(name: str) -> None:
    network = golden.from_onnx(DATA / f"{name}.onnx")
    assert isinstance(network, golden.Network)
    x = np.random.default_rng(0).normal(size=(100, *network.inputs["x"]))
    graph = golden.quantize(network, calibration=x)
    assert np.mean(network(x).argmax(axis=-1) == graph(graph.encode(x)).argmax(axis=-1)) > 0.9
