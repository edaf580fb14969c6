"""TensorFlow Lite (PyPI ``ai-edge-litert``), operator by operator: which arithmetic it has, or none of them."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tflite_layers import Network
from tflite_models import litert, needed

import golden
from golden.importers import tflite_float32
from golden.importers.tflite import OPERATORS
from golden.importers.tflite_layer import Layer
from golden.quantizer import tables as decimal_tables
from sim.regression.runtimes import LITERT

ALL = {"tflm", "single", "float32"}
MOVES = {
    *("ARG_MAX", "CONCATENATION", "EXPAND_DIMS", "MAXIMUM", "MAX_POOL_2D", "MINIMUM", "PACK", "PAD", "PADV2"),
    *("RELU6", "RESHAPE", "SLICE", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE", "UNPACK"),
}
REFERENCE, XNNPACK, SINGLE = {"tflm", "float32"}, {"float32"}, {"float32"}
EQUAL = dict.fromkeys(MOVES, ALL) | {
    # Means without a scale; fixed point that is nowhere rounded in two ways.
    "AVERAGE_POOL_2D": ALL,
    "HARD_SWISH": ALL,
    # XNNPACK scales in single precision, ties to even; single rounds them up, with 31 bits.
    "CONV_2D": XNNPACK,
    "DEPTHWISE_CONV_2D": XNNPACK,
    "FULLY_CONNECTED": XNNPACK,
    # As before, but the zero point is added before it is rounded: what has one is refused in float32.
    "MUL": XNNPACK,
    "SUM": XNNPACK,
    "MEAN": set(),  # the same, and refused whatever the zero point is
    # XNNPACK adds with multipliers of 21 bits, the reference with two roundings of 31 bits before the last one.
    "ADD": XNNPACK,
    "SUB": XNNPACK,
    # XNNPACK multiplies by numbers with 8 bits of fraction, ties up.
    "QUANTIZE": XNNPACK,
    "LEAKY_RELU": XNNPACK,
    # TensorFlow Lite's own kernels, with two roundings; float32 is their arithmetic then.
    "PRELU": REFERENCE,
    "RELU": REFERENCE,
    # XNNPACK rounds the function itself, the reference has a polynomial in fixed point.
    "LOGISTIC": XNNPACK,
    "TANH": XNNPACK,
    # TensorFlow Lite's own kernel, in single precision where the reference has fixed point.
    "SOFTMAX": SINGLE,
}
"""By operator the arithmetics that give every value of TensorFlow Lite's."""
SELDOM = {"ADD", "LOGISTIC", "RELU", "SOFTMAX", "TANH"}
"""Operators whose other arithmetics differ in so few values that few networks may have none."""
WITHOUT = {"RELU_N1_TO_1"}
"""Operators that the networks do not have, because TensorFlow Lite Micro has none."""


