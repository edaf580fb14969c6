"""Softmax as tables and one division equals golden's fixed-point arithmetic, for every sum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import golden
from golden import fixed_point
from golden.ops import Softmax
from rtlgen import softmax_tables as module
from rtlgen.gemmlowp import divide_by_power_of_two, doubling_high_multiply
from rtlgen.softmax_tables import SoftmaxTables, exponentials_of, softmax_tables

pytestmark = pytest.mark.slow  # it is exhaustive

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"


def results(op: Softmax, d: int, total: np.ndarray) -> np.ndarray:
    """Golden's result for an element with the difference ``d``, in terms of the sum."""
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    scale = fixed_point.reciprocal_of_one_plus((total << headroom) - (1 << 31))
    product = fixed_point.saturating_high(scale, op.exponentials[d])
    return np.clip(fixed_point.rounding_divide_by_power_of_two(product, 35 - headroom) - 128, -128, 127)


def rows(classes: int, seed: int) -> np.ndarray:
    """Of uniform values, and of values near the largest."""
    rng = np.random.default_rng(seed)
    near = 127 - np.minimum(rng.exponential(10, (3000, classes)), 255)
    return np.concatenate([rng.integers(-128, 128, (3000, classes)), near.astype(np.int64)])


@settings(deadline=None, max_examples=100)
@given(st.integers(1, (1 << 31) - 1), st.integers(0, 31))
def test_exponentials_are_those_of_golden(multiplier: int, shift: int) -> None:
    op = Softmax(multiplier, shift)
    np.testing.assert_array_equal(exponentials_of(op), op.exponentials)


@settings(deadline=None, max_examples=200)
@given(st.integers(-(1 << 31) + 1, (1 << 31) - 1), st.integers(-(1 << 31), (1 << 31) - 1), st.integers(0, 31))
def test_roundings_are_those_of_golden(a: int, b: int, exponent: int) -> None:
    first, second = np.array([a]), np.array([b])
    assert doubling_high_multiply(first, second) == fixed_point.saturating_high(first, second)
    assert divide_by_power_of_two(second, exponent) == fixed_point.rounding_divide_by_power_of_two(second, exponent)


@settings(deadline=None, max_examples=12)
@given(st.integers(1 << 30, (1 << 31) - 1), st.integers(2, 12), st.integers(1, 6))
def test_every_row_gives_what_golden_gives(multiplier: int, shift: int, classes: int) -> None:
    op, x = Softmax(multiplier, shift), rows(classes, 0)
    np.testing.assert_array_equal(softmax_tables(op, classes)(x), op(x))


@pytest.mark.parametrize("op", [Softmax(1242899200, 7), Softmax(1 << 30, 3), Softmax(1 << 30, 10)], ids=str)
def test_every_sum_gives_what_golden_gives(op: Softmax) -> None:
    """Of all that can occur; in particular those beside the exceptions."""
    classes = 4
    found = softmax_tables(op, classes)
    for d in {0, 1, 2, 5, 20, 100, 255, *found.missing}:
        total = np.arange((1 << 19) + (found.terms[d] if d else 0), (classes << 19) + 1)
        np.testing.assert_array_equal(found.quotient(np.array(d), total), results(op, d, total))


@pytest.mark.skipif(not MODELS.is_dir(), reason=f"needs trained TensorFlow Lite files in {MODELS}")
@pytest.mark.parametrize(
    ("name", "missing"),
    [("kws_ref_model", {3, 8, 26}), ("pretrainedResnet_quant", set()), ("micro_speech_quantized", set())],
)
def test_the_published_differences_without_a_numerator(name: str, missing: set[int]) -> None:
    path = MODELS / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"needs {path}")
    graph = golden.from_tflite(path)
    (node,) = (node for node in graph.nodes if isinstance(node.op, Softmax))
    classes = graph.types[node.name].inner
    found = softmax_tables(node.op, classes)
    assert found.missing == missing
    assert len(found.exceptions) == len(missing)  # a single sum each
    assert max(found.numerators).bit_length() <= 28
    x = rows(classes, 1)
    np.testing.assert_array_equal(found(x), node.op(x))
    for d, total, y in found.exceptions:
        assert results(node.op, d, np.array([total])) == y
        assert SoftmaxTables(classes, found.terms, found.numerators, ()).quotient(np.array(d), np.array([total])) != y


def test_a_wrong_numerator_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = softmax_tables(Softmax(1431655765, 6), 3)

    def wrong(
        classes: int, terms: tuple[int, ...], numerators: tuple[int, ...], exceptions: tuple[()]
    ) -> SoftmaxTables:
        numerators = (*numerators[:5], right.numerators[5] * 9 // 8, *numerators[6:])
        return replace(right, numerators=numerators, exceptions=exceptions)

    monkeypatch.setattr(module, "SoftmaxTables", wrong)
    with pytest.raises(AssertionError, match="the softmax tables differ for d = 5, S = "):
        softmax_tables(Softmax(1431655765, 6), 3)


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="Softmax has no hardware for 65 classes, 64 at most"):
        softmax_tables(Softmax(1431655765, 6), 65)
