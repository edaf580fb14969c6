"""Systems of "not before" conditions between series of starts, and their least solution.

Every start of a series comes a number of cycles behind the one before it, or later. Beside that a condition holds it
back until some start of another series, or of its own, and a lag. The least solution is found series by series, as many
starts at a time as wait for nothing unknown: each start is computed once, and where that ends before all are known,
some wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from golden.types import IntArray

_NEVER = 1 << 50
"""The start of what never starts."""
_MOST_STEPS_BACK = 20_000
_MANY = 48
"""Starts that are faster computed by numpy than one by one."""


@dataclass(frozen=True, eq=False)
class Condition:
    """``starts[i] >= starts_of[source][index[i]] + lag[i]`` wherever ``index`` is not negative.

    Args:
        buffer: whose room it is about, if it is about room.
    """

    source: str
    index: IntArray
    lag: IntArray
    buffer: tuple[str, int] | None = None


def least(
    cycles: Mapping[str, int], counts: Mapping[str, int], conditions: Mapping[str, Sequence[Condition]]
) -> tuple[dict[str, IntArray], bool]:
    """The starts of every series, and whether some wait for each other; those are beyond all others.

    Args:
        cycles: from one start to the next of a series, at least.
        counts: starts of a series.
        conditions: of its starts.
    """
    starts = {name: np.full(count, _NEVER, dtype=np.int64) for name, count in counts.items()}
    known = dict.fromkeys(starts, 0)
    series = [_Series(name, cycles[name], starts, conditions[name]) for name in counts]
    going = True
    while series and going:
        going = False
        for one in series:
            # Most cannot go on: what each one waited for last is asked before all else.
            if known[one.waits_for] > one.waits_until:
                known[one.name] = one.go_on(known[one.name], known)
                going = True
        series = [one for one in series if known[one.name] < counts[one.name]]
    return starts, bool(series)


class _Series:
    """One series of starts, that goes on as far as it can."""

    def __init__(self, name: str, cycles: int, starts: Mapping[str, IntArray], conditions: Sequence[Condition]) -> None:
        self.name, self.cycles, self.own = name, cycles, starts[name]
        self.sources = [starts[condition.source] for condition in conditions]
        self.conditions = conditions
        # How far a condition reaches is told by the furthest start that it has asked for so far.
        self.reaches = [(condition.source, np.maximum.accumulate(condition.index).data) for condition in conditions]
        # A view gives ints one by one faster than an array does.
        self.views = [
            (condition.source, source.data, condition.index.data, condition.lag.data)
            for condition, source in zip(conditions, self.sources, strict=True)
        ]
        self.own_view = self.own.data
        # It goes on as soon as this start of that series is known.
        self.waits_for, self.waits_until = name, -1

    def go_on(self, first: int, known: dict[str, int]) -> int:
        """Computes starts from ``first`` on; returns how many are known then."""
        ahead = first + _MANY - 1
        if ahead >= len(self.own) or any(reach[ahead] >= known[source] for source, reach in self.reaches):
            return self._one_by_one(first, known)
        return self._many(first, known)

    def _one_by_one(self, first: int, known: dict[str, int]) -> int:
        own, cycles = self.own_view, self.cycles
        views = [(known[name], name, source, index, lag) for name, source, index, lag in self.views]
        earliest = own[first - 1] + cycles if first else 0
        for place in range(first, len(own)):
            for limit, name, source, index, lag in views:
                asked = index[place]
                if asked >= limit:
                    self.waits_for, self.waits_until = name, asked
                    return place
                if asked >= 0:
                    waits = source[asked] + lag[place]
                    if waits > earliest:
                        earliest = waits
            own[place] = earliest
            earliest += cycles
        return len(own)

    def _many(self, first: int, known: dict[str, int]) -> int:
        last = len(self.own)
        for source, reach in self.reaches:
            end = int(np.searchsorted(reach, known[source]))
            if end < last:
                last, self.waits_for, self.waits_until = end, source, reach[end]
        bound = np.zeros(last - first, dtype=np.int64)
        if first:
            bound[0] = self.own[first - 1] + self.cycles
        for condition, starts in zip(self.conditions, self.sources, strict=True):
            index = condition.index[first:last]
            np.maximum(bound, np.where(index >= 0, starts[index] + condition.lag[first:last], 0), out=bound)
        spaced = self.cycles * np.arange(last - first)
        self.own[first:last] = np.maximum.accumulate(bound - spaced) + spaced
        return last


@dataclass
class Way:
    """The way back from a start along the conditions that hold with equality: what decides when it comes.

    Args:
        buffers: whose room is on it.
        pace_cycles: of a sample, on the slowest part of it that leads from a start to the same one of an earlier
            sample; 0 if there is none. The same holds back all later samples: none comes sooner than at this pace.
    """

    buffers: set[tuple[str, int]] = field(default_factory=set)
    pace_cycles: Fraction = Fraction(0)

    def repeats(self, cycles: int, samples: int) -> None:
        """A part of it is as long as this."""
        self.pace_cycles = max(self.pace_cycles, Fraction(cycles, samples))


def on_the_way(
    conditions: Mapping[str, Sequence[Condition]],
    cycles: Mapping[str, int],
    starts: Mapping[str, IntArray],
    samples: int,
    last: str,
) -> Way:
    """The way back from the last start of a series.

    Args:
        conditions, cycles, starts: as for ``least`` and from it.
        samples: over which the starts are; of each series all have equally many.
        last: the series.
    """
    # The first one of the run of starts without a gap that each belongs to.
    runs = {}
    for name, at in starts.items():
        gap = np.diff(at, prepend=at[0] - cycles[name] - 1) != cycles[name]
        runs[name] = np.maximum.accumulate(np.where(gap, np.arange(len(at)), 0))
    name, place, way = last, len(starts[last]) - 1, Way()
    passed: dict[tuple[str, int], int] = {}
    for _ in range(_MOST_STEPS_BACK):
        each = len(starts[name]) // samples
        later = passed.setdefault((name, place % each), place)
        if later > place:
            way.repeats(int(starts[name][later] - starts[name][place]), (later - place) // each)
        first = int(runs[name][place])
        if place - first >= each:
            way.repeats(each * cycles[name], 1)
        place = first
        held = None
        for condition in conditions[name]:
            index = int(condition.index[place])
            equal = index >= 0 and starts[condition.source][index] + condition.lag[place] == starts[name][place]
            if equal and (held is None or condition.buffer):
                held = condition
        if held is None:
            break
        if held.buffer:
            way.buffers.add(held.buffer)
        name, place = held.source, int(held.index[place])
    return way


def stuck(
    conditions: Mapping[str, Sequence[Condition]], starts: Mapping[str, IntArray], last: str
) -> set[tuple[str, int]]:
    """Buffers on a circle of layers that wait for each other; there is one, or else all would start."""
    way: list[Condition] = []
    seen: dict[str, int] = {}
    name = last
    while name not in seen:
        seen[name] = len(way)
        place = int(np.argmax(starts[name] == _NEVER))
        waits = [c for c in conditions[name] if c.index[place] >= 0 and starts[c.source][c.index[place]] == _NEVER]
        way.append(max(waits, key=lambda condition: condition.buffer is not None))
        name = way[-1].source
    return {condition.buffer for condition in way[seen[name] :] if condition.buffer}
