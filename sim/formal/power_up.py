"""Nothing that the power leaves in a register shows at a pin: a proof that follows where it can go, not its value.

Every bit of data is marked while it may depend on what registers held before a reset. An and of two bits does if either
of them does, unless control makes the other one a 0. So are registers of control that no reset touches. All states of
control that a reset leads to are visited; what is marked in one of them is all that is marked there on any way to it.
So what is found never to be marked at a pin never depends on the power-up, whatever the data is; the other way round,
it may be that a mark tells nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from sim.formal.aig import Aig, And, Latch
from sim.formal.control import INPUTS, Bits, as_keys, as_rows, control_registers, transposed, unpacked
from sim.formal.prover import PROVEN, REFUTED, UNDECIDED, Verdict
from sim.formal.visits import BATCH, MOST_STATES, Machine

_VALID = "m_axis_tvalid[0]"
_WITH_VALID = ("m_axis_tdata[", "m_axis_tlast[")
"""Outputs that mean something only while ``_VALID`` is high."""
MOST_LOOSE_BITS = 16
"""Of control that no reset touches: it begins with all that they may be."""


def independent_of_power_up(aig: Aig) -> Verdict:
    """Whether no pin of a design depends on what its registers and memories held before the first reset.

    Args:
        aig: of the design, see ``make_aig``.
    """
    control = control_registers(aig)
    machine = Machine.of(aig, {**control, **_loose(aig, control)}, INPUTS)
    marks = _Marks(aig, machine)
    seen = dict.fromkeys(as_keys(machine.start), marks.start)
    pending = set(seen)
    while pending:
        batch = [pending.pop() for _ in range(min(BATCH, len(pending)))]
        held = as_rows([seen[key] for key in batch])
        states, following, shown = marks.after(as_rows(batch), held)
        if shown is not None:
            return Verdict(REFUTED, f"{shown} may depend on what registers held before the first reset")
        for key, mark in set(zip(states, following, strict=True)):
            before = seen.get(key)
            if before is None:
                seen[key] = mark
                pending.add(key)
            elif before != mark:
                both = (int.from_bytes(before, "big") | int.from_bytes(mark, "big")).to_bytes(len(mark), "big")
                if both != before:
                    seen[key] = both
                    pending.add(key)
        if len(seen) > MOST_STATES:
            return Verdict(UNDECIDED)
    return Verdict(PROVEN)


def _loose(aig: Aig, control: Collection[str]) -> dict[str, None]:
    """Registers that follow ``control`` without a reset, some cycles behind; at most ``MOST_LOOSE_BITS``."""
    by_node = {latch.value >> 1: name for name, latch in aig.latches.items()}
    data = {literal >> 1 for name, literal in aig.inputs.items() if name not in INPUTS}
    read: dict[str, set[int]] = {}
    for name, latch in aig.latches.items():
        if name not in control:
            gates = aig.cone([latch.following])
            read[name] = {latch.following >> 1, *(literal >> 1 for gate in gates for literal in (gate.a, gate.b))}
    found: dict[str, None] = {}
    while True:
        unknown = {node for node, name in by_node.items() if name not in control and name not in found} | data
        more = [name for name, nodes in read.items() if name not in found and not nodes & unknown]
        if not more or len(found) + len(more) > MOST_LOOSE_BITS:
            return found
        found |= dict.fromkeys(more)


class _Marks:
    """Which bits of data are marked in a cycle, for many states of control at once.

    Args:
        aig: of the design.
        machine: its control.
    """

    def __init__(self, aig: Aig, machine: Machine) -> None:
        self._aig, self._machine = aig, machine
        after = aig.after({INPUTS[2]: 1})
        self._marked = {n: latch for n, latch in aig.latches.items() if machine.registers.get(n) is None}
        marked = [int(after[name] is None) for name in self._marked]
        self.start = np.packbits(np.array([marked], dtype=np.uint8), axis=1).tobytes()
        own = {literal >> 1 for name, literal in aig.inputs.items() if name not in INPUTS}
        own |= {latch.value >> 1 for latch in self._marked.values()}
        roots = [latch.following for latch in aig.latches.values()] + list(aig.outputs.values())
        self._gates: Sequence[tuple[And, bool]] = [
            (gate, gate.node in of_data) for of_data in [aig.depending_on(own)] for gate in aig.cone(roots)
        ]

    def after(self, states: Bits, held: Bits) -> tuple[list[bytes], list[bytes], str | None]:
        """What states of control and marks become, with every choice of inputs; and a pin that is marked, if one is."""
        aig, machine = self._aig, self._machine
        size, ones = machine.columns(states)
        low = np.zeros(size, np.uint8)
        zeros = {node: ~column for node, column in ones.items()}
        for name, literal in aig.inputs.items():
            if name not in INPUTS:
                zeros[literal >> 1] = low
        marked = dict.fromkeys(ones, low)
        rows = unpacked(np.concatenate([held] * len(machine.choices)), len(self._marked))
        for (name, latch), column in zip(self._marked.items(), transposed(rows), strict=True):
            node = latch.value >> 1
            if name not in machine.registers:
                ones[node], zeros[node] = low, low
            marked[node] = column
        for gate, is_data in self._gates:
            a, b = gate.a >> 1, gate.b >> 1
            one_a, zero_a = (zeros[a], ones[a]) if gate.a & 1 else (ones[a], zeros[a])
            one_b, zero_b = (zeros[b], ones[b]) if gate.b & 1 else (ones[b], zeros[b])
            one = ones[gate.node] = one_a & one_b
            if is_data:
                zeros[gate.node] = zero_a | zero_b
                of_a, of_b = marked[a], marked[b]
                marked[gate.node] = low if of_a is low and of_b is low else _either(of_a, zero_a, of_b, zero_b)
            else:
                zeros[gate.node], marked[gate.node] = ~one, low
        count = len(states) * len(machine.choices)
        valid = aig.outputs[_VALID]
        invalid = (ones if valid & 1 else zeros)[valid >> 1]
        shown = None
        for name, literal in aig.outputs.items():
            seen = marked[literal >> 1]
            if np.unpackbits(seen & ~invalid if name.startswith(_WITH_VALID) else seen, count=count).any():
                shown = name
        control = [_level(aig.latches[name], ones, zeros) for name in machine.registers]
        following = [marked[latch.following >> 1] for latch in self._marked.values()]
        return _keys(control, count), _keys(following, count), shown


def _either(of_a: Bits, zero_a: Bits, of_b: Bits, zero_b: Bits) -> Bits:
    """The mark of an and: a 0 that is not marked itself leaves nothing of the other one."""
    return np.asarray((of_a & ~(zero_b & ~of_b)) | (of_b & ~(zero_a & ~of_a)), dtype=np.uint8)


def _level(latch: Latch, ones: dict[int, Bits], zeros: dict[int, Bits]) -> Bits:
    return (zeros if latch.following & 1 else ones)[latch.following >> 1]


def _keys(columns: Sequence[Bits], count: int) -> list[bytes]:
    """Rows of bits as bytes, from a packed column for each bit."""
    if not columns:
        return [b""] * count
    bits = np.unpackbits(np.stack(columns), axis=1, count=count).T
    return as_keys(np.packbits(bits, axis=1))
