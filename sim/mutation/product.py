"""The design and its mutant side by side, in all states of their control that a reset leads to.

Control has few states, so all pairs of states are visited that both machines can be in together, whatever comes at
the pins. Data is not followed: it is anything, the same in both machines as long as nothing makes it differ. What may
differ is: what the fault touches, what is computed from something that may differ, unless control makes it a constant,
and registers that were loaded with such. If no pin that means something may ever differ, the fault has no effect. That
is a proof; otherwise there is a way through the states on which a pin of control does differ, or one of data may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from sim.formal.aig import Aig
from sim.formal.control import CHOICES, Bits, Control, first_of
from sim.mutation.cycle import Cycle, Machines, Pairs, UnclearError
from sim.mutation.held import Held
from sim.mutation.one_fault import resets_of

STRAIGHT_CYCLES = 64
"""More than a sample takes through the pipeline of a small network."""
MOST_PAIRS = 2_000_000
MOST_LOST_BITS = 8
BATCH = 1 << 16


@dataclass(frozen=True)
class Way:
    """A way through the states, from the first cycle after a reset on.

    Args:
        inputs: a cycle each, the values of ``sim.formal.control.INPUTS``.
        certain: a pin of control differs at its end; otherwise data may.
    """

    inputs: tuple[tuple[int, ...], ...]
    certain: bool


def shortest_way(aig: Aig, control: Control, held: Held | None = None) -> Way | None:
    """How a fault may show; None if it is proven that it never does.

    Args:
        aig: as ``with_one_fault`` makes it.
        control: of the design.
        held: what its registers are known to hold.

    Raises:
        UnclearError: if nothing is known.
    """
    if control.states is None:
        raise UnclearError
    # What registers hold takes long to find, and most proofs do without.
    quick = Machines(aig, control)
    resets = _resets(quick)
    if _straight(quick, resets) is None and _is_harmless(quick, resets, control.states):
        return None
    machines = Machines(aig, control, held)
    straight = _straight(machines, resets)
    if straight is not None:
        return straight
    if held is not None and _is_harmless(machines, resets, control.states):
        return None
    return _breadth_first(machines, resets)


def _straight(machines: Machines, resets: Pairs) -> Way | None:
    """The way on which nobody ever pauses, if data may differ there already: then there is nothing to be proven."""
    pairs, inputs = resets, (1, 1, 0)
    for cycles in range(1, STRAIGHT_CYCLES):
        cycle = Cycle(machines, pairs, inputs)
        if cycle.possible.any():
            return Way((inputs,) * cycles, cycle.certain is not None)
        pairs = cycle.following(np.arange(len(pairs.design)))
    return None


def _resets(machines: Machines) -> Pairs:
    """What a first reset leaves: of bits that only the design resets anything in the mutant."""
    own, other = resets_of(machines.aig)
    kept = machines.reset_to
    lost = [name for name, value in kept.items() if value is not None and other[name] is None]
    if len(lost) > MOST_LOST_BITS:
        raise UnclearError
    design, mutant = [], []
    for first in first_of(kept).tolist():
        begun = dict(zip(kept, first, strict=True))
        for values in product((0, 1), repeat=len(lost)):
            # What neither of them resets begins alike.
            known = {name: begun[name] if kept[name] is None and other[name] is None else other[name] for name in kept}
            chosen = known | dict(zip(lost, values, strict=True))
            design.append(first)
            mutant.append([chosen[name] for name in kept])
    differing = np.zeros(len(machines.places), np.uint8)
    for name, value in own.items():
        if name not in kept and value is not None and value != other[name]:
            differing[machines.places[name.rpartition("[")[0]]] = 1
    return Pairs(np.array(design, np.uint8), np.array(mutant, np.uint8), np.array([differing] * len(design)))


def _is_harmless(machines: Machines, resets: Pairs, states: Bits) -> bool:
    """A quick proof: from any state of the design, and all ways to the same pair at once."""
    pending = _Merged(machines)
    pending.add(resets.of(resets.unlike))

    def goes_on(pairs: Pairs) -> bool:
        for inputs in CHOICES:
            cycle = Cycle(machines, pairs, inputs)
            if cycle.possible.any():
                return False
            if len(cycle.changed):
                pending.add(cycle.following(cycle.changed))
        return len(pending) <= MOST_PAIRS

    batches = (machines.alike(states[start : start + BATCH]) for start in range(0, len(states), BATCH))
    return all(goes_on(pairs) for pairs in batches) and all(goes_on(pairs) for pairs in pending)


def _breadth_first(machines: Machines, resets: Pairs) -> Way | None:
    """From the reset on; what is looked for is a way to a pin that differs for certain."""
    found: Way | None = None
    layer = resets.keys()
    came: dict[bytes, tuple[bytes, tuple[int, ...]] | None] = dict.fromkeys(layer)

    def way(key: bytes, last: tuple[int, ...], certain: bool) -> Way:
        inputs = [last]
        while (step := came[key]) is not None:
            key, before = step
            inputs.append(before)
        return Way(tuple(inputs[::-1]), certain)

    while layer:
        following: list[bytes] = []
        for start in range(0, len(layer), BATCH):
            batch = layer[start : start + BATCH]
            pairs = machines.pairs_of(batch)
            for inputs in CHOICES:
                cycle = Cycle(machines, pairs, inputs)
                if cycle.certain is not None:
                    return way(batch[cycle.certain], inputs, True)
                shown = np.flatnonzero(cycle.possible)
                if len(shown) and found is None:
                    found = way(batch[shown[0]], inputs, False)
                rows = np.flatnonzero(~cycle.possible)  # beyond the others nothing is certain
                if not len(rows):
                    continue
                for row, key in zip(rows.tolist(), cycle.following(rows).keys(), strict=True):
                    if key not in came:
                        came[key] = (batch[row], inputs)
                        following.append(key)
                if len(came) > MOST_PAIRS:
                    if found is None:
                        raise UnclearError
                    return found
        layer = following
    return found


class _Merged:
    """Pairs still to be visited. Of a pair that is met again, all ways together decide which registers may differ."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._split = 2 * ((len(machines.control) + 7) // 8)
        self._seen: dict[bytes, int] = {}
        self._pending: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, pairs: Pairs) -> None:
        """More of them; those that say nothing new are left out."""
        for key in set(pairs.keys()):
            pair, differing = key[: self._split], int.from_bytes(key[self._split :], "big")
            before = self._seen.get(pair)
            if before is None or before | differing != before:
                self._seen[pair] = differing | (before or 0)
                self._pending.add(pair)

    def __iter__(self) -> Iterator[Pairs]:
        tail = (len(self._machines.places) + 7) // 8
        while self._pending:
            batch = [self._pending.pop() for _ in range(min(BATCH, len(self._pending)))]
            yield self._machines.pairs_of([pair + self._seen[pair].to_bytes(tail, "big") for pair in batch])
