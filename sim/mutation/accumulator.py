"""Whether an accumulator does the same in every schedule, with a fault as without it.

An accumulator is loaded, adds for some cycles, is read, and then holds what nobody reads until it is loaded again. In
the design it depends on control what it does in a cycle, its *mode*. What all inputs show in one schedule (see
``sim.mutation.every_input``) is so in all of them, if three things hold:

1. From each load on the modes are the same in all states that may follow, as long as it is read.
2. It is read in the same cycles behind a load, always and never in others: *read* means that a register that remembers
   takes what comes from it, through the pipe behind it.
3. In no mode the fault makes it depend on what the design does not use then: neither on what was in it before a load,
   nor on words that come while it holds.

Then what is read is made, in each schedule, of the same words by the same gates. All states are looked at, not some.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig
from sim.formal.control import CHOICES, INPUTS
from sim.mutation.one_fault import FAULTY
from sim.mutation.pipe import Reach
from sim.mutation.transitions import Transitions

MOST_KINDS = 64
"""Of states, that differ in control of the accumulator, or of a register that reads it."""
MOST_CYCLES = 64
"""From a load to the last time that it is read."""
Mask = npt.NDArray[np.bool_]
_GOING_ON = tuple(place for place, inputs in enumerate(CHOICES) if not inputs[INPUTS.index("reset[0]")])


@dataclass(frozen=True)
class Mode:
    """What the accumulator does in a cycle.

    Args:
        loads: it forgets what it held, in the design and in the mutant.
        is_fair: the mutant depends on nothing but itself and what the design depends on.
        gates: of both machines; modes with the same ones are the same.
    """

    loads: bool
    is_fair: bool
    gates: Any


class Accumulator:
    """Registers into which a fault brings differences.

    Args:
        reach: of the fault.
        bits: of these registers, by name.
        transitions: of the design.
    """

    def __init__(self, reach: Reach, bits: Collection[str], transitions: Transitions) -> None:
        self._reach, self._aig, self._transitions = reach, reach.aig, transitions
        self._faulty = self._aig.inputs[FAULTY] >> 1
        self._registers = {name: self._aig.latches[name] for name in sorted(bits)}
        self._own = {latch.value >> 1 for latch in self._registers.values()}

    def is_the_same_in_any_schedule(self) -> bool:
        """Whether the three things hold; also if they do, but there is too much of control to see it: False."""
        modes, kinds = self._modes()
        taken = self._taken()
        if not modes or taken is None:
            return False
        some_read, all_read = taken
        loads = np.array([mode.loads for mode in modes])[kinds]

        def are_alike(states: Mask) -> bool:
            present = {modes[kind] for kind in np.unique(kinds[states]).tolist()}
            return len(present) == 1 and all(mode.is_fair for mode in present)

        if not are_alike(loads):
            return False
        held = self._behind(loads)
        for _ in range(MOST_CYCLES):
            if (held & some_read).any() and (held & ~all_read).any():
                return False
            if not are_alike(held):
                # From here on it is old, if it is not loaded again; and so it is after a reset.
                return not (self._old(held & ~loads, loads) & some_read).any()
            held = self._behind(held & ~loads)
        return False

    def _modes(self) -> tuple[list[Mode], npt.NDArray[np.int32]]:
        """Those of kinds of states, and of which kind each state is; none if there are too many or a pin has a say."""
        following = [latch.following for latch in self._registers.values()]
        nodes = self._aig.read_by(following)
        kinds, which = self._transitions.kinds(nodes)
        pins = {self._aig.inputs[name] >> 1 for name in INPUTS if name in self._aig.inputs}
        if int(which.max()) >= MOST_KINDS or not nodes.isdisjoint(pins):
            return [], which
        cone = Aig(self._aig.inputs, self._registers, {}, self._aig.cone(following), self._aig.nodes)
        return [self._mode(cone, known) for known in _rows(kinds, int(which.max()) + 1)], which

    def _mode(self, cone: Aig, known: Mapping[int, int]) -> Mode:
        design, mutant = (cone.with_instead({**known, self._faulty: faulty}) for faulty in (0, 1))
        of_design, of_mutant = (_sources(one) for one in (design, mutant))
        return Mode(
            loads=self._own.isdisjoint(of_design | of_mutant),
            is_fair=of_mutant <= of_design | self._own,
            gates=_gates(design) + _gates(mutant),
        )

    def _taken(self) -> tuple[Mask, Mask] | None:
        """States in which the accumulator is read by somebody on some way on from them, and on all; None if it depends
        on control what is read.
        """
        aig, count = self._aig, self._transitions.count
        ends = {self._reach.latches[name].following for name in self._reach.remembering - self._registers.keys()}
        ends |= set(aig.outputs.values())
        some, every = np.zeros(count, bool), np.zeros(count, bool)
        for delay, nodes in enumerate(self._pipe()):
            fed = aig.fed_by(nodes)
            for literal in (literal for literal in ends if literal >> 1 in fed):
                readers = self._readers(literal, nodes)
                if readers is None:
                    return None
                on_some, on_all = readers
                for _ in range(delay):
                    behind = self._transitions.behind
                    on_some = np.any([on_some[behind[choice]] for choice in range(len(CHOICES))], axis=0)
                    on_all = np.all([on_all[behind[choice]] for choice in _GOING_ON], axis=0)
                some |= on_some
                every |= on_all
        return some, every

    def _pipe(self) -> Iterator[set[int]]:
        """The accumulator, then the registers of the pipe that many cycles behind it."""
        nodes = self._own
        pipe = [self._reach.latches[name] for name in self._reach.latches if name not in self._reach.remembering]
        while nodes:
            yield nodes
            fed = self._aig.fed_by(nodes)
            nodes = {latch.value >> 1 for latch in pipe if latch.following >> 1 in fed}

    def _readers(self, literal: int, nodes: Collection[int]) -> tuple[Mask, Mask] | None:
        """States in which ``literal`` depends on ``nodes`` with some choice of the pins, and with all but resets; None
        if it does so in several ways.
        """
        read = self._aig.read_by([literal])
        kinds, which = self._transitions.kinds(read)
        if int(which.max()) >= MOST_KINDS:
            return None
        cone = Aig(self._aig.inputs, {}, {"": literal}, self._aig.cone([literal]), self._aig.nodes)
        on_choice, ways = [], set()
        for inputs in CHOICES:
            pins = zip(INPUTS, inputs, strict=True)
            levels = {self._aig.inputs[name] >> 1: level for name, level in pins if name in self._aig.inputs}
            depends = []
            for known in _rows(kinds, int(which.max()) + 1):
                machines = [cone.with_instead({**known, **levels, self._faulty: faulty}) for faulty in (0, 1)]
                depends.append(any(not _sources(machine).isdisjoint(nodes) for machine in machines))
                if depends[-1]:
                    ways.add(repr([_gates(machine) for machine in machines]))
            on_choice.append(np.array(depends)[which])
        if len(ways) > 1:
            return None
        return np.any(on_choice, axis=0), np.all([on_choice[choice] for choice in _GOING_ON], axis=0)

    def _behind(self, states: Mask) -> Mask:
        found = np.zeros(len(states), bool)
        for choice in _GOING_ON:
            found[self._transitions.behind[choice][states]] = True
        return found

    def _old(self, states: Mask, loads: Mask) -> Mask:
        """What comes behind ``states``, and behind a reset, up to the next load."""
        found = self._behind(states)
        found[self._transitions.first] = True
        new = found
        while new.any():
            new = self._behind(new & ~loads) & ~found
            found = found | new
        return found


def _rows(kinds: Mapping[int, npt.NDArray[np.uint8]], count: int) -> Iterator[dict[int, int]]:
    """Of each kind what the nodes of control are."""
    for row in range(count):
        yield {register >> 1: int(column[row]) for register, column in kinds.items()}


def _sources(aig: Aig) -> set[int]:
    """The inputs and registers that its latches or outputs depend on in a cycle; there are no others but gates."""
    roots = [*aig.outputs.values(), *(latch.following for latch in aig.latches.values())]
    return aig.read_by(roots) - {gate.node for gate in aig.ands} - {0}


def _gates(aig: Aig) -> tuple[Any, ...]:
    return tuple(aig.ands), tuple(aig.latches.values()), tuple(aig.outputs.values())
