"""Walks: in which order a layer reads the words of its buffers. What the plan knows of a layer's timing is its walk.

A tensor lies in a buffer word after word, one sample behind the other. A layer makes its result position by position.
The positions are a grid of (rows, columns); at each one it takes the same steps, as nested loops, one a cycle. Before
it begins with a position, the words that this needs have to be there; after a row of positions, rows of the tensor are
done with, and their place in the buffer can be filled again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from golden.types import IntArray


@dataclass(frozen=True)
class Loop:
    """One loop of a walk.

    Args:
        count: how often it goes round.
        strides: words from one round to the next, for each buffer; then lanes, if the walk has a lane.
        moves: steps in the coordinates that tell the tensor from its padding; none where there is no padding.
    """

    count: int
    strides: tuple[int, ...]
    moves: tuple[int, ...] = ()


@dataclass(frozen=True)
class Grid:
    """Coordinates of a step, for a tensor with padding around it: what lies outside of ``size`` is padding.

    Args:
        size: of the tensor, along each coordinate.
        origin: coordinates of the first step, negative in the padding.
    """

    size: tuple[int, ...]
    origin: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Reach:
    """What the positions of a walk need of one buffer.

    Args:
        words: of a sample in the buffer, ``row_words`` of them make a row of its tensor.
        base: where the first step reads, in words from the start of the sample; negative in the padding.
        needs: for each position, how many words of the sample have to be there, maybe none; shape (positions,).
        frees: for each row of positions, how many rows of the tensor are done with after it; shape (rows,); the last
            one is all of them.
    """

    words: int
    row_words: int
    base: int
    needs: IntArray
    frees: IntArray

    @cached_property
    def increments(self) -> IntArray:
        """By how much the need grows with each position, the last one leading to the next sample."""
        return np.append(self.needs[1:], self.words + self.needs[0]) - self.needs

    @cached_property
    def freed(self) -> IntArray:
        """Rows that each row of positions is done with."""
        return np.diff(self.frees, prepend=0)

    def rows_at_once(self, columns: int) -> int:
        """Rows of the tensor that have to be in the buffer at once, so that every position can be made."""
        done = np.repeat(np.append(0, self.frees[:-1]), columns)
        return int(np.max(-(-self.needs // self.row_words) - done))


@dataclass(frozen=True, eq=False)
class Walk:
    """Positions and steps.

    Args:
        positions: the loops over rows and over columns of positions.
        steps: the loops of a position, the outermost first.
        buffers: what is needed of each buffer.
        grid: coordinates, if there is padding.
        lane: of the word that the first step reads, if the others do not matter.
    """

    positions: tuple[Loop, Loop]
    steps: tuple[Loop, ...]
    buffers: tuple[Reach, ...]
    grid: Grid | None = None
    lane: int | None = None
    position_cycles: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "position_cycles", prod(loop.count for loop in self.steps))

    @property
    def count(self) -> int:
        """Positions of a sample."""
        return self.positions[0].count * self.positions[1].count


def rows_in_order(rows: int, words: int, steps: tuple[Loop, ...]) -> Walk:
    """The walk of a layer that makes one position of each row of ``words`` words, and is done with it then."""
    return Walk((Loop(rows, (words,)), Loop(1, (0,))), steps, (row_by_row(rows, words),))


def row_by_row(rows: int, words: int) -> Reach:
    """One row of ``words`` words for each row of positions."""
    ends = np.arange(1, rows + 1)
    return Reach(rows * words, words, 0, ends * words, ends)


def linear(
    positions: tuple[Loop, Loop],
    steps: tuple[Loop, ...],
    rows: int,
    row_words: int,
    base: int = 0,
    lane: int | None = None,
) -> Walk:
    """The walk that reads word ``base``, and ``strides[0]`` words on with each round of a loop; never backwards.

    A position needs all words up to the last one that it reads. The rows of the tensor before all that is still to be
    read are done with, and after the last position all of them.
    """
    down, along = (loop.strides[0] for loop in positions)
    last = base + 1 + sum((loop.count - 1) * loop.strides[0] for loop in steps)
    row, column = (np.arange(loop.count) for loop in positions)
    frees = np.minimum((base + (row + 1) * down) // row_words, rows)
    frees[-1] = rows
    needs = (last + row[:, None] * down + column[None, :] * along).reshape(-1)
    return Walk(positions, steps, (Reach(rows * row_words, row_words, base, needs, frees),), lane=lane)
