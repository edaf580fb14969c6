"""The foldings of a weighted layer: how many outputs and inputs a cycle, and how the results leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from golden.types import TensorType
from rtlgen.drain import Pace
from rtlgen.lowering import Goal, Incoming, LayerPlan, multipliers_for
from rtlgen.stream import beats_of


@dataclass(frozen=True)
class Work:
    """What a weighted layer has to compute.

    Args:
        x: its input.
        positions: of a sample.
        taps: places within the window.
        groups: of channels that do not mix.
        outputs: of all groups.
        channels: of the input.
        weight_bits: of a weight.
    """

    x: TensorType
    positions: int
    taps: int
    groups: int
    outputs: int
    channels: int
    weight_bits: int

    @property
    def own(self) -> bool:
        """Whether every output has a channel of its own."""
        return self.groups == self.channels == self.outputs and self.groups > 1


def pace_of(work: Work, layer: LayerPlan) -> Pace:
    """How the results leave."""
    return Pace(layer.outputs, work.outputs, layer.lanes_out, layer.spacing_cycles)


def foldings(work: Work, x: Incoming, goal: Goal) -> Iterator[LayerPlan]:
    """All foldings that keep to ``goal``, the cheap ones of each width."""
    cycles = goal.ii_cycles // work.positions
    if cycles == 0 or beats_of(work.x, x.lanes) > goal.ii_cycles:
        return
    cost = multipliers_for(work.x.dtype.bits + (not work.x.dtype.signed), work.weight_bits)
    # Below one multiplier a layer no layer gets a second one.
    budget = min(cost, goal.multipliers) if goal.logic else goal.multipliers
    for outputs, inputs, words, folds in _shapes(work, x.lanes, cycles):
        factor = 1 if work.own else inputs
        if goal.logic and outputs * factor == 1:
            yield from _drains(work, x, outputs, inputs, words, folds, 0)
        if outputs * factor * cost <= budget:
            yield from _drains(work, x, outputs, inputs, words, folds, cost)


def _shapes(work: Work, lanes: int, cycles: int) -> Iterator[tuple[int, int, int, int]]:
    """(outputs, inputs, words, folds) that take no more than ``cycles`` a position."""
    if work.own:
        for outputs in widths_of(work.channels, lanes):
            folds = ceil(work.channels / outputs)
            if folds * work.taps <= cycles:
                yield outputs, 1, work.taps, folds
        return
    share, channels = work.outputs // work.groups, work.channels // work.groups
    for inputs in widths_of(channels, lanes):
        if work.groups > 1 and channels % inputs:
            continue
        words = work.taps * ceil(channels / inputs)
        most = cycles // words // work.groups
        if most == 0:
            continue
        for outputs in range(ceil(share / most), share + 1):
            if work.groups == 1 or share % outputs == 0:
                yield outputs, inputs, words, work.groups * ceil(share / outputs)


def _drains(
    work: Work, x: Incoming, outputs: int, inputs: int, words: int, folds: int, cost: int
) -> Iterator[LayerPlan]:
    for beats in range(1, min(outputs, words) + 1):
        if outputs % beats:
            continue
        factor = 1 if work.own else inputs
        yield LayerPlan(
            engine="folded",
            lanes_in=x.lanes,
            lanes_out=outputs // beats,
            ii_cycles=max(work.positions * folds * words, beats_of(work.x, x.lanes)),
            spacing_cycles=words // beats,
            multipliers=outputs * factor * cost,
            outputs=outputs,
            inputs=factor,
            folds=folds,
            words=words,
            store_bits=folds * words * outputs * factor * work.weight_bits,
            logic=cost == 0,
        )


def widths_of(inner: int, lanes: int) -> Iterator[int]:
    """Elements a word: multiples of the lanes, the smallest for each number of words."""
    beats = ceil(inner / lanes)
    seen = set()
    for beats_a_word in range(1, beats + 1):
        words = ceil(beats / beats_a_word)
        if words not in seen:
            seen.add(words)
            yield beats_a_word * lanes
