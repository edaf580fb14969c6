"""What an op is: a frozen dataclass of parameters that says its result type and, when called, its exact meaning."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from golden.types import IntArray, IntType, TensorType


class Op(Protocol):
    """The interface of every op; its docstring is its equation.

    Most take one tensor, some two, ``Concat`` any number: ``out_type(x: TensorType, ...) -> TensorType`` and
    ``op(x: IntArray, ...) -> IntArray``. One that rounds or saturates also has the methods that ``golden.coverage`` and
    ``golden.unrounded`` ask for.
    """

    def out_type(self, *args: Any, **kwargs: Any) -> TensorType:
        """Type of the result for inputs of these types; raises ValueError where the op cannot take them."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> IntArray:
        """The exact integer result on batches ``(batch, *shape)``."""
        ...


def frozen_ints(values: npt.ArrayLike, what: str) -> IntArray:
    """``values`` as a read-only int64 array, refusing anything that is not an integer already."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, not {array.dtype}")
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


def plain_int(value: Any, what: str, low: int | None = None, high: int | None = None) -> int:
    """``value`` as an int of ``[low, high]``, None for no limit; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{what} must be an int, not {value!r}")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{what} must be {_limits(low, high)}, not {value}")
    return int(value)


def _limits(low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return f"at least {low}" if high is None else f"at most {high}"
    return f"in {low}..{high}"


def plain_ints(values: Any, count: int | None, what: str, low: int | None = None) -> tuple[int, ...]:
    """``values`` as a tuple of ``count`` ints (any number for None), each at least ``low``."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"{what} must be a tuple of {'' if count is None else f'{count} '}ints, not {values!r}")
    numbers = tuple(plain_int(value, what, low) for value in values)
    if count is not None and len(numbers) != count:
        raise ValueError(f"{what} must be {count} ints, not {len(numbers)}: {numbers}")
    return numbers


def pairs_of_ints(values: Any, count: int | None, what: str, low: int = 0) -> tuple[tuple[int, int], ...]:
    """``values`` as ``count`` pairs (before, after) of ints, each at least ``low``."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"{what} must be pairs (before, after), not {values!r}")
    pairs = tuple(plain_ints(pair, 2, what, low) for pair in values)
    if count is not None and len(pairs) != count:
        raise ValueError(f"{what} must be {count} pairs (before, after), not {len(pairs)}")
    return tuple((before, after) for before, after in pairs)


def value_of(value: Any, dtype: IntType, what: str) -> int:
    """``value`` as an int that ``dtype`` has."""
    number = plain_int(value, what)
    if not dtype.min <= number <= dtype.max:
        raise ValueError(f"{what} must be a value of {dtype}, not {number}")
    return number


def checked_clamp(clamp: Any, dtype: IntType, what: str) -> tuple[int, int] | None:
    """``clamp`` as two rising values of ``dtype``; None stays None."""
    if clamp is None:
        return None
    low, high = plain_ints(clamp, 2, f"the clamp of {what}")
    if not dtype.min <= low <= high <= dtype.max:
        raise ValueError(f"the clamp of {what} must be two rising values of {dtype}, not {clamp}")
    return low, high


def checked_pool(
    kernel: Any, stride: Any, padding: Any, what: str
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Kernel, stride and padding of a pooling op; padding smaller than the kernel, so that no window is empty."""
    sizes = plain_ints(kernel, 2, f"the kernel of {what}", 1)
    steps = plain_ints(stride, 2, f"the stride of {what}", 1)
    borders = pairs_of_ints(padding, 2, f"the padding of {what}")
    if any(max(pair) >= size for size, pair in zip(sizes, borders, strict=True)):
        raise ValueError(f"the padding of {what} must be smaller than its kernel {sizes}, not {borders}")
    return sizes, steps, borders


def same_op(a: Any, b: Any) -> bool:
    """Whether two ops are of one class with equal parameters (arrays compared by value)."""
    if type(a) is not type(b):
        return False
    pairs = ((getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)
    return all(np.array_equal(x, y) if isinstance(x, np.ndarray) else bool(x == y) for x, y in pairs)
