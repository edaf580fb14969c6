"""The corners of arithmetic against the oracles: ties of both signs, saturation, -128 x -128, accumulators of 63 bits.

The oracles compute in Python's integers and fractions and share no code with golden, see ``sim/oracles``.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from golden import arithmetic
from golden.ops import Add, AveragePool, Conv, Dense, MaxPool, Multiply, Requantize, Sum
from golden.types import IntType, TensorType
from sim.op_table import oracle
from sim.oracles.rounding import scaled

S8, S63 = IntType(8, True), IntType(63, True)
WIDE = IntType(62, True)
ARITHMETICS = sorted(arithmetic.ARITHMETICS)
BITS = {"half_up": 31, "single": 31, "tflm": 31, "float32": 24}


def assert_oracle(op, *batches):
    """Equal on every sample, and within the type, which ``out_type`` gives for the types of the batches."""
    batches = [np.asarray(batch, dtype=np.int64) for batch in batches]
    expected = [oracle(op, *sample) for sample in zip(*(batch.tolist() for batch in batches), strict=True)]
    y = op(*batches)
    assert y.tolist() == expected
    return y


def requantised(x, multiplier, shift, name, **options):
    """A column of numbers as the op has it, and as the oracle has it."""
    fields = {"zero_point": 0, "dtype": WIDE, **options}
    return assert_oracle(Requantize(multiplier, shift, arithmetic=name, **fields), np.reshape(x, (-1, 1)))[:, 0]


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize("shift", [1, 2, 3, 7])
def test_every_tie_of_both_signs(name, shift):
    """Halves of both signs, in every arithmetic, with their neighbours: which is where they differ."""
    x = np.arange(-(9 << shift), (9 << shift) + 1)
    # The same scale in all: one over 2**shift, as a multiplier with a set top bit where the arithmetic has one.
    top = BITS[name] - 1
    y = requantised(x, 1 << top, top + shift, name)
    ties = x % (1 << shift) == 1 << (shift - 1)
    half = Fraction(1, 2)
    assert ties.sum() == 18
    for value, got in zip(x[ties].tolist(), y[ties].tolist(), strict=True):
        real = Fraction(value, 1 << shift)
        away = real + half if real > 0 else real - half
        even = real - half if (real - half) % 2 == 0 else real + half
        # Ties of tflm's second rounding go away from zero; with a shift of one its high multiply is all of the scale.
        in_two = away if shift > 1 else real + half
        expected = {"half_up": real + half, "single": real + half, "tflm": in_two, "float32": even}
        assert got == expected[name]
    if name != "tflm":  # of which the first rounding makes more ties
        others = [round(Fraction(value, 1 << shift)) for value in x[~ties].tolist()]
        assert y[~ties].tolist() == others


def test_the_two_roundings_of_tflm_are_both_there():
    """A number just below a tie becomes a tie in the high multiply, and is rounded away from zero then."""
    x = np.arange(-4000, 4001)
    twice = requantised(x, (1 << 31) - 1, 33, "tflm")
    once = requantised(x, (1 << 31) - 1, 33, "single")
    differ = np.flatnonzero(twice != once)
    assert len(differ) > 500
    assert (np.abs(twice[differ]) > np.abs(once[differ])).any()
    assert {value % 4 for value in x[differ].tolist()} == {2}


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize(("zero_point", "clamp"), [(0, None), (-128, None), (127, None), (5, (-7, 9)), (-3, (4, 4))])
def test_saturation_on_both_sides_and_one_step_within(name, zero_point, clamp):
    top = BITS[name] - 1
    x = np.arange(-700, 701)
    y = requantised(x, 1 << top, top + 1, name, dtype=S8, zero_point=zero_point, clamp=clamp)
    low, high = clamp or (-128, 127)
    assert (y.min(), y.max()) == (low, high)
    assert set(y.tolist()) == set(range(low, high + 1))


EDGES = [0, 1, 2, 3]
EDGES += [value for bits in (7, 8, 15, 23, 24, 25, 30, 31) for value in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1)]


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize("shift", [0, 1, 7, 23, 24, 30, 31, 32, 33, 47, 61, 62])
def test_edges_of_every_width(name, shift):
    """Numbers around powers of two, multiplied by the smallest and largest multipliers, shifted by any amount."""
    seen = 0
    for multiplier in (0, 1, 2, 3, (1 << (BITS[name] - 1)) - 1, 1 << (BITS[name] - 1), (1 << BITS[name]) - 1):
        for low, high in [(-1, 0), *((-x, x) for x in EDGES)]:
            op = Requantize(multiplier, shift, 0, S63, name)
            try:
                op.out_type(TensorType((1,), IntType.signed_holding(low, high)))
            except ValueError:
                continue  # it may leave int64, or int32
            assert_oracle(op, [[low], [high]])
            seen += 1
    assert seen >= (7 if name == "tflm" and shift < 2 else 20)  # tflm shifts left, within 32 bits


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(ARITHMETICS), st.data())
def test_any_scale_of_any_width(name, data):
    bits = data.draw(st.integers(1, 62))
    x = data.draw(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    multiplier, shift = data.draw(st.integers(0, (1 << BITS[name]) - 1)), data.draw(st.integers(0, 62))
    op = Requantize(multiplier, shift, data.draw(st.integers(-128, 127)), S8, name, data.draw(st.integers(-9, 9)))
    try:
        op.out_type(TensorType((1,), IntType(bits, True)))
    except ValueError:
        assume(False)
    assert_oracle(op, [[x]])


@pytest.mark.parametrize("name", ARITHMETICS)
def test_the_most_negative_pair_in_products_and_sums(name):
    extremes = np.array([[a, b] for a in (-128, -127, 0, 127) for b in (-128, -127, 0, 127)])
    a, b = extremes[:, :1], extremes[:, 1:]
    top = BITS[name] - 1
    for zero_points in ((0, 0), (127, 127), (-128, 127)):
        for wide in (S8, IntType(20, True)):
            y = assert_oracle(Multiply(zero_points, 1 << top, top, 0, wide, name), a, b)
            if wide is not S8 and zero_points == (0, 0):
                assert y[0, 0] == 128 * 128
        for subtract in (False, True):
            for left in (0, 20):
                scales = (1 << top,) * 2, (top + 1,) * 2, left, 1 << top, top + max(0, left - 1)
                assert_oracle(Add(zero_points, *scales, 0, IntType(11, True), name, subtract=subtract), a, b)


def test_convolutions_of_the_most_negative_numbers_reach_the_ends_of_their_type():
    x = TensorType((3, 3, 2), S8)
    for groups in (1, 2):
        weight = np.full((2, 2, 2, 2 // groups), -128)
        weight[1] = 127
        op = Conv(weight, [5, -5], padding=((1, 1), (1, 1)), padding_value=-128, groups=groups)
        y = assert_oracle(op, [np.full((3, 3, 2), -128), np.full((3, 3, 2), 127)])
        terms = 4 * 2 // groups
        assert y.max() == terms * 128 * 128 + 5
        assert y[0, ..., 1].max() == terms * -128 * 127 - 5
        op.out_type(x).check(y)
        lows, highs = op.reach(x)
        assert (highs[0], lows[1]) == (y.max(), terms * -128 * 127 - 5)


@pytest.mark.parametrize("sign", [1, -1])
def test_accumulators_of_63_bits(sign):
    """Just what fits, and one more, which is refused: nothing wraps, and no float is in between."""
    most = (1 << 63) - 1 if sign > 0 else 1 << 62
    weight = np.array([[sign * ((1 << 54) + 1)]])
    bias = np.array([sign * (most - 127 * ((1 << 54) + 1))])
    x = TensorType((1,), IntType(7, False))
    y = assert_oracle(Dense(weight, bias), [[127], [126], [1]])
    assert y[0, 0] == sign * most
    assert Dense(weight, bias).out_type(x).dtype == IntType(63, sign < 0)
    with pytest.raises(ValueError, match="must fit 63 bits"):
        Dense(weight, bias + sign).out_type(x)
    image = TensorType((1, 1, 1), IntType(7, False))
    conv = Conv(weight.reshape(1, 1, 1, 1), bias)
    assert assert_oracle(conv, [[[[127]]], [[[126]]]]).reshape(-1).tolist() == y[:2, 0].tolist()
    conv.out_type(image)


def test_sums_and_means_of_the_widest_numbers():
    widest = IntType(60, True)
    x = np.array([[[[widest.min]] * 2] * 2, [[[widest.max]] * 2] * 2, [[[widest.min], [widest.max]]] * 2])
    assert_oracle(Sum((0, 1)), x)
    assert Sum((0, 1)).out_type(TensorType((2, 2, 1), widest)).dtype.bits == 62
    assert_oracle(AveragePool((2, 2)), x)
    assert_oracle(MaxPool((2, 1)), x)


def test_means_of_both_signs_round_their_ties_away_from_zero():
    for places in (2, 4, 6):
        total = np.arange(-5 * places, 5 * places + 1)
        x = np.zeros((len(total), 2, places // 2, 1), dtype=np.int64)
        x[:, 0, 0, 0] = total
        y = assert_oracle(AveragePool((2, places // 2)), x)[:, 0, 0, 0]
        tie = total % places == places // 2
        assert y[tie & (total > 0)].tolist() == [(value + places // 2) // places for value in total[tie & (total > 0)]]
        assert y[tie].tolist() == (-y[tie][::-1]).tolist()


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize("other", ARITHMETICS)
def test_another_arithmetic_would_be_seen(name, other, monkeypatch):
    """The ties above tell every two arithmetics apart that are two: the comparison with the oracle can fail."""
    monkeypatch.setitem(arithmetic.ARITHMETICS, name, arithmetic.ARITHMETICS[other])
    x = np.arange(-8192, 8193, 64).reshape(-1, 1)
    got = Requantize(1 << 23, 34, 0, S8, name)(x)[:, 0].tolist()
    expected = [scaled(int(value), 1 << 23, 34, name) for value in x[:, 0]]
    assert (got == expected) == (name == other or {name, other} == {"half_up", "single"})
