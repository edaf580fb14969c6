"""One cycle of the design and its mutant, for many pairs of states at once: what may differ behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig, And, Latch
from sim.formal.control import INPUTS, Bits, Control, as_keys, as_rows, transposed, unpacked
from sim.mutation.held import Held, literals_of
from sim.mutation.one_fault import DATA, FAULTY, PINS
from sim.mutation.transitions import Literals

_Value = tuple[Bits, Bits, Bits, Bits, Bits | None]
"""Of a node, a bit for each pair of states: known to be 0 and 1 in the design, likewise in the mutant, may differ."""
Rows = npt.NDArray[Any]


class UnclearError(Exception):
    """The mutant's control depends on data, or there are too many states: nothing is known."""


class Machines:
    """What is computed in a cycle.

    Args:
        aig: of both machines, as ``with_one_fault`` makes it.
        control: of the design.
        held: what its registers are known to hold.
    """

    def __init__(self, aig: Aig, control: Control, held: Held | None = None) -> None:
        self.aig, self.reset_to, self.held = aig, control.reset_to, held
        self.control = [aig.latches[name] for name in self.reset_to]
        data = {name: latch for name, latch in aig.latches.items() if name not in self.reset_to}
        places: dict[str, int] = {}
        self.data: list[tuple[Latch, int]] = []
        for name, latch in data.items():
            self.data.append((latch, places.setdefault(name.rpartition("[")[0], len(places))))
        self.places = places
        self.place_of = {latch.value: place for latch, place in self.data}
        self.pins = [aig.outputs[f"{pin}[0]"] for pin in PINS]
        self.valid = aig.outputs["m_axis_tvalid[0]"]
        self.data_pins = [literal for name, literal in aig.outputs.items() if name.startswith(DATA)]
        following = [latch.following for latch in aig.latches.values()]
        self._cones: dict[int, list[And]] = {}
        self.gates = aig.cone([*following, *self.pins, *self.data_pins])

    def pairs_of(self, keys: Sequence[bytes]) -> Pairs:
        """The pairs with these ``keys``, at least one."""
        control, words = len(self.control), len(self.places)
        rows, width = as_rows(keys), (control + 7) // 8
        parts = rows[:, :width], rows[:, width : 2 * width], rows[:, 2 * width :]
        design, mutant, differing = (
            unpacked(part, bits) for part, bits in zip(parts, (control, control, words), strict=True)
        )
        return Pairs(design, mutant, differing)

    def cone(self, root: int) -> list[And]:
        """The gates that a literal depends on."""
        if root not in self._cones:
            self._cones[root] = self.aig.cone([root])
        return self._cones[root]

    def alike(self, states: Bits) -> Pairs:
        """Both machines in the same state of control, with nothing that differs; a packed row each."""
        own = unpacked(states, len(self.control))
        return Pairs(own, own, np.zeros((len(own), len(self.places)), np.uint8))


@dataclass
class Pairs:
    """Pairs of states, a row each, a byte a bit: control of the design, of the mutant, which registers may differ.

    ``places`` are those of the design's states in ``Held``, once somebody has asked for them.
    """

    design: Bits
    mutant: Bits
    differing: Bits
    places: Literals | None = None

    @cached_property
    def columns(self) -> tuple[Bits, Bits, Bits]:
        """A packed column for each bit, of all three."""
        design = transposed(self.design)
        return design, design if self.mutant is self.design else transposed(self.mutant), transposed(self.differing)

    def keys(self) -> list[bytes]:
        """Each pair as bytes."""
        parts = self.design, self.mutant, self.differing
        return as_keys(np.concatenate([np.packbits(np.ascontiguousarray(part), axis=1) for part in parts], axis=1))

    def of(self, rows: Rows) -> Pairs:
        """Some of them."""
        return Pairs(self.design[rows], self.mutant[rows], self.differing[rows])

    @property
    def unlike(self) -> Rows:
        """The rows in which something may differ."""
        return np.flatnonzero((self.design != self.mutant).any(axis=1) | self.differing.any(axis=1))


