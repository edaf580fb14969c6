"""Whether an accumulator does the same in every schedule, with a fault as without it.

An accumulator is loaded, adds for some cycles, is read, and then holds what nobody reads until it is loaded again. In
the design it depends on control what it does in a cycle, its *mode*. What all inputs show in one schedule (see
``sim.mutation.every_input``) is so in all of them, if three things hold:

1. From each load on the modes are the same in all states that may follow, as long as it is read.
2. Each of those that read it does so in the same cycles behind a load, always, and never in others: *read* means that
   a register that remembers takes what comes from it, through the pipe behind it.
3. Of what one of them reads, and of what that is made of in the cycles before, back to the load and through the pipe
   before it, no bit depends in the mutant on what such bits do not depend on in the design: neither on what was there
   before a load, nor on words that come while it holds, nor on bits that it does not read.

Then what is read is made, in each schedule, of the same words by the same gates. All states are looked at, not some.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from sim.mutation.cofactors import Cofactor, Cofactors
from sim.mutation.pipe import Reach
from sim.mutation.readers import GOING_ON, Mask, Reader, Readers
from sim.mutation.transitions import Transitions

MOST_CYCLES = 64
"""From a load to the last time that it is read."""


class Accumulator:
    """Registers into which a fault brings differences; the pipe behind it is looked at even if there are none.

    Args:
        reach: of the fault.
        bits: of these registers, by name.
        transitions: of the design.
    """

    def __init__(self, reach: Reach, bits: Collection[str], transitions: Transitions) -> None:
        self._reach, self._transitions = reach, transitions
        self._latches = [reach.latches[name] for name in sorted(bits)]
        self._nodes = [latch.value >> 1 for latch in self._latches]
        self._own = frozenset(self._nodes)
        self._cofactors = Cofactors(reach.aig, transitions)

    def is_the_same_in_any_schedule(self) -> bool:
        """Whether the three things hold; also if they do, but there is too much of control to see it: False."""
        whole = Readers(self._reach, self._own, self._cofactors)
        readers = whole.all()
        if readers is None or not self._latches:
            return readers is not None
        modes = self._cofactors.of([latch.following for latch in self._latches])
        if modes is None:
            return False
        cofactors, kinds = modes
        loads = np.array([self._loads(cofactor) for cofactor in cofactors])[kinds]

        def mode(states: Mask) -> Cofactor | None:
            present = {cofactors[kind].gates: cofactors[kind] for kind in np.unique(kinds[states]).tolist()}
            return next(iter(present.values())) if len(present) == 1 else None

        done: list[Cofactor | None] = [mode(loads)]
        read: list[list[Reader]] = [[]]
        held = loads
        while done[-1] is not None and len(done) <= MOST_CYCLES:
            held = self._behind(held if len(done) == 1 else held & ~loads)
            reading = [reader for reader in readers if (held & reader.on_some).any()]
            if any((held & ~reader.on_all).any() for reader in reading):
                return False
            done.append(mode(held))
            read.append(reading)
        if done[-1] is not None or len(done) == 1:
            return False
        # From here on it is old, if it is not loaded again; and so it is after a reset.
        old = self._old(held & ~loads, loads)
        if any((old & reader.on_some).any() for reader in readers):
            return False
        return all(
            self._is_fair(done[:cycles], reader.bits, whole) for cycles, some in enumerate(read) for reader in some
        )

    def _loads(self, cofactor: Cofactor) -> bool:
        return self._own.isdisjoint(frozenset().union(*cofactor.design, *cofactor.mutant))

    def _is_fair(self, modes: list[Cofactor | None], live: frozenset[int], readers: Readers) -> bool:
        """The third thing, for bits that are read behind these ``modes``, from a load on."""
        for mode in reversed(modes):
            assert mode is not None
            places = [place for place, node in enumerate(self._nodes) if node in live]
            design = frozenset[int]().union(*(mode.design[place] for place in places))
            mutant = frozenset[int]().union(*(mode.mutant[place] for place in places))
            if not mutant <= design or not readers.is_made_alike(design - self._own):
                return False
            live = design & self._own
        return True

    def _behind(self, states: Mask) -> Mask:
        found = np.zeros(len(states), bool)
        for choice in GOING_ON:
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