@pytest.fixture(scope="module")
def measured():
    """Values that there are, and that differ in each arithmetic, by operator."""
    needed(LITERT)
    script = Path(__file__).with_name("compare_litert_operators.py")
    done = subprocess.run(
        [sys.executable, script, "--networks", "6", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_operator_is_in_the_table():
    assert set(EQUAL) == set(OPERATORS) - WITHOUT


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(EQUAL))
def test_an_operator_has_the_arithmetic_of_the_table(kind, measured):
    found = measured[kind]
    assert found["values"] > 100
    assert {name for name in ALL if found.get(name) == 0} >= EQUAL[kind]
    for name in set(found) - EQUAL[kind] - {"values"}:
        assert found[name] > 0 or kind in SELDOM
    assert found["tflm"] <= 1e-4 * found["values"] or kind != "SOFTMAX"
    assert ("float32" in found) == (kind != "MEAN")


VALUES = np.arange(-128, 128).reshape(1, 256)


def file_of(build, seed, folder, **x):
    """The path of a network with one operator on 256 values."""
    net = Network(seed)
    net.output(build(net, net.placeholder(1, 256, **x)))
    path = folder / "net.tflite"
    path.write_bytes(net.bytes())
    return path


def wrong_values(path):
    """How many of the 256 values golden does not give in float32."""
    needed(LITERT)
    return int((golden.from_tflite(path, "float32")(VALUES) != litert(path, VALUES)).sum())


def leaky_relu(net, x):
    """Scales and slopes about what XNNPACK takes and what it leaves, and at these limits."""
    ratio = float(net.pick(2.0**-8, 2.0**7, 2.0**-9, 130.0, *np.exp2(net.random.uniform(-9, 8, 4))))
    slope = float(net.pick(2.0**-8, -(2.0**-8), 128.0, -127.99609375, -128.0, 0.0, *net.random.normal(size=6)))
    return net.leaky(x, slope / ratio if net.random.integers(2) else slope, net.scale(x) / ratio)


def prelu(net, x):
    """Slopes that are powers of two: ties, but only where scales are multiplied in single precision."""
    y = net.prelu(x, net.operand())
    alpha = net.tensors[net.operators[0].inputs[1]]
    ratio = net.tensors[x].scales / net.tensors[y].scales
    alpha.scales = np.float32(2.0 ** -net.random.integers(3, 10)) / ratio
    return y


def logistic(net, x):
    return net.unary("LOGISTIC", x)


def tanh(net, x):
    return net.unary("TANH", x)


def a_scale(seed):
    return float(np.exp2(np.random.default_rng(seed).uniform(-9, 1))) if seed % 2 else 2.0 ** -(seed % 9)


@pytest.mark.slow
@pytest.mark.parametrize("build", [leaky_relu, prelu, logistic, tanh], ids=lambda build: build.__name__)
def test_functions_of_one_element_are_equal_for_every_value(build, tmp_path):
    refused = 0
    for seed in range(150):
        path = file_of(build, seed, tmp_path, scale=a_scale(seed))
        try:
            assert wrong_values(path) == 0, f"seed {seed}"
        except NotImplementedError:
            refused += 1
    assert refused <= (5 if build is tanh else 0)


def wrong_networks(build, folder):
    return sum(wrong_values(file_of(build, seed, folder, scale=a_scale(seed))) > 0 for seed in range(75))


@pytest.mark.slow
def test_another_arithmetic_of_one_element_would_be_noticed(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tflite_float32, "_FRACTION_BITS", 9)
        assert wrong_networks(leaky_relu, tmp_path) > 0
    with monkeypatch.context() as patch:  # scales in double precision
        patch.setattr(Layer, "ratio", lambda self, *factors, to: float(np.prod(factors)) / float(to.scales[0]))
        assert wrong_networks(prelu, tmp_path) > 0
    with monkeypatch.context() as patch:
        patch.setattr(tflite_float32, "sigmoid", lambda x: decimal_tables.tanh(x))
        assert wrong_networks(logistic, tmp_path) > 0


def near_a_tie(function, steps):
    """Scales, for a zero point of 0, at which a result lies next to a tie."""
    for scale in np.exp2(np.random.default_rng(1).uniform(-8, 0, 20_000)).astype(np.float32):
        real = steps * function(np.float64(scale * VALUES[0].astype(np.float32)))
        if (np.abs(real - np.floor(real) - 0.5) < 1e-5).any():
            yield float(scale)


@pytest.mark.slow
def test_logistic_is_equal_next_to_ties(tmp_path):
    scales = list(near_a_tie(lambda x: 1 / (1 + np.exp(-x)), 256))
    assert len(scales) > 20
    assert sum(wrong_values(file_of(logistic, 0, tmp_path, scale=scale, zero_point=0)) for scale in scales) == 0


def test_what_the_c_library_decides_is_refused(tmp_path):
    scale = next(near_a_tie(np.tanh, 128))
    path = file_of(tanh, 0, tmp_path, scale=scale, zero_point=0)
    with pytest.raises(NotImplementedError, match=r"operator 0, TANH, .*: in float32 a result lies so near to a tie"):
        golden.from_tflite(path, "float32")
    assert golden.from_tflite(path, "single")(VALUES).shape == (1, 256)


def softmax_networks(count, folder):
    """Softmaxes of many shapes, scales and betas, with rows that are wide, narrow or all the same; TensorFlow Lite's y.

    A tenth has powers of two as scales, which make ties.
    """
    needed(LITERT)
    for seed in range(count):
        random = np.random.default_rng(seed)
        classes = int(random.choice([1, 2, 3, 5, 12, 64, 512, 1000, random.integers(2, 3000)]))
        rows, spread = max(1, 4000 // classes), int(random.choice([256, 256, 60, 12, 1]))
        scale = float(np.exp2(random.uniform(-10, 2))) if seed % 10 else 2.0 ** -int(random.integers(0, 9))
        net = Network(seed)
        x = net.placeholder(1, rows, classes, scale=scale, zero_point=int(random.integers(-128, 128)))
        net.output(net.softmax(x, float(random.choice([1.0, 0.3, 4.0, np.exp(random.normal())]))))
        path = folder / "net.tflite"
        path.write_bytes(net.bytes())
        x = random.integers(0, spread, (3, rows, classes)) + random.integers(-128, 129 - spread)
        yield path, x, litert(path, x).reshape(x.shape)


@pytest.mark.slow
def test_a_million_values_of_softmax_are_equal(tmp_path):
    values = wrong = 0
    for path, x, theirs in softmax_networks(120, tmp_path):
        wrong += int((golden.from_tflite(path, "float32")(x) != theirs).sum())
        values += x.size
    assert (values > 1_000_000, wrong) == (True, 0)


def softmaxes_next_to_ties(count, folder):
    """Softmaxes with rows that have a result half-way between two integers but for a few millionths; as above."""
    needed(LITERT)
    for seed in range(count):
        random = np.random.default_rng(seed)
        net, classes, scale = Network(seed), int(random.integers(3, 13)), float(np.exp2(random.uniform(-7, -3)))
        x = net.placeholder(1, 50, classes, scale=scale)
        net.output(net.softmax(x))
        path = folder / "net.tflite"
        path.write_bytes(net.bytes())
        x = random.integers(-128, 128, (40_000, classes))
        real = np.exp(np.float64(np.float32(scale)) * x)
        real *= 256 / real.sum(axis=1, keepdims=True)
        x = x[(np.abs(real - np.floor(real) - 0.5) / real).min(axis=1).argsort()[:50]][None]
        yield path, x, litert(path, x).reshape(x.shape)


@pytest.mark.slow
def test_softmax_is_equal_next_to_ties(tmp_path):
    for path, x, theirs in softmaxes_next_to_ties(80, tmp_path):
        np.testing.assert_array_equal(golden.from_tflite(path, "float32")(x), theirs)


@pytest.mark.slow
def test_another_softmax_would_be_noticed(tmp_path):
    """Sums in another order, and fixed point; last places of exponentials are for tests/test_golden_exponential.py."""
    found = Counter()
    for path, x, theirs in softmaxes_next_to_ties(80, tmp_path):
        graph = golden.from_tflite(path, "float32")
        found["backwards"] += int((graph(x[..., ::-1])[..., ::-1] != theirs).sum())
        found["fixed point"] += int((golden.from_tflite(path)(x) != theirs).sum()) if x.shape[-1] < 512 else 0
    assert found["backwards"] > 0
    assert found["fixed point"] > 0


def test_an_exponential_that_the_c_library_decides_is_refused(tmp_path):
    refused(
        file_of(lambda net, x: net.softmax(x), 0, tmp_path, scale=float.fromhex("0x1.7410bep-5")),
        "operator 0, SOFTMAX, output",
        "in float32 the exponential of -4.9959955, of the difference 110, lies so near to the middle",
    )


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, np.inf, 1e-30, 1e9])
def test_a_softmax_that_no_scale_describes_is_an_error(beta, tmp_path):
    path = file_of(lambda net, x: net.softmax(x, beta), 0, tmp_path, scale=0.5)
    with pytest.raises(ValueError, match=r"operator 0, SOFTMAX, .*: its beta times the scale of its input cannot be "):
        golden.from_tflite(path, "float32")


