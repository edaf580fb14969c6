"""Sums of scaled bytes as two tables: equal to golden on every pair of inputs, with the smallest shift."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import golden
from golden import IntType
from golden.arithmetic import float32_scale, tflite_scale
from golden.ops import Add
from rtlgen import two_tables as module
from rtlgen.two_tables import LARGEST_SHIFT, separated, sums, two_tables

pytestmark = pytest.mark.slow  # it is exhaustive

S8 = IntType(8, True)
BYTE = (-128, 127)
RESNET = Path(__file__).resolve().parents[2] / "shared" / "models" / "pretrainedResnet_quant.tflite"


def residual(
    a: float, b: float, y: float, zero_points: tuple[int, int, int], arithmetic: str, **changes: object
) -> Add:
    """As TensorFlow Lite sets it up: from the scales of both inputs and the result."""
    scale = float32_scale if arithmetic == "float32" else tflite_scale
    left, double = 20, 2 * max(a, b)
    (ma, sa), (mb, sb), (m, s) = scale(a / double), scale(b / double), scale(double / (y * 2**left))
    return Add(zero_points[:2], (ma, mb), (sa, sb), left, m, s, zero_points[2], S8, arithmetic, **changes)


def assert_equal_everywhere(op: Add, a: tuple[int, int] = BYTE, b: tuple[int, int] = BYTE) -> None:
    first, second = np.arange(a[0], a[1] + 1)[:, None], np.arange(b[0], b[1] + 1)
    found = two_tables(op, a, b)
    pairs = (v.reshape(1, -1) for v in np.broadcast_arrays(first, second))
    np.testing.assert_array_equal(found(first, second).reshape(1, -1), op(*pairs))
    assert min(found.a_table) == 0


@settings(deadline=None, max_examples=15)
@given(st.data(), st.sampled_from(["tflm", "single", "half_up"]), st.booleans())
def test_every_pair_gives_what_golden_gives(data: st.DataObject, arithmetic: str, subtract: bool) -> None:
    scales = (data.draw(st.floats(0.01, 0.2)) for _ in range(3))
    zero_points = tuple(data.draw(st.integers(-128, 127)) for _ in range(3))
    clamp = data.draw(st.sampled_from([None, (-128, 20), (5, 127), (-1, 1), (3, 3)]))
    assert_equal_everywhere(residual(*scales, zero_points, arithmetic, clamp=clamp, subtract=subtract))


def test_single_precision_has_tables_too() -> None:
    assert_equal_everywhere(residual(0.1, 0.07, 0.11, (3, -9, 5), "float32"))


def test_inputs_of_known_intervals() -> None:
    op = residual(0.1, 0.07, 0.11, (-128, -9, 5), "tflm")
    assert_equal_everywhere(op, (-128, -100), (-9, 60))
    assert_equal_everywhere(op, (7, 7), (-9, 60))
    assert_equal_everywhere(op, (100, 355), (0, 1))


@pytest.mark.skipif(not RESNET.exists(), reason=f"needs {RESNET}")
@pytest.mark.parametrize("arithmetic", ["tflm", "single"])
def test_the_published_shifts_of_a_residual_network(arithmetic: str) -> None:
    ops = [node.op for node in golden.from_tflite(RESNET).nodes if isinstance(node.op, Add)]
    found = [two_tables(replace(op, arithmetic=arithmetic), BYTE, BYTE) for op in ops]
    assert [tables.shift for tables in found] == [7, 6, 6]
    assert all(max(tables.a_table) - min(tables.a_table) < 1 << 16 for tables in found)
    assert all(max(tables.b_table) - min(tables.b_table) < 1 << 16 for tables in found)


def test_no_smaller_shift_exists() -> None:
    """Against a search that tries all tables: with results of 0..2 no entry is larger than ``3 * 2**shift``."""
    rng = np.random.default_rng(0)
    shifts = []
    for _ in range(60):
        results = (rng.integers(0, 6, 3)[:, None] + rng.integers(0, 7, 3)) >> 2
        found = separated(results, (-9, 9))
        assert found is not None
        shifts.append(found[2])
        for shift in range(min(found[2], 2)):
            entries = np.array(list(product(range(3 << shift), repeat=3)))
            y = (entries[:, None, :, None] + entries[None, :, None, :]) >> shift
            assert not (y == results).all(axis=(2, 3)).any()
    assert {0, 1} < set(shifts)


def test_what_has_no_tables_is_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_SHIFT", 2)
    with pytest.raises(NotImplementedError, match=r"Add has no hardware for these scales in tflm: .* shift of up to 2"):
        two_tables(residual(0.1, 0.07, 0.11, (3, -9, 5), "tflm"), BYTE, BYTE)


def test_a_function_that_is_no_sum_has_no_tables() -> None:
    product_of_bits = np.array([[0, 1], [1, 0]])
    assert separated(product_of_bits, (-9, 9)) is None
    assert LARGEST_SHIFT >= 8


def test_wide_inputs_are_refused() -> None:
    with pytest.raises(
        NotImplementedError, match=r"Add has no hardware for inputs of more than 256 values, not \[0, 256"
    ):
        two_tables(residual(0.1, 0.07, 0.11, (3, -9, 5), "tflm"), BYTE, (0, 256))


@pytest.mark.parametrize("field", ["a_table", "b_table", "shift"])
def test_a_wrong_entry_is_seen(field: str) -> None:
    op = residual(0.1, 0.07, 0.11, (3, -9, 5), "tflm")
    results = sums(op, BYTE, BYTE)
    right = two_tables(op, BYTE, BYTE)
    right.check(results)
    value = getattr(right, field)
    wrong = value + 1 if field == "shift" else (*value[:100], value[100] + (1 << right.shift), *value[101:])
    with pytest.raises(AssertionError, match="two tables differ at"):
        replace(right, **{field: wrong}).check(results)
