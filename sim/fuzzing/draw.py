"""Where a random network gets its numbers from: choices that can be made smaller again when it fails."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from random import Random
from typing import Protocol, TypeVar

import numpy as np

from golden.types import IntArray, IntType

T = TypeVar("T")


class Draw(Protocol):
    """A source of choices; what is simplest comes first in a sequence, and zero is the simplest integer."""

    def integer(self, low: int, high: int) -> int:
        """An integer of ``[low, high]``."""
        ...

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        ...


class Dice:
    """Choices by a seed, which nobody makes smaller; integers are often at an end."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        """As the protocol says."""
        return self._random.choice((low, high, *[self._random.randint(low, high)] * 4))

    def choice(self, options: Sequence[T]) -> T:
        """As the protocol says."""
        return self._random.choice(options)


_ONE_BY_ONE = 6
"""Elements of an array that are drawn each by itself; those of a larger one follow a pattern or a seed."""
_PATTERNS = ("zero", "one", "lowest", "highest", "alternating", "sparse", *["any"] * 6)


def array(draw: Draw, shape: tuple[int, ...], low: int, high: int) -> IntArray:
    """Integers of ``[low, high]``: often the ends, often whatever a seed gives."""
    size = prod(shape)
    if size <= _ONE_BY_ONE:
        return np.array([draw.integer(low, high) for _ in range(size)], dtype=np.int64).reshape(shape)
    pattern = draw.choice(_PATTERNS)
    if pattern in ("any", "sparse"):
        random = np.random.default_rng(draw.integer(0, 1 << 16))
        values = random.integers(low, high, shape, dtype=np.int64, endpoint=True)
        return values if pattern == "any" else np.where(random.random(shape) < 0.3, values, _simple(0, low, high))
    if pattern == "alternating":
        return np.where(np.arange(size) % 2, low, high).reshape(shape)
    value = {"zero": _simple(0, low, high), "one": _simple(1, low, high), "lowest": low, "highest": high}[pattern]
    return np.full(shape, value, dtype=np.int64)


def value_of(draw: Draw, dtype: IntType) -> int:
    """A value of a type: zero, an end, or any."""
    return draw.choice((_simple(0, dtype.min, dtype.max), dtype.min, dtype.max, draw.integer(dtype.min, dtype.max)))


def _simple(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)
