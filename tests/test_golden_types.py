"""IntType and TensorType against brute force over all small intervals."""

import numpy as np
import pytest

from golden.types import MAX_BITS, IntType, TensorType


def test_min_and_max_are_twos_complement():
    assert (IntType(8, True).min, IntType(8, True).max) == (-128, 127)
    assert (IntType(8, False).min, IntType(8, False).max) == (0, 255)
    assert (IntType(1, True).min, IntType(1, True).max) == (-1, 0)


def test_holding_is_the_narrowest_type_for_every_small_interval():
    def fits(bits, signed, low, high):
        return (-(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1)) if signed else (low >= 0 and high < 2**bits)

    for low in range(-40, 41):
        for high in range(low, 41):
            signed = low < 0
            bits = next(b for b in range(1, 10) if fits(b, signed, low, high))
            assert IntType.holding(low, high) == IntType(bits, signed), (low, high)


def test_holding_an_empty_interval_is_refused():
    with pytest.raises(ValueError, match=r"\[1, 0\] is empty"):
        IntType.holding(1, 0)


@pytest.mark.parametrize("text", ["s8", "u1", "s63"])
def test_parse_is_the_inverse_of_str(text):
    assert str(IntType.parse(text)) == text


@pytest.mark.parametrize("text", ["", "s", "8", "x8", "s-8", "s8.0", "u0"])
def test_parse_refuses_what_is_no_type(text):
    with pytest.raises(ValueError, match="must"):
        IntType.parse(text)


@pytest.mark.parametrize("bits", [0, -1, 1.5, True, "8"])
def test_bits_must_be_a_positive_int(bits):
    with pytest.raises(ValueError, match="positive int"):
        IntType(bits, True)


def test_holds():
    assert IntType(8, True).holds(IntType(7, False))
    assert not IntType(8, True).holds(IntType(8, False))


def test_a_tensor_type_has_size_and_text():
    assert str(TensorType((2, 3), IntType(4, False))) == "u4[2, 3]"
    assert TensorType((2, 3), IntType(4, False)).size == 6
    assert TensorType((), IntType(4, False)).size == TensorType((), IntType(4, False)).inner == 1


def test_tensor_types_refuse_bad_shapes_and_too_many_bits():
    with pytest.raises(ValueError, match="positive ints"):
        TensorType((0,), IntType(8, True))
    with pytest.raises(ValueError, match="positive ints"):
        TensorType([2], IntType(8, True))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"fit {MAX_BITS} bits"):
        TensorType((2,), IntType(MAX_BITS + 1, True))


def test_check_gives_int64_and_takes_an_empty_batch():
    x = TensorType((2,), IntType(8, True))
    assert x.check(np.array([[1, 2]], dtype=np.uint8)).dtype == np.int64
    assert x.check(np.empty((0, 2), dtype=np.int8)).shape == (0, 2)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((1, 2)), TypeError, "must be integers of type s8\\[2\\], not float64"),
        (np.zeros((1, 3), dtype=int), ValueError, r"shape \(batch, 2\), not \(1, 3\)"),
        (np.zeros(2, dtype=int), ValueError, r"shape \(batch, 2\), not \(2,\)"),
        (np.array([[0, 128]]), ValueError, r"\[-128, 127\] \(s8\).*\[0, 128\]"),
        (np.array([[-129, 0]]), ValueError, r"\[-129, 0\]"),
        (np.array([[0, 2**64 - 1]], dtype=np.uint64), ValueError, "span"),
    ],
)
def test_check_refuses(x, error, message):
    with pytest.raises(error, match=message):
        TensorType((2,), IntType(8, True)).check(x)
