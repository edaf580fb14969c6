"""What the latency of a first sample consists of: the longest way of waiting through all layers.

In an empty network nothing waits for room. A position starts when the one before it is over and when the last row that
it needs is there; the last output beat follows the last start. So the latency is the length of the longest way from the
input to the output, where a way goes from position to position of a layer, and from a layer to one that takes its
result. It passes some number of positions of each layer: the latency is the maximum, over all ways, of the sum of these
numbers times the cycles of a position, plus the cycles of pipelines. It grows with the cycles of every layer, and it is
convex in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.types import IntArray
from rtlgen.fifo import FIFO_CYCLES
from rtlgen.timing import Stage, Taker, waits_for_data

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Wait:
    """Of the positions of a layer for those of another.

    Args:
        maker: index of the other one.
        position: of the maker that each position waits for, -1 for none.
        share: of the cycles of that position that have to be over.
        further: cycles that come on top, whatever a position takes.
    """

    maker: int
    position: IntArray
    share: FloatArray
    further: FloatArray


@dataclass(frozen=True, eq=False)
class Way:
    """The longest way; its length is ``positions @ cycles + further_cycles``.

    Args:
        positions: that it passes, of each stage.
        further_cycles: in pipelines.
    """

    positions: FloatArray
    further_cycles: float


@dataclass(frozen=True, eq=False)
class FirstSample:
    """The waiting of an empty network, for any cycles of its positions.

    Args:
        names: of the stages, the input first.
        positions: of each stage.
        cycles: of a position of each stage as it was planned.
        waits: of each stage.
        end: the last beat of the output waits for one position, as ``_Wait`` says.
    """

    names: tuple[str, ...]
    positions: IntArray
    cycles: FloatArray
    waits: tuple[tuple[_Wait, ...], ...]
    end: _Wait

    @classmethod
    def of(cls, stages: Sequence[Stage], output: Taker) -> FirstSample:
        """Of the stages of a plan."""
        by_name = {stage.name: stage for stage in stages}
        place = {stage.name: number for number, stage in enumerate(stages)}
        cycles = np.array([stage.cycles for stage in stages], dtype=np.float64)
        waits = []
        for stage in stages:
            found = []
            for condition in waits_for_data(stage, by_name, 1):
                maker = place[condition.source]
                share = np.minimum(1, condition.lag / cycles[maker])
                found.append(_Wait(maker, condition.index, share, condition.lag - share * cycles[maker]))
            waits.append(tuple(found))
        last = output.arrivals
        maker, after = place[last.maker], last.offset[-1:] + FIFO_CYCLES
        share = np.minimum(1, after / cycles[maker])
        end = _Wait(maker, last.token[-1:], share, after - share * cycles[maker])
        positions = np.array([stage.positions for stage in stages])
        return cls(tuple(place), positions, cycles, tuple(waits), end)

    @property
    def without_pipelines(self) -> FirstSample:
        """With as little waiting as any folding of the same layers has: for whole positions, and for nothing else."""

        def least(wait: _Wait) -> _Wait:
            return replace(wait, share=np.floor(wait.share), further=np.zeros_like(wait.further))

        waits = tuple(tuple(map(least, found)) for found in self.waits)
        return replace(self, waits=waits, end=least(self.end))

    def longest(self, cycles: FloatArray) -> Way:
        """The longest way, if a position takes so many cycles in each stage."""
        starts: list[FloatArray] = []
        begins: list[IntArray] = []
        held: list[list[FloatArray]] = []
        for number, waits in enumerate(self.waits):
            places = np.arange(self.positions[number])
            bounds = []
            for wait in waits:
                lag = wait.share * cycles[wait.maker] + wait.further
                bounds.append(np.where(wait.position >= 0, starts[wait.maker][wait.position] + lag, 0.0))
            early = np.maximum.reduce(bounds) if bounds else np.zeros(len(places))
            early = early - places * cycles[number]
            most = np.maximum.accumulate(early)
            # Where the positions without a gap begin that each one belongs to.
            begins.append(np.maximum.accumulate(np.where(early >= most, places, 0)))
            starts.append(most + places * cycles[number])
            held.append(bounds)
        return self._back(begins, held)

    def _back(self, begins: Sequence[IntArray], held: Sequence[Sequence[FloatArray]]) -> Way:
        """From the last beat to the first one."""
        passed, further = np.zeros(len(self.names)), 0.0
        wait, waiting = self.end, 0
        while True:
            stage, place = wait.maker, int(wait.position[waiting])
            begin = int(begins[stage][place])
            passed[stage] += wait.share[waiting] + place - begin
            further += float(wait.further[waiting])
            bounds = [bound[begin] for bound in held[stage]]
            if not bounds or max(bounds) <= 0:
                return Way(passed, further)
            wait, waiting = self.waits[stage][int(np.argmax(bounds))], begin

    def latency_cycles(self, cycles: Mapping[str, int] | None = None) -> int:
        """As planned, or with other cycles of positions."""
        of_each = self.cycles if cycles is None else np.array([float(cycles[name]) for name in self.names])
        way = self.longest(of_each)
        return round(float(way.positions @ of_each) + way.further_cycles)
