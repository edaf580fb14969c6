"""The smallest interval at which a first sample is out after so many intervals.

Layers of one speed are cheapest, and late: behind each one with a window the next waits for rows of the image. So late
layers have to be faster than the interval, which the first one sets. How much, the prices of `rtlgen.latency` say.
Plans are made with them: with more where a plan is late, with less where it is too large. Between a late plan and a
prompt one those layers become faster, one after the other, whose multipliers bring most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from golden.ops import Conv, Dense
from rtlgen.choice import Chooser, Chosen, position_cycles
from rtlgen.latency import Prices, first_sample, prices
from rtlgen.lowering import Goal

_FACTORS = 1.5
"""From one try to the next; prices of more than ``_MOST_TRIES`` such steps are not tried."""
_MOST_TRIES = 4
_PRECISION = 0.03
"""Part of the interval that a smaller one has to be smaller by to be looked for."""
_FIRST_STEP = 16
_MOST_DOUBLINGS = 8


class Prompt:
    """Of one network.

    Args:
        choose: plans of it.
        goal: but for its cycles.
        intervals: most intervals from the first input to the last output of a first sample.
        fastest: the plan without this limit.
    """

    def __init__(self, choose: Chooser, goal: Goal, intervals: float, fastest: Chosen) -> None:
        self.choose, self.goal, self.intervals, self.fastest = choose, goal, intervals, fastest
        self.lowest = self.intervals_of(fastest)

    def intervals_of(self, chosen: Chosen) -> float:
        """Intervals until the first sample is out, if there is always room."""
        return first_sample(self.choose.graph, chosen).latency_cycles() / chosen.ii_cycles

    def limited(self, chosen: Chosen) -> Chosen:
        """The same, to have room enough that it is out as early as it has to be."""
        return replace(chosen, latency_cycles=int(self.intervals * chosen.ii_cycles))

    @cached_property
    def first(self) -> str | None:
        """The first layer with weights: the others follow it, so it may as well take the whole interval."""
        return next((node.name for node in self.choose.graph.nodes if isinstance(node.op, Conv | Dense)), None)

    def smallest(self) -> Chosen:
        """The plan of the smallest interval found, not below that of the fastest one.

        Raises:
            ValueError: if there is none, whatever the interval.
        """
        if (best := self.as_fast()) is not None:
            return best
        cycles = self.fastest.ii_cycles
        # The multipliers needed are about inversely proportional to the cycles.
        least = self._prices(cycles).multipliers
        impossible = round(cycles * max(1.0, least / self.goal.multipliers)) if least < float("inf") else cycles
        step = max(1, impossible // _FIRST_STEP)
        for _ in range(_MOST_DOUBLINGS):
            best = self._within(impossible + step)
            if best is not None:
                break
            impossible, step = impossible + step, 2 * step
        else:
            raise ValueError(
                f"with {self.goal.multipliers} multipliers no latency of at most {self.intervals} intervals is found; "
                f"the lowest one is {self.lowest:.3f}, with intervals of up to {impossible:,} cycles"
            )
        while best.ii_cycles - impossible > max(1, _PRECISION * best.ii_cycles):
            middle = (impossible + best.ii_cycles) // 2
            found = self._within(middle)
            if found is None:
                impossible = middle
            else:
                best = found
        return best

    def as_fast(self) -> Chosen | None:
        """A plan of the interval of the fastest one that is soon enough, if one is found."""
        if self.lowest <= self.intervals:
            return self.fastest
        return self._within(self.fastest.ii_cycles, thorough=True)

    def _prices(self, ii_cycles: int, pinned: str | None = None) -> Prices:
        return prices(self.choose.graph, self.fastest, ii_cycles, self.intervals * ii_cycles, pinned)

    def _within(self, ii_cycles: int, thorough: bool = False) -> Chosen | None:
        """A plan of at most so many cycles a sample that is soon enough and small enough, if one is found."""
        for pinned in (self.first, None):
            best = self._prices(ii_cycles, pinned)
            if best.multipliers <= self.goal.multipliers:
                found = self._at_prices(best, replace(self.goal, ii_cycles=ii_cycles), thorough)
                if found is not None:
                    return found
        return None

    def _at_prices(self, best: Prices, goal: Goal, thorough: bool) -> Chosen | None:
        """The first one with such prices, or more or less of them; the smallest of all tries if they are thorough."""
        late, prompt, found = self.fastest, None, None
        low, high, factor = 0.0, float("inf"), 1.0
        for _ in range(2 * _MOST_TRIES if thorough else _MOST_TRIES):
            of_cycle = {name: factor * price for name, price in best.of_cycle.items()}
            chosen = self.choose.cheapest(goal, prices=of_cycle)
            if chosen is None:
                break
            if not self._is_late(chosen):
                prompt, high = chosen, factor
            elif prompt is None and chosen.multipliers > goal.multipliers:
                break
            else:
                late, low = chosen, factor
            if prompt is not None:
                tried: list[Chosen | None] = [prompt]
                if thorough or prompt.multipliers > goal.multipliers:
                    tried.append(self.choose.cheapest(goal, slowest=self._between(late, prompt)))
                for one in tried:
                    if one is None or self._is_late(one) or one.multipliers > goal.multipliers:
                        continue
                    if found is None or one.multipliers < found.multipliers:
                        found = one
                if found is not None and not thorough:
                    break
            factor = min(low * _FACTORS, (low + high) / 2) if low else high / _FACTORS
        return found

    def _is_late(self, chosen: Chosen) -> bool:
        latency = self.intervals_of(chosen)
        if chosen.multipliers <= self.goal.multipliers:
            self.lowest = min(self.lowest, latency)
        return latency > self.intervals

    def _between(self, late: Chosen, prompt: Chosen) -> Mapping[str, int]:
        """Cycles of a position with which it is not late: of ``late``, but for the layers that bring most."""
        sample = first_sample(self.choose.graph, late)
        most = self.intervals * late.ii_cycles
        cycles = {name: int(number) for name, number in zip(sample.names, sample.cycles, strict=True)}
        of_prompt = {name: position_cycles(prompt.layers[name]) for name in cycles if name in prompt.layers}
        slower = [name for name, number in of_prompt.items() if number < cycles[name]]
        while slower and (now := sample.latency_cycles(cycles)) > most:
            gains = {name: now - sample.latency_cycles({**cycles, name: of_prompt[name]}) for name in slower}
            costs = {name: prompt.layers[name].multipliers - late.layers[name].multipliers for name in slower}
            chosen = max(slower, key=lambda name: gains[name] / max(1, costs[name]))
            cycles[chosen] = of_prompt[chosen]
            slower.remove(chosen)
        return {name: number for name, number in cycles.items() if name in of_prompt}
