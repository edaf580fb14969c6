"""What registers of data hold: in which states of control one is sure to have the value of another.

A register that was loaded with a word of a memory, and the word is still there: then it makes no difference whether it
is loaded with that word once more, or stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig, And
from sim.formal.control import CHOICES, INPUTS, Bits, Control, Steps, as_keys, unpacked

BATCH = 1 << 15
UNKNOWN = -1
Literals = npt.NDArray[np.int32]


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
        aig: of the design.
        control: its control, with all states.
    """

    def __init__(self, aig: Aig, control: Control) -> None:
        assert control.states is not None, "what registers hold is a matter of states"
        self._aig, self._control, self._states = aig, control, control.states
        self._places: dict[bytes, int] = {}
        self._found: dict[int, Literals] = {}

    def by(self, register: int, states: Bits) -> Literals:
        """The literal of another register whose value ``register``, a literal, has in each of the packed ``states``."""
        if not self._places:
            self._places = {key: place for place, key in enumerate(as_keys(self._states))}
        if register not in self._found:
            self._found[register] = self._search(register)
        return self._found[register][self._places_of(states)]

    def _places_of(self, states: Bits) -> list[int]:
        return [self._places[key] for key in as_keys(states)]

    def _search(self, register: int) -> Literals:
        """All steps into a state have to load the same, and leave it where it was."""
        following = {latch.value: latch.following for latch in self._aig.latches.values()}
        steps = Steps(self._aig, self._control.reset_to)
        lowest = np.full(len(self._states), np.iinfo(np.int32).max, np.int32)
        highest = np.full(len(self._states), np.iinfo(np.int32).min, np.int32)
        for start in range(0, len(self._states), BATCH):
            states = self._states[start : start + BATCH]
            for inputs in CHOICES:
                loaded = self._literals(following[register], states, inputs)
                for other in np.unique(loaded[loaded > 1]).tolist():
                    rows = np.flatnonzero(loaded == other)
                    source = following.get(other & ~1)
                    if source is None:  # an input
                        loaded[rows] = UNKNOWN
                        continue
                    stays = self._literals(source, states[rows], inputs) == other & ~1
                    loaded[rows[~stays]] = UNKNOWN
                loaded[loaded < 2] = UNKNOWN
                places = self._places_of(steps(states, inputs))
                np.minimum.at(lowest, places, loaded)
                np.maximum.at(highest, places, loaded)
        first = np.packbits(np.array([list(self._control.reset_to.values())], dtype=np.uint8), axis=1)
        lowest[self._places_of(first)] = UNKNOWN
        return np.where(lowest == highest, lowest, np.int32(UNKNOWN))

    def _literals(self, root: int, states: Bits, inputs: Sequence[int]) -> Literals:
        columns = unpacked(states, len(self._control.reset_to)).T.astype(np.int32)
        constants: dict[int, Literals | int] = {
            self._aig.inputs[name]: level
            for name, level in zip(INPUTS, inputs, strict=True)
            if name in self._aig.inputs
        }
        for name, column in zip(self._control.reset_to, columns, strict=True):
            constants[self._aig.latches[name].value] = column
        return literals_of(root, self._aig.cone([root]), constants, len(states))
