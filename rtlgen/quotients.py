"""Requantisers without a multiplier: a division by a constant, of which only the eight bits of a result are computed.

The dual of ``rtlgen/staircase.py``: a slope ``2**t / D`` in place of ``m / 2**s``, so ::

    y = clamp(floor((x * 2**t + (x < 0 ? R_negative : R)) / D))

A restoring divider finds a bit of ``y`` a cycle with one subtractor as wide as ``D``; its time hides behind the
multiplications of a layer that takes as many cycles for an output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.ops import Requantize
from golden.types import IntType
from rtlgen.affine import bounded, check
from rtlgen.rounding import Ints, Scaling
from rtlgen.staircase import Bound, common_window, rows_of
from rtlgen.thresholds import climb

_INT64_BITS = 62


@dataclass(frozen=True)
class Quotients:
    """``y = clamp((x * 2**shift + offsets[c]) // divisors[c])``, with ``negative_offsets[c]`` for ``x < 0``.

    ``x`` is what is left of the input after its zero point is subtracted. It may be saturated to ``window`` first. An
    offset ``Rh * 2**shift + Rl`` adds ``Rh`` to ``x``, where an accumulator can start, and appends the bits ``Rl``.

    Args:
        limits: what ``y`` is clamped to.
        window: the narrowest type that holds every threshold and what is just below it, of all channels.
        constants: the result of a channel that gives the same for all of its inputs, else None; nothing is to be
            divided there, and its divisor is 1.
    """

    divisors: tuple[int, ...]
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
    def divisor_bits(self) -> int:
        """Of the longest divisor."""
        return max(self.divisors).bit_length()

    def __call__(self, x: Ints) -> Ints:
        """What the datapath gives for ``x`` of shape (..., channels), the zero point already subtracted."""
        live = np.array([constant is None for constant in self.constants])
        largest = max(-self.window.min, self.window.max) << self.shift
        bits = (largest + max(map(abs, (*self.offsets, *self.negative_offsets)))).bit_length()
        exact = np.int64 if bits < _INT64_BITS else object
        divisors, positive, negative = (
            np.array(values, dtype=exact) for values in (self.divisors, self.offsets, self.negative_offsets)
        )
        x = np.where(live, np.clip(x, self.window.min, self.window.max), 0)
        y = (x.astype(exact) * (1 << self.shift) + np.where(x < 0, negative, positive)) // divisors
        return np.asarray(np.clip(y, *self.limits), dtype=np.int64)


def quotients(op: Requantize, low: Bound, high: Bound) -> Quotients | None:
    """The shortest division that equals ``op`` on every input of ``[low, high]``, for all its channels.

    Arguments and ValueError as of ``rtlgen.staircase.narrowed``.

    Returns:
        The constants, on the smallest common shift; None if there are none with one offset for each sign.

    Raises:
        NotImplementedError: for too many steps.
    """
    multiplier, shift, lows, highs = rows_of(op, low, high)
    function = Scaling("Requantize", op.arithmetic, multiplier, shift, op.zero_point, op.limits)
    function.check(int(lows.min()), int(highs.max()))
    stairs = climb(function, np.arange(len(lows)), lows, highs)
    stairs.check(function)
    live = np.flatnonzero(stairs.first < stairs.last)
    bounds = bounded(function, stairs.select(live))
    if not bounds.slopes.exist.all():
        return None
    common = bounds.slopes.common_divided_shift()
    divisors, offsets = [1] * len(lows), stairs.first.tolist()
    negative_offsets = offsets.copy()
    found = [bounds.slopes.divisor(place, common) or 1 for place in range(len(live))]
    chosen = zip(live.tolist(), found, *bounds.offsets([1 << common] * len(live), found), strict=True)
    for channel, divisor, offset, negative_offset in chosen:
        divisors[channel], offsets[channel], negative_offsets[channel] = divisor, offset, negative_offset
    flat = zip(stairs.first.tolist(), stairs.last.tolist(), strict=True)
    constants = tuple(first if first == last else None for first, last in flat)
    results = tuple(divisors), tuple(offsets), tuple(negative_offsets)
    made = Quotients(*results, common, op.limits, common_window(stairs), constants)
    check(made, function, stairs, stairs.row)
    return made
