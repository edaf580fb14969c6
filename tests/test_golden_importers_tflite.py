"""TensorFlow Lite files: equal to the interpreters on published models, and every other file a clear error."""

import random
import struct
import sys

import numpy as np
import pytest
import tflite
from tflite_models import NAMES, litert, micro, model, noise

import golden
from golden.importers.tflite import ARITHMETICS
from golden.importers.tflite_file import read_tflite
from golden.types import IntType

S8 = IntType(8, True)


@pytest.mark.parametrize("name", NAMES)
def test_golden_equals_the_stored_outputs_of_tensorflow_lite_micro(name):
    path = model(name)
    stored = np.load(path.with_suffix(".npz"))
    np.testing.assert_array_equal(golden.from_tflite(path)(stored["x"]), stored["y"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_golden_equals_tensorflow_lite_micro_on_other_inputs(name):
    path = model(name)
    graph = golden.from_tflite(path)
    x = noise(graph, 200, seed=1)
    np.testing.assert_array_equal(graph(x), micro(path, x)[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws_ref_model", "pretrainedResnet_quant"])
def test_every_intermediate_tensor_equals_that_of_tensorflow_lite_micro(name):
    path = model(name)
    graph = golden.from_tflite(path)
    places = {tensor.name: tensor.index for tensor in read_tflite(path).tensors}
    places = {tensor: places[origin] for tensor, origin in graph.origins.items()}
    x = noise(graph, 8, seed=2)
    made, (_, seen) = graph.trace(x), micro(path, x, list(places.values()))
    assert len(places) == len(read_tflite(path).operators) + 1  # each operator's, and the input
    for tensor, index in places.items():
        np.testing.assert_array_equal(made[tensor], seen[index], err_msg=tensor)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_single_precision_equals_tensorflow_lite(name):
    path = model(name)
    graph = golden.from_tflite(path, arithmetic="float32")
    x = np.concatenate([np.load(path.with_suffix(".npz"))["x"], noise(graph, 200, seed=3)])
    np.testing.assert_array_equal(graph(x), litert(path, x))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_single_rounding_equals_tensorflow_lite_on_the_stored_inputs(name):
    """Not on all others: XNNPACK scales in single precision, and adds tensors with multipliers of 21 bits."""
    path = model(name)
    x = np.load(path.with_suffix(".npz"))["x"]
    np.testing.assert_array_equal(golden.from_tflite(path, arithmetic="single")(x), litert(path, x))


def test_the_two_roundings_differ():
    path = model("ad01_int8")
    x = np.load(path.with_suffix(".npz"))["x"]
    assert (golden.from_tflite(path)(x) != golden.from_tflite(path, "single")(x)).mean() > 0.1


def test_names_say_what_a_tensor_is_and_where_it_comes_from():
    graph = golden.from_tflite(model("pretrainedResnet_quant"))
    assert [node.name for node in graph.nodes][:7] == [
        "conv1acc", "conv1", "conv2acc", "conv2", "conv3acc", "conv3", "add1",
    ]  # fmt: skip
    assert graph.outputs == ("softmax1",)
    assert graph.origins["x"] == "input_1_int8"
    assert graph.origins["softmax1"] == "Identity_int8"
    assert graph.origins["add1"] == "model/activation_2/Relu;model/add/add"
    assert not [a for a in graph.types for b in graph.types if b.startswith(f"{a}_")]
    assert {graph.types[name].dtype for name in graph.origins} == {S8}
    assert set(graph.encodings) == set(graph.origins)
    assert float(graph.encodings["x"].scale) == 1.0
    assert int(graph.encodings["x"].zero_point) == -128


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_graph_is_the_same(name, tmp_path):
    graph = golden.from_tflite(model(name))
    graph.save(tmp_path / "network")
    assert golden.Graph.load(tmp_path / "network") == graph


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no TensorFlow Lite file"):
        golden.from_tflite(tmp_path / "absent.tflite")
    with pytest.raises(IsADirectoryError, match="is a folder, expected is a TensorFlow Lite file"):
        golden.from_tflite(tmp_path)
    for content in (b"", b"TFL3", b"\0" * 64, b"PK\3\4TFL2" + b"\0" * 64):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(ValueError, match="other' cannot be imported: it is not a TensorFlow Lite file"):
            golden.from_tflite(tmp_path / "other")


def test_another_arithmetic_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be one of .*tflm.*, not 'half_up'"):
        golden.from_tflite(tmp_path, arithmetic="half_up")
    assert "tflm" in ARITHMETICS


def test_without_the_parser_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tflite"):
        golden.from_tflite(tmp_path / "model.tflite")


def attempt(path, content):
    """Imports a damaged file: it must be an error of ours, or a graph. Returns the error's text, or an empty one."""
    path.write_bytes(content)
    text = ""
    try:
        golden.from_tflite(path)
    except (ValueError, NotImplementedError) as error:
        text = str(error)
    assert not text or str(path) in text
    return text


@pytest.mark.parametrize("name", ["hello_world_int8", "kws_ref_model"])
def test_truncated_files_are_refused(name, tmp_path):
    content = model(name).read_bytes()
    for size in range(8, len(content), len(content) // 60 + 1):
        text = attempt(tmp_path / "short.tflite", content[:size])
        assert text or size > 0.9 * len(content)  # the end may hold what nobody needs


@pytest.mark.slow
def test_damaged_files_are_errors_of_ours(tmp_path):
    content, choose = model("hello_world_int8").read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(choose.choice([1, 1, 4, 16])):
            damaged[choose.randrange(len(damaged))] = choose.choice([0, 1, 127, 128, 255, choose.randrange(256)])
        attempt(tmp_path / "damaged.tflite", bytes(damaged))


def with_operator_codes(content, change):
    """A file with other operators: ``change`` maps their numbers."""
    patched = bytearray(content)
    read = tflite.Model.GetRootAs(content, 0)
    for i in range(read.OperatorCodesLength()):
        table = read.OperatorCodes(i)._tab
        place = table.Pos + table.Offset(4)
        (number,) = struct.unpack_from("<b", patched, place)
        struct.pack_into("<b", patched, place, change.get(number, number))
    return bytes(patched)


def test_everything_that_is_not_supported_is_listed_at_once(tmp_path):
    operators = tflite.BuiltinOperator
    content = model("kws_ref_model").read_bytes()
    other = {operators.SOFTMAX: operators.LOG_SOFTMAX, operators.DEPTHWISE_CONV_2D: operators.SVDF}
    text = attempt(tmp_path / "other.tflite", with_operator_codes(content, other))
    for index in (1, 3, 5, 7):
        assert f"operator {index}, SVDF, output 'functional_1/activation_{index}/Relu;" in text
    assert "operator 12, LOG_SOFTMAX, output 'Identity': it is not supported" in text
    assert text.count("it is not supported") == 5
    assert "Supported are ADD, ARG_MAX," in text
    with pytest.raises(NotImplementedError):
        golden.from_tflite(tmp_path / "other.tflite")


def test_custom_operators_are_refused(tmp_path):
    operators = tflite.BuiltinOperator
    content = model("kws_ref_model").read_bytes()
    text = attempt(tmp_path / "custom.tflite", with_operator_codes(content, {operators.SOFTMAX: operators.CUSTOM}))
    assert "operator 12, CUSTOM '', output 'Identity': it is not supported" in text


def test_float_models_are_refused(tmp_path):
    """Their tensors' types say so; here those of an int8 model are changed."""
    content = bytearray(model("hello_world_int8").read_bytes())
    subgraph = tflite.Model.GetRootAs(bytes(content), 0).Subgraphs(0)
    for i in range(subgraph.TensorsLength()):
        table = subgraph.Tensors(i)._tab
        if table.Offset(6):
            content[table.Pos + table.Offset(6)] = tflite.TensorType.FLOAT32
    text = attempt(tmp_path / "float.tflite", bytes(content))
    assert "its input 'serving_default_dense_input:0' is FLOAT32: supported are int8 networks" in text
