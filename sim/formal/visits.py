"""Proofs about control by going everywhere: each state that a reset leads to is visited, whatever comes at the pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from sim.formal.aig import Aig, And, Latch
from sim.formal.control import INPUTS, Bits, as_keys, as_rows, first_of, next_states, transposed, unpacked
from sim.formal.prover import PROVEN, REFUTED, UNDECIDED, Verdict

MOST_STATES = 1_000_000
BATCH = 1 << 16
_BAD = "bad[0]"


def never_bad(aig: Aig, inputs: Sequence[str] = INPUTS) -> Verdict:
    """Whether the output ``bad`` is low after every reset; undecided if it depends on more than ``inputs``.

    Registers that a reset does not touch begin with zeros: that no pin depends on what they hold is to be proven by
    ``sim.formal.power_up``, for the same design.

    Args:
        aig: of a harness that looks at pins, see ``make_aig``.
        inputs: that control depends on, the reset among them.
    """
    # What was bad in one cycle is part of the state in the next one.
    watched = replace(aig, latches={**aig.latches, _BAD: Latch(2 * aig.nodes, aig.outputs[_BAD])}, nodes=aig.nodes + 1)
    data = watched.depending_on([literal >> 1 for name, literal in watched.inputs.items() if name not in inputs])
    after = watched.after({INPUTS[2]: 1})
    registers = {name: after[name] or 0 for name, latch in watched.latches.items() if latch.value >> 1 not in data}
    if _BAD not in registers or after[_BAD] is None:
        return Verdict(UNDECIDED)
    machine = Machine.of(watched, _needed(watched, registers), inputs)
    levels = [machine.start]
    seen = set(as_keys(machine.start))
    place = list(machine.registers).index(_BAD)
    while len(levels[-1]):
        found: set[bytes] = set()
        for first in range(0, len(levels[-1]), BATCH):
            found.update(as_keys(machine.following(levels[-1][first : first + BATCH])))
        new = found - seen
        seen |= new
        levels.append(as_rows(sorted(new)) if new else machine.start[:0])
        shown = np.flatnonzero(unpacked(levels[-1], len(machine.registers))[:, place])
        if len(shown):
            return Verdict(REFUTED, machine.way(levels, int(shown[0])))
        if len(seen) > MOST_STATES:
            return Verdict(UNDECIDED)
    return Verdict(PROVEN)


def _needed(aig: Aig, registers: Mapping[str, int]) -> dict[str, int | None]:
    """Those registers on which ``bad`` depends, in whatever cycle."""
    by_node = {aig.latches[name].value >> 1: name for name in registers}
    needed, new = {_BAD}, {_BAD}
    while new:
        gates = aig.cone(aig.latches[name].following for name in new)
        read = {literal >> 1 for gate in gates for literal in (gate.a, gate.b)}
        read |= {aig.latches[name].following >> 1 for name in new}
        new = {by_node[node] for node in read if node in by_node} - needed
        needed |= new
    return {name: value for name, value in registers.items() if name in needed}


@dataclass(frozen=True)
class Machine:
    """What states of control become, with every choice of inputs at once; a reset leads to ``start`` from everywhere.

    Args:
        aig: of the design.
        registers: of its control, and what a reset makes of them; None where that may be either.
        inputs: that these depend on.
        choices: of the inputs, all of them without a reset.
        gates: that the next states depend on.
    """

    aig: Aig
    registers: Mapping[str, int | None]
    inputs: Sequence[str]
    choices: Sequence[tuple[int, ...]]
    gates: Sequence[And]

    @classmethod
    def of(cls, aig: Aig, registers: Mapping[str, int | None], inputs: Sequence[str]) -> Machine:
        """Of these ``registers``, which depend on nothing but each other and ``inputs``."""
        there = [name for name in inputs if name in aig.inputs and name != INPUTS[2]]
        gates = aig.cone(aig.latches[name].following for name in registers)
        return cls(aig, registers, there, tuple(product((0, 1), repeat=len(there))), gates)

    @property
    def start(self) -> Bits:
        """The states after a reset, packed rows."""
        return np.packbits(first_of(self.registers), axis=1)

    def columns(self, states: Bits) -> tuple[int, dict[int, Bits]]:
        """How many bytes a column has, and those of constants, inputs and registers by node: all states a choice."""
        rows = np.concatenate([states] * len(self.choices))
        size = (len(rows) + 7) // 8
        values = {0: np.zeros(size, np.uint8)}
        values |= dict.fromkeys((literal >> 1 for literal in self.aig.inputs.values()), values[0])
        levels = np.repeat(np.array(self.choices, dtype=np.uint8), len(states), axis=0)
        for name, column in zip(self.inputs, transposed(levels), strict=True):
            values[self.aig.inputs[name] >> 1] = column
        latches = (self.aig.latches[name] for name in self.registers)
        own = transposed(unpacked(rows, len(self.registers)))
        values |= {latch.value >> 1: column for latch, column in zip(latches, own, strict=True)}
        return size, values

    def following(self, states: Bits) -> Bits:
        """The next states, packed rows: those of the first choice, then those of the next one."""
        _, values = self.columns(states)
        literals = [self.aig.latches[name].following for name in self.registers]
        return next_states(self.gates, values, literals, len(states) * len(self.choices))

    def way(self, levels: Sequence[Bits], row: int) -> str:
        """A line a cycle from the reset to a state of the last level: what the inputs are."""
        lines: list[str] = []
        for cycle in range(len(levels) - 1, 0, -1):
            before, target = levels[cycle - 1], as_keys(levels[cycle][row : row + 1])[0]
            row = as_keys(self.following(before)).index(target)
            choice, row = divmod(row, len(before))
            values = zip(self.inputs, self.choices[choice], strict=True)
            lines.append(" ".join(f"{name}@{cycle - 1}={value}" for name, value in values))
        return "\n".join(lines[::-1])
