"""Every op against an oracle in Python's unlimited integers and fractions, which shares no code with it."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.ops import Argmax, Dense, Relu, Requantize, Reshape
from golden.ops.op import same_op
from golden.types import IntType, TensorType

S8 = IntType(8, True)


def ints(bits):
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def dense_oracle(weight, bias, x):
    return [
        [int(b) + sum(int(w) * int(v) for w, v in zip(row, sample, strict=True)) for row, b in zip(weight, bias)]  # noqa: B905
        for sample in x
    ]


def requantize_oracle(x, multiplier, shift, zero_point, low, high):
    rounded = floor(Fraction(x * multiplier, 2**shift) + Fraction(1, 2))
    return min(max(rounded + zero_point, low), high)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 5), st.integers(1, 5), st.integers(1, 28), st.integers(1, 28))
def test_dense_equals_the_oracle(data, inputs, outputs, x_bits, weight_bits):
    def matrix(rows, columns, bits):
        return data.draw(
            st.lists(st.lists(ints(bits), min_size=columns, max_size=columns), min_size=rows, max_size=rows)
        )

    weight, x = matrix(outputs, inputs, weight_bits), matrix(3, inputs, x_bits)
    bias = data.draw(st.lists(ints(40), min_size=outputs, max_size=outputs))
    op = Dense(np.array(weight), np.array(bias))
    expected = dense_oracle(weight, bias, x)
    assert op(np.array(x)).tolist() == expected
    out = op.out_type(TensorType((inputs,), IntType(x_bits, True)))
    assert out.shape == (outputs,)
    assert all(out.dtype.min <= value <= out.dtype.max for row in expected for value in row)


@pytest.mark.parametrize("top", [2**53 - 2, 2**53 - 1, 2**53, 2**53 + 1, 2**60 + 1])
def test_dense_is_exact_where_floats_are_not(top):
    op = Dense(np.array([[1, 1], [1, -1]]), np.array([0, 1]))
    assert op(np.array([[top, 1], [-top, 1]])).tolist() == [[top + 1, top], [-top + 1, -top]]


def test_the_type_of_dense_is_reached_and_as_narrow_as_can_be():
    op = Dense(np.array([[-128, 127]]), np.array([7]))
    x = TensorType((2,), S8)
    extremes = op(np.array([[-128, 127], [127, -128]]))
    assert extremes.tolist() == [[128 * 128 + 127 * 127 + 7], [-128 * 127 * 2 + 7]]
    assert op.reach(x) == ([int(extremes.min())], [int(extremes.max())])
    assert op.out_type(x).dtype == IntType(16, True)
    assert op.out_type(TensorType((3, 2), S8)).shape == (3, 1)


def test_dense_of_the_most_negative_pair_grows_a_bit():
    op = Dense(np.array([[-128]]), np.array([0]))
    assert op(np.array([[-128]])).tolist() == [[16384]]
    assert op.out_type(TensorType((1,), S8)).dtype == IntType(16, True)
    assert op.weight_type == S8


@pytest.mark.parametrize(
    ("weight", "bias", "error", "message"),
    [
        ([[0.5]], [0], TypeError, "weights of Dense must be integers, not float64"),
        ([[1]], [0.5], TypeError, "bias of Dense must be integers"),
        ([1, 2], [0], ValueError, r"\(outputs, inputs\), not \(2,\)"),
        ([[1, 2]], [0, 0], ValueError, r"shape \(1,\), one per output, not \(2,\)"),
    ],
)
def test_dense_refuses_bad_parameters(weight, bias, error, message):
    with pytest.raises(error, match=message):
        Dense(np.array(weight), np.array(bias))


def test_dense_refuses_other_features():
    with pytest.raises(ValueError, match=r"Dense with 2 inputs cannot take s8\[5\]"):
        Dense(np.ones((1, 2), dtype=int), np.zeros(1, dtype=int)).out_type(TensorType((5,), S8))


def test_parameters_are_read_only_copies():
    weight = np.ones((1, 2), dtype=int)
    op = Dense(weight, np.zeros(1, dtype=int))
    weight[:] = 5
    assert op.weight.tolist() == [[1, 1]]
    with pytest.raises(ValueError, match="read-only"):
        op.weight[0, 0] = 3


@settings(deadline=None, max_examples=200)
@given(ints(40), st.integers(0, 2**17 - 1), st.integers(0, 61), st.integers(-128, 127))
def test_requantize_equals_the_oracle(x, multiplier, shift, zero_point):
    op = Requantize(np.array(multiplier), np.array(shift), zero_point, S8)
    op.out_type(TensorType((1,), IntType(40, True)))
    assert op(np.array([[x]])).tolist() == [[requantize_oracle(x, multiplier, shift, zero_point, -128, 127)]]


@pytest.mark.parametrize(
    ("x", "shift", "expected"),
    [
        (1, 1, 1),
        (-1, 1, 0),
        (3, 1, 2),
        (-3, 1, -1),
        (5, 1, 3),
        (-5, 1, -2),
        (6, 2, 2),
        (-6, 2, -1),
        (2, 2, 1),
        (-2, 2, 0),
    ],
)
def test_ties_round_up_for_both_signs(x, shift, expected):
    assert Requantize(np.array(1), np.array(shift), 0, S8)(np.array([[x]])).tolist() == [[expected]]


@pytest.mark.parametrize(("x", "expected"), [(127, 127), (128, 127), (-128, -128), (-129, -128), (10**6, 127)])
def test_requantize_saturates_both_ways_and_shift_zero_rounds_nothing(x, expected):
    assert Requantize(np.array(1), np.array(0), 0, S8)(np.array([[x]])).tolist() == [[expected]]


def test_requantize_scales_per_channel():
    op = Requantize(np.array([1, 3, 2]), np.array([1, 2, 0]), 5, IntType(6, False))
    x = [[9, 9, 9], [-9, -9, 40]]
    expected = [
        [requantize_oracle(v, m, s, 5, 0, 63) for v, m, s in zip(row, [1, 3, 2], [1, 2, 0], strict=True)] for row in x
    ]
    assert op(np.array(x)).tolist() == expected
    with pytest.raises(ValueError, match=r"3 channels cannot take s8\[2\]"):
        op.out_type(TensorType((2,), S8))


@pytest.mark.parametrize(("x", "zero_point"), [(2**62 - 1, 127), (-(2**62) + 1, -128)])
def test_the_widest_accumulator_does_not_wrap(x, zero_point):
    op = Requantize(np.array(1), np.array(61), zero_point, S8)
    assert op.out_type(TensorType((1,), IntType(62, True))).dtype == S8
    assert op(np.array([[x]])).tolist() == [[requantize_oracle(x, 1, 61, zero_point, -128, 127)]]


def test_requantize_refuses_what_could_leave_int64():
    with pytest.raises(ValueError, match="golden model has 64"):
        Requantize(np.array(2**17), np.array(0), 0, S8).out_type(TensorType((1,), IntType(50, True)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"multiplier": np.array([1, 2])}, ValueError, "both be scalars or both"),
        ({"multiplier": np.array(-1)}, ValueError, "must not be negative"),
        ({"multiplier": np.array(0.5)}, TypeError, "must be integers"),
        ({"shift": np.array(63)}, ValueError, r"lie in 0\.\.62"),
        ({"shift": np.array(-1)}, ValueError, r"lie in 0\.\.62"),
        ({"zero_point": 128}, ValueError, "must be a value of s8, not 128"),
        ({"arithmetic": "banker"}, ValueError, "one of half_up, tflm, single, float32, not 'banker'"),
    ],
)
def test_requantize_refuses_bad_parameters(change, error, message):
    fields = {"multiplier": np.array(1), "shift": np.array(0), "zero_point": 0, "dtype": S8, **change}
    with pytest.raises(error, match=message):
        Requantize(**fields)


@given(st.lists(ints(5), min_size=1, max_size=7))
def test_argmax_gives_the_first_largest(x):
    best = 0
    for position, value in enumerate(x):
        if value > x[best]:
            best = position
    assert Argmax()(np.array([x])).tolist() == [best]
    assert Argmax().out_type(TensorType((len(x),), S8)).shape == ()


def test_argmax_ties_and_types():
    assert Argmax()(np.array([[3, 7, 7], [5, 5, 5], [-8, -8, -9]])).tolist() == [1, 0, 0]
    assert str(Argmax().out_type(TensorType((2, 10), S8))) == "u4[2]"
    assert str(Argmax().out_type(TensorType((1,), S8))) == "u1[]"
    with pytest.raises(ValueError, match="at least one dimension"):
        Argmax().out_type(TensorType((), S8))


def test_relu_keeps_the_positive_part():
    assert Relu()(np.array([[-128, -1, 0, 1, 127]])).tolist() == [[0, 0, 0, 1, 127]]
    assert str(Relu().out_type(TensorType((5,), S8))) == "u7[5]"
    assert str(Relu().out_type(TensorType((5,), IntType(1, True)))) == "u1[5]"


def test_reshape_keeps_row_major_order():
    assert Reshape((3, 2))(np.arange(12).reshape(2, 2, 3)).tolist() == np.arange(12).reshape(2, 3, 2).tolist()
    assert str(Reshape((6,)).out_type(TensorType((2, 3), S8))) == "s8[6]"
    with pytest.raises(ValueError, match="5 elements, cannot take s8"):
        Reshape((5,)).out_type(TensorType((2, 3), S8))


@pytest.mark.parametrize(
    "op",
    [
        Argmax(),
        Relu(),
        Reshape((2,)),
        Dense(np.ones((3, 2), dtype=int), np.zeros(3, dtype=int)),
        Requantize(np.array(1), np.array(3), 0, S8),
    ],
    ids=lambda op: type(op).__name__,
)
def test_every_op_takes_an_empty_batch_and_stays_within_its_type(op):
    x = TensorType((2,), S8)
    out = op.out_type(x)
    assert op(np.empty((0, 2), dtype=np.int64)).shape == (0, *out.shape)
    y = op(np.array([[-128, 127], [127, -128], [-128, -128], [127, 127]]))
    assert y.dtype == np.int64
    out.check(y)


def test_same_op_compares_by_value():
    a, b = (Requantize(np.array([1, 2]), np.array([0, 0]), 0, S8) for _ in range(2))
    assert same_op(a, b)
    assert not same_op(a, Requantize(np.array([1, 3]), np.array([0, 0]), 0, S8))
    assert not same_op(Relu(), Argmax())


def test_requantize_counts_the_zero_point_among_what_must_fit():
    x, wide = TensorType((1,), IntType(32, True)), IntType(40, True)
    with pytest.raises(ValueError, match="with the zero point 274877906944 needs 65 bits, the golden model has 64"):
        Requantize(np.array(2**32 - 1), np.array(0), 2**38, wide).out_type(x)
    op = Requantize(np.array(2**31 - 1), np.array(0), 2**38, wide)
    op.out_type(x)
    for extreme in (x.dtype.min, x.dtype.max):
        expected = requantize_oracle(extreme, 2**31 - 1, 0, 2**38, wide.min, wide.max)
        assert op(np.array([[extreme]])).tolist() == [[expected]]


def test_the_zero_point_of_requantize_is_an_int():
    for zero_point in (True, 1.0, np.float64(1.0), np.bool_(True), None):
        with pytest.raises(TypeError, match="zero point of Requantize must be an int, not"):
            Requantize(np.array(1), np.array(0), zero_point, S8)  # type: ignore[arg-type]
    op = Requantize(np.array(1), np.array(0), np.int64(3), S8)  # type: ignore[arg-type]
    assert type(op.zero_point) is int


def test_requantize_without_channels_is_refused():
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="must have at least one channel"):
        Requantize(empty, empty, 0, S8)
