"""Quantized ONNX models: golden equals ONNX Runtime on every value."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

import onnx
from onnx_models import DATA, MICROSOFT, Builder, all_tensors, differences
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import golden

CPU = Path("/proc/cpuinfo")
DTYPES = [np.uint8, np.int8]
INT8 = onnx.TensorProto.INT8
SHAPES = {"lenet": (1, 1, 14, 14), "residual": (1, 3, 10, 10)}


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Sixteen random inputs."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        self.batches = iter([{"x": rng.normal(size=shape).astype(np.float32)} for _ in range(16)])

    def get_next(self) -> Any:
        return next(self.batches, None)


def quantized(name: str, path: Any, **options: Any) -> Any:
    """A float network of the data folder through ONNX Runtime's quantizer, with weights of 7 bits if not told else."""
    target = path / "quantized.onnx"
    quantize_static(DATA / f"{name}.onnx", target, Calibration(SHAPES[name]), **{"reduce_range": True, **options})
    return onnx.load(target)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("form", QuantFormat, ids=lambda form: form.name)
@pytest.mark.parametrize("activation", [QuantType.QUInt8, QuantType.QInt8], ids=str)
@pytest.mark.parametrize("per_channel", [False, True], ids=["per tensor", "per channel"])
@pytest.mark.filterwarnings("ignore")
def test_quantized_networks_equal_onnx_runtime(
    name: str, form: Any, activation: Any, per_channel: bool, tmp_path: Any
) -> None:
    model = quantized(
        name,
        tmp_path,
        quant_format=form,
        activation_type=activation,
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
    )
    wrong, count = differences(model, samples=100)
    assert wrong == 0
    assert count >= 500


