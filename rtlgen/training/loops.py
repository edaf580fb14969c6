"""A pass of a trainer: a nest of loops, and addresses that are linear in their numbers; all of its words in order.

Taps of a window come in rows, each of as many bytes as lie side by side; the bias is a row of its own behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from golden.types import IntArray

KINDS = ("forward", "backward", "update", "unpool")


@dataclass(frozen=True)
class Loop:
    """A loop.

    Args:
        count: of numbers, from 0 on.
        strides: what each address grows by with it, by name.
    """

    count: int
    strides: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Steps:
    """A pass, word by word; arrays of shape (steps,).

    Args:
        addresses: by name.
        level: which loop goes on behind the step, 0 for the innermost; behind the last one the number of loops.
        valid: a word is asked for; otherwise a cycle is waited.
        end: the last word of a sum.
        pool_last: the last sum of a pool.
        bias: the word of a bias.
        outside: what is asked for lies outside of ``limits``, and counts as 0.
    """

    addresses: Mapping[str, IntArray]
    level: IntArray
    valid: npt.NDArray[np.bool_]
    end: npt.NDArray[np.bool_]
    pool_last: npt.NDArray[np.bool_]
    bias: npt.NDArray[np.bool_]
    outside: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pass:
    """One walk through a layer.

    Args:
        kind: one of ``KINDS``.
        layer: its number, from 0 on.
        loops: from the outermost to the innermost one.
        starts: addresses at the start, by name.
        sum_loops: how many of the innermost loops are a sum.
        pool_loops: how many behind them are the sums of a pool.
        group_loops: how many behind the sum are a group: all outputs of a place.
        row_level: of the rows of taps, the last of which is the bias, counted from the innermost loop on; None without.
        wait_cycles: behind each bias: the one requantiser takes a lane a cycle.
        limits: of the addresses ``y`` and ``x``, where what lies outside of them is 0; None where nothing does.
        start_cycle: since the start of the step.
    """

    kind: str
    layer: int
    loops: tuple[Loop, ...]
    starts: Mapping[str, int]
    sum_loops: int
    pool_loops: int = 0
    group_loops: int = 0
    row_level: int | None = None
    wait_cycles: int = 0
    limits: tuple[int, int] | None = None
    start_cycle: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        """Of the loops, from the innermost one on."""
        return tuple(loop.count for loop in reversed(self.loops))

    @property
    def cycles(self) -> int:
        """From its first word to the first cycle in which another pass can begin."""
        return len(self.steps.level)

    @property
    def end_cycle(self) -> int:
        """That cycle, since the start of the step."""
        return self.start_cycle + self.cycles

    @property
    def sum_terms(self) -> int:
        """Words of a sum."""
        return prod(self.counts[: self.sum_loops])

    @cached_property
    def steps(self) -> Steps:
        """All of them in order."""
        counts, tap = list(self.counts[::-1]), None
        row = None if self.row_level is None else len(counts) - 1 - self.row_level
        if row is not None:
            tap = row + 1
            counts[tap] = max(counts[tap], 1 + self.wait_cycles)
        index = np.indices(counts).reshape(len(counts), -1)
        bias = np.zeros(index.shape[1], dtype=bool)
        waits = bias
        ends = [each == loop.count - 1 for each, loop in zip(index, self.loops, strict=True)]
        if row is not None and tap is not None:
            bias = ends[row]
            kept = np.where(bias, index[tap] <= self.wait_cycles, index[tap] < self.loops[tap].count)
            ends[tap] = np.where(bias, index[tap] == self.wait_cycles, ends[tap])
            index, bias, ends = index[:, kept], bias[kept], [each[kept] for each in ends]
            waits = bias & (index[tap] > 0)
        moved = np.diff(index, axis=1) != 0
        level = len(counts) - 1 - np.argmax(moved, axis=0)
        last = ends[::-1]
        always = np.ones_like(bias)
        sum_ends = np.logical_and.reduce([always, *last[: self.sum_loops]])
        pool_last = np.logical_and.reduce([always, *last[self.sum_loops : self.sum_loops + self.pool_loops]])
        addresses = {
            name: start + np.asarray([loop.strides.get(name, 0) for loop in self.loops]) @ index
            for name, start in self.starts.items()
        }
        end = bias & ~waits if self.kind == "forward" else sum_ends
        outside: npt.NDArray[np.bool_] = ~always
        if self.limits:
            rows, columns = addresses["y"], addresses["x"]
            outside = (rows < 0) | (rows >= self.limits[0]) | (columns < 0) | (columns >= self.limits[1])
        return Steps(addresses, np.append(level, len(counts)), ~waits, end, pool_last, bias, outside & ~bias)
