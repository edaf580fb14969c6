"""What leads where: all states of the control of a design, and which of them come behind which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig
from sim.formal.control import CHOICES, Bits, Control, Steps, as_keys, unpacked
from sim.mutation.pipe import pipe_of, scheduled

BATCH = 1 << 15
Literals = npt.NDArray[np.int32]


class Transitions:
    """Of the states that a reset leads to, each called by its place among them.

    Args:
        aig: of the design.
        control: its control, with all states.
    """

    def __init__(self, aig: Aig, control: Control) -> None:
        assert control.states is not None, "what leads where is a matter of states"
        self.aig, self._control, self._states = aig, control, control.states
        self._places: dict[bytes, int] = {}
        self._projected: dict[tuple[int, ...], tuple[Bits, Literals]] = {}

    @cached_property
    def scheduled(self) -> set[int]:
        """Registers, nodes, that no data gets to."""
        return scheduled(self.aig)

    @cached_property
    def pipe(self) -> set[int]:
        """Registers, nodes, that hold the same function of others in every schedule."""
        return pipe_of(self.aig)

    @property
    def registers(self) -> Collection[str]:
        """Of control, bits by name."""
        return self._control.reset_to.keys()

    @property
    def count(self) -> int:
        """How many states there are."""
        return len(self._states)

    def places_of(self, states: Bits) -> Literals:
        """The place of each of the packed ``states``."""
        if not self._places:
            self._places = {key: place for place, key in enumerate(as_keys(self._states))}
        return np.array([self._places[key] for key in as_keys(states)], np.int32)

    @cached_property
    def first(self) -> Literals:
        """The states that a reset may leave."""
        return self.places_of(np.packbits(self._control.first, axis=1))

    @cached_property
    def behind(self) -> list[Literals]:
        """For each of ``CHOICES``, the states behind all states."""
        steps = Steps(self.aig, self._control.reset_to)
        starts = range(0, self.count, BATCH)
        return [
            np.concatenate([self.places_of(steps(self._states[start : start + BATCH], inputs)) for start in starts])
            for inputs in CHOICES
        ]

    def kinds(self, nodes: Collection[int]) -> tuple[Mapping[int, Bits], Literals]:
        """States that are alike in all bits of control among ``nodes``.

        Returns:
            by register, a literal, its value in each kind of states; and of which kind each state is.
        """
        registers = [self.aig.latches[name].value for name in self._control.reset_to]
        columns = tuple(place for place, register in enumerate(registers) if register >> 1 in nodes)
        kinds, which = self._alike(columns)
        return {registers[place]: kind for place, kind in zip(columns, kinds.T, strict=True)}, which

    def _alike(self, columns: tuple[int, ...]) -> tuple[Bits, Literals]:
        """Those alike in some bits: these bits of each kind, a row each, and which kind each state is."""
        if columns not in self._projected:
            bits = [self._states[:, place >> 3] >> (7 - (place & 7)) & 1 for place in columns]
            rows = np.packbits(np.stack(bits, axis=1), axis=1) if bits else np.zeros((self.count, 1), np.uint8)
            wide = np.zeros((len(rows), -(-rows.shape[1] // 8) * 8), np.uint8)
            wide[:, : rows.shape[1]] = rows
            which = np.zeros(len(rows), np.int64)
            for part in wide.view(np.uint64).T:
                _, place = np.unique(part, return_inverse=True)
                _, which = np.unique(which * (place.max() + 1) + place, return_inverse=True)
            first = np.unique(which, return_index=True)[1]
            self._projected[columns] = unpacked(rows[first], len(columns)), which.astype(np.int32)
        return self._projected[columns]
