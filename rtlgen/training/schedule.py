"""When a trainer does what: its passes, each on an exact cycle from the start of a step on.

A word of the weight memory holds ``lanes`` master weights of one column: of the rows of a block. Passes go through it
as ``rtlgen/training/passes.py`` says, one word a cycle. Each sum of a forward pass takes at least ``lanes`` cycles, in
which the sums of the one before it go through the one requantiser.

A pass starts as soon as the one before has been issued, and all that it reads will have been written. Nothing in it
depends on data, so that is known here: no pass ever waits for a handshake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from golden.types import IntArray
from rtlgen.training.passes import Bases, Pass, backward_pass, forward_pass, unpool_pass, update_pass
from rtlgen.training.shape import LayerShape

PRODUCT_CYCLES = 4
"""From a word's address to the registers of its products: two behind the memory, one each before and after them."""
DRAINED_CYCLES = PRODUCT_CYCLES + 4
"""From the last word of a sum to the write of its first activation: accumulator, drain, rounding, saturation."""
LOSS_CYCLES = DRAINED_CYCLES + 2
"""To the write of a word of errors whose last element that is: error, gathering."""
UNPOOL_CYCLES = 3
"""From the address of a word of errors to its write: two behind the memory, one behind the choice of the lanes."""

Memory = tuple[str, IntArray, IntArray]
"""A name, and places in it with the cycles in which they are read or written."""


