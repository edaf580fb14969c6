"""Exactly narrowed requantisers: the shortest multiplication that computes the same staircase.

On the values that can occur a requantiser is a monotone staircase of few steps, whatever its arithmetic. This finds the
smallest shift ``s``, and for each channel an integer ``m`` and offsets, for which ::

    y = clamp((m * x + (x < 0 ? r_negative : r)) >> s)

is the same staircase. ``rtlgen/thresholds.py`` says where it steps, ``rtlgen/slopes.py`` which lines become it: what is
found is the minimum, and where nothing is found nothing exists. Rounding ties away from zero is not affine over both
signs; with an offset for each sign it is. What was found is compared with the arithmetic at every threshold before it
is returned: both are monotone, so they are then equal everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from golden.ops import Requantize
from golden.types import IntType
from rtlgen.affine import Lines, check, solve
from rtlgen.rounding import Ints, Scaling
from rtlgen.thresholds import Stairs, climb

_T = TypeVar("_T")
Bound = int | npt.ArrayLike
"""Of an interval: one for all channels, or shape (channels,)."""


@dataclass(frozen=True)
class Staircase:
    """``y = clamp((multipliers[c] * x + offsets[c]) >> shift)``, with ``negative_offsets[c]`` for ``x < 0``.

    ``x`` is what is left of the input after its zero point is subtracted; the offsets hold rounding and zero point. It
    may be saturated to ``window`` first, which changes nothing and makes the product shorter.

    Args:
        limits: what ``y`` is clamped to.
        window: the narrowest type that holds every threshold and what is just below it, of all channels.
        constants: the result of a channel that gives the same for all of its inputs, else None.
    """

    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    negative_offsets: tuple[int, ...]
    shift: int
    limits: tuple[int, int]
    window: IntType
    constants: tuple[int | None, ...]

    @property
    def signed(self) -> bool:
        """Whether any channel needs an offset of its own for negative inputs."""
        return self.offsets != self.negative_offsets

    @property
    def low(self) -> int:
        """The smallest input that has to be multiplied."""
        return self.window.min

    @property
    def high(self) -> int:
        """The largest input that has to be multiplied."""
        return self.window.max

    @property
    def multiplier_bits(self) -> int:
        """Of the longest multiplier, which is not negative; 0 where there is nothing to multiply."""
        return max(self.multipliers).bit_length()

    @property
    def lines(self) -> Lines:
        """What is computed before the clamp."""
        return Lines(self.multipliers, self.offsets, self.negative_offsets, self.shift)

    def __call__(self, x: Ints) -> Ints:
        """What the datapath gives for ``x`` of shape (..., channels), the zero point already subtracted."""
        return np.clip(self.lines(np.clip(x, self.low, self.high)), *self.limits)

    def __str__(self) -> str:
        live = sum(value is None for value in self.constants)
        offsets = "an offset for each sign" if self.signed else "one offset"
        return (
            f"x {self.window} * m u{self.multiplier_bits} >> {self.shift}, {offsets}, "
            f"{live} of {len(self.constants)} channels live"
        )


def narrowed(op: Requantize, low: Bound, high: Bound) -> Staircase:
    """The narrowest datapath that equals ``op`` on every input of ``[low, high]``, for all its channels.

    Args:
        low, high: of the input before its zero point is subtracted, for all channels or shape (channels,): what can be
            reached, e.g. ``Conv.reach``.

    Raises:
        NotImplementedError: if there is none with one offset for each sign, which can only be with ``float32``.
        ValueError: for intervals in which the arithmetic itself would overflow.
    """
    return _of_rows(op, *rows_of(op, low, high))


def rows_of(op: Requantize, low: Bound, high: Bound) -> tuple[Ints, Ints, Ints, Ints]:
    """Multiplier, shift, smallest and largest ``x`` of each channel, the zero point subtracted, shape (channels,)."""
    lows, highs = (np.asarray(end, dtype=np.int64) - op.x_zero_point for end in (low, high))
    multiplier, shift, lows, highs = np.broadcast_arrays(op.multiplier, op.shift, lows, highs)
    return multiplier.reshape(-1), shift.reshape(-1), lows.reshape(-1), highs.reshape(-1)


def _of_rows(op: Requantize, multiplier: Ints, shift: Ints, low: Ints, high: Ints) -> Staircase:
    """Channels with the same constants and intervals are solved once."""
    rows = np.stack([multiplier, shift, low, high], axis=1)
    rows, first, channels = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    multiplier, shift, low, high = rows.T
    scaling = Scaling(type(op).__name__, op.arithmetic, multiplier, shift, op.zero_point, op.limits)
    scaling.check(int(low.min()), int(high.max()))
    lines, window, constants = _solved(scaling, low, high, first)
    every = channels.reshape(-1).tolist()

    def spread(values: Sequence[_T]) -> tuple[_T, ...]:
        return tuple(values[row] for row in every)

    offsets = spread(lines.offsets), spread(lines.negative_offsets)
    return Staircase(spread(lines.multipliers), *offsets, lines.shift, op.limits, window, spread(constants))


def _solved(function: Scaling, low: Ints, high: Ints, names: Ints) -> tuple[Lines, IntType, list[int | None]]:
    """The lines, their window and which rows are constant, checked with and without saturation to the window."""
    stairs = climb(function, np.arange(len(low)), low, high)
    lines = solve(function, stairs, names)
    window = common_window(stairs)
    check(lambda x: lines(np.clip(x, window.min, window.max)), function, stairs, names)
    flat = zip(stairs.first.tolist(), stairs.last.tolist(), strict=True)
    return lines, window, [first if first == last else None for first, last in flat]


def common_window(stairs: Stairs) -> IntType:
    """The narrowest type that holds the thresholds of all of them, and what is just below."""
    live = stairs.first < stairs.last
    low, high = stairs.windows
    return IntType.holding(int(low[live].min()), int(high[live].max())) if live.any() else IntType(1, False)
