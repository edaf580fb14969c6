"""What stands between DequantizeLinear and QuantizeLinear is computed in integers where ONNX Runtime does so, too.

The scales make ties frequent: were anything here computed in floats by ONNX Runtime, some results would differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

from onnx_models import Builder, differences
from test_golden_importers_onnx_errors import refused

X, W = 0.1, 0.015
Y = X * W * 4


class Pattern(Builder):
    """A network of the type ``dtype`` with random zero points."""

    def __init__(self, dtype: Any, seed: int) -> None:
        super().__init__()
        self.dtype, self.rng = dtype, np.random.default_rng(seed)
        self.low = int(np.iinfo(dtype).min)

    def point(self) -> int:
        return int(self.rng.integers(np.iinfo(self.dtype).min, np.iinfo(self.dtype).max + 1))

    def real(self, shape: list[int]) -> str:
        return self.both(self.input(shape), X, self.point(), self.dtype)

    def weights(self, shape: tuple[int, ...], axis: int | None = None, dtype: Any = np.int8) -> str:
        values = self.constant(self.rng.integers(-60, 61, size=shape) + (100 if dtype is np.uint8 else 0), dtype)
        if axis is None:
            return self.dequantize(values, W, 100 if dtype is np.uint8 else 0, dtype)
        scales = self.constant(self.rng.uniform(0.01, 0.03, size=shape[axis]), np.float32)
        points = self.constant(np.zeros(shape[axis]), dtype)
        return str(self.node("DequantizeLinear", values, scales, points, axis=axis))

    def conv(self, *further: str, axis: int | None = None, dtype: Any = np.int8) -> str:
        return str(self.node("Conv", self.real([3, 5, 5]), self.weights((4, 3, 3, 3), axis, dtype), *further))

    def gemm(self, *further: str, **attributes: Any) -> str:
        return str(self.node("Gemm", self.real([20]), self.weights((20, 6)), *further, **attributes))

    def end(self, y: str, scale: float = Y, zero_point: int | None = None) -> Any:
        return self.model(self.both(y, scale, self.point() if zero_point is None else zero_point, self.dtype))


def bias(p: Pattern) -> str:
    integers = p.constant(p.rng.integers(-500, 500, size=6), np.int32)
    return str(p.node("DequantizeLinear", integers, p.constant(np.float32(X) * np.float32(W))))


def float_bias(p: Pattern, size: int) -> str:
    return p.constant(p.rng.normal(size=size), np.float32)


def fan_out(p: Pattern) -> Any:
    x = p.real([3, 5, 5])
    y = p.both(p.node("Conv", x, p.weights((3, 3, 1, 1))), X, p.point(), p.dtype)
    ends = [p.both(p.node(op, x, y), scale, p.point(), p.dtype) for op, scale in (("Add", 0.2), ("Mul", 0.02))]
    return p.model(*ends)


PATTERNS: dict[str, Callable[[Pattern], Any]] = {
    "conv": lambda p: p.end(p.conv()),
    "conv with a float bias": lambda p: p.end(p.conv(float_bias(p, 4), axis=0)),
    "conv with a Relu": lambda p: p.end(p.node("Relu", p.conv()), zero_point=p.low),
    "conv with a Clip": lambda p: p.end(p.node("Clip", p.conv(), p.scale(0.0), p.scale(6.0)), zero_point=p.low),
    "conv, reshaped": lambda p: p.end(p.node("Reshape", p.conv(), p.constant([0, -1]))),
    "conv, transposed": lambda p: p.end(p.node("Transpose", p.node("Relu", p.conv()), perm=[0, 2, 3, 1]), Y, p.low),
    "gemm": lambda p: p.end(p.gemm()),
    "gemm with a bias": lambda p: p.end(p.gemm(bias(p))),
    "gemm with a float bias": lambda p: p.end(p.gemm(float_bias(p, 6))),
    "gemm with an alpha": lambda p: p.end(p.gemm(alpha=0.5)),
    "gemm, unsqueezed": lambda p: p.end(p.node("Unsqueeze", p.gemm(), p.constant([2]))),
    "matmul per channel": lambda p: p.end(p.node("MatMul", p.real([3, 20]), p.weights((20, 6), axis=1))),
    "mean": lambda p: p.end(p.node("GlobalAveragePool", p.real([30, 2, 2])), X),
    "mean with a Relu": lambda p: p.end(p.node("Relu", p.node("GlobalAveragePool", p.real([9, 2, 2]))), X, p.low),
    "sum with a Relu": lambda p: p.end(p.node("Relu", p.node("Add", p.real([30]), p.real([30]))), 0.2, p.low),
    "product with a Relu": lambda p: p.end(p.node("Relu", p.node("Mul", p.real([30]), p.real([30]))), 0.02, p.low),
    "maximum of a Relu": lambda p: p.end(
        p.node("MaxPool", p.node("Relu", p.real([3, 6, 6])), kernel_shape=[2, 2]), 0.07
    ),
    "fan out": fan_out,
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_equal_onnx_runtime(name: str, dtype: Any) -> None:
    for seed in range(3):
        assert differences(PATTERNS[name](Pattern(dtype, seed)), samples=300, seed=seed)[0] == 0


def test_the_scales_of_these_tests_would_show_a_computation_in_floats() -> None:
    """With its optimizer off, ONNX Runtime computes in floats."""
    wrong = [differences(PATTERNS["conv"](Pattern(np.uint8, seed)), 300, seed, optimized=False)[0] for seed in range(3)]
    assert sum(wrong) > 0


def test_what_onnx_runtime_leaves_in_floats_is_refused() -> None:
    p = Pattern(np.uint8, 0)
    refused(p.end(p.node("Flatten", p.conv())), "Flatten (node 4", "computes in floats; Reshape is supported")
    p = Pattern(np.uint8, 0)
    refused(p.end(p.node("Relu", p.node("Reshape", p.conv(), p.constant([0, -1]))), zero_point=0), "Relu (node 5")
    p = Pattern(np.int8, 0)
    refused(p.end(p.conv(dtype=np.uint8)), "its input is int8, its weights are uint8")
    p = Pattern(np.uint8, 0)
    refused(p.model(p.both(p.conv(), Y, 3, np.int8)), "its input is u8, its result s8")
