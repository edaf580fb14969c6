"""What registers of data hold: in which states of control one is sure to have the value of another.

A register that was loaded with a word of a memory, and the word is still there: then it makes no difference whether it
is loaded with that word once more, or stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.formal.aig import And
from sim.formal.control import CHOICES, INPUTS, Bits
from sim.mutation.transitions import Literals, Transitions

UNKNOWN = -1


def literals_of(root: int, gates: Sequence[And], constants: Mapping[int, Literals | int], rows: int) -> Literals:
    """For each row the literal of an input or register, or a constant, whose value ``root`` has; else ``UNKNOWN``.

    Args:
        root: a literal.
        gates: that it depends on.
        constants: 0 or 1 by literals of inputs and registers, one for each row or for all.
        rows: how many.
    """
    found: dict[int, Literals] = {0: np.zeros(rows, np.int32)}

    def of(literal: int) -> Literals:
        node = literal >> 1
        if node not in found:
            found[node] = np.full(rows, constants.get(2 * node, 2 * node), np.int32)
        own = found[node]
        return np.where(own == UNKNOWN, own, own ^ 1) if literal & 1 else own

    for gate in gates:
        a, b = of(gate.a), of(gate.b)
        made = np.where(a == b, a, np.int32(UNKNOWN))
        made = np.where(b == 1, a, np.where(a == 1, b, made))
        made[(a == 0) | (b == 0)] = 0
        found[gate.node] = made
    return of(root)


class Held:
    """What the registers of a design hold.

    Args:
        transitions: of its control.
    """

    def __init__(self, transitions: Transitions) -> None:
        self._transitions, self._aig = transitions, transitions.aig
        self._following = {latch.value: latch.following for latch in self._aig.latches.values()}
        self._found: dict[int, Literals] = {}

    def places_of(self, states: Bits) -> Literals:
        """The place of each of the packed ``states``."""
        return self._transitions.places_of(states)

    def by(self, register: int, places: Literals) -> Literals:
        """The literal of another register whose value ``register``, a literal, has in the states at ``places``."""
        if register not in self._found:
            self._found[register] = self._search(register)
        return self._found[register][places]

    def _search(self, register: int) -> Literals:
        """All steps into a state have to load the same, and leave it where it was."""
        lowest = np.full(self._transitions.count, np.iinfo(np.int32).max, np.int32)
        highest = np.full(self._transitions.count, np.iinfo(np.int32).min, np.int32)
        for inputs, behind in zip(CHOICES, self._transitions.behind, strict=True):
            several, which = self._literals(self._following[register], inputs)
            several[several < 2] = UNKNOWN
            loaded = several[which]
            for other in np.unique(several[several > 1]).tolist():
                source = self._following.get(other & ~1)
                if source is None:  # an input
                    loaded[loaded == other] = UNKNOWN
                    continue
                kept, which = self._literals(source, inputs)
                loaded[(loaded == other) & (kept != other & ~1)[which]] = UNKNOWN
            np.minimum.at(lowest, behind, loaded)
            np.maximum.at(highest, behind, loaded)
        lowest[self._transitions.first] = UNKNOWN
        return np.where(lowest == highest, lowest, np.int32(UNKNOWN))

    def _literals(self, root: int, inputs: Sequence[int]) -> tuple[Literals, Literals]:
        """What ``root`` is, for each of several kinds of states, and which kind each state is."""
        kinds, which = self._transitions.kinds(self._aig.read_by([root]))
        constants: dict[int, Literals | int] = {
            self._aig.inputs[name]: level
            for name, level in zip(INPUTS, inputs, strict=True)
            if name in self._aig.inputs
        }
        constants |= {register: column.astype(np.int32) for register, column in kinds.items()}
        rows = int(which.max()) + 1
        return literals_of(root, self._aig.cone([root]), constants, rows).copy(), which