class Cycle:
    """One cycle of many pairs, all with the same inputs.

    ``certain`` is the row of a pair whose pins of control differ, or None; ``possible`` says of each row whether pins
    may differ; ``changed`` are the rows whose next states do, or may.

    Args:
        machines: both.
        pairs: their states.
        inputs: values of ``sim.formal.control.INPUTS``.

    Raises:
        UnclearError: if the mutant's control depends on data.
    """

    def __init__(self, machines: Machines, pairs: Pairs, inputs: tuple[int, ...]) -> None:
        self._machines, self._count, self._pairs, self._inputs = machines, len(pairs.design), pairs, inputs
        self._low: Bits = np.zeros((self._count + 7) // 8, np.uint8)
        self._values = self._sources(pairs, inputs)
        self._compute()
        self._loaded = [(place, self._loads(latch)) for latch, place in machines.data]
        certain, possible = self._shown()
        rows = np.flatnonzero(self._rows(certain))
        self.certain: int | None = int(rows[0]) if len(rows) else None
        self.possible: Rows = self._rows(possible)
        self.changed: Rows = np.flatnonzero(self._rows(self._changed()))

    def following(self, rows: Rows) -> Pairs:
        """The next states of some rows."""
        machines = self._machines
        values = [self._of(latch.following) for latch in machines.control]
        differing = np.zeros((len(machines.places), len(self._low)), np.uint8)
        for place, differs in self._loaded:
            if differs is not None:
                differing[place] |= differs
        design, mutant = np.stack([value[1] for value in values]), np.stack([value[3] for value in values])
        return Pairs(self._picked(design, rows), self._picked(mutant, rows), self._picked(differing, rows))

    def _picked(self, columns: Bits, rows: Rows) -> Bits:
        """The bits of some rows, of a packed column for each bit."""
        bits = np.unpackbits(columns, axis=1, count=self._count)
        return (bits if len(rows) == self._count else bits[:, rows]).T

    def _sources(self, pairs: Pairs, inputs: tuple[int, ...]) -> dict[int, _Value]:
        machines, low, high = self._machines, self._low, ~self._low
        zero, one = (high, low, high, low, None), (low, high, low, high, None)
        values: dict[int, _Value] = {}
        for literal in machines.aig.inputs.values():
            values[literal >> 1] = (low, low, low, low, None)
        values[0] = zero
        for name, level in zip(INPUTS, inputs, strict=True):
            if name in machines.aig.inputs:
                values[machines.aig.inputs[name] >> 1] = one if level else zero
        values[machines.aig.inputs[FAULTY] >> 1] = (high, low, low, high, high)
        design, mutant, differing = pairs.columns
        for latch, own, other in zip(machines.control, design, mutant, strict=True):
            differs = own ^ other
            values[latch.value >> 1] = (~own, own, ~other, other, differs if differs.any() else None)
        places = [column if column.any() else None for column in differing]
        for latch, place in machines.data:
            values[latch.value >> 1] = (low, low, low, low, places[place])
        return values

    def _compute(self) -> None:
        """A gate's value is the same in both machines if that of both operands is, or if it is known in both."""
        values = self._values
        for node, a, b in self._machines.gates:
            zero, one, other_zero, other_one, differs = values[a >> 1]
            if a & 1:
                zero, one, other_zero, other_one = one, zero, other_one, other_zero
            zero_b, one_b, other_zero_b, other_one_b, differs_b = values[b >> 1]
            if b & 1:
                zero_b, one_b, other_zero_b, other_one_b = one_b, zero_b, other_one_b, other_zero_b
            made_zero, made_one = self._either(zero, zero_b), self._both(one, one_b)
            if differs is None and differs_b is None:
                values[node] = (made_zero, made_one, made_zero, made_one, None)
                continue
            other_made_zero, other_made_one = self._either(other_zero, other_zero_b), self._both(other_one, other_one_b)
            either = self._either(*(self._low if one is None else one for one in (differs, differs_b)))
            for known in (self._both(made_zero, other_made_zero), self._both(made_one, other_made_one)):
                either = either if known is self._low else either & ~known
            values[node] = (made_zero, made_one, other_made_zero, other_made_one, either)

    def _either(self, a: Bits, b: Bits) -> Bits:
        """``a | b``; most of what is computed of data is ``_low``."""
        return b if a is self._low else a if b is self._low else a | b

    def _both(self, a: Bits, b: Bits) -> Bits:
        return self._low if a is self._low or b is self._low else a & b

    def _shown(self) -> tuple[Bits, Bits]:
        """At the pins: what differs for certain, and what may."""
        certain, possible = self._low, self._low
        for pin in self._machines.pins:
            zero, one, other_zero, other_one, differs = self._of(pin)
            if differs is not None:
                certain = certain | (zero & other_one) | (one & other_zero)
                possible = possible | differs
        invalid = self._of(self._machines.valid)[0]
        for pin in self._machines.data_pins:
            differs = self._of(pin)[4]
            if differs is not None:
                possible = possible | (differs & ~invalid)
        return certain, possible

    def _changed(self) -> Bits:
        changed = self._low
        for latch in self._machines.control:
            _, one, other_zero, other_one, differs = self._of(latch.following)
            if differs is not None:
                if self._rows(~(other_zero | other_one)).any():
                    raise UnclearError
                changed = changed | (one ^ other_one)
        for _, differs in self._loaded:
            if differs is not None:
                changed = changed | differs
        return changed

    def _loads(self, latch: Latch) -> Bits | None:
        """Where a register of data may become something else: not where it holds already what it is loaded with."""
        machines, differs = self._machines, self._of(latch.following)[4]
        if differs is None or machines.held is None:
            return differs
        rows = np.flatnonzero(self._rows(differs))
        if not len(rows):
            return None
        pairs = self._pairs.of(rows)
        own, other = (
            literals_of(latch.following, machines.cone(latch.following), self._constants(control, faulty), len(rows))
            for faulty, control in enumerate((pairs.design, pairs.mutant))
        )
        if not ((own > 1) & (other > 1)).any():
            return differs
        if self._pairs.places is None:
            self._pairs.places = machines.held.places_of(np.packbits(self._pairs.design, axis=1))
        held = machines.held.by(latch.value, self._pairs.places[rows])
        stays = (other == latch.value) & (held == own) | (own == latch.value) & (held == other)
        same = (own > 1) & ((own == other) | stays)
        for literals in (own, other):
            for literal in np.unique(literals[same]).tolist():
                place = machines.place_of.get(literal & ~1)
                if place is not None:  # what differs in both machines is not the same
                    same &= (literals != literal) | (pairs.differing[:, place] == 0)
        left = self._rows(differs)
        left[rows[same]] = False
        return np.packbits(left) if left.any() else None

    def _constants(self, control: Bits, faulty: int) -> dict[int, Literals | int]:
        machines = self._machines
        found: dict[int, Literals | int] = {machines.aig.inputs[FAULTY]: faulty}
        for name, level in zip(INPUTS, self._inputs, strict=True):
            if name in machines.aig.inputs:
                found[machines.aig.inputs[name]] = level
        columns = control.T.astype(np.int32)
        found |= {latch.value: column for latch, column in zip(machines.control, columns, strict=True)}
        return found

    def _of(self, literal: int) -> _Value:
        value = self._values[literal >> 1]
        if literal & 1:
            zero, one, other_zero, other_one, differs = value
            return one, zero, other_one, other_zero, differs
        return value

    def _rows(self, column: Bits) -> Rows:
        return np.unpackbits(column, count=self._count).astype(bool)
