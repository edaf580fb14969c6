"""ONNX models that cannot be imported: what is said, and that nothing worse than a clear error comes of any file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

import onnx
from onnx import TensorProto, helper
from onnx_models import DATA, MICROSOFT, Builder
from test_golden_importers_onnx import conv_model, moves_model, pool_model

import golden


def refused(model: Any, *texts: str, error: type[Exception] = NotImplementedError) -> None:
    with pytest.raises(error) as caught:
        golden.from_onnx(model)
    for text in texts:
        assert text in str(caught.value)


def test_everything_unsupported_is_said_at_once_with_its_place() -> None:
    b = Builder()
    x = b.input([4, 6, 6], np.uint8)
    y = b.node("Resize", x, "", b.scale(2.0))
    z = b.node("MaxPool", y, kernel_shape=[2, 2])
    w = b.node("MaxPool", x, kernel_shape=[2, 2], dilations=[2, 2])
    softmax = [x, b.scale(0.1), b.constant(0, np.uint8), b.scale(1 / 256), b.constant(0, np.uint8)]
    v = b.node("QLinearSoftmax", *softmax, domain=MICROSOFT, opset=13)
    refused(
        b.model(z, w, v, dtype=np.uint8),
        "3 of its nodes are not supported",
        "Resize (node 0, 'node0')",
        "MaxPool (node 2, 'node2'): a MaxPool with dilations",
        "com.microsoft.QLinearSoftmax (node 3, 'node3')",
    )


def relu_model(zero_point: int) -> Any:
    b = Builder()
    w = b.dequantize(b.constant(np.ones((2, 3, 1, 1)), np.int8), 0.1, 0, np.int8)
    y = b.node("Relu", b.node("Conv", b.both(b.input([3, 4, 4]), 0.1, 0, np.int8), w))
    return b.model(b.both(y, 0.1, zero_point, np.int8))


def test_what_onnx_runtime_computes_in_floats_is_refused() -> None:
    assert golden.from_onnx(relu_model(-128)).output_type.shape == (4, 4, 2)
    refused(
        relu_model(0), "QuantizeLinear (node", "the Relu or Clip before it, behind Conv (node", "computed in floats"
    )


def test_a_float_result_that_is_used_twice_is_refused() -> None:
    b = Builder()
    w = b.dequantize(b.constant(np.ones((2, 3, 1, 1)), np.int8), 0.1, 0, np.int8)
    y = b.node("Conv", b.both(b.input([3, 4, 4]), 0.1, 0, np.int8), w)
    refused(b.model(b.both(y, 0.1, 0, np.int8), b.both(y, 0.2, 0, np.int8)), "used 2 times")


def test_float_outputs_are_refused() -> None:
    b = Builder()
    x = b.both(b.input([4]), 0.1, 0, np.uint8)
    refused(b.model(b.node("Sigmoid", x)), "output", "must be integers, or DequantizeLinear of integers")


def weights_model(w_dtype: Any) -> Any:
    b = Builder()
    x, w = b.input([3], np.uint8), b.constant(np.ones((3, 2)), w_dtype)
    inputs = [x, b.scale(1.0), b.constant(0, np.uint8), w, b.scale(1.0), b.constant(0, w_dtype)]
    return b.model(b.node("QLinearMatMul", *inputs, b.scale(1.0), b.constant(0, np.uint8)), dtype=np.uint8)


def test_types_and_shapes_that_do_not_fit() -> None:
    refused(weights_model(np.int16), "its weights must be int8 or uint8")
    b = Builder()
    inputs = [b.input([3], np.uint8), b.scale(1.0), b.constant(0, np.uint8), b.input([3], np.uint8), b.scale(1.0)]
    inputs += [b.constant(0, np.uint8), b.scale(1.0), b.constant(0, np.uint8)]
    refused(b.model(b.node("QLinearMatMul", *inputs), dtype=np.uint8), "its weights", "must be constants")
    model = conv_model(np.uint8, np.int8, [4, 6, 6], (5, 3, 3, 3))
    refused(model, "Conv with 3 channels cannot take u8[6, 6, 4]")
    model = conv_model(np.uint8, np.int8, [4, 2, 6], (5, 4, 3, 3))
    refused(model, "smaller than one window")
    refused(pool_model("AveragePool", np.uint8, -1.0, 0.1, kernel_shape=[2, 2]), "positive and finite, not -1.0")


def test_operators_along_the_batch_are_refused() -> None:
    for op, attributes in (("Transpose", {"perm": [1, 0]}), ("Flatten", {"axis": 0}), ("ArgMax", {"axis": 0})):
        b = Builder()
        model = b.model(b.node(op, b.input([4], np.uint8), **attributes), dtype=np.uint8)
        refused(model, f"{op} (node 0")
    b = Builder()
    refused(b.model(b.node("Reshape", b.input([4], np.uint8), b.constant([2, -1])), dtype=np.uint8), "keep the batch")


def test_files_that_are_none(tmp_path: Path) -> None:
    refused(tmp_path / "missing.onnx", "there is no ONNX file", error=FileNotFoundError)
    refused(3, "takes a path or an onnx.ModelProto, not int", error=TypeError)
    path = tmp_path / "broken.onnx"
    for content in (b"", b"hello, world", (DATA / "lenet.onnx").read_bytes()[:3000]):
        path.write_bytes(content)
        refused(path, "not", error=ValueError)


def edited(change: Any) -> Any:
    model = moves_model("flatten")
    change(model)
    return model


def test_models_that_are_valid_onnx_but_not_supported() -> None:
    def external(model: Any) -> None:
        tensor = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1000])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")

    refused(edited(external), "'w' is stored outside of the ONNX file")
    refused(edited(lambda model: model.opset_import[0].__setattr__("version", 99)), "opset 7 to 25", "not 99")
    refused(edited(lambda model: model.graph.node[0].__setattr__("domain", "ai.onnx.ml")), "domain 'ai.onnx.ml'")
    branch = helper.make_graph([], "branch", [], [])
    b = Builder()
    y = b.node("If", b.constant(True), then_branch=branch, else_branch=branch)
    b.input([3], np.uint8)
    refused(b.model(y), "If (node 0", "control flow is not supported")


def test_shapes_that_are_not_known() -> None:
    def dynamic(model: Any) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "rows"

    refused(edited(dynamic), "['N', 3, 'rows', 6]", error=ValueError)
    refused(edited(lambda model: model.graph.input[0].type.tensor_type.ClearField("shape")), "shape", error=ValueError)


def test_graphs_that_contradict_themselves() -> None:
    refused(
        edited(lambda m: m.graph.node[0].input.__setitem__(0, "y")), "which no node before it makes", error=ValueError
    )
    refused(edited(lambda m: m.graph.output[0].__setattr__("name", "no")), "made by no node", error=ValueError)
    refused(edited(lambda m: m.graph.node[0].output.__setitem__(0, "in0")), "a second time", error=ValueError)


def test_a_small_file_cannot_ask_for_much_memory() -> None:
    b = Builder()
    big = b.node("ConstantOfShape", b.constant([1 << 40]))
    y = b.node("Pad", b.input([4], np.uint8), b.constant([0, 1 << 40, 0, 0]))
    refused(b.model(y, big, dtype=np.uint8), "ConstantOfShape (node 0", "Pad (node 1")


def test_without_onnx_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    refused("model.onnx", "pip install onnx", error=ModuleNotFoundError)


def test_an_error_begins_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "some file.onnx"
    for model in (relu_model(0), weights_model(np.int16), edited(lambda model: model.graph.ClearField("node"))):
        path.write_bytes(model.SerializeToString())
        with pytest.raises((ValueError, NotImplementedError)) as caught:
            golden.from_onnx(path)
        assert str(caught.value).startswith(f"{str(path)!r} cannot be imported: ")
        with pytest.raises((ValueError, NotImplementedError)) as caught:
            golden.from_onnx(model)
        assert "cannot be imported: this" not in str(caught.value)


def test_padding_that_would_fill_the_memory_is_refused() -> None:
    model = conv_model(np.uint8, np.int8, [2, 4, 4], (2, 2, 3, 3), pads=[1, 1 << 31, 1, 1])
    refused(model, "places with its padding")


def mutations(content: bytes, count: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        data = bytearray(content)
        for _ in range(int(rng.integers(1, 6))):
            place = int(rng.integers(len(data)))
            kind = int(rng.integers(3))
            if kind == 0:
                data[place] = int(rng.integers(256))
            elif kind == 1:
                data[place] ^= 1 << int(rng.integers(8))
            else:
                del data[place : place + int(rng.integers(1, 9))]
        yield bytes(data)


def sources() -> list[bytes]:
    small = [moves_model("slices"), moves_model("split"), moves_model("pad"), relu_model(-128)]
    small += [conv_model(np.uint8, np.int8, [2, 4, 4], (2, 2, 3, 3), pads=[1, 1, 1, 1]), weights_model(np.int8)]
    small.append(pool_model("AveragePool", np.uint8, 0.25, 0.0771, kernel_shape=[2, 2], qdq=True))
    return [model.SerializeToString() for model in small]


@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize(
    ("seed", "count"), [(0, 150), pytest.param(1, 5000, marks=pytest.mark.exhaustive)], ids=["short", "long"]
)
@pytest.mark.filterwarnings("ignore")
def test_mutated_files_give_a_graph_or_a_clear_error(place: int, seed: int, count: int, tmp_path: Path) -> None:
    path = tmp_path / "mutated.onnx"
    graphs = 0
    for data in mutations(sources()[place], count, seed):
        path.write_bytes(data)
        try:
            golden.from_onnx(path)
            graphs += 1
        except (ValueError, NotImplementedError) as error:
            assert str(error).startswith(f"{str(path)!r} cannot be imported: ")  # noqa: PT017
    assert 0 < graphs < count
    assert onnx
