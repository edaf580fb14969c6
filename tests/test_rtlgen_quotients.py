"""Requantisers as divisions by a constant equal golden's literal arithmetic on every input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import IntType, Requantize
from golden.arithmetic import tflite_scale
from rtlgen.affine import check
from rtlgen.quotients import quotients
from rtlgen.rounding import Scaling
from rtlgen.thresholds import climb

pytestmark = pytest.mark.slow  # it is exhaustive

S8 = IntType(8, True)


def scale(real: float) -> tuple[np.ndarray, np.ndarray]:
    multiplier, shift = tflite_scale(real)
    return np.array(multiplier), np.array(shift)


@settings(deadline=None, max_examples=100)
@given(st.data(), st.sampled_from(["tflm", "single", "half_up"]), st.integers(2, 13))
def test_every_input_gives_what_golden_gives(data: st.DataObject, arithmetic: str, bits: int) -> None:
    real = data.draw(st.floats(0.1, 4.0)) * 256 / 2**bits
    clamp = data.draw(st.sampled_from([None, (-128, 20), (5, 127), (-1, 1), (3, 3)]))
    zero_points = data.draw(st.integers(-128, 127)), data.draw(st.integers(-5, 5))
    op = Requantize(*scale(real), zero_points[0], S8, arithmetic, zero_points[1], clamp)
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    x = np.arange(low, high + 1)[:, None]
    found = quotients(op, low, high)
    assert found is not None
    np.testing.assert_array_equal(found(x - op.x_zero_point), op(x))


def test_channels_of_their_own_intervals_share_a_shift() -> None:
    rng = np.random.default_rng(0)
    lows, highs = -rng.integers(2000, 1 << 15, 16), rng.integers(2000, 1 << 15, 16)
    highs[::5] = 10
    op = Requantize(rng.integers(1 << 30, 1 << 31, 16), np.full(16, 38), -128, S8, "tflm")
    found = quotients(op, lows, highs)
    assert found is not None
    assert found.constants.count(None) == 12
    assert found.divisor_bits <= 24
    assert not found.signed
    for channel, (low, high) in enumerate(zip(lows, highs, strict=True)):
        x = np.repeat(np.arange(low, high + 1)[:, None], 16, axis=1)
        np.testing.assert_array_equal(found(x)[:, channel], op(x)[:, channel])


def test_ties_to_even_have_none() -> None:
    assert quotients(Requantize(np.array(5), np.array(3), 0, S8, "float32"), -128, 127) is None


def test_no_smaller_divisor_exists() -> None:
    """Against a search that tries every divisor and every offset of every smaller shift."""
    op = Requantize(*scale(0.3712), 0, IntType(4, True), "single")
    x = np.arange(-32, 32)
    expected = op(x[:, None])[:, 0]
    found = quotients(op, -32, 31)
    assert found is not None
    assert found.shift > 0
    for shift in range(found.shift):
        for divisor in range(1, 8 << shift):
            y = ((x << shift) + np.arange(-divisor, 2 * divisor)[:, None]) // divisor
            assert not (np.clip(y, *op.limits) == expected).all(axis=1).any()


@pytest.mark.parametrize("field", ["divisors", "offsets", "negative_offsets"])
def test_a_wrong_constant_is_seen(field: str) -> None:
    op = Requantize(np.array([1 << 30, 3 << 29]), np.array([40, 40]), 0, S8, "tflm")
    function, rows = Scaling("it", "tflm", op.multiplier, op.shift, 0, op.limits), np.arange(2)
    stairs = climb(function, rows, np.full(2, -(1 << 15)), np.full(2, 1 << 15))
    right = quotients(op, -(1 << 15), 1 << 15)
    assert right is not None
    assert right.signed
    check(right, function, stairs, rows)
    first, second = getattr(right, field)
    wrong = replace(right, **{field: (first, second + (second >> 6) + (1 << right.shift))})
    with pytest.raises(AssertionError, match="the datapath of channel 1 differs at"):
        check(wrong, function, stairs, rows)
