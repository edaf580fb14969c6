"""What depends on some nodes of a graph: gates, registers that are a pipe, and registers that remember."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig, And, Latch
from sim.formal.control import INPUTS

Words = npt.NDArray[np.uint64]
ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_WORD = "m_axis_tdata["


def valued(values: Mapping[int, Words] | Words, literal: int) -> Words:
    """A literal, of what the nodes are."""
    own: Words = values[literal >> 1]
    return ~own if literal & 1 else own


@dataclass(frozen=True)
class Reach:
    """What some nodes reach, in whatever cycle.

    Args:
        aig: the graph.
        nodes: where it begins.
        gates, latches: that depend on them.
        remembering: those of the latches that come to themselves again; the others are a pipe.
    """

    aig: Aig
    nodes: frozenset[int]
    gates: Sequence[And]
    latches: Mapping[str, Latch]
    remembering: frozenset[str]

    @classmethod
    def of(cls, aig: Aig, nodes: Collection[int]) -> Reach:
        """Of ``nodes`` in ``aig``."""
        reached = aig.depending_on(nodes)
        gates = [gate for gate in aig.ands if gate.node in reached]
        latches = {name: latch for name, latch in aig.latches.items() if latch.value >> 1 in reached}
        return cls(aig, frozenset(nodes), gates, latches, frozenset(in_a_circle(gates, latches)))

    def is_data(self, control: Collection[str]) -> bool:
        """Whether neither ``control``, bits of registers by name, nor a pin but those of data is reached."""
        reached = (
            self.nodes | {gate.node for gate in self.gates} | {latch.value >> 1 for latch in self.latches.values()}
        )
        pins = [literal >> 1 for name, literal in self.aig.outputs.items() if not name.startswith(_WORD)]
        return reached.isdisjoint(pins) and self.latches.keys().isdisjoint(control)

    def differing(self, values: Words, before: Mapping[int, Words]) -> tuple[dict[int, Words], dict[str, Words]]:
        """Nodes that are not what ``values`` says, and latches, by name, that will not be what it says.

        Args:
            values: a row a node.
            before: inputs and latches that differ.
        """
        own = dict(before)
        for gate in self.gates:
            a, b = gate.a >> 1, gate.b >> 1
            if a in own or b in own:
                left, right = own.get(a, values[a]), own.get(b, values[b])
                made = (~left if gate.a & 1 else left) & (~right if gate.b & 1 else right)
                if not np.array_equal(made, values[gate.node]):
                    own[gate.node] = made
        after = {}
        for name, latch in self.latches.items():
            if latch.following >> 1 in own:
                other = valued(own, latch.following)
                if not np.array_equal(other, valued(values, latch.following)):
                    after[name] = other
        return own, after


def in_a_circle(gates: Sequence[And], latches: Mapping[str, Latch]) -> Iterator[str]:
    """Latches that depend on themselves; sets of latches are the bits of integers."""
    depends = {latch.value >> 1: 1 << place for place, latch in enumerate(latches.values())}
    for gate in gates:
        depends[gate.node] = depends.get(gate.a >> 1, 0) | depends.get(gate.b >> 1, 0)
    reach = [depends.get(latch.following >> 1, 0) for latch in latches.values()]
    for through in range(len(reach)):  # Warshall
        for place, own in enumerate(reach):
            if own >> through & 1:
                reach[place] = own | reach[through]
    return (name for place, name in enumerate(latches) if reach[place] >> place & 1)


def scheduled(aig: Aig) -> set[int]:
    """Registers that no data gets to, and that change: what is in them depends on who gives and takes when."""
    data = [literal >> 1 for name, literal in aig.inputs.items() if name not in INPUTS]
    return {latch.value >> 1 for latch in aig.latches.values()} - aig.depending_on(data) - _constant(aig)


def _constant(aig: Aig) -> set[int]:
    """Registers that are the same from some cycle on, whatever comes: words of a ROM have bits that are never set."""
    known: dict[int, int] = {}
    while True:
        following = aig.with_instead(known).latches.values()
        found = {latch.value >> 1: latch.following for latch in following if latch.following < 2}
        if found.keys() == known.keys():
            return set(found)
        known = found


def pipe_of(aig: Aig) -> set[int]:
    """Registers that hold, in every schedule, the same function of what others held in the cycle before."""
    fixed = aig.fed_by(scheduled(aig) | {aig.inputs[name] >> 1 for name in INPUTS if name in aig.inputs})
    circle = set(in_a_circle(aig.ands, aig.latches))
    return {
        latch.value >> 1
        for name, latch in aig.latches.items()
        if name not in circle and latch.following >> 1 not in fixed
    }
