"""Which real range each tensor is encoded for: its own, or one that several tensors have to share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from golden.layers import Concat, Pad
from golden.network import Network
from golden.quantizer.calibration import Statistics, clip_range
from golden.quantizer.settings import Settings
from golden.quantizer.stages import Stage, readers
from golden.types import IntType

Range = tuple[float, float]


def bits_of(stage: Stage, settings: Settings) -> tuple[int, int]:
    """Width of the weights and of the result of a stage: those of the first of its steps that has some of its own."""
    own = (settings.layer_bits[step] for step in stage.steps if step in settings.layer_bits)
    return next(own, (settings.weight_bits, settings.activation_bits))


def ranges_of(
    stages: list[Stage], network: Network, statistics: Mapping[str, Statistics], settings: Settings
) -> dict[str, Range]:
    """The range of every input and of every tensor that a stage computes, by name; each includes zero.

    What a Concat reads gets the range of its result, so that no more rounding is needed, if nothing else reads it and
    it has as many bits.
    """
    makers = {stage.result: stage for stage in stages}
    # Inputs have no outliers that their source did not mean.
    ranges = {name: _union((0.0, 0.0), (statistics[name].low, statistics[name].high)) for name in network.inputs}
    for stage in stages:
        if not stage.moves:
            dtype = IntType(bits_of(stage, settings)[1], True)
            ranges[stage.result] = clip_range(statistics[stage.result], settings.method, settings.percentile, dtype)
    for stage in stages:
        if isinstance(stage.layer, Pad):
            source = _source(stage.inputs[0], makers)
            ranges[source] = _union(ranges[source], (stage.layer.value, stage.layer.value))

    counts = readers(stages, network)
    groups = {name: {name} for name in ranges}
    for stage in stages:
        if not isinstance(stage.layer, Concat):
            continue
        for name in stage.inputs:
            source = _source(name, makers)
            if source not in makers or bits_of(makers[source], settings)[1] != bits_of(stage, settings)[1]:
                continue
            if all(counts[passed] == 1 for passed in _way(name, makers)):
                group = groups[source] | groups[stage.result]
                groups |= dict.fromkeys(group, group)
    return {name: reduce(_union, (ranges[member] for member in sorted(groups[name]))) for name in ranges}


def _way(name: str, makers: Mapping[str, Stage]) -> list[str]:
    """The tensors from ``name`` back to one that is computed, over those that have its encoding."""
    way = [name]
    while way[-1] in makers and makers[way[-1]].moves:
        way.append(makers[way[-1]].inputs[0])
    return way


def _source(name: str, makers: Mapping[str, Stage]) -> str:
    return _way(name, makers)[-1]


def _union(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), max(a[1], b[1])
