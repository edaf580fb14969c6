"""The passes of a trainer, as nests of loops.

    forward   place by place, block by block, tap by tap; a lane sums up an output
    backward  input by input, tap by tap, block by block; a tree over the lanes, and a sum over the rest: its error
    update    block by block, tap by tap, place by place; what a weight changes by is summed up, then it is written
    unpool    place by place, block by block: errors to where the largest of a pool was, 0 to the others

A dense layer has one place, and one row of taps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from golden.trainer.geometry import Geometry
from rtlgen.training.loops import Loop, Pass
from rtlgen.training.shape import LayerShape


@dataclass(frozen=True)
class Bases:
    """Where in the memories a layer begins.

    Args:
        layer: its number, from 0 on.
        weight: its words of weights.
        activation: what it reads: bytes of features or hidden activations.
        error: words of errors of its results.
        sum_error: of its sums, before the pools; the same as ``error`` without them.
        winner: words that say which of each pool was the largest.
    """

    layer: int
    weight: int
    activation: int
    error: int
    sum_error: int
    winner: int


def forward_pass(shape: LayerShape, following: LayerShape, bases: Bases) -> Pass:
    """Of one layer, with enough cycles behind each sum for the drain, before the next sum of ``following``, too."""
    g = shape.geometry
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
    return Pass("forward", bases.layer, loops, starts, 2, len(pool), group, 1, wait, _limits(g))


def update_pass(shape: LayerShape, bases: Bases) -> Pass:
    """Of one layer."""
    g = shape.geometry
    (down, right), row, pixel = g.stride, g.image[1] * g.channels, g.channels
    places = [
        Loop(g.out[0], {"activation": down * row, "y": down, "error": g.out[1] * shape.blocks}),
        Loop(g.out[1], {"activation": right * pixel, "x": right * pixel, "error": shape.blocks}),
    ]
    inner = _used(places)
    block = Loop(shape.blocks, {"weight": shape.columns, "error": 1})
    starts = {"weight": bases.weight, "error": bases.sum_error, **_corner(g, bases)}
    loops = (*_used([block]), *_taps(g), *inner)
    return Pass("update", bases.layer, loops, starts, len(inner), row_level=len(inner) + 1, limits=_limits(g))


def backward_pass(shape: LayerShape, below: LayerShape, bases: Bases) -> Pass:
    """Of one layer, to the results of the one below."""
    starts = {"weight": bases.weight, "activation": bases.activation, "error": bases.sum_error}
    block = Loop(shape.blocks, {"weight": shape.columns, "error": 1})
    if shape.is_dense:
        channels = below.outputs
        place = Loop(below.places, {"weight": channels, "activation": channels})
        loops = (*_used([place]), Loop(channels, {"weight": 1, "activation": 1}), block)
        return Pass("backward", bases.layer, loops, starts, 1, group_loops=1)
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
    return Pass(
        "backward", bases.layer, loops, {**starts, "y": g.before[0], "x": g.before[1]}, 3, group_loops=1, limits=g.out
    )


def unpool_pass(shape: LayerShape, bases: Bases) -> Pass:
    """Of one layer with pools."""
    g, blocks = shape.geometry, shape.blocks
    row, pooled_row = g.out[1] * blocks, g.pooled[1] * blocks
    loops = [
        Loop(g.pooled[0], {"error": pooled_row, "winner": pooled_row, "target": g.pool[0] * row}),
        Loop(g.pooled[1], {"error": blocks, "winner": blocks, "target": g.pool[1] * blocks}),
        Loop(g.pool[0], {"target": row, "window": g.pool[1]}),
        Loop(g.pool[1], {"target": blocks, "window": 1}),
        Loop(blocks, {"error": 1, "winner": 1, "target": 1}),
    ]
    starts = {"error": bases.error, "winner": bases.winner, "target": bases.sum_error, "window": 0}
    return Pass("unpool", bases.layer, _used(loops), starts, 0)


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
