"""The passes of a trainer: nests of loops, and addresses that are linear in their numbers.

    forward   place by place, block by block, tap by tap; a lane sums up an output
    backward  input by input, tap by tap, block by block; a tree over the lanes, and a sum over the rest: its error
    update    block by block, tap by tap, place by place; what a weight changes by is summed up, then it is written
    unpool    place by place, block by block: errors to where the largest of a pool was, 0 to the others

Taps of a window come in rows, each of as many bytes as lie side by side; the bias is a row of its own behind them. A
dense layer has one place, and one row of taps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from golden.trainer.geometry import Geometry
from golden.types import IntArray
from rtlgen.training.shape import LayerShape

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
class Bases:
    """Where in the memories a layer begins.

    Args:
        weight: its words of weights.
        activation: what it reads: bytes of features or hidden activations.
        error: words of errors of its results.
        sum_error: of its sums, before the pools; the same as ``error`` without them.
        winner: words that say which of each pool was the largest.
    """

    weight: int
    activation: int
    error: int
    sum_error: int
    winner: int


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


def forward_pass(shape: LayerShape, following: LayerShape, bases: Bases) -> Pass:
    """Of one layer, with enough cycles behind each sum for the drain, before the next sum of ``following``, too."""
    g = geometry_of(shape)
    (down, right), row, pixel = g.stride, g.image[1] * g.channels, g.channels
    wait = max(0, shape.lanes - min(shape.columns, following.columns))
    y, x = _from(g.pool, down, right, row, pixel)
    places = _used([Loop(g.pooled[0], y), Loop(g.pooled[1], x)])
    block = _used([Loop(shape.blocks, {"weight": shape.columns})])
    pool = _used(
        [
            Loop(g.pool[0], {"activation": down * row, "y": down}),
            Loop(g.pool[1], {"activation": right * pixel, "x": right * pixel}),
        ]
    )
    starts = {"weight": bases.weight, **_corner(g, bases)}
    loops, group = (*places, *block, *pool, *_taps(g)), len(pool) + len(block)
    return Pass("forward", 0, loops, starts, 2, len(pool), group, 1, wait, _limits(g))


def update_pass(shape: LayerShape, bases: Bases) -> Pass:
    """Of one layer."""
    g = geometry_of(shape)
    (down, right), row, pixel = g.stride, g.image[1] * g.channels, g.channels
    places = [
        Loop(g.out[0], {"activation": down * row, "y": down, "error": g.out[1] * shape.blocks}),
        Loop(g.out[1], {"activation": right * pixel, "x": right * pixel, "error": shape.blocks}),
    ]
    inner = _used(places)
    block = Loop(shape.blocks, {"weight": shape.columns, "error": 1})
    starts = {"weight": bases.weight, "error": bases.sum_error, **_corner(g, bases)}
    loops = (*_used([block]), *_taps(g), *inner)
    return Pass("update", 0, loops, starts, len(inner), row_level=len(inner) + 1, limits=_limits(g))


def backward_pass(shape: LayerShape, below: LayerShape, bases: Bases) -> Pass:
    """Of one layer, to the results of the one below."""
    starts = {"weight": bases.weight, "activation": bases.activation, "error": bases.sum_error}
    block = Loop(shape.blocks, {"weight": shape.columns, "error": 1})
    if shape.geometry is None:
        channels = below.outputs
        place = Loop(below.places, {"weight": channels, "activation": channels})
        loops = (*_used([place]), Loop(channels, {"weight": 1, "activation": 1}), block)
        return Pass("backward", 0, loops, starts, 1, group_loops=1)
    g = shape.geometry
    row = g.out[1] * shape.blocks
    pixels = [
        Loop(g.image[0], {"activation": g.image[1] * g.channels, "y": 1, "error": row}),
        Loop(g.image[1], {"activation": g.channels, "x": 1, "error": shape.blocks}),
    ]
    loops = (
        *_used(pixels),
        Loop(g.channels, {"weight": 1, "activation": 1}),
        Loop(g.kernel[0], {"weight": g.kernel[1] * g.channels, "y": -1, "error": -row}),
        Loop(g.kernel[1], {"weight": g.channels, "x": -1, "error": -shape.blocks}),
        block,
    )
    starts["error"] += g.before[0] * row + g.before[1] * shape.blocks
    return Pass("backward", 0, loops, {**starts, "y": g.before[0], "x": g.before[1]}, 3, group_loops=1, limits=g.out)


def unpool_pass(shape: LayerShape, bases: Bases) -> Pass:
    """Of one layer with pools."""
    g, blocks = geometry_of(shape), shape.blocks
    row, pooled_row = g.out[1] * blocks, g.pooled[1] * blocks
    loops = [
        Loop(g.pooled[0], {"error": pooled_row, "winner": pooled_row, "target": g.pool[0] * row}),
        Loop(g.pooled[1], {"error": blocks, "winner": blocks, "target": g.pool[1] * blocks}),
        Loop(g.pool[0], {"target": row, "window": g.pool[1]}),
        Loop(g.pool[1], {"target": blocks, "window": 1}),
        Loop(blocks, {"error": 1, "winner": 1, "target": 1}),
    ]
    starts = {"error": bases.error, "winner": bases.winner, "target": bases.sum_error, "window": 0}
    return Pass("unpool", 0, _used(loops), starts, 0)


def geometry_of(shape: LayerShape) -> Geometry:
    """Its own, or one place with one row of taps: a dense layer."""
    return shape.geometry or Geometry((1, 1), shape.inputs, (1, 1), (1, 1), (0, 0), (1, 1))


def _taps(g: Geometry) -> tuple[Loop, Loop]:
    """Rows of a window and one of the bias; bytes of a row, which lie side by side."""
    wide = g.kernel[1] * g.channels
    rows = Loop(g.kernel[0] + 1, {"weight": wide, "activation": g.image[1] * g.channels, "y": 1})
    return rows, Loop(wide, {"weight": 1, "activation": 1, "x": 1})


def _from(pool: tuple[int, int], down: int, right: int, row: int, pixel: int) -> tuple[dict[str, int], dict[str, int]]:
    """Strides from pool to pool."""
    y = {"activation": pool[0] * down * row, "y": pool[0] * down}
    return y, {"activation": pool[1] * right * pixel, "x": pool[1] * right * pixel}


def _corner(g: Geometry, bases: Bases) -> dict[str, int]:
    """The first tap of the first window; ``x`` counts bytes."""
    (top, left), pixel = g.before, g.channels
    return {"activation": bases.activation - (top * g.image[1] + left) * pixel, "y": -top, "x": -left * pixel}


def _limits(g: Geometry) -> tuple[int, int] | None:
    reach = [(out - 1) * s + k for out, s, k in zip(g.out, g.stride, g.kernel, strict=True)]
    inside = all(b == 0 and r <= size for b, r, size in zip(g.before, reach, g.image, strict=True))
    return None if inside else (g.image[0], g.image[1] * g.channels)


def _used(loops: Sequence[Loop]) -> tuple[Loop, ...]:
    """Those that do something."""
    return tuple(loop for loop in loops if loop.count > 1)
