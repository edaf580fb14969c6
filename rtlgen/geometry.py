"""The geometry of a layer that slides a window over rows and columns, and the walks that it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from golden.window import NO_PADDING, Padding, Pair
from rtlgen.walk import Grid, Loop, Reach, Walk


@dataclass(frozen=True)
class Geometry:
    """A window over an image.

    Args:
        size: rows and columns of the input.
        channels: of the input.
        out_size: rows and columns of the result.
        kernel, stride, dilation: rows and columns.
        padding: ((top, bottom), (left, right)).
    """

    size: Pair
    channels: int
    out_size: Pair
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)

    @property
    def pointwise(self) -> bool:
        """Whether each position looks at its own place only."""
        return self.kernel == self.stride == (1, 1) and self.padding == NO_PADDING

    @property
    def flat(self) -> Geometry:
        """Without a difference between rows and columns, where none is needed: a row is done with at its own end."""
        if not self.pointwise:
            return self
        places = self.size[0] * self.size[1]
        return Geometry((places, 1), self.channels, (places, 1))

    @property
    def positions(self) -> int:
        """Places of the window."""
        return self.out_size[0] * self.out_size[1]

    @property
    def taps(self) -> int:
        """Places within the window."""
        return self.kernel[0] * self.kernel[1]


@lru_cache(maxsize=1024)
def reach_of(geometry: Geometry, row_words: int) -> Reach:
    """What each position needs of a buffer with ``row_words`` words for each place of the input.

    Position (i, j) needs all places up to the last one within its window; a row of positions is done with all rows of
    the input above its successor's window.
    """
    (rows, columns), (out_rows, out_columns) = geometry.size, geometry.out_size
    (top, _), (left, _) = geometry.padding
    bottom_row, right_column = (
        np.minimum(np.arange(count) * stride - before + (kernel - 1) * dilation, size - 1)
        for count, stride, before, kernel, dilation, size in zip(
            (out_rows, out_columns),
            geometry.stride,
            (top, left),
            geometry.kernel,
            geometry.dilation,
            (rows, columns),
            strict=True,
        )
    )
    needs = (np.maximum(bottom_row, 0)[:, None] * columns + np.maximum(right_column, 0)[None, :] + 1).reshape(-1)
    above = np.minimum(np.maximum(np.arange(1, out_rows) * geometry.stride[0] - top, 0), rows) * columns
    frees = np.append(above, rows * columns)
    words = rows * columns * row_words
    base = -(top * columns + left) * row_words
    return Reach(words, row_words, base, needs * row_words, frees)


def window_walk(geometry: Geometry, row_words: int, folds: tuple[Loop, ...], inner: tuple[Loop, ...]) -> Walk:
    """Walks over all places of the window; in each one ``folds`` times over the window, and over ``inner`` in a place.

    Args:
        geometry: of the layer.
        row_words: words of a place of the input.
        folds: loops outside of the window's.
        inner: loops inside of a place.
    """
    columns = geometry.size[1]
    (top, _), (left, _) = geometry.padding

    def loop(count: int, row: int, column: int) -> Loop:
        return Loop(count, ((row * columns + column) * row_words,), (row, column))

    positions = (loop(geometry.out_size[0], geometry.stride[0], 0), loop(geometry.out_size[1], 0, geometry.stride[1]))
    window = (
        loop(geometry.kernel[0], geometry.dilation[0], 0),
        loop(geometry.kernel[1], 0, geometry.dilation[1]),
    )
    grid = None if geometry.padding == NO_PADDING else Grid(geometry.size, (-top, -left))
    return Walk(positions, (*folds, *window, *inner), (reach_of(geometry, row_words),), grid)
