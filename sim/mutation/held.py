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
        self._following = {latch.value: latch.following for latch in aig.latches.values()}
        self._places: dict[bytes, int] = {}
        self._behind: list[Literals] = []
        self._projected: dict[tuple[int, ...], tuple[Bits, Literals]] = {}
        self._found: dict[int, Literals] = {}

    def places_of(self, states: Bits) -> Literals:
        """The place of each of the packed ``states``."""
        if not self._places:
            self._places = {key: place for place, key in enumerate(as_keys(self._states))}
        return np.array([self._places[key] for key in as_keys(states)], np.int32)

    def by(self, register: int, places: Literals) -> Literals:
        """The literal of another register whose value ``register``, a literal, has in the states at ``places``."""
        if register not in self._found:
            self._found[register] = self._search(register)
        return self._found[register][places]

    def _search(self, register: int) -> Literals:
        """All steps into a state have to load the same, and leave it where it was."""
        lowest = np.full(len(self._states), np.iinfo(np.int32).max, np.int32)
        highest = np.full(len(self._states), np.iinfo(np.int32).min, np.int32)
        for inputs, behind in zip(CHOICES, self._steps(), strict=True):
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
        lowest[self.places_of(np.packbits(self._control.first, axis=1))] = UNKNOWN
        return np.where(lowest == highest, lowest, np.int32(UNKNOWN))

    def _steps(self) -> list[Literals]:
        """For each choice of the inputs, the places of the states behind all states: the same for every register."""
        if not self._behind:
            steps = Steps(self._aig, self._control.reset_to)
            starts = range(0, len(self._states), BATCH)
            for inputs in CHOICES:
                parts = [self.places_of(steps(self._states[start : start + BATCH], inputs)) for start in starts]
                self._behind.append(np.concatenate(parts))
        return self._behind

    def _literals(self, root: int, inputs: Sequence[int]) -> tuple[Literals, Literals]:
        """What ``root`` is, for each of several kinds of states, and which kind each state is."""
        gates = self._aig.cone([root])
        used = {root >> 1} | {side >> 1 for gate in gates for side in (gate.a, gate.b)}
        registers = [self._aig.latches[name].value for name in self._control.reset_to]
        columns = tuple(place for place, register in enumerate(registers) if register >> 1 in used)
        kinds, which = self._kinds(columns)
        constants: dict[int, Literals | int] = {
            self._aig.inputs[name]: level
            for name, level in zip(INPUTS, inputs, strict=True)
            if name in self._aig.inputs
        }
        constants |= {registers[place]: kind.astype(np.int32) for place, kind in zip(columns, kinds.T, strict=True)}
        return literals_of(root, gates, constants, len(kinds)).copy(), which

    def _kinds(self, columns: tuple[int, ...]) -> tuple[Bits, Literals]:
        """States that are alike in some bits: these bits of each kind, a row each, and which kind each state is."""
        if columns not in self._projected:
            bits = [self._states[:, place >> 3] >> (7 - (place & 7)) & 1 for place in columns]
            rows = np.packbits(np.stack(bits, axis=1), axis=1) if bits else np.zeros((len(self._states), 1), np.uint8)
            wide = np.zeros((len(rows), -(-rows.shape[1] // 8) * 8), np.uint8)
            wide[:, : rows.shape[1]] = rows
            numbers = wide.view(np.uint64)
            which = np.zeros(len(rows), np.int64)
            for part in numbers.T:
                _, place = np.unique(part, return_inverse=True)
                _, which = np.unique(which * (place.max() + 1) + place, return_inverse=True)
            first = np.unique(which, return_index=True)[1]
            self._projected[columns] = unpacked(rows[first], len(columns)), which.astype(np.int32)
        return self._projected[columns]
