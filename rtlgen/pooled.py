"""The pooling engine: many places become one, channel by channel, with one accumulator a channel.

Pooling layers and sums walk through a buffer. At each position the channels are taken a word at a time (a fold); within
a fold, the walk goes over all places that become one (taps), a place a cycle. A finished fold moves to the drain, which
hands it on while the next one accumulates. ::

    x --> buffer --> word --> (prepared) --> accumulators --> drain --> whatever finishes it --> y
            ^                                  (a word)     (lanes_out)
          walker

    cycle (from the one on which a position starts)
    1         first address of fold 0
    3         its word                               (later by what prepares it)
    4         accumulators after the first place
    taps + 3  accumulators after the last place; one cycle later in the drain
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import ceil
from operator import and_

import numpy as np
import pyrtl

from golden.ops import AveragePool, MaxPool
from golden.types import IntArray, IntType, TensorType
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.drain import DRAIN_CYCLES, Drained, Pace, drained
from rtlgen.foldings import widths_of
from rtlgen.geometry import Geometry, window_walk
from rtlgen.lowering import Goal, Incoming, LayerPlan
from rtlgen.state import Flags, counter, held_tensor
from rtlgen.stream import Stream, beats_of, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Walk
from rtlgen.walker import Steps, walker

Prepare = Callable[[HDLTensor, Steps], tuple[HDLTensor, int]]
RESULT_CYCLES = 1
_FIXED_LUT_SITES, _LUT_SITES_A_BIT = 200, 4
"""Of a layer, and of each bit of a word: something computes, an accumulator and a drain."""


@dataclass(frozen=True)
class Pooling:
    """What a layer has to pool.

    Args:
        positions: of a sample.
        taps: places that become one.
        channels: of a place.
        rows: of the result at each position.
        together: a word belongs to one channel, its lanes are places of the input.
    """

    positions: int
    taps: int
    channels: int
    rows: int = 1
    together: bool = False

    def width(self, layer: LayerPlan) -> int:
        """Elements of a word."""
        if self.together:
            return layer.lanes_in
        return layer.lanes_in * ceil(ceil(self.channels / layer.lanes_in) / layer.folds)

    def pace(self, layer: LayerPlan) -> Pace:
        """How the results of a row leave."""
        results = 1 if self.together else self.width(layer)
        return Pace(results, self.channels, layer.lanes_out, layer.spacing_cycles)

    def offsets(self, layer: LayerPlan, further_cycles: int) -> IntArray:
        """Cycles from the start of a position to each beat, ``further_cycles`` for what prepares and finishes it."""
        first = READ_CYCLES + DRAIN_CYCLES + further_cycles
        beats = [
            (row * layer.folds + fold + 1) * self.taps + first + wait
            for row in range(self.rows)
            for fold, wait in self.pace(layer).beats()
        ]
        return np.array(beats, dtype=np.int64)


def poolings(work: Pooling, x: Incoming, goal: Goal) -> Iterator[LayerPlan]:
    """All widths of words, and lanes of the result, that keep to ``goal``."""
    for width in [1] if work.together else widths_of(work.channels, x.lanes):
        folds = ceil(work.channels / width)
        cycles = max(work.positions * work.rows * folds * work.taps, beats_of(x.type, x.lanes))
        if cycles > goal.ii_cycles:
            continue
        for beats in range(1, min(width, work.taps) + 1):
            if width % beats == 0:
                spacing = work.taps // beats
                lanes = min(width // beats, work.channels)
                sites = _FIXED_LUT_SITES + width * _LUT_SITES_A_BIT * x.type.dtype.bits
                yield LayerPlan(
                    "buffered", x.lanes, lanes, cycles, spacing, folds=folds, words=work.taps, lut_sites=sites
                )


def window_of(op: MaxPool | AveragePool, x: TensorType) -> Geometry:
    """The window that a pooling layer slides over ``x``."""
    rows, columns, channels = x.shape
    out = op.out_type(x).shape
    return Geometry((rows, columns), channels, (out[0], out[1]), op.kernel, op.stride, op.padding)


def work_of(op: MaxPool | AveragePool, x: TensorType) -> Pooling:
    """What a pooling layer has to do."""
    window = window_of(op, x)
    return Pooling(window.positions, window.taps, window.channels)


def walk_of(op: MaxPool | AveragePool, layer: LayerPlan, x: TensorType) -> Walk:
    """Word by word of the channels, and for each of them over the places of the window."""
    return window_walk(window_of(op, x), layer.folds, (Loop(layer.folds, (1,)),), ())


@dataclass
class Pooled:
    """Results on their way out.

    Args:
        out: beats of the drain; ``held`` is how many places were counted.
        starts, room: of the positions, for the stream of the result.
    """

    out: Drained
    starts: pyrtl.WireVector
    room: pyrtl.WireVector

    def stream(self, name: str, type: TensorType, data: HDLTensor, flags: Flags, token_rows: int = 1) -> Stream:
        """The stream of ``data``, which come with ``flags``, behind one more register."""
        result = data.register(f"{name}_result", enable=flags["valid"], reset=flags.reset)
        out = flags.after(f"{name}_result", RESULT_CYCLES)
        rows = Fraction(token_rows)
        return stream(
            name,
            type,
            result,
            out["valid"],
            out["last"],
            self.starts,
            flags.reset,
            room=self.room,
            token_rows=rows,
        )


def as_it_is(word: HDLTensor, steps: Steps) -> tuple[HDLTensor, int]:
    """Prepares nothing."""
    return word, 0


def pooled(
    x: Stream,
    name: str,
    layer: LayerPlan,
    work: Pooling,
    walk: Walk,
    combine: Callable[[HDLTensor, HDLTensor], HDLTensor],
    dtype: IntType,
    *,
    padding: int = 0,
    prepare: Prepare = as_it_is,
    counts: bool = False,
) -> Pooled:
    """The engine in the working block.

    Args:
        x: the stream.
        name: of the layer.
        layer: its folding.
        work: what it pools.
        walk: through the buffer; ``work.rows`` is the product of its first loops.
        combine: what is accumulated so far with a word.
        dtype: of an accumulator.
        padding: what lies around the tensor.
        prepare: what is done with a word before, and how many cycles later it comes.
        counts: whether to count the places that are no padding.
    """
    room = pyrtl.WireVector(1, f"{name}_room")
    buffer = buffered(name, x, work.width(layer), layer.buffer_words[0])
    steps = walker(name, walk, [buffer], room, x.reset)
    word, cycles = prepare(buffer.read(steps.addresses[0], steps.outside, padding), steps)
    tap = counter(f"{name}_tap", work.taps, steps.valid, x.reset)
    start = {
        "valid": steps.valid,
        "first": tap.value == 0,
        "end": tap.ends & steps.valid,
        "closes": reduce(and_, _row_ends(walk, steps, work.rows), steps.closes),
    }
    if counts:
        assert steps.outside is not None, f"{name}: without padding every place counts"
        start["inside"] = steps.outside ^ 1
    flags = Flags(start, x.reset).after(f"{name}_fetch", READ_CYCLES + cycles)

    accumulators = held_tensor(f"{name}_acc", word.size, dtype)
    following = HDLTensor.where(flags["first"], word, combine(accumulators.value, word))
    accumulators.drive(following.known_range(dtype.min, dtype.max), flags["valid"])
    count = None
    if counts:
        inside = HDLTensor.of([flags["inside"]], [0], [1])
        counted = held_tensor(f"{name}_count", 1, IntType.holding(0, work.taps))
        more = HDLTensor.where(flags["first"], inside, counted.value + inside)
        counted.drive(more.known_range(0, counted.dtype.max), flags["valid"])
        count = counted.value.known_range(0, work.taps)
    pace = work.pace(layer)
    out = drained(name, accumulators.value, pace, flags["end"], flags["closes"], x.reset, count)
    return Pooled(out, steps.starts, room)


def _row_ends(walk: Walk, steps: Steps, rows: int) -> Sequence[pyrtl.WireVector]:
    """The ends of the loops over the rows of a position."""
    ends, product = [], 1
    for loop, made in zip(walk.steps, steps.loops, strict=True):
        if product == rows:
            break
        ends.append(made.ends)
        product *= loop.count
    assert product == rows, "the rows of a position are its first loops"
    return ends
