"""Building and-inverter graphs, and writing them for Berkeley ABC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sim.formal.aig import Aig, Latch


class Builder:
    """A graph that grows: inputs and latches first, then gates, each of which exists once."""

    def __init__(self) -> None:
        self._inputs: list[str] = []
        self._latches: list[str] = []
        self._following: dict[str, int] = {}
        self._gates: dict[tuple[int, int], int] = {}

    def input(self, name: str) -> int:
        """A new one."""
        assert not self._latches, "inputs come first"
        self._inputs.append(name)
        return 2 * len(self._inputs)

    def latch(self, name: str) -> int:
        """A new one, which is 0 in the first cycle."""
        assert not self._gates, "latches come before gates"
        self._latches.append(name)
        return 2 * (len(self._inputs) + len(self._latches))

    def drive(self, latch: str, following: int) -> None:
        """What ``latch`` becomes."""
        self._following[latch] = following

    def both(self, a: int, b: int) -> int:
        """A and b."""
        a, b = min(a, b), max(a, b)
        if a == 0 or a == b ^ 1:
            return 0
        if a in (1, b):
            return b
        number = len(self._inputs) + len(self._latches) + len(self._gates) + 1
        return 2 * self._gates.setdefault((a, b), number)

    def either(self, a: int, b: int) -> int:
        """A or b."""
        return self.both(a ^ 1, b ^ 1) ^ 1

    def choice(self, which: int, high: int, low: int) -> int:
        """``high`` where ``which`` is 1, otherwise ``low``."""
        return self.either(self.both(which, high), self.both(which ^ 1, low))

    def differ(self, a: int, b: int) -> int:
        """A or b, not both."""
        return self.choice(a, b ^ 1, b)

    def any(self, literals: Iterable[int]) -> int:
        """Whether one of them is 1."""
        found = 0
        for literal in literals:
            found = self.either(found, literal)
        return found

    def copy(self, aig: Aig, sources: Mapping[int, int]) -> Aig:
        """The gates of ``aig`` again; ``sources`` are literals by the literals of its inputs and latches."""
        made = {0: 0} | {literal >> 1: own for literal, own in sources.items()}

        def of(literal: int) -> int:
            return made[literal >> 1] ^ literal & 1

        for gate in aig.ands:
            made[gate.node] = self.both(of(gate.a), of(gate.b))
        return Aig(
            inputs={name: of(literal) for name, literal in aig.inputs.items()},
            latches={name: Latch(of(latch.value), of(latch.following)) for name, latch in aig.latches.items()},
            outputs={name: of(literal) for name, literal in aig.outputs.items()},
            ands=(),
            nodes=0,
        )

    def write(self, bad: int, path: Path) -> None:
        """Writes a file whose one output is ``bad``."""
        counts = [len(part) for part in (self._inputs, self._latches, (bad,), self._gates)]
        header = f"aig {counts[0] + counts[1] + counts[3]} {counts[0]} {counts[1]} {counts[2]} {counts[3]}"
        lines = [header, *(str(self._following[name]) for name in self._latches), str(bad)]
        gates = bytearray()
        for (a, b), number in self._gates.items():
            gates += _varying(2 * number - b) + _varying(b - a)
        parts = ("i", self._inputs), ("l", self._latches), ("o", ["bad"])  # ABC takes all names, or none
        names = "".join(f"{kind}{place} {name}\n" for kind, part in parts for place, name in enumerate(part))
        path.write_bytes("\n".join(lines).encode() + b"\n" + bytes(gates) + names.encode())


def _varying(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have their highest bit set."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
