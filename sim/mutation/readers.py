"""Who reads some registers, through a pipe: in which states of control, and which of their bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.formal.control import CHOICES, INPUTS
from sim.mutation.cofactors import Cofactor, Cofactors, latches_by_node, sources
from sim.mutation.one_fault import FAULTY
from sim.mutation.pipe import Reach

Mask = npt.NDArray[np.bool_]
"""Of states, by place."""
GOING_ON = tuple(place for place, inputs in enumerate(CHOICES) if not inputs[INPUTS.index("reset[0]")])
"""Choices without a reset."""


@dataclass(frozen=True)
class Reader:
    """Those that take, in the same cycles, what registers held so many cycles before.

    Args:
        on_some: states from which on some way they take what the registers hold.
        on_all: states from which they do so on all ways without a reset.
        bits: that they take in the design, nodes.
    """

    on_some: Mask
    on_all: Mask
    bits: frozenset[int]


@dataclass
class _Group:
    """Registers that remember, and pins, that take something in the same states.

    Args:
        some, every: of these states, with some choice of the pins, and with all but resets.
        live: nodes that they use in the design.
    """

    some: Mask
    every: Mask
    live: set[int]


class Readers:
    """Of what a fault reaches.

    Args:
        reach: of the fault.
        own: registers, nodes, that remember, and that are read as well.
        cofactors: of design and mutant.
    """

    def __init__(self, reach: Reach, own: frozenset[int], cofactors: Cofactors) -> None:
        self._reach, self._own, self._cofactors = reach, own, cofactors
        self._machines = [reach.aig.with_instead({reach.aig.inputs[FAULTY] >> 1: faulty}) for faulty in (0, 1)]
        self._following = [latches_by_node(machine) for machine in self._machines]
        self._pipe = {latch.value >> 1 for name, latch in reach.latches.items() if name not in reach.remembering}

    def all(self) -> list[Reader] | None:
        """Of the registers ``own``; None if somebody reads in the mutant, from them or from the pipe, what is not used
        in the design in the same cycle, or control has a say in what is read.
        """
        groups, found = self._groups(), []
        for group in groups or ():
            live, delay = frozenset(group.live), 0
            while live & (self._own | self._pipe):
                if live & self._own:
                    found.append(Reader(*self._far(group, delay), live & self._own))
                earlier = self._before(live & (self._pipe | self._cofactors.transitions.pipe))
                if earlier is None:
                    return None
                live, delay = earlier, delay + 1
        return None if groups is None else found

    def _groups(self) -> list[_Group] | None:
        aig, reach = self._reach.aig, self._reach
        ends = {reach.latches[name].following for name in reach.remembering} | set(aig.outputs.values())
        ends -= {latch.following for latch in reach.latches.values() if latch.value >> 1 in self._own}
        fed = aig.fed_by(self._own | self._pipe)
        groups: dict[tuple[bytes, bytes], _Group] = {}
        for literal in ends:
            if literal >> 1 not in fed:
                continue
            own = self._taken(literal)
            if own is None:
                return None
            group = groups.setdefault((own.some.tobytes(), own.every.tobytes()), own)
            group.live |= own.live
        return list(groups.values())

    def _taken(self, literal: int) -> _Group | None:
        """When something is taken, and what; None if control has a say in what, or the mutant takes more."""
        of_choices = self._cofactors.with_pins([literal])
        if of_choices is None:
            return None
        on_choice: list[Mask] = []
        reading: dict[object, Cofactor] = {}
        for cofactors, which in of_choices:
            takes = [not (one.design[0] | one.mutant[0]).isdisjoint(self._own | self._pipe) for one in cofactors]
            on_choice.append(np.array(takes)[which])
            reading |= {one.gates: one for one, taken in zip(cofactors, takes, strict=True) if taken}
        if len(reading) > 1 or any(not one.mutant[0] <= one.design[0] for one in reading.values()):
            return None
        every = np.asarray(np.all([on_choice[choice] for choice in GOING_ON], axis=0))
        return _Group(np.any(on_choice, axis=0), every, {node for one in reading.values() for node in one.design[0]})

    def _before(self, live: frozenset[int]) -> frozenset[int] | None:
        """What registers of the pipe come from; None if in the mutant they come from more."""
        design, mutant = (
            sources(machine, [following[node].following for node in live])
            for machine, following in zip(self._machines, self._following, strict=True)
        )
        return design if mutant <= design else None

    def _far(self, group: _Group, delay: int) -> tuple[Mask, Mask]:
        """States from which that many cycles lead to those of the group, on some way and on all without a reset."""
        on_some, on_all = group.some, group.every
        behind = self._cofactors.transitions.behind
        for _ in range(delay):
            on_some = np.any([on_some[behind[choice]] for choice in range(len(CHOICES))], axis=0)
            on_all = np.all([on_all[behind[choice]] for choice in GOING_ON], axis=0)
        return on_some, on_all
