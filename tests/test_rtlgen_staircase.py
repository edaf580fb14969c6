"""Narrowed requantisers equal golden's literal arithmetic on every input, and are as narrow as can be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import IntType, Requantize
from golden.arithmetic import tflite_scale
from rtlgen import staircase as module
from rtlgen.staircase import Staircase, narrowed

S8 = IntType(8, True)


def of(staircase: Staircase, op: Requantize, x: np.ndarray, channel: int = 0) -> np.ndarray:
    v = x - op.x_zero_point
    offset = np.where(v < 0, staircase.negative_offsets[channel], staircase.offsets[channel])
    return np.clip((v * staircase.multipliers[channel] + offset) >> staircase.shift, *op.limits)


def scale(real: float) -> tuple[np.ndarray, np.ndarray]:
    multiplier, shift = tflite_scale(real)
    return np.array(multiplier), np.array(shift)


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(["tflm", "single", "half_up"]), st.integers(2, 13))
def test_every_input_gives_what_golden_gives(data: st.DataObject, arithmetic: str, bits: int) -> None:
    real = data.draw(st.floats(0.1, 4.0)) * 256 / 2**bits
    clamp = data.draw(st.sampled_from([None, (-128, 20), (5, 127), (-1, 1), (3, 3)]))
    zero_points = data.draw(st.integers(-128, 127)), data.draw(st.integers(-5, 5))
    op = Requantize(*scale(real), zero_points[0], S8, arithmetic, zero_points[1], clamp)
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    x = np.arange(low, high + 1)
    np.testing.assert_array_equal(of(narrowed(op, low, high), op, x), op(x[:, None])[:, 0])


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(40))
def test_every_accumulator_of_20_bits_gives_what_golden_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arithmetic = ("tflm", "single")[seed % 2]
    op = Requantize(*scale(rng.uniform(0.2, 3) / 2**12), int(rng.integers(-128, 128)), S8, arithmetic)
    x = np.arange(-(1 << 19), 1 << 19)
    np.testing.assert_array_equal(of(narrowed(op, -(1 << 19), (1 << 19) - 1), op, x), op(x[:, None])[:, 0])


def test_a_multiplier_of_31_bits_becomes_far_shorter() -> None:
    rng = np.random.default_rng(0)
    found = narrowed(
        Requantize(rng.integers(1 << 30, 1 << 31, 16), np.full(16, 42), -128, S8, "tflm"), -(1 << 19), (1 << 19) - 1
    )
    assert max(found.multipliers).bit_length() <= 25
    assert not found.signed  # all that is negative is cut off: ties away from zero occur on one side only


def test_no_narrower_form_exists() -> None:
    """Against a search that tries every multiplier and every offset of every smaller shift."""
    op = Requantize(*scale(0.3712), 0, IntType(4, True), "single")
    x = np.arange(-32, 32)
    expected = op(x[:, None])[:, 0]
    found = narrowed(op, -32, 31)
    for shift in range(found.shift):
        for m in range(1 << (shift + 1)):
            products = m * x
            for offset in range(-(1 << shift), (2 << shift) + 1):
                assert (np.clip((products + offset) >> shift, *op.limits) != expected).any()


def test_ties_away_from_zero_need_an_offset_for_each_sign() -> None:
    op = Requantize(np.array(1 << 30), np.array(33), 0, S8, "tflm")
    found = narrowed(op, -256, 255)
    assert found.signed
    x = np.arange(-256, 256)
    np.testing.assert_array_equal(of(found, op, x), op(x[:, None])[:, 0])


def test_ties_to_even_have_no_such_form_and_are_refused_with_their_channel() -> None:
    op = Requantize(np.array([5, 3]), np.array([3, 3]), 0, S8, "float32")
    with pytest.raises(NotImplementedError, match=r"float32 by 5 / 2\*\*3: there is no exact form") as caught:
        narrowed(op, -128, 127)
    assert caught.value.__notes__ == ["in channel 0"]


def test_a_constant_channel_needs_no_multiplier() -> None:
    op = Requantize(np.array([0, 1 << 30]), np.array([31, 40]), 7, S8, "tflm")
    found = narrowed(op, -1000, 1000)
    assert found.multipliers[0] == 0
    x = np.arange(-1000, 1001)
    for channel in range(2):
        expected = op(np.repeat(x[:, None], 2, axis=1))[:, channel]
        np.testing.assert_array_equal(of(found, op, x, channel), expected)


def test_slopes_are_compared_exactly() -> None:
    """Two fractions that are the same double: the larger one must win."""
    a, b = Fraction(10**15 + 1, 10**16 + 9), Fraction(10**15, 10**16 - 1)
    rise, run = np.array([a.numerator, b.numerator]), np.array([a.denominator, b.denominator])
    assert module._extreme(rise, run, np.max) == max(a, b)
    assert module._extreme(rise, run, np.min) == min(a, b)


def test_a_wrong_offset_is_seen_at_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    right = module._offsets

    def wrong(bounds, shift):
        m, offset, negative = right(bounds, shift)
        return m, offset + (1 << shift), negative

    monkeypatch.setattr(module, "_offsets", wrong)
    with pytest.raises(AssertionError, match="narrowed requantiser of channel 0 differs at"):
        narrowed(Requantize(np.array(1 << 30), np.array(40), 0, S8, "tflm"), -(1 << 15), (1 << 15) - 1)
