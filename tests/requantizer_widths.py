"""How wide an exactly narrowed requantiser has to be, channel by channel: which multipliers of an FPGA it fits.

Each channel on its own: with its own smallest shift, its own window, and an offset for each sign only where one offset
does not do. A layer has one shift for all, see ``rtlgen/staircase.py``, and is a little wider.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from golden.ops import Requantize
from golden.types import IntType
from rtlgen.affine import bounded
from rtlgen.rounding import Scaling
from rtlgen.staircase import Bound, rows_of
from rtlgen.thresholds import climb


@dataclass(frozen=True)
class Width:
    """Of one channel that is not constant.

    Args:
        input_bits: signed, of every input that can occur.
        window_bits: signed, of ``[T_first - 1, T_last]``, to which inputs can be saturated, if its middle is moved to
            zero (which an accumulator's initial value can do).
        unmoved_window_bits: signed, of the same window where it is.
        multiplier_bits: unsigned, of the shortest multiplier.
        shift: the smallest shift.
        offsets: 1, or 2 where each sign needs its own; 0 where there is no exact form even then.
    """

    input_bits: int
    window_bits: int
    unmoved_window_bits: int
    multiplier_bits: int
    shift: int
    offsets: int

    def fits(self, window_bits: int, multiplier_bits: int) -> bool:
        """Whether the product is one of two signed numbers of as many bits."""
        return bool(self.offsets) and self.window_bits <= window_bits and self.multiplier_bits < multiplier_bits


def widths(op: Requantize, low: Bound, high: Bound) -> tuple[Width | None, ...]:
    """The widths of each channel of ``op`` for inputs of ``[low, high]``; None for a constant one.

    Arguments and ValueError as of ``rtlgen.staircase.narrowed``.
    """
    multiplier, shift, lows, highs = rows_of(op, low, high)
    function = Scaling("Requantize", op.arithmetic, multiplier, shift, op.zero_point, op.limits)
    function.check(int(lows.min()), int(highs.max()))
    stairs = climb(function, np.arange(len(lows)), lows, highs)
    live = np.flatnonzero(stairs.first < stairs.last)
    found = bounded(function, stairs.select(live), "alone")
    starts, ends = (values.tolist() for values in stairs.windows)
    split, exist = set(found.split.tolist()), found.slopes.exist.tolist()
    every: list[Width | None] = [None] * len(lows)
    for place, channel in enumerate(live.tolist()):
        s, m = found.slopes.shortest(place) if exist[place] else (0, 0)
        every[channel] = Width(
            IntType.signed_holding(int(lows[channel]), int(highs[channel])).bits,
            (ends[channel] - starts[channel]).bit_length(),
            IntType.signed_holding(starts[channel], ends[channel]).bits,
            m.bit_length(),
            s,
            (2 if place in split else 1) if exist[place] else 0,
        )
    return tuple(every)


@dataclass(frozen=True)
class Fit:
    """How many channels fit what, of a layer or a network.

    Args:
        live, constant: channels that depend on their input, and the others.
        one_offset, two_offsets: live ones that need as many.
        one_18x18: a window of 18 bits and a multiplier of 17, one multiplier tile of most FPGAs.
        two_18x18: a window of 18 bits and a multiplier of 25, in two tiles or two passes.
        one_27x18: the same window and a multiplier of 26.
    """

    live: int
    constant: int
    one_offset: int
    two_offsets: int
    one_18x18: int
    two_18x18: int
    one_27x18: int

    @classmethod
    def of(cls, channels: Iterable[Width | None]) -> Fit:
        """Counts channels, of any number of layers."""
        every = list(channels)
        live = [width for width in every if width is not None]
        offsets = [width.offsets for width in live]
        tiles = [sum(width.fits(18, bits) for width in live) for bits in (18, 26, 27)]
        return cls(len(live), len(every) - len(live), offsets.count(1), offsets.count(2), *tiles)
