"""Narrowed requantisers equal golden's literal arithmetic on every input, and are as narrow as can be."""

from __future__ import annotations

from dataclasses import replace
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import IntType
from golden.arithmetic import tflite_scale
from golden.ops import Requantize
from rtlgen import affine
from rtlgen.rounding import Scaling
from rtlgen.staircase import Staircase, narrowed
from rtlgen.thresholds import climb

pytestmark = pytest.mark.slow  # it is exhaustive

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


def test_intervals_of_channels_make_a_narrower_datapath() -> None:
    rng = np.random.default_rng(0)
    lows, highs = -rng.integers(2000, 1 << 15, 16), rng.integers(2000, 1 << 15, 16)
    highs[::5] = 10  # less than half a step
    op = Requantize(rng.integers(1 << 30, 1 << 31, 16), np.full(16, 38), -128, S8, "tflm")
    own, common = narrowed(op, lows, highs), narrowed(op, lows.min(), highs.max())
    assert own.multiplier_bits <= common.multiplier_bits
    assert (own.constants.count(None), common.constants.count(None)) == (12, 16)
    for channel, (low, high) in enumerate(zip(lows, highs, strict=True)):
        x = np.repeat(np.arange(low, high + 1)[:, None], 16, axis=1)
        np.testing.assert_array_equal(own(x)[:, channel], op(x)[:, channel])
        np.testing.assert_array_equal(own.lines(x)[:, channel].clip(*op.limits), op(x)[:, channel])
        assert own.constants[channel] in (None, op(x)[0, channel])


def test_one_scale_for_channels_with_intervals_of_their_own() -> None:
    op = Requantize(*scale(0.01), 0, S8, "tflm", x_zero_point=3)
    found = narrowed(op, [-1000, 0, 10], [-900, 20000, 10])
    assert len(found.multipliers) == 3
    assert found.constants == (None, None, 0)
    for channel, (low, high) in enumerate([(-1000, -900), (0, 20000), (10, 10)]):
        x = np.arange(low, high + 1)[:, None]
        np.testing.assert_array_equal(found(np.repeat(x, 3, axis=1) - 3)[:, [channel]], op(x))


def test_the_window_is_the_narrowest() -> None:
    op = Requantize(*scale(1.0), -128, S8, "tflm")
    found = narrowed(op, -(1 << 20), 1 << 20)
    assert (found.window, found.low, found.high) == (IntType(8, False), 0, 255)
    assert narrowed(Requantize(*scale(1.0), 0, S8, "tflm"), -(1 << 20), 1 << 20).window == S8
    clamped = Requantize(*scale(1.0), 0, S8, "tflm", clamp=(-2, 1))
    assert narrowed(clamped, -(1 << 20), 1 << 20).window == IntType(2, True)


def test_an_offset_for_each_sign_is_used_by_all_channels_or_by_none() -> None:
    """Channels that could do with one have a wider choice of slopes with two, and so a shorter multiplier."""
    rng = np.random.default_rng(1)
    multiplier, lows = rng.integers(1 << 30, 1 << 31, 16), np.array([-1500, -(1 << 19)] * 8)
    ops = [Requantize(m, np.array(42), 0, S8, "tflm") for m in multiplier]
    alone = [narrowed(op, low, 1 << 19) for op, low in zip(ops, lows, strict=True)]
    assert 0 < sum(found.signed for found in alone) < 16
    together = narrowed(Requantize(multiplier, np.full(16, 42), 0, S8, "tflm"), lows, 1 << 19)
    assert together.signed
    assert together.shift <= max(found.shift for found in alone)


def test_wide_results_and_wide_inputs() -> None:
    """Beyond int64 on the way, and 16-bit results: the same solver."""
    s16 = IntType(16, True)
    op = Requantize(np.array(5), np.array(50), 3, s16, "half_up")
    low, high = -(1 << 58), (1 << 58) - 1
    found = narrowed(op, low, high)
    rng = np.random.default_rng(0)
    steps = (np.arange(-40, 40) << 50) // 5
    x = np.concatenate([rng.integers(low, high, 1000), steps, [low, high, -1, 0, 1]])[:, None]
    np.testing.assert_array_equal(found(x), op(x))
    op = Requantize(*scale(0.011), 3, s16, "tflm")
    x = np.arange(-(1 << 20), 1 << 20)[:, None]
    np.testing.assert_array_equal(narrowed(op, -(1 << 20), (1 << 20) - 1)(x), op(x))


def test_what_overflows_is_refused() -> None:
    with pytest.raises(ValueError, match="Requantize by 1073741824 cannot take"):
        narrowed(Requantize(np.array(1 << 30), np.array(20), 0, S8, "tflm"), -(1 << 25), 1 << 25)


def test_too_many_steps_are_refused() -> None:
    op = Requantize(np.array(1), np.array(0), 0, IntType(20, True), "half_up")
    with pytest.raises(NotImplementedError, match=r"Requantize has no hardware for half_up by 1 / 2.*131071 steps"):
        narrowed(op, -(1 << 16), (1 << 16) - 1)


@pytest.mark.parametrize("field", ["multipliers", "offsets", "negative_offsets"])
def test_a_wrong_constant_is_seen_at_generation(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """Of the second of two channels: as much too large as matters at one input."""
    op = Requantize(np.array([1 << 30, 3 << 29]), np.array([40, 40]), 0, S8, "tflm")
    right = affine.Lines

    def wrong(*values: Any) -> Any:
        lines = right(*values)
        constants = getattr(lines, field)
        return replace(lines, **{field: (constants[0], constants[1] + (1 << lines.shift - 9))})

    monkeypatch.setattr(affine, "Lines", wrong)
    with pytest.raises(AssertionError, match="the datapath of channel 1 differs at"):
        narrowed(op, -(1 << 15), (1 << 15) - 1)


def test_wrong_thresholds_are_seen_at_generation() -> None:
    op = Requantize(np.array([1 << 30]), np.array([40]), 0, S8, "tflm")
    function = Scaling("it", "tflm", op.multiplier, op.shift, 0, op.limits)
    stairs = climb(function, np.array([0]), np.array([-(1 << 15)]), np.array([1 << 15]))
    stairs.check(function)
    for wrong in (-1, 1):
        thresholds = stairs.thresholds.copy()
        thresholds[0, 17] += wrong
        with pytest.raises(AssertionError, match="are wrong"):
            replace(stairs, thresholds=thresholds).check(function)


def test_channels_are_narrowed_at_once() -> None:
    """A network of 2,752 channels takes a third of a second; all pairs of thresholds would take minutes."""
    rng = np.random.default_rng(0)
    start = process_time()
    for _ in range(43):
        reach = rng.integers(1 << 16, 1 << 20, 64)
        narrowed(Requantize(rng.integers(1 << 30, 1 << 31, 64), np.full(64, 42), -128, S8, "tflm"), -reach, reach)
    assert process_time() - start < 2
