"""Samples as nested lists of Python integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def shape_of(x: Any) -> tuple[int, ...]:
    """As numpy has it."""
    return (len(x), *shape_of(x[0])) if isinstance(x, list) else ()


def at(x: Any, index: tuple[int, ...]) -> int:
    """The element at an index."""
    for i in index:
        x = x[i]
    return int(x)


def build(shape: tuple[int, ...], value: Callable[[tuple[int, ...]], int]) -> Any:
    """Nested lists of ``value(index)``."""

    def level(index: tuple[int, ...]) -> Any:
        if len(index) == len(shape):
            return int(value(index))
        return [level((*index, i)) for i in range(shape[len(index)])]

    return level(())


def each(x: Any, of: Callable[[int], int]) -> Any:
    """``of`` every element."""
    return build(shape_of(x), lambda index: of(at(x, index)))