def tree_cycles(lanes: int) -> int:
    """Registers of the adder tree: one behind every two levels, and one at least."""
    return max(1, ((lanes - 1).bit_length() + 1) // 2)


def backward_cycles(lanes: int) -> int:
    """From the last word of a sum to the write of a word of errors: tree, accumulator, rounding, error, word."""
    return PRODUCT_CYCLES + tree_cycles(lanes) + 4


@dataclass(frozen=True)
class Schedule:
    """Of one step.

    Args:
        layers: the shapes.
        lanes: master weights a word.
        trainable: which layers are updated, one at least.
    """

    layers: tuple[LayerShape, ...]
    lanes: int
    trainable: tuple[bool, ...]

    @property
    def features(self) -> int:
        """Of a sample."""
        return self.layers[0].features

    @property
    def convolves(self) -> bool:
        """Whether a weight has several products."""
        return any(layer.geometry for layer in self.layers)

    @property
    def has_pools(self) -> bool:
        """Of any layer."""
        return any(layer.has_pools for layer in self.layers)

    @property
    def window_bits(self) -> int:
        """Of a number of a place in a pool."""
        windows = [prod(layer.geometry.pool) for layer in self.layers if layer.geometry]
        return max(1, (max([1, *windows]) - 1).bit_length())

    @property
    def update_cycles(self) -> int:
        """From a weight's last word to its write: a sum if there is any, rounding, shift, difference."""
        return PRODUCT_CYCLES + 3 + self.convolves

    @property
    def hidden_cycles(self) -> int:
        """From the last word of a sum to the write of its first activation, with a comparison if there are pools."""
        return DRAINED_CYCLES + self.has_pools

    @cached_property
    def weight_base(self) -> tuple[int, ...]:
        """The first word of each layer, and behind the last one."""
        return _sums(layer.words for layer in self.layers)

    @cached_property
    def hidden_base(self) -> tuple[int, ...]:
        """The first hidden activation that each layer makes, and behind the last one."""
        return _sums(layer.results for layer in self.layers[:-1])

    @cached_property
    def error_base(self) -> tuple[int, ...]:
        """The first word of errors of each layer's results, and behind the last one."""
        return _sums(layer.result_words + layer.has_pools * layer.sum_words for layer in self.layers)

    @cached_property
    def winner_base(self) -> tuple[int, ...]:
        """The first word that says which of a pool was the largest, of each layer, and behind the last one."""
        return _sums(layer.has_pools * layer.result_words for layer in self.layers)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """All of a training step, in order."""
        found: list[Pass] = []
        written = self._never_written
        for kind, layer in self._order():
            made = replace(self._pass(kind, layer), start_cycle=found[-1].end_cycle if found else 0)
            late = max([0, *(_latest(written[name][places] + 1 - cycles) for name, places, cycles in self._read(made))])
            if len(found) == len(self.layers):  # by then it is known whether there is any error
                late = max(late, int(written["error"].max()) + 1 - made.start_cycle)
            if kind == "unpool":  # there is one port to write by, and other words may still be on their way
                late = max(late, int(written["error"].max()) + 1 - made.start_cycle - UNPOOL_CYCLES)
            made = replace(made, start_cycle=made.start_cycle + late)
            for name, places, cycles in self._written(made):
                written[name][places] = cycles
            found.append(made)
        return tuple(found)

    @property
    def inference_cycles(self) -> int:
        """From the start of a step that only evaluates to the start of the next."""
        return self.passes[len(self.layers) - 1].end_cycle

    @property
    def skipping_cycles(self) -> int:
        """The same of a training step without an error."""
        return self.passes[len(self.layers)].start_cycle

    @property
    def training_cycles(self) -> int:
        """The same of a training step."""
        written = self._never_written
        for made in self.passes:
            for name, places, cycles in self._written(made):
                written[name][places] = cycles
        weights = [
            _latest(written[name][places] + 1 - cycles)
            for made in self.passes[: len(self.layers)]
            for name, places, cycles in self._read(made)
            if name == "weight"
        ]
        return max(self.passes[-1].end_cycle, *weights)

    @property
    def _never_written(self) -> dict[str, IntArray]:
        """For each memory and place a cycle before all others."""
        last = {
            "weight": self.weight_base[-1],
            "hidden": self.hidden_base[-1],
            "error": self.error_base[-1],
            "winner": self.winner_base[-1],
        }
        return {name: np.full(places, -(1 << 40)) for name, places in last.items()}

    def _order(self) -> Iterator[tuple[str, int]]:
        yield from (("forward", layer) for layer in range(len(self.layers)))
        lowest = self.trainable.index(True)
        for layer in reversed(range(lowest, len(self.layers))):
            if self.layers[layer].has_pools:
                yield "unpool", layer
            if layer > lowest:
                yield "backward", layer
            if self.trainable[layer]:
                yield "update", layer

    def _pass(self, kind: str, layer: int) -> Pass:
        shape, base = self.layers[layer], self.error_base[layer]
        bases = Bases(
            self.weight_base[layer],
            self.hidden_base[layer - 1] if layer else 0,
            base,
            base + shape.has_pools * shape.result_words,
            self.winner_base[layer],
        )
        if kind == "forward":
            made = forward_pass(shape, self.layers[(layer + 1) % len(self.layers)], bases)
        elif kind == "backward":
            made = backward_pass(shape, self.layers[layer - 1], bases)
        else:
            made = {"update": update_pass, "unpool": unpool_pass}[kind](shape, bases)
        return replace(made, layer=layer)

    def _read(self, made: Pass) -> Iterator[Memory]:
        """What a pass reads, and when."""
        steps, cycles = made.steps, made.start_cycle + np.arange(made.cycles)
        inside = steps.valid & ~steps.outside
        if made.kind != "unpool":
            yield "weight", steps.addresses["weight"][steps.valid], cycles[steps.valid]
        if made.kind != "forward":
            yield "error", steps.addresses["error"][inside], cycles[inside]
        if made.kind == "unpool":
            yield "winner", steps.addresses["winner"], cycles
        elif made.layer:
            taps = inside & ~steps.bias
            yield "hidden", steps.addresses["activation"][taps], cycles[taps]

    def _written(self, made: Pass) -> Iterator[Memory]:
        """What a pass writes, and when."""
        shape, steps, cycles = self.layers[made.layer], made.steps, made.start_cycle + np.arange(made.cycles)
        ends, lanes = cycles[steps.end], np.arange(self.lanes)
        if made.kind == "update":
            yield "weight", steps.addresses["weight"][steps.end], ends + self.update_cycles
        elif made.kind == "unpool":
            yield "error", steps.addresses["target"], cycles + UNPOOL_CYCLES
        elif made.kind == "backward":
            below = self.layers[made.layer - 1]
            word = np.arange(len(ends)) // below.outputs * below.blocks
            word += np.arange(len(ends)) % below.outputs // self.lanes
            yield "error", self.error_base[made.layer - 1] + word, ends + backward_cycles(self.lanes)
        elif made.layer == len(self.layers) - 1:
            yield "error", self.error_base[made.layer] + np.arange(len(ends)), ends + LOSS_CYCLES + self.lanes - 1
        else:
            whole = ends[steps.pool_last[steps.end]]  # in the order of places, then of blocks
            rows = np.arange(shape.blocks)[:, None] * self.lanes + lanes
            places = np.arange(shape.places)[:, None, None] * shape.outputs + rows
            written = (whole + self.hidden_cycles).reshape(shape.places, -1, 1) + lanes
            real = np.broadcast_to(rows < shape.outputs, written.shape)
            yield "hidden", self.hidden_base[made.layer] + places[real], written[real]
            if shape.has_pools:
                words = self.winner_base[made.layer] + np.arange(shape.result_words)
                yield "winner", words, whole + self.hidden_cycles + self.lanes


def _latest(late: IntArray) -> int:
    return int(late.max(initial=-(1 << 40)))


def _sums(sizes: Iterator[int]) -> tuple[int, ...]:
    return tuple(int(total) for total in np.cumsum([0, *sizes]))
