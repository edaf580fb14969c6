"""When the beats of a stream come, told from the starts of the tokens that they belong to (rule 5 of streams)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from golden.types import IntArray


@dataclass(frozen=True, eq=False)
class Arrivals:
    """The beats of one sample.

    Args:
        maker: the layer, or input, whose starts they follow.
        token: which of its tokens each beat waits for; shape (beats,).
        offset: cycles from the start of that token; shape (beats,).
        tokens: of a sample.
        token_rows: rows of the tensor in a token.
    """

    maker: str
    token: IntArray
    offset: IntArray
    tokens: int
    token_rows: Fraction = Fraction(1)

    @property
    def beats(self) -> int:
        """Beats of a sample."""
        return len(self.token)

    def later(self, cycles: int) -> Arrivals:
        """The same beats ``cycles`` later."""
        return replace(self, offset=self.offset + cycles)

    def only(self, beats: slice | IntArray, rows: Fraction) -> Arrivals:
        """Some of the beats, of a tensor that has ``rows`` times as many rows."""
        return replace(self, token=self.token[beats], offset=self.offset[beats], token_rows=self.token_rows * rows)


def of_positions(maker: str, positions: int, offsets: IntArray) -> Arrivals:
    """Beats of a layer that makes a row at each of its positions, with these offsets from its start."""
    token = np.repeat(np.arange(positions), len(offsets))
    return Arrivals(maker, token, np.tile(offsets, positions), positions)
