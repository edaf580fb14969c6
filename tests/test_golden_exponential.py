"""The exponential in single precision: near the real one, that of the C library, and one exact rational per number."""

import ctypes
import platform
from fractions import Fraction

import numpy as np
import pytest

from golden import exponential
from sim.oracles.softmax import expf

UNDECIDED = -np.float32(110) * np.float32(float.fromhex("0x1.7410bep-5"))
"""An argument whose exponential is next to the middle between two numbers."""


def arguments(count, seed=0):
    """Of all magnitudes down to where the exponential is 1, and evenly to where it is 0."""
    random = np.random.default_rng(seed)
    return -np.concatenate([np.exp2(random.uniform(-30, 7, count)), random.uniform(0, 105, count)]).astype(np.float32)


def from_the_c_library(x):
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("the C library is not glibc")
    function = ctypes.CDLL("libm.so.6").expf
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    return np.array([function(number) for number in x.tolist()], dtype=np.float32)


def wrong(x):
    """How many are not the C library's, though nothing is near the middle between two numbers."""
    return int(((exponential.exp(x) != from_the_c_library(x)) & ~exponential.undecided(x)).sum())


def test_it_is_within_half_a_place_and_two_thousandths():
    x = arguments(100_000)
    y, real = exponential.exp(x), np.exp(x.astype(np.float64))
    off = np.abs(y - real) / np.spacing(y)
    assert 0.5 < off.max() < 0.502


def test_it_is_the_c_library_s():
    x = arguments(100_000)
    assert wrong(x) == 0
    assert exponential.undecided(x).sum() < 5
    nearest = np.exp(x.astype(np.float64)).astype(np.float32)
    assert (nearest != from_the_c_library(x)).sum() > 20


def test_another_cubic_would_be_noticed(monkeypatch):
    third, second, first = exponential._CUBIC
    monkeypatch.setattr(exponential, "_CUBIC", (third, second, first * (1 + 2.0**-32)))
    assert wrong(arguments(100_000)) > 0


def test_every_number_is_the_rational_rounded_once():
    for x, y in zip(arguments(150), exponential.exp(arguments(150)), strict=True):
        assert Fraction(float(y)) == expf(Fraction(float(x)))


def test_ends():
    x = np.array([0, -1e-30, -87.5, -103.97, -103.98, -1e30, -np.inf], dtype=np.float32)
    assert exponential.exp(x).tolist()[:2] == [1, 1]
    np.testing.assert_array_equal(exponential.exp(x)[3:], np.float32([2.0**-149, 0, 0, 0]))
    assert 0 < exponential.exp(x)[2] < np.finfo(np.float32).tiny
    assert not exponential.undecided(x).any()


def test_what_one_rounding_less_would_change_is_told():
    assert exponential.undecided(UNDECIDED)
    neighbours = np.nextafter(UNDECIDED, np.float32([-9, 0]))
    assert not exponential.undecided(neighbours).any()
