"""Exactly narrowed requantisers: the shortest multiplication that computes the same staircase.

On the values that can occur a requantiser is a monotone staircase of few steps, whatever its arithmetic: the smallest
``x`` that gives at least ``k`` is its threshold ``T_k``. This finds the smallest shift ``s``, and for each channel an
integer ``m`` and offsets, for which ::

    y = clamp((m * x + (x < 0 ? r_negative : r)) >> s)

is the same staircase. One affine form reproduces it if and only if for all constraint points, lower ones ``(x, k)``
where ``y >= k`` is needed and upper ones where ``y < k`` is needed, ``m x + r >= k 2**s`` and ``m x + r < k 2**s``. So
``m / 2**s`` lies strictly between the steepest slope from an upper to a later lower point and the flattest slope from a
lower to a later upper point: what is found is the minimum, and where nothing is found nothing exists. Rounding ties
away from zero is not affine over both signs; with an offset for each sign it is.

The arithmetics are written here once more, as TensorFlow Lite's C++ has them, and share no code with golden.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.ops import Requantize

_Ints = npt.NDArray[np.int64]
_LARGEST_SHIFT = 60
_MOST_STEPS = 1 << 11
"""Of a staircase: all pairs of them are compared."""
_CLOSE = 1e-9
"""Floats that are closer than this, relatively, are compared as fractions."""


@dataclass(frozen=True)
class Staircase:
    """``y = clamp((multipliers[c] * x + offsets[c]) >> shift)``, with ``negative_offsets[c]`` for ``x < 0``.

    ``x`` is what is left of the input after its zero point is subtracted; the offsets hold rounding and zero point.
    """

    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    negative_offsets: tuple[int, ...]
    shift: int

    @property
    def signed(self) -> bool:
        """Whether any channel needs an offset of its own for negative inputs."""
        return self.offsets != self.negative_offsets


@dataclass(frozen=True)
class _Bounds:
    """Of one channel: constraint points per sign, ``lower`` and ``upper`` rows (x, k), and the open slope interval."""

    segments: tuple[tuple[_Ints, _Ints], ...]
    flattest: Fraction
    steepest: Fraction | None


def narrowed(op: Requantize, low: int, high: int) -> Staircase:
    """The narrowest datapath that equals ``op`` on every input of ``[low, high]``, for all its channels.

    Raises:
        NotImplementedError: if there is none with one offset for each sign, which can only be with ``float32``.
    """
    low, high = low - op.x_zero_point, high - op.x_zero_point
    constants = [tuple(map(int, pair)) for pair in zip(op.multiplier.reshape(-1), op.shift.reshape(-1), strict=True)]
    known: dict[tuple[int, ...], _Bounds] = {}
    for channel, (multiplier, shift) in enumerate(constants):
        if (multiplier, shift) not in known:
            thresholds = _thresholds(op, multiplier, shift, low, high)
            try:
                known[multiplier, shift] = _bounds(op, thresholds, multiplier, shift, low, high)
            except NotImplementedError as error:
                error.add_note(f"in channel {channel}")
                raise
    shift = max(_smallest_shift(bounds) for bounds in known.values())
    found = {pair: _offsets(bounds, shift) for pair, bounds in known.items()}
    multipliers, offsets, negative_offsets = zip(*(found[pair] for pair in constants), strict=True)
    staircase = Staircase(multipliers, offsets, negative_offsets, shift)
    _check(op, staircase, constants, low, high)
    return staircase


def reference(op: Requantize, multiplier: int, shift: int, x: _Ints) -> _Ints:
    """What ``op`` gives for ``x``, its zero point already subtracted, in a channel with these constants."""
    y = np.clip(_REFERENCES[op.arithmetic](x, multiplier, shift) + op.zero_point, *op.limits)
    return np.asarray(y, dtype=np.int64)


def _one_rounding(x: _Ints, multiplier: int, shift: int) -> _Ints:
    return np.asarray((x * multiplier + ((1 << shift) >> 1)) >> shift, dtype=np.int64)


def _two_roundings(x: _Ints, multiplier: int, shift: int) -> _Ints:
    """SaturatingRoundingDoublingHighMul and RoundingDivideByPOT, as gemmlowp spells them."""
    product = (x << max(31 - shift, 0)) * multiplier
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(nudged) * (np.abs(nudged) >> 31)  # C's division rounds towards zero
    right = max(shift - 31, 0)
    remainder = high & ((1 << right) - 1)
    threshold = (((1 << right) - 1) >> 1) + (high < 0)
    return np.asarray((high >> right) + (remainder > threshold), dtype=np.int64)


def _single_precision(x: _Ints, multiplier: int, shift: int) -> _Ints:
    scale = np.float32(np.ldexp(float(multiplier), -shift))
    return np.asarray(np.rint(x.astype(np.float32) * scale), dtype=np.int64)


_REFERENCES: dict[str, Any] = {
    "half_up": _one_rounding,
    "single": _one_rounding,
    "tflm": _two_roundings,
    "float32": _single_precision,
}


def _thresholds(op: Requantize, multiplier: int, shift: int, low: int, high: int) -> dict[int, int]:
    """``T_k`` by k, for every ``k`` with ``low < T_k <= high``: by bisection, all of them at once."""
    first, last = reference(op, multiplier, shift, np.array([low, high]))
    if last - first > _MOST_STEPS:
        raise NotImplementedError(
            f"Requantize has no hardware for {op.arithmetic} to {op.dtype}: {last - first} steps, {_MOST_STEPS} at most"
        )
    k = np.arange(first + 1, last + 1)
    below, above = np.full(k.shape, low), np.full(k.shape, high)
    while (above - below > 1).any():
        middle = (below + above) // 2
        reached = reference(op, multiplier, shift, middle) >= k
        below, above = np.where(reached, below, middle), np.where(reached, middle, above)
    return dict(zip(k.tolist(), above.tolist(), strict=True))


def _bounds(op: Requantize, thresholds: dict[int, int], multiplier: int, shift: int, low: int, high: int) -> _Bounds:
    """One affine form if there is one, else one for each sign; ``low`` and ``high`` are the ends of the inputs."""
    whole = _segment(op, thresholds, multiplier, shift, low, high)
    bounds = _slopes((whole,))
    if _exists(bounds) or low >= 0 or high < 0:
        segments: tuple[tuple[_Ints, _Ints], ...] = (whole,)
    else:
        negative = {k: t for k, t in thresholds.items() if t < 0}
        positive = {k: t for k, t in thresholds.items() if t > 0}
        segments = (
            _segment(op, negative, multiplier, shift, low, -1),
            _segment(op, positive, multiplier, shift, 0, high),
        )
        bounds = _slopes(segments)
    if not _exists(bounds):
        raise NotImplementedError(
            f"Requantize has no hardware for {op.arithmetic} by {multiplier} / 2**{shift}: there is no exact form with "
            "one offset for each sign"
        )
    return _Bounds(segments, *bounds)


def _segment(
    op: Requantize, thresholds: dict[int, int], multiplier: int, shift: int, low: int, high: int
) -> tuple[_Ints, _Ints]:
    """Constraint points between ``low`` and ``high``: where ``y >= k`` is needed, and where ``y < k`` is."""
    first, last = reference(op, multiplier, shift, np.array([low, high])).tolist()
    lower = [(t, k) for k, t in thresholds.items()]
    upper = [(t - 1, k) for k, t in thresholds.items()]
    lower += [(low, first)] if first > op.limits[0] else []
    upper += [(high, last + 1)] if last < op.limits[1] else []
    return np.array(lower, np.int64).reshape(-1, 2), np.array(upper, np.int64).reshape(-1, 2)


def _slopes(segments: tuple[tuple[_Ints, _Ints], ...]) -> tuple[Fraction, Fraction | None]:
    """The open interval for ``m / 2**s``; None is no upper end."""
    flattest, steepest = Fraction(0), None
    for lower, upper in segments:
        run = lower[:, None, 0] - upper[None, :, 0]
        rise = lower[:, None, 1] - upper[None, :, 1]
        # The next integer has to be reached: as fast as from an upper point to a lower one behind it, no faster than
        # from a lower point to an upper one behind it.
        at_least = _extreme(rise[run > 0], run[run > 0], np.max)
        at_most = _extreme(rise[run < 0], run[run < 0], np.min)
        flattest = max(flattest, at_least) if at_least is not None else flattest
        if at_most is not None:
            steepest = at_most if steepest is None else min(steepest, at_most)
    return flattest, steepest


def _extreme(rise: _Ints, run: _Ints, pick: Any) -> Fraction | None:
    """The largest or smallest of many fractions, exactly: floats find the candidates, fractions decide."""
    if not rise.size:
        return None
    slopes = rise / run
    best = pick(slopes)
    close = np.abs(slopes - best) <= _CLOSE * max(abs(float(best)), 1e-300)
    fractions = {Fraction(int(a), int(b)) for a, b in zip(rise[close], run[close], strict=True)}
    return max(fractions) if pick is np.max else min(fractions)


def _exists(bounds: tuple[Fraction, Fraction | None]) -> bool:
    return bounds[1] is None or bounds[0] < bounds[1]


def _smallest_shift(bounds: _Bounds) -> int:
    return next(s for s in range(_LARGEST_SHIFT + 1) if _multiplier(bounds, s) is not None)


def _multiplier(bounds: _Bounds, shift: int) -> int | None:
    """The smallest ``m`` with ``flattest < m / 2**shift < steepest``; zero for a constant, which needs no slope."""
    if len(bounds.segments) == 1 and bounds.flattest == 0 and _constant(*bounds.segments[0]):
        return 0
    m = int(bounds.flattest * 2**shift) + 1
    return m if bounds.steepest is None or m < bounds.steepest * 2**shift else None


def _constant(lower: _Ints, upper: _Ints) -> bool:
    """Whether one result serves all constraint points of a segment."""
    return bool(lower[:, 1].max(initial=-(1 << 62)) < upper[:, 1].min(initial=1 << 62))


def _offsets(bounds: _Bounds, shift: int) -> tuple[int, int, int]:
    """(m, offset, offset for negative inputs): in the middle of what is allowed, where most low bits are zero."""
    m = _multiplier(bounds, shift)
    assert m is not None
    found = []
    for lower, upper in bounds.segments:
        least = max(((k << shift) - m * x for x, k in lower.tolist()), default=None)
        most = min(((k << shift) - m * x - 1 for x, k in upper.tolist()), default=None)
        found.append(_roundest(least, most))
    return m, found[-1], found[0]


def _roundest(least: int | None, most: int | None) -> int:
    """The integer of ``[least, most]`` with the most trailing zeros; None is no limit."""
    if least is None or most is None:
        return (least if most is None else most) or 0
    assert least <= most
    for bits in range(max(abs(least), abs(most)).bit_length(), -1, -1):
        rounded = -(-least >> bits) << bits
        if rounded <= most:
            return rounded
    raise AssertionError("there is an integer between")


def _check(op: Requantize, staircase: Staircase, constants: list[Any], low: int, high: int) -> None:
    """Both are monotone: equal at each threshold, just below it, at zero and at the ends, they are equal everywhere."""
    for channel, (multiplier, shift) in dict(enumerate(constants)).items():
        thresholds = np.array(list(_thresholds(op, multiplier, shift, low, high).values()), np.int64)
        x = np.concatenate([thresholds, thresholds - 1, [low, high, *(v for v in (-1, 0) if low <= v <= high)]])
        offset = np.where(x < 0, staircase.negative_offsets[channel], staircase.offsets[channel])
        y = np.clip((x * staircase.multipliers[channel] + offset) >> staircase.shift, *op.limits)
        expected = reference(op, multiplier, shift, x)
        if not np.array_equal(y, expected):
            raise AssertionError(f"the narrowed requantiser of channel {channel} differs at {x[y != expected]}")