def saturates() -> bool:
    """Whether ONNX Runtime has only AVX2 on this processor to multiply bytes, or less."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    flags = next(line for line in CPU.read_text().splitlines() if line.startswith("flags")).split()
    return not {"avx512_vnni", "avx_vnni"} & set(flags)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("form", QuantFormat, ids=lambda form: form.name)
@pytest.mark.parametrize("activation", [QuantType.QUInt8, QuantType.QInt8], ids=str)
@pytest.mark.parametrize("per_channel", [False, True], ids=["per tensor", "per channel"])
@pytest.mark.filterwarnings("ignore")
def test_weights_of_8_bits_as_the_quantizer_makes_them_by_default(
    name: str, form: Any, activation: Any, per_channel: bool, tmp_path: Any
) -> None:
    """Equal; but for uint8 on a processor without VNNI, where ONNX Runtime is exact only if its session is told so."""
    options = {"quant_format": form, "activation_type": activation, "per_channel": per_channel}
    model = quantized(name, tmp_path, reduce_range=False, **options)
    bytes_of = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.data_type == INT8]
    assert {int(np.abs(array).max()) for array in bytes_of if array.ndim > 1} == {127}
    wrong, count = differences(model, samples=100)
    assert count >= 500
    if activation == QuantType.QUInt8:
        assert (wrong > 0) == saturates()
        wrong, _ = differences(model, samples=100, x64quantprecision="1")
    assert wrong == 0


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.filterwarnings("ignore")
def test_every_tensor_in_between_equals_onnx_runtime(name: str, tmp_path: Any) -> None:
    shown = all_tensors(
        quantized(
            name,
            tmp_path,
            quant_format=QuantFormat.QOperator,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )
    )
    assert len(shown.graph.output) > 6
    wrong, count = differences(shown, samples=30, optimized=False)
    assert (wrong, count > 30 * 1000) == (0, True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("form", "extra"),
    [
        (QuantFormat.QDQ, {"ActivationSymmetric": True}),
        (QuantFormat.QDQ, {"WeightSymmetric": False}),
        (QuantFormat.QOperator, {"WeightSymmetric": False}),
    ],
    ids=str,
)
def test_symmetric_activations_and_asymmetric_weights(form: Any, extra: Any, tmp_path: Any) -> None:
    model = quantized(
        "residual",
        tmp_path,
        quant_format=form,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QUInt8,
        extra_options=extra,
    )
    assert differences(model)[0] == 0


def conv_model(
    x_dtype: Any,
    w_dtype: Any,
    x_shape: list[int],
    w_shape: tuple[int, ...],
    seed: int = 0,
    largest: int = 60,
    per_channel: bool = False,
    **attributes: Any,
) -> Any:
    """One QLinearConv with a bias and zero points everywhere."""
    rng, b = np.random.default_rng(seed), Builder()
    low, high = np.iinfo(x_dtype).min, np.iinfo(x_dtype).max
    zero = 0 if w_dtype is np.int8 else 100
    w = rng.integers(-largest, largest + 1, size=w_shape) + zero
    scales = rng.uniform(0.005, 0.02, size=w_shape[0]) if per_channel else 0.01
    zeros = np.full(np.shape(scales), zero)
    points = [b.constant(int(rng.integers(low, high + 1)), x_dtype) for _ in range(2)]
    bias = b.constant(rng.integers(-3000, 3000, size=w_shape[0]), np.int32)
    x = b.input(x_shape, x_dtype)
    inputs = [x, b.scale(0.05), points[0], b.constant(w, w_dtype), b.constant(scales, np.float32)]
    inputs += [b.constant(zeros, w_dtype), b.scale(0.25), points[1], bias]
    return b.model(b.node("QLinearConv", *inputs, **attributes), dtype=x_dtype)


WINDOWS: dict[str, Any] = {
    "plain": {},
    "stride": {"strides": [2, 3]},
    "pads": {"pads": [1, 0, 2, 1]},
    "dilations": {"dilations": [2, 1], "pads": [1, 1, 1, 1]},
    "same upper": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "same lower": {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "valid": {"auto_pad": "VALID"},
}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtypes", [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)], ids=str)
def test_windows_of_convolutions(window: str, dtypes: Any) -> None:
    kernel = (2, 2) if "same" in window else (3, 2)
    model = conv_model(*dtypes, [4, 7, 8], (5, 4, *kernel), per_channel=window == "pads", **WINDOWS[window])
    assert differences(model)[0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [2, 6])
def test_groups_and_depthwise(dtype: Any, groups: int) -> None:
    outputs = 12 if groups == 6 else 4
    model = conv_model(dtype, np.int8, [6, 5, 5], (outputs, 6 // groups, 3, 3), group=groups, pads=[1, 1, 1, 1])
    assert differences(model)[0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_convolution_in_one_dimension(dtype: Any) -> None:
    model = conv_model(dtype, np.int8, [3, 12], (4, 3, 3), strides=[2], pads=[2, 0])
    graph = golden.from_onnx(model)
    assert graph.input_type.shape == (12, 3)
    assert differences(model)[0] == 0


def test_sums_of_signed_and_unsigned_bytes_saturate_in_onnx_runtime_without_vnni_only() -> None:
    """AVX2's vpmaddubsw saturates sums of two products; ONNX Runtime's exact way round it is an option of a session."""
    model = conv_model(np.uint8, np.int8, [4, 6, 6], (5, 4, 3, 3), largest=127)
    assert differences(model, x64quantprecision="1")[0] == 0
    assert (differences(model)[0] > 0) == saturates()


def matmul_model(op: str, dtype: Any, per_channel: bool = False, rank: int = 1, **attributes: Any) -> Any:
    """One QLinearMatMul or QGemm."""
    rng, b = np.random.default_rng(2), Builder()
    x = b.input([3] * (rank - 1) + [20], dtype)
    shape = (6, 20) if attributes.get("transB") else (20, 6)
    w = b.constant(rng.integers(-60, 61, size=shape), np.int8)
    scales, zeros = b.constant(rng.uniform(0.01, 0.03, size=6), np.float32), b.constant(np.zeros(6), np.int8)
    if not per_channel:
        scales, zeros = b.scale(0.02), b.constant(3, np.int8)
    y = [b.scale(0.4), b.constant(9, dtype)]
    inputs = [x, b.scale(0.1), b.constant(5, dtype), w, scales, zeros]
    if op == "QGemm":
        inputs.append(b.constant(rng.integers(-500, 500, size=6), np.int32))
    domain = MICROSOFT if op == "QGemm" else ""
    return b.model(b.node(op, *inputs, *y, domain=domain, **attributes), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("per_channel", [False, True])
def test_matrix_products(dtype: Any, per_channel: bool) -> None:
    assert differences(matmul_model("QLinearMatMul", dtype, per_channel))[0] == 0
    assert differences(matmul_model("QLinearMatMul", dtype, per_channel, rank=2))[0] == 0
    assert differences(matmul_model("QGemm", dtype, per_channel, transB=1, alpha=0.7))[0] == 0


FUNCTIONS: dict[str, Any] = {
    "Relu": {},
    "Sigmoid": {},
    "Tanh": {},
    "LeakyRelu": {"alpha": 0.13},
    "requantize": {},
    "identity": {},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("optimized", [True, False])
def test_functions_of_one_byte(dtype: Any, function: str, seed: int, optimized: bool) -> None:
    """All of them are tables; float arithmetic of ONNX Runtime makes the same entries in all of 256 values."""
    rng, b = np.random.default_rng(seed), Builder()
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    zx, zy = (int(rng.integers(low, high + 1)) for _ in range(2))
    sx, sy = 2.0 ** rng.uniform(-7, -2), 2.0 ** rng.uniform(-8, -4)
    if function == "identity":
        sy, zy = sx, zx
    x = b.both(b.input([256]), sx, zx, dtype)
    y = x if function in ("requantize", "identity") else b.node(function, x, **FUNCTIONS[function])
    model = b.model(b.both(y, sy, zy, dtype))
    # Of two pairs of QuantizeLinear and DequantizeLinear ONNX Runtime's optimizer may remove one, whatever the scales.
    optimized = optimized and function != "requantize"
    assert differences(model, samples=20, optimized=optimized)[0] == 0


@pytest.mark.parametrize("op", ["QLinearSigmoid", "QLinearLeakyRelu"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_tables_of_qlinear_operators(op: str, dtype: Any) -> None:
    b = Builder()
    inputs = [b.input([256], dtype), b.scale(0.04), b.constant(17, dtype), b.scale(0.011), b.constant(3, dtype)]
    assert differences(b.model(b.node(op, *inputs, domain=MICROSOFT), dtype=dtype), samples=20)[0] == 0


def binary_model(op: str, dtype: Any, seed: int, shapes: Any = ([64], [64]), qdq: bool = False) -> Any:
    """One sum or product, with scales that make ties likely for odd seeds; a shape in a tuple is that of a constant."""
    rng, b = np.random.default_rng(seed), Builder()
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    zeros = [int(rng.integers(low, high + 1)) for _ in range(3)]
    sa, sb = (np.float32(2.0 ** rng.uniform(-8, 0)) for _ in range(2))
    sy = np.float32(max(sa, sb) * 2.0 ** rng.uniform(-1, 1.5))
    if seed % 2:
        sb, sy = np.float32(sa / 2), np.float32(sa * 2 if op == "Add" else sa * sa)
    operands = []
    for shape, scale, zero in zip(shapes, (sa, sb), zeros[:2], strict=True):
        if isinstance(shape, tuple):
            values = b.constant(rng.integers(low, high + 1, size=shape), dtype)
            operands.append(b.dequantize(values, scale, zero, dtype) if qdq else values)
        elif qdq:
            operands.append(b.both(b.input(shape), scale, zero, dtype))
        else:
            operands.append(b.input(shape, dtype))
    if qdq:
        return b.model(b.both(b.node(op, *operands), sy, zeros[2], dtype))
    inputs = []
    for operand, scale, zero in zip([*operands, None], (sa, sb, sy), zeros, strict=True):
        inputs += [operand] * (operand is not None) + [b.scale(scale), b.constant(zero, dtype)]
    return b.model(b.node(f"QLinear{op}", *inputs, domain=MICROSOFT), dtype=dtype)


@pytest.mark.parametrize("op", ["Add", "Mul"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("qdq", [False, True], ids=["QLinear", "QDQ"])
def test_sums_and_products(op: str, dtype: Any, seed: int, qdq: bool) -> None:
    wrong, count = differences(binary_model(op, dtype, seed, qdq=qdq), samples=1000)
    assert (wrong, count) == (0, 64000)


BROADCASTS = [
    ([3, 4, 5], [3, 1, 1]),
    ([3, 1, 1], [3, 4, 5]),
    ([3, 4, 5], [3, 4, 1]),
    ([1, 1, 5], [3, 4, 5]),
    ([3, 4, 5], (3, 1, 1)),
    ((1, 3, 1, 1), [3, 4, 5]),
    ([3, 4, 5], ()),
    ([7], (7,)),
    ((1, 7), [7]),
]


@pytest.mark.parametrize("op", ["Add", "Mul"])
@pytest.mark.parametrize("shapes", BROADCASTS, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_broadcasting(op: str, shapes: Any, seed: int) -> None:
    assert differences(binary_model(op, np.uint8, seed, shapes), samples=200)[0] == 0
    assert differences(binary_model(op, np.int8, seed, shapes, qdq=True), samples=200)[0] == 0


def pool_model(op: str, dtype: Any, sx: float, sy: float, qdq: bool = False, **attributes: Any) -> Any:
    """One pooling operator."""
    b = Builder()
    zeros = (b.constant(3, dtype), b.constant(7, dtype))
    if qdq:
        y = b.node(op, b.both(b.input([3, 6, 7]), sx, 3, dtype), **attributes)
        return b.model(b.both(y, sy, 7, dtype))
    inputs = [b.input([3, 6, 7], dtype), b.scale(sx), zeros[0], b.scale(sy), zeros[1]]
    return b.model(b.node(f"QLinear{op}", *inputs, domain=MICROSOFT, **attributes), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("qdq", [False, True], ids=["QLinear", "QDQ"])
def test_averages(dtype: Any, qdq: bool) -> None:
    assert differences(pool_model("GlobalAveragePool", dtype, 0.1, 0.0371, qdq), samples=1000)[0] == 0
    assert differences(pool_model("GlobalAveragePool", dtype, 0.1, 0.1, qdq), samples=1000)[0] == 0
    for scale, window in ((0.25, [2, 2]), (0.1234, [2, 3]), (0.0517, [3, 3])):
        attributes = {"kernel_shape": window, "strides": [2, 1]}
        assert differences(pool_model("AveragePool", dtype, scale, 0.0771, qdq, **attributes), samples=300)[0] == 0
    counted = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}
    assert differences(pool_model("AveragePool", dtype, 0.0517, 0.0771, qdq, **counted), samples=300)[0] == 0
    # Powers of two are summed without rounding: ties are ties, and go to the even number.
    assert differences(pool_model("AveragePool", dtype, 0.25, 0.25, qdq, kernel_shape=[2, 2]), samples=300)[0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("qdq", [False, True], ids=["QLinear", "QDQ"])
@pytest.mark.parametrize("scales", [(0.1, 0.1), (0.0337, 0.0337), (0.3, 0.1), (0.07, 0.14)], ids=str)
def test_averages_that_depend_on_the_order_of_additions(dtype: Any, qdq: bool, scales: Any) -> None:
    for attributes in (
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "pads": [1, 1, 0, 1], "count_include_pad": 1},
    ):
        model = pool_model("AveragePool", dtype, *scales, qdq, **attributes)
        assert differences(model, samples=500)[0] == 0


@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
        {"kernel_shape": [3, 2], "pads": [1, 0, 2, 1]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_max_pool(dtype: Any, attributes: Any) -> None:
    b = Builder()
    assert differences(b.model(b.node("MaxPool", b.input([2, 6, 7], dtype), **attributes), dtype=dtype))[0] == 0


def test_max_pool_in_one_dimension_between_quantize_and_dequantize() -> None:
    b = Builder()
    x = b.both(b.input([3, 9]), 0.1, 4, np.uint8)
    model = b.model(b.both(b.node("MaxPool", x, kernel_shape=[3], strides=[2]), 0.1, 4, np.uint8))
    assert differences(model)[0] == 0


def moves_model(moves: str, dtype: Any = np.uint8) -> Any:
    """A tensor of (3, 4, 6) through some operators that move elements."""
    b = Builder()
    x = b.input([3, 4, 6], dtype)
    if moves == "transposes":
        y = b.node("Transpose", b.node("Transpose", x, perm=[0, 2, 3, 1]), perm=[0, 2, 1, 3])
    elif moves == "reshapes":
        y = b.node("Reshape", b.node("Reshape", x, b.constant([0, -1, 2])), b.constant([-1, 4, 18]))
    elif moves == "flatten":
        y = b.node("Flatten", x)
    elif moves == "ones":
        y = b.node("Squeeze", b.node("Unsqueeze", x, b.constant([1, -1])), b.constant([1]))
    elif moves == "slices":
        y = b.node("Slice", x, b.constant([1, -5]), b.constant([3, -1]), b.constant([1, 3]), b.constant([1, 1]))
        y = b.node("Slice", y, b.constant([1, 0]), b.constant([3, 99]), b.constant([2, -1]), b.constant([1, 2]))
    elif moves == "split":
        parts = b.node("Split", x, b.constant([1, 2, 1]), outputs=3, axis=2)
        y = b.node("Concat", parts[2], parts[0], parts[1], axis=2)
    elif moves == "pad":
        y = b.node("Pad", x, b.constant([0, 1, 0, 2, 0, 0, 1, 0]), b.constant(7, dtype))
    else:
        y = b.node("ArgMax", x, axis=1, keepdims=int(moves == "argmax kept"))
        return b.model(y, dtype=onnx.TensorProto.INT64)
    return b.model(y, dtype=dtype)


@pytest.mark.parametrize(
    "moves",
    ["transposes", "reshapes", "flatten", "ones", "slices", "split", "pad", "argmax", "argmax kept"],
)
def test_moves(moves: str) -> None:
    assert differences(moves_model(moves))[0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("qdq", [False, True], ids=["QLinear", "QDQ"])
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_concat_of_different_scales(dtype: Any, qdq: bool, axis: int) -> None:
    b = Builder()
    a, c = (b.input([2, 4, 5], np.float32 if qdq else dtype) for _ in range(2))
    if qdq:
        joined = b.node("Concat", b.both(a, 0.1, 3, dtype), b.both(c, 0.07, 9, dtype), axis=axis)
        model = b.model(b.both(joined, 0.1, 3, dtype))
    else:
        scales = [(b.scale(0.1), b.constant(3, dtype)), (b.scale(0.07), b.constant(9, dtype))]
        inputs = [*scales[0], a, *scales[0], c, *scales[1]]
        model = b.model(b.node("QLinearConcat", *inputs, domain=MICROSOFT, axis=axis), dtype=dtype)
    assert differences(model)[0] == 0


def test_graphs_go_through_a_file(tmp_path: Any) -> None:
    graph = golden.from_onnx(pool_model("AveragePool", np.uint8, 0.1, 0.1, kernel_shape=[2, 2], qdq=True))
    graph.save(tmp_path / "average.graph")
    assert golden.Graph.load(tmp_path / "average.graph") == graph


def test_the_weights_behind_a_flatten_are_permuted_not_the_images() -> None:
    b, rng = Builder(), np.random.default_rng(0)
    x = b.node("Flatten", b.input([3, 2, 2], np.uint8))
    w = b.constant(rng.integers(-60, 61, size=(12, 4)), np.int8)
    inputs = [x, b.scale(0.1), b.constant(1, np.uint8), w, b.scale(0.1), b.constant(0, np.int8)]
    model = b.model(b.node("QLinearMatMul", *inputs, b.scale(0.5), b.constant(9, np.uint8)), dtype=np.uint8)
    graph = golden.from_onnx(model)
    assert [type(node.op).__name__ for node in graph.nodes] == ["Reshape", "Dense", "Requantize"]
    assert "reshape1" not in graph.origins
    assert differences(model)[0] == 0


def test_shapes_that_an_exporter_computes_are_folded() -> None:
    b = Builder()
    x = b.input([3, 2, 2], np.uint8)
    batch = b.node("Unsqueeze", b.node("Gather", b.node("Shape", x), b.constant(0)), b.constant([0]))
    y = b.node("Reshape", x, b.node("Concat", batch, b.constant([-1]), axis=0))
    assert golden.from_onnx(b.model(y, dtype=np.uint8)).output_type.shape == (12,)


def test_float_biases_are_quantized_as_onnx_runtime_does() -> None:
    b, rng = Builder(), np.random.default_rng(0)
    w = b.dequantize(b.constant(rng.integers(-60, 61, size=(5, 4, 3, 3)), np.int8), 0.01, 0, np.int8)
    bias = b.constant(rng.normal(size=5), np.float32)
    y = b.node("Conv", b.both(b.input([4, 5, 5]), 0.05, 3, np.uint8), w, bias)
    assert differences(b.model(b.both(y, 0.1, 9, np.uint8)), samples=200)[0] == 0


def test_a_wrong_rule_for_ties_is_noticed() -> None:
    """What these tests can find: ties away from zero instead of to even, in one Requantize."""
    model = conv_model(np.uint8, np.int8, [4, 7, 8], (5, 4, 3, 2))
    w = next(tensor for tensor in model.graph.initializer if tensor.name == "c5")
    w.CopyFrom(onnx.numpy_helper.from_array(np.float32(2.5), "c5"))  # 0.05 * 2.5 / 0.25: halves
    graph = golden.from_onnx(model)
    assert differences(model, graph=graph)[0] == 0
    nodes = [
        golden.Node(node.name, changed(node.op, arithmetic="half_up"), node.inputs) if is_requantize(node) else node
        for node in graph.nodes
    ]
    wrong = golden.Graph(graph.inputs, tuple(nodes), graph.outputs, graph.encodings, (), graph.origins)
    assert differences(model, graph=wrong)[0] > 0


def is_requantize(node: Any) -> bool:
    return isinstance(node.op, golden.Requantize)


def changed(op: Any, **fields: Any) -> Any:
    from dataclasses import replace

    return replace(op, **fields)


def test_exchanged_rows_and_columns_are_noticed() -> None:
    model = conv_model(np.uint8, np.int8, [4, 6, 6], (5, 4, 3, 3))
    graph = golden.from_onnx(model)
    nodes = [
        golden.Node(node.name, changed(node.op, weight=node.op.weight.transpose(0, 2, 1, 3)), node.inputs)
        if hasattr(node.op, "weight")
        else node
        for node in graph.nodes
    ]
    wrong = golden.Graph(graph.inputs, tuple(nodes), graph.outputs, graph.encodings, (), graph.origins)
    assert differences(model, graph=wrong)[0] > 0
