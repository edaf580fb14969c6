"""TensorFlow Lite Micro's softmax as two tables and one division, instead of a Newton iteration of 32-bit products.

With ``d = max(x) - x``, terms ``E[d]`` of 20 bits and ``S = sum E[d]`` the result is ``y + 128 = q(d, S)``, rounded in
many places, but a quotient nevertheless: ``floor((X[d] + S) / (2 S))`` for a table ``X`` of about 28 bits. It is right
for a ``d`` if and only if for all sums ``(2 q - 1) S <= X[d] < (2 q + 1) S``, on one side only where ``q`` is clamped.
The sums that can occur lie in ``[2**19 + E[d], n * 2**19]``: the largest element has the term ``2**19``.

The reciprocal that TensorFlow Lite computes never increases with ``S`` while ``S`` has the same number of bits. That is
checked for every sum; then ``q`` does not either, and the sums at which it changes say it all. For a few ``d`` a single
sum or two contradict the others: these are exceptions, which a comparison with constants can correct.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from golden.ops import Softmax
from rtlgen.gemmlowp import divide_by_power_of_two, doubling_high_multiply, exp_on_negative_values, one_over_one_plus_x
from rtlgen.rounding import Ints
from rtlgen.slopes import roundest

_ENTRIES = 256
_ONE = 1 << 19
"""The term of the largest element."""
MOST_CLASSES = 64
"""All sums are tried."""
_AT_A_TIME = 1 << 15
_LARGEST = 255


@dataclass(frozen=True)
class SoftmaxTables:
    """``y = min(255, floor((numerators[d] + S) / (2 * S))) - 128``, where ``S`` is the sum of ``terms[d]``.

    Args:
        classes: of how many elements the sum is, at most.
        terms: ``E[d]`` for d in 0..255, at most ``2**19``.
        numerators: ``X[d]`` for d in 0..255.
        exceptions: (d, S, y) where that is not so.
    """

    classes: int
    terms: tuple[int, ...]
    numerators: tuple[int, ...]
    exceptions: tuple[tuple[int, int, int], ...]

    @property
    def missing(self) -> frozenset[int]:
        """Which ``d`` have no numerator that is right for every sum."""
        return frozenset(d for d, _, _ in self.exceptions)

    def quotient(self, d: Ints, total: Ints) -> Ints:
        """``y`` of an element with the difference ``d`` if the terms' sum is ``total``; shapes broadcast."""
        y = np.minimum((np.array(self.numerators)[d] + total) // (2 * total), _LARGEST) - 128
        for difference, s, right in self.exceptions:
            y = np.where((np.asarray(d) == difference) & (total == s), right, y)
        return np.asarray(y, dtype=np.int64)

    def __call__(self, x: Ints) -> Ints:
        """What the datapath gives for int8 values, over the innermost dimension."""
        d = x.max(axis=-1, keepdims=True) - x
        return self.quotient(d, np.array(self.terms)[d].sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class _Octave:
    """Sums with the same number of bits, consecutive, and their reciprocals, which never increase."""

    first: int
    reciprocals: npt.NDArray[np.int32]

    @property
    def last(self) -> int:
        return self.first + len(self.reciprocals) - 1

    @property
    def exponent(self) -> int:
        """What a product with an exponential is divided by: ``num_bits_over_unit + 31 - 8``."""
        return self.first.bit_length() + 3

    def results(self, exponential: Ints, total: Ints) -> Ints:
        """``y + 128`` as TensorFlow Lite Micro has it; shapes broadcast."""
        product = doubling_high_multiply(self.reciprocals[total - self.first].astype(np.int64), exponential)
        return np.clip(divide_by_power_of_two(product, self.exponent), 0, _LARGEST)


def softmax_tables(op: Softmax, classes: int) -> SoftmaxTables:
    """Tables with which a division equals ``op`` for every ``d`` and every sum of ``classes`` terms.

    Raises:
        NotImplementedError: for more than 64 classes, whose sums are too many to try.
    """
    if classes > MOST_CLASSES:
        raise NotImplementedError(f"Softmax has no hardware for {classes} classes, {MOST_CLASSES} at most")
    octaves = _octaves(classes)
    exponentials = exponentials_of(op)
    terms = divide_by_power_of_two(exponentials, 12)
    smallest = np.where(np.arange(_ENTRIES) == 0, _ONE, np.minimum(_ONE + terms, classes * _ONE))
    least, most, witnesses = _bounds(exponentials, smallest, octaves)
    widest = (1 << int(least.max()).bit_length()) - 1
    highest = np.maximum(least, np.minimum(most, widest))
    numerators = [roundest(low, high) for low, high in zip(least.tolist(), highest.tolist(), strict=True)]
    exceptions = []
    for d in np.flatnonzero(least > most).tolist():
        choices = int(least[d]), int(most[d])
        wrong = _exceptions(d, choices, exponentials[d], int(smallest[d]), octaves)
        numerators[d] = min(choices, key=lambda numerator: len(wrong[numerator]))
        exceptions += wrong[numerators[d]]
    tables = SoftmaxTables(classes, tuple(terms.tolist()), tuple(numerators), tuple(exceptions))
    check(tables, exponentials, octaves, witnesses)
    return tables


def exponentials_of(op: Softmax) -> Ints:
    """``exp(-k d)`` in Q0.31 for d in 0..255; zero where the argument leaves Q5.26."""
    left_shift = 31 - op.shift
    radius = (31 << 26) >> left_shift
    d = np.arange(_ENTRIES)
    argument = doubling_high_multiply(-np.minimum(d, radius) << left_shift, op.multiplier)
    return np.where(d <= radius, exp_on_negative_values(argument), 0)


@lru_cache(maxsize=1)
def _octaves(classes: int) -> tuple[_Octave, ...]:
    """All sums from ``2**19`` to ``classes * 2**19``."""
    octaves = []
    first, last = _ONE, classes * _ONE
    while first <= last:
        stop = min(2 * first, last + 1)
        reciprocals = np.empty(stop - first, dtype=np.int32)
        headroom = 32 - first.bit_length()
        for start in range(first, stop, _AT_A_TIME):
            total = np.arange(start, min(start + _AT_A_TIME, stop))
            reciprocals[start - first :][: len(total)] = one_over_one_plus_x((total << headroom) - (1 << 31))
        if (np.diff(reciprocals) > 0).any():
            raise NotImplementedError(f"Softmax has no hardware for {classes} classes: reciprocals of sums increase")
        octaves.append(_Octave(first, reciprocals))
        first *= 2
    return tuple(octaves)


def _bounds(exponentials: Ints, smallest: Ints, octaves: tuple[_Octave, ...]) -> tuple[Ints, Ints, Ints]:
    """(least, most) numerator of each ``d``, and the sums, shape (sums, 256), at which results change."""
    least = np.zeros(_ENTRIES, dtype=np.int64)
    most = np.full(_ENTRIES, (2 * _LARGEST + 1) * octaves[-1].last)  # where the result is clamped for every sum
    q = np.arange(1, _LARGEST + 1)[:, None]
    witnesses = [smallest[None], np.maximum(smallest, octaves[-1].last)[None]]
    for octave in octaves:
        # The result is q or more from a product of `needed` on, and that from a reciprocal of `reciprocal` on.
        needed = np.minimum((q << octave.exponent) - (1 << octave.exponent - 1), 1 << 31)
        reciprocal = -((-(needed << 31) + (1 << 30)) // np.maximum(exponentials, 1))
        reciprocal = np.minimum(reciprocal, 1 << 31)  # which none is
        count = np.searchsorted(-octave.reciprocals, (-reciprocal).astype(np.int32), side="right")
        last = octave.first + count - 1  # the last sum with a result of q or more
        begin = np.maximum(smallest, octave.first)
        there = begin <= octave.last
        least = np.maximum(least, np.where(there & (last >= begin), (2 * q - 1) * last, 0).max(axis=0))
        # The first sum with a result below q.
        below = np.maximum(last + 1, begin)
        limit = np.where(there & (below <= octave.last), (2 * q - 1) * below - 1, 1 << 62)
        most = np.minimum(most, limit.min(axis=0))
        witnesses += [np.clip(v, begin, np.maximum(begin, octave.last)) for v in (last, last + 1)]
        witnesses += [np.clip(end, smallest, octaves[-1].last)[None] for end in (octave.first, octave.last)]
    return least, most, np.concatenate(witnesses)


def _exceptions(
    d: int, numerators: tuple[int, ...], exponential: Ints, smallest: int, octaves: tuple[_Octave, ...]
) -> dict[int, list[tuple[int, int, int]]]:
    """By numerator: (d, S, y) for all sums for which it is wrong."""
    found: dict[int, list[tuple[int, int, int]]] = {numerator: [] for numerator in numerators}
    for octave in octaves:
        for start in range(max(smallest, octave.first), octave.last + 1, _AT_A_TIME):
            total = np.arange(start, min(start + _AT_A_TIME, octave.last + 1))
            right = octave.results(exponential, total)
            for numerator, exceptions in found.items():
                wrong = np.minimum((numerator + total) // (2 * total), _LARGEST) != right
                places = zip(total[wrong].tolist(), right[wrong].tolist(), strict=True)
                exceptions += [(d, s, y - 128) for s, y in places]
    return found


def check(tables: SoftmaxTables, exponentials: Ints, octaves: tuple[_Octave, ...], witnesses: Ints) -> None:
    """Raises AssertionError where the tables differ from TensorFlow Lite Micro at sums ``witnesses``, (sums, 256).

    Both results never increase with the sum within an octave: right where one changes, they are right everywhere.
    """
    d = np.broadcast_to(np.arange(_ENTRIES), witnesses.shape)
    for octave in octaves:
        here = (witnesses >= octave.first) & (witnesses <= octave.last)
        total, difference = witnesses[here], d[here]
        wrong = tables.quotient(difference, total) != octave.results(exponentials[difference], total) - 128
        if wrong.any():
            raise AssertionError(
                f"the softmax tables differ for d = {difference[wrong][0]}, S = {total[wrong][0]}, "
                f"{wrong.sum() - 1} other places"
            )
