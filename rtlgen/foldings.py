"""The foldings of a weighted layer: how many outputs and inputs a cycle, and how the results leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, lcm

from golden.types import TensorType
from rtlgen.drain import Pace
from rtlgen.lowering import Goal, Incoming, LayerPlan
from rtlgen.multiply import weight_multipliers
from rtlgen.stream import beats_of

_FIXED_LUT_SITES, _LUT_SITES_A_PRODUCT, _LUT_SITES_AN_OUTPUT = 250, 20, 55
"""Of a layer, roughly, as measured on an ECP5: 25 for a product with 8 inputs an output, 75 with one."""


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
        worth: weights that need a multiplier even where they never change, see `rtlgen.multiply.is_wiring`.
    """

    x: TensorType
    positions: int
    taps: int
    groups: int
    outputs: int
    channels: int
    weight_bits: int
    worth: int

    @property
    def share(self) -> int:
        """Outputs of a group."""
        return self.outputs // self.groups

    @property
    def own(self) -> bool:
        """Whether every output has a channel of its own."""
        return self.groups == self.channels == self.outputs and self.groups > 1


def pace_of(work: Work, layer: LayerPlan) -> Pace:
    """How the results leave."""
    return Pace(layer.outputs, work.outputs, layer.lanes_out, layer.spacing_cycles)


def foldings(work: Work, x: Incoming, goal: Goal) -> Iterable[LayerPlan]:
    """All foldings that keep to ``goal``, the cheap ones of each width."""
    cycles = goal.ii_cycles // work.positions
    if cycles == 0 or beats_of(work.x, x.lanes) > goal.ii_cycles:
        return []
    # Below one multiplier a layer no layer gets a second one.
    most = min(weight_multipliers(work.x.dtype), goal.multipliers) if goal.logic else goal.multipliers
    return _foldings(work, x.lanes, cycles, tuple(goal.lanes[: work.outputs]), most)


@lru_cache(maxsize=4096)
def _foldings(work: Work, lanes_in: int, cycles: int, widths: Sequence[int], most: int) -> list[LayerPlan]:
    """Those with ``most`` multipliers; networks repeat their layers, and the choice repeats its questions."""
    found: list[LayerPlan] = []
    times, beats = weight_multipliers(work.x.dtype), beats_of(work.x, lanes_in)
    own, widest = work.own, work.channels if work.own else work.share
    made = _made(work, lanes_in)
    for least, inputs, words in _shapes(work, lanes_in, cycles):
        for lanes in widths:
            if lanes > widest:
                break
            outputs = _outputs(work, lanes_in, least, lanes)
            if outputs is None or outputs // lanes > words:
                continue
            folds = ceil(work.channels / outputs) if own else work.groups * ceil(work.share / outputs)
            multipliers = times * (work.worth if folds * words == 1 else outputs * inputs)
            in_logic = outputs * inputs == 1 and multipliers
            if multipliers > most and not in_logic:
                continue
            layer = made.get((outputs, inputs, lanes))
            if layer is None:
                ii_cycles = max(work.positions * folds * words, beats)
                layer = _folding(work, lanes_in, outputs, inputs, folds, words, lanes, ii_cycles, multipliers)
                made[outputs, inputs, lanes] = layer
            if multipliers <= most:
                found.append(layer)
            if in_logic:
                sites = layer.lut_sites + work.x.dtype.bits * work.weight_bits
                found.append(replace(layer, multipliers=0, logic=True, lut_sites=sites))
    return found


@lru_cache(maxsize=4096)
def _made(work: Work, lanes_in: int) -> dict[tuple[int, int, int], LayerPlan]:
    """Foldings by outputs, inputs, and lanes: what each is does not depend on the cycles that are asked for."""
    return {}


def _shapes(work: Work, lanes: int, cycles: int) -> Iterator[tuple[int, int, int]]:
    """(fewest outputs, inputs, words) that take no more than ``cycles`` a position; more outputs bring nothing."""
    if work.own:
        most = cycles // work.taps
        if most:
            yield ceil(work.channels / most), 1, work.taps
        return
    channels = work.channels // work.groups
    for inputs in widths_of(channels, lanes):
        if work.groups > 1 and channels % inputs:
            continue
        words = work.taps * ceil(channels / inputs)
        most = cycles // words // work.groups
        if most:
            yield ceil(work.share / most), inputs, words


def _outputs(work: Work, lanes_in: int, least: int, lanes: int) -> int | None:
    """The fewest outputs a cycle, ``least`` of them, that leave ``lanes`` at a time."""
    if work.own:
        # A word of the buffer is as wide, and it is filled by whole beats.
        step, most = lcm(lanes, lanes_in), ceil(work.channels / lanes_in) * lanes_in
    else:
        step, most = lanes, work.share
    free = work.own or work.groups == 1
    for outputs in range(ceil(least / step) * step, most + 1, step):
        if free or work.share % outputs == 0:
            return outputs
    return None


def _folding(
    work: Work,
    lanes_in: int,
    outputs: int,
    inputs: int,
    folds: int,
    words: int,
    lanes: int,
    ii_cycles: int,
    multipliers: int,
) -> LayerPlan:
    products = outputs * inputs
    return LayerPlan(
        engine="folded",
        lanes_in=lanes_in,
        lanes_out=min(lanes, work.outputs),
        ii_cycles=ii_cycles,
        spacing_cycles=words // (outputs // lanes),
        multipliers=multipliers,
        outputs=outputs,
        inputs=inputs,
        folds=folds,
        words=words,
        store_bits=folds * words * products * work.weight_bits,
        lut_sites=_FIXED_LUT_SITES + products * _LUT_SITES_A_PRODUCT + outputs * _LUT_SITES_AN_OUTPUT,
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
