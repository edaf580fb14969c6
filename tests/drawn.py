"""Random networks without Hypothesis: for tests that need many, and make none of them smaller."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from golden import Graph
from golden.types import IntArray
from sim.fuzzing.draw import T
from sim.fuzzing.networks import network, samples


class Dice:
    """A source of choices; integers are often at an end."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        """As the protocol says."""
        return self._random.choice((low, high, *[self._random.randint(low, high)] * 4))

    def choice(self, options: Sequence[T]) -> T:
        """As the protocol says."""
        return self._random.choice(options)


def drawn(seed: int) -> tuple[Graph, IntArray]:
    """A network and its input."""
    dice = Dice(seed)
    graph = network(dice)
    return graph, samples(dice, graph.input_type)