def refused(path, *texts):
    """Refused in float32, and only there."""
    with pytest.raises(NotImplementedError) as caught:
        golden.from_tflite(path, "float32")
    for text in texts:
        assert text in str(caught.value)
    for arithmetic in ("tflm", "single"):
        golden.from_tflite(path, arithmetic)


def test_sums_and_products_with_a_zero_point_are_refused_by_name(tmp_path):
    def product(net, x, zero_point):
        y = net.binary("MUL", x, x)
        net.tensors[y].zero_points = np.array([zero_point])
        return y

    def total(kind, zero_point):
        def build(net, x):
            y = net.reduce(kind, x, (1,), True)
            net.tensors[y].zero_points = np.array([zero_point])
            return y

        return build

    because = "XNNPACK adds it before it rounds"
    refused(file_of(lambda n, x: product(n, x, 5), 0, tmp_path), "operator 0, MUL", "must be 0, not 5", because)
    refused(file_of(total("SUM", -1), 0, tmp_path), "operator 0, SUM", "must be 0, not -1", because)
    for zero_point in (0, 5):
        refused(file_of(total("MEAN", zero_point), 0, tmp_path), "operator 0, MEAN", "in float32 it is not supported")
    for build in (lambda n, x: product(n, x, 0), total("SUM", 0)):
        golden.from_tflite(file_of(build, 0, tmp_path), "float32")


def test_limits_half_way_between_integers_are_refused(tmp_path):
    def build(net, x):
        y = net.dense(x, 3, activation="RELU_N1_TO_1")
        net.tensors[y].scales = np.float32([2.0])
        return y

    refused(file_of(build, 0, tmp_path), "FULLY_CONNECTED", "its activation ends half-way between two integers, at")
