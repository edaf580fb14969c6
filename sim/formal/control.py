"""Control states: all that the control of a design can come to be after a reset, found by going everywhere.

In the hardware of a network no address, counter or handshake depends on data (rule 5 of ``rtlgen.stream``), so there
are few states, and these are exactly those that can be reached: what follows from how full buffers are holds in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.formal.aig import Aig, And

Bits = npt.NDArray[np.uint8]
INPUTS = ("s_axis_tvalid[0]", "m_axis_tready[0]", "reset[0]")
"""That control may depend on."""
CHOICES = tuple(product((0, 1), repeat=len(INPUTS)))
MOST_FLAGS = 4
MOST_STATES = 3_000_000
BATCH = 1 << 16
"""States at a time, in one bit each: what is computed of them stays in the cache."""


@dataclass(frozen=True)
class Control:
    """Of a design.

    Args:
        reset_to: control registers, bits by name, and what a reset makes of them; None for what it leaves as it was.
        states: that can be reached, a row each, 8 bits a byte, shape (states, bytes); None if there are too many.
    """

    reset_to: Mapping[str, int | None]
    states: Bits | None

    @property
    def first(self) -> Bits:
        """The states that a reset may leave, a row each, a byte a bit."""
        return first_of(self.reset_to)

    @classmethod
    def of(cls, aig: Aig, most: int = MOST_STATES) -> Control:
        """Of the design ``aig``."""
        after = aig.after({INPUTS[2]: 1})
        reset_to = control_registers(aig, _flags(aig, [name for name, value in after.items() if value is None]))
        return cls(reset_to, _reachable(aig, reset_to, most))


def control_registers(aig: Aig, flags: Collection[str] = ()) -> dict[str, int | None]:
    """Bits of registers that depend on nothing but ``INPUTS``, and what a reset makes of them, whatever came before.

    Besides, None for those of ``flags``, which no reset sets, if nothing else keeps them from being among these.
    """
    after = aig.after({INPUTS[2]: 1})
    data = [latch.value >> 1 for name, latch in aig.latches.items() if after[name] is None and name not in flags]
    depending = aig.depending_on(data + _data_inputs(aig))
    return {
        name: value
        for name, value in after.items()
        if (value is not None or name in flags) and aig.latches[name].value >> 1 not in depending
    }


def first_of(reset_to: Mapping[str, int | None]) -> Bits:
    """All states with these values, a row each, a byte a bit; None is either."""
    choices = [(0, 1) if value is None else (value,) for value in reset_to.values()]
    return np.array(list(product(*choices)), dtype=np.uint8)


def _data_inputs(aig: Aig) -> list[int]:
    return [literal >> 1 for name, literal in aig.inputs.items() if name not in INPUTS]


def _flags(aig: Aig, names: Sequence[str]) -> set[str]:
    """Bits that no reset sets, but that tell of control, as whether a word lies outside of a tensor.

    Only where a register is a single bit and there are few: they begin with anything, and words of a ROM are not worth
    as many states.
    """
    words = Counter(name.rpartition("[")[0] for name in aig.latches)
    depending = aig.depending_on(_data_inputs(aig))
    found = {
        name for name in names if words[name.rpartition("[")[0]] == 1 and aig.latches[name].value >> 1 not in depending
    }
    return found if len(found) <= MOST_FLAGS else set()


def unpacked(rows: Bits, bits: int) -> Bits:
    """Rows of bits, a byte each, of rows of bytes."""
    return np.unpackbits(rows, axis=1, count=bits)


def transposed(bits: Bits) -> Bits:
    """A packed column for each bit of a row; shape (bits, bytes)."""
    return np.packbits(np.ascontiguousarray(bits.T), axis=1)


def as_keys(rows: Bits) -> list[bytes]:
    """Rows of bytes as bytes."""
    rows = np.ascontiguousarray(rows)
    width = rows.shape[1]
    if not width:
        return [b""] * len(rows)
    keys: Any = rows.view(np.dtype((np.void, width))).reshape(-1).tolist()
    return list(keys)


def as_rows(keys: Any) -> Bits:
    """Keys, at least one, as rows again."""
    joined = b"".join(keys)
    return np.frombuffer(joined, np.uint8).reshape(len(keys), -1)


def next_states(gates: Iterable[And], values: dict[int, Bits], literals: Iterable[int], count: int) -> Bits:
    """What ``literals`` become, packed rows of ``count`` states: ``values`` by node get those of the gates besides."""
    for gate in gates:
        a, b = values[gate.a >> 1], values[gate.b >> 1]
        values[gate.node] = (~a if gate.a & 1 else a) & (~b if gate.b & 1 else b)
    following = np.stack([~values[at >> 1] if at & 1 else values[at >> 1] for at in literals])
    return np.packbits(np.unpackbits(following, axis=1, count=count).T, axis=1)


class Steps:
    """What states of control become.

    Args:
        aig: of the design.
        registers: of its control.
    """

    def __init__(self, aig: Aig, registers: Iterable[str]) -> None:
        self._latches = [aig.latches[name] for name in registers]
        self._gates = aig.cone(latch.following for latch in self._latches)
        self._others = [literal >> 1 for literal in aig.inputs.values()]
        self._inputs = [(aig.inputs[name] >> 1, place) for place, name in enumerate(INPUTS) if name in aig.inputs]

    def __call__(self, states: Bits, inputs: Sequence[int]) -> Bits:
        """The next states, packed rows as they came, with these values of ``INPUTS``."""
        columns = transposed(unpacked(states, len(self._latches)))
        low = np.zeros((len(states) + 7) // 8, np.uint8)
        values = {0: low} | dict.fromkeys(self._others, low)
        values |= {node: ~low if inputs[place] else low for node, place in self._inputs}
        values |= {latch.value >> 1: column for latch, column in zip(self._latches, columns, strict=True)}
        return next_states(self._gates, values, [latch.following for latch in self._latches], len(states))


def _reachable(aig: Aig, reset_to: Mapping[str, int | None], most: int) -> Bits | None:
    steps = Steps(aig, reset_to)
    new = set(as_keys(np.packbits(first_of(reset_to), axis=1)))
    seen = set(new)
    while new:
        found: set[bytes] = set()
        frontier = as_rows(list(new))
        for start in range(0, len(frontier), BATCH):
            for inputs in CHOICES:
                found.update(as_keys(steps(frontier[start : start + BATCH], inputs)))
        new = found - seen
        seen |= new
        if len(seen) > most:
            return None
    return as_rows(sorted(seen))
