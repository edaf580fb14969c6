"""Who reads some registers, through a pipe: in which states of control, and which of their bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """A word of a register that remembers, or of pins, and what it takes of other registers, so many cycles later.

    Args:
        on_some: states from which on some way it takes what the registers hold.
        on_all: states from which it does so on all ways without a reset.
        bits: that it takes in the design, nodes.
    """

    on_some: Mask
    on_all: Mask
    bits: frozenset[int]


@dataclass(frozen=True)
class _End:
    """A word of a register that remembers, or of pins, that takes something.

    Args:
        some, every: states in which it does, with some choice of the pins, and with all but resets.
        live: nodes that it takes in the design.
    """

    some: Mask
    every: Mask
    live: frozenset[int]


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
        self._traced = self._pipe | cofactors.transitions.pipe

    def all(self) -> list[Reader] | None:
        """Of the registers ``own``. None if somebody takes in the mutant, from them or from the pipe, what it does not
        take in the design in the same cycle; or different things at different times; or if some of those that take
        nothing of ``own`` take it at times when others do not.
        """
        ends = self._ends()
        if ends is None:
            return None
        found, times = [], set()
        for end in ends:
            way = self._way(end.live)
            if way is None:
                return None
            if all(live.isdisjoint(self._own) for live in way):
                times.add((end.some.tobytes(), end.every.tobytes()))
            for delay, live in enumerate(way):
                if live & self._own:
                    found.append(Reader(*self._far(end, delay), live & self._own))
        return found if not times or (len(times) == 1 and len(set(next(iter(times)))) == 1) else None

    def is_made_alike(self, live: frozenset[int]) -> bool:
        """Whether what comes to ``live`` through the pipe depends in the mutant on no more than in the design, and not
        on ``own``.
        """
        way = self._way(live)
        return way is not None and all(nodes.isdisjoint(self._own) for nodes in way)

    def _ends(self) -> list[_End] | None:
        """A word each: bits of one register, or pins, that take something in the same states."""
        aig, reach = self._reach.aig, self._reach
        ends: list[tuple[str, int, int | None]] = [(name, literal, None) for name, literal in aig.outputs.items()]
        lasting = [(name, reach.latches[name]) for name in reach.remembering]
        ends += [(name, latch.following, latch.value) for name, latch in lasting if latch.value >> 1 not in self._own]
        fed = aig.fed_by(self._own | self._pipe)
        found: dict[tuple[str, bytes, bytes], _End] = {}
        for name, literal, own in ends:
            if literal >> 1 not in fed:
                continue
            end = self._end(literal, own)
            if end is None:
                return None
            word = name.rpartition("[")[0], end.some.tobytes(), end.every.tobytes()
            found[word] = replace(end, live=end.live | found.get(word, end).live)
        return list(found.values())

    def _end(self, literal: int, own: int | None) -> _End | None:
        """When something is taken, and what; ``own`` is the literal of the register. None if control has a say in
        what, or it is added to what is there, or the mutant takes more.
        """
        of_choices = self._cofactors.with_pins([literal])
        if of_choices is None:
            return None
        taking, on_choice = self._own | self._pipe, []
        reading: dict[object, Cofactor] = {}
        for cofactors, which in of_choices:
            takes = [not (one.design[0] | one.mutant[0]).isdisjoint(taking) for one in cofactors]
            on_choice.append(np.array(takes)[which])
            reading |= {one.gates: one for one, taken in zip(cofactors, takes, strict=True) if taken}
            # Otherwise it stays as it is, or is reset.
            others = (one.gates for one, taken in zip(cofactors, takes, strict=True) if not taken)
            if any(roots not in ((own,), (0,), (1,)) for machines in others for _, roots in machines):
                return None
        if len(reading) != 1:
            return None
        (only,) = reading.values()
        lasting = {self._reach.latches[name].value >> 1 for name in self._reach.remembering} - self._own
        if not only.mutant[0] <= only.design[0] or not lasting.isdisjoint(only.design[0]):
            return None
        every = np.asarray(np.all([on_choice[choice] for choice in GOING_ON], axis=0))
        return _End(np.any(on_choice, axis=0), every, only.design[0])

    def _way(self, live: frozenset[int]) -> list[frozenset[int]] | None:
        """What ``live`` is made of in the design, a cycle each; None if it is made of more in the mutant."""
        found = [live]
        while live & (self._own | self._pipe):
            roots = live & self._traced
            design, mutant = (
                sources(machine, [following[node].following for node in roots])
                for machine, following in zip(self._machines, self._following, strict=True)
            )
            if not mutant <= design:
                return None
            live = design
            found.append(live)
        return found

    def _far(self, end: _End, delay: int) -> tuple[Mask, Mask]:
        """States from which that many cycles lead to those of the end, on some way and on all without a reset."""
        on_some, on_all = end.some, end.every
        behind = self._cofactors.transitions.behind
        for _ in range(delay):
            on_some = np.any([on_some[behind[choice]] for choice in range(len(CHOICES))], axis=0)
            on_all = np.all([on_all[behind[choice]] for choice in GOING_ON], axis=0)
        return on_some, on_all
