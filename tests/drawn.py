"""Random networks without Hypothesis: for tests that need many, and make none of them smaller."""

from __future__ import annotations

from golden import Graph
from golden.types import IntArray
from sim.fuzzing.draw import Dice
from sim.fuzzing.networks import network, samples


def drawn(seed: int) -> tuple[Graph, IntArray]:
    """A network and its input."""
    dice = Dice(seed)
    graph = network(dice)
    return graph, samples(dice, graph.input_type)
