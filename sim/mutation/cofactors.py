"""What literals depend on in the design and in its mutant, in each kind of states of control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig, Latch
from sim.formal.control import CHOICES, INPUTS
from sim.mutation.one_fault import FAULTY
from sim.mutation.transitions import Transitions

MOST_KINDS = 64
"""Of states that differ in what some literals depend on; of more nothing is known."""
Kinds = npt.NDArray[np.int32]
Sources = tuple[frozenset[int], ...]
"""Inputs and registers, nodes, that each of some literals depends on in the same cycle."""


@dataclass(frozen=True)
class Cofactor:
    """What is left of some literals if control is known.

    Args:
        design, mutant: what each of them depends on.
        gates: of both machines: what has the same ones is the same.
    """

    design: Sources
    mutant: Sources
    gates: Any


class Cofactors:
    """Of a design and its mutant.

    Args:
        aig: of both, as ``with_one_fault`` makes it.
        transitions: of the design.
    """

    def __init__(self, aig: Aig, transitions: Transitions) -> None:
        self.aig, self.transitions = aig, transitions
        self._pins = {aig.inputs[name] >> 1: place for place, name in enumerate(INPUTS) if name in aig.inputs}

    @cached_property
    def _strangers(self) -> set[int]:
        """Registers that no data gets to, but that are no control: what they hold depends on the schedule."""
        known = {self.aig.latches[name].value >> 1 for name in self.transitions.registers}
        return self.transitions.scheduled - known

    def of(self, literals: Sequence[int]) -> tuple[list[Cofactor], Kinds] | None:
        """Of each kind of states; and of which kind each state is. None if the pins have a say, or nothing is known."""
        nodes = self.aig.read_by(literals)
        return None if nodes & self._pins.keys() else self._of(literals, nodes, {})

    def with_pins(self, literals: Sequence[int]) -> list[tuple[list[Cofactor], Kinds]] | None:
        """The same, for each of ``CHOICES`` at the pins."""
        nodes, found = self.aig.read_by(literals), []
        for inputs in CHOICES:
            of_choice = self._of(literals, nodes, {node: inputs[place] for node, place in self._pins.items()})
            if of_choice is None:
                return None
            found.append(of_choice)
        return found

    def _of(
        self, literals: Sequence[int], nodes: set[int], pins: Mapping[int, int]
    ) -> tuple[list[Cofactor], Kinds] | None:
        columns, which = self.transitions.kinds(nodes)
        count = int(which.max()) + 1
        if count > MOST_KINDS or not nodes.isdisjoint(self._strangers):
            return None
        roots = {str(place): literal for place, literal in enumerate(literals)}
        cone = Aig(self.aig.inputs, {}, roots, self.aig.cone(literals), self.aig.nodes)
        found = []
        for row in range(count):
            known = {register >> 1: int(column[row]) for register, column in columns.items()}
            found.append(self._cofactor(cone, {**pins, **known}))
        return found, which

    def _cofactor(self, cone: Aig, known: Mapping[int, int]) -> Cofactor:
        design, mutant = (cone.with_instead({**known, self.aig.inputs[FAULTY] >> 1: faulty}) for faulty in (0, 1))
        gates = tuple((tuple(one.ands), tuple(one.outputs.values())) for one in (design, mutant))
        of_design, of_mutant = (
            tuple(sources(one, [root]) for root in one.outputs.values()) for one in (design, mutant)
        )
        return Cofactor(of_design, of_mutant, gates)


def sources(aig: Aig, literals: Sequence[int]) -> frozenset[int]:
    """Inputs and registers that ``literals`` depend on in the same cycle."""
    gates = aig.cone(literals)
    read = {root >> 1 for root in literals} | {side >> 1 for gate in gates for side in (gate.a, gate.b)}
    return frozenset(read - {gate.node for gate in gates} - {0})


def latches_by_node(aig: Aig) -> dict[int, Latch]:
    """Those of the graph."""
    return {latch.value >> 1: latch for latch in aig.latches.values()}
