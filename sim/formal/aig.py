"""And-inverter graphs: what a netlist does in one cycle, as yosys writes it in the AIGER format (Biere 2007).

A literal is twice the number of its node, and one more if it is inverted; literal 0 is a constant 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from sim.formal.prover import OPT, run_yosys


class Latch(NamedTuple):
    """A bit of a register: the literal of its value, and that of its next value."""

    value: int
    following: int


class And(NamedTuple):
    """A gate: the number of its node, and two literals of nodes that come before it."""

    node: int
    a: int
    b: int


@dataclass(frozen=True)
class Aig:
    """A graph.

    Args:
        inputs, outputs: literals by name, ``wire[bit]``.
        latches: bits of registers and of memories, likewise.
        ands: in an order in which operands come first.
        nodes: one more than the largest number.
    """

    inputs: Mapping[str, int]
    latches: Mapping[str, Latch]
    outputs: Mapping[str, int]
    ands: Sequence[And]
    nodes: int

    def cone(self, roots: Iterable[int]) -> list[And]:
        """Those gates that the literals ``roots`` depend on."""
        used = {root >> 1 for root in roots}
        kept = []
        for gate in reversed(self.ands):
            if gate.node in used:
                used |= {gate.a >> 1, gate.b >> 1}
                kept.append(gate)
        return kept[::-1]

    def read_by(self, roots: Collection[int]) -> set[int]:
        """The nodes that the literals ``roots`` depend on in the same cycle: inputs, latches, gates."""
        gates = self.cone(roots)
        return {root >> 1 for root in roots} | {side >> 1 for gate in gates for side in (gate.a, gate.b)}

    def with_instead(self, instead: Mapping[int, int]) -> Aig:
        """What is left with these literals in place of nodes; gates that stay keep their numbers."""
        literals = {0: 0, **instead}

        def of(literal: int) -> int:
            return literals.get(literal >> 1, literal & ~1) ^ literal & 1

        made: dict[tuple[int, int], int] = {}
        ands = []
        for gate in self.ands:
            a, b = sorted((of(gate.a), of(gate.b)))
            if a == 0 or a == b ^ 1:
                literals[gate.node] = 0
            elif a in (1, b):
                literals[gate.node] = b
            elif (a, b) in made:
                literals[gate.node] = made[a, b]
            else:
                made[a, b] = 2 * gate.node
                ands.append(And(gate.node, a, b))
        latches = {name: Latch(latch.value, of(latch.following)) for name, latch in self.latches.items()}
        outputs = {name: of(literal) for name, literal in self.outputs.items()}
        whole = Aig(self.inputs, latches, outputs, ands, self.nodes)
        roots = [*outputs.values(), *(latch.following for latch in latches.values())]
        return replace(whole, ands=whole.cone(roots))

    def after(self, known: Mapping[str, int]) -> dict[str, int | None]:
        """What each latch becomes, if no more is known than these inputs; None for what depends on others."""
        values: dict[int, int | None] = {0: 0}
        values |= {literal >> 1: known.get(name) for name, literal in self.inputs.items()}
        values |= {latch.value >> 1: None for latch in self.latches.values()}

        def of(literal: int) -> int | None:
            value = values[literal >> 1]
            return None if value is None else value ^ literal & 1

        for gate in self.ands:
            a, b = of(gate.a), of(gate.b)
            values[gate.node] = 0 if 0 in (a, b) else None if None in (a, b) else 1
        return {name: of(latch.following) for name, latch in self.latches.items()}

    def fed_by(self, nodes: Collection[int]) -> set[int]:
        """These nodes and the gates that depend on them in the same cycle."""
        found = set(nodes)
        for gate in self.ands:
            if gate.a >> 1 in found or gate.b >> 1 in found:
                found.add(gate.node)
        return found

    def depending_on(self, nodes: Collection[int]) -> set[int]:
        """These nodes and all that depend on them, in whatever cycle."""
        found, before = set(nodes), -1
        while len(found) != before:
            before = len(found)
            for gate in self.ands:
                if gate.a >> 1 in found or gate.b >> 1 in found:
                    found.add(gate.node)
            for latch in self.latches.values():
                if latch.following >> 1 in found:
                    found.add(latch.value >> 1)
        return found


def make_aig(reading: Sequence[str], name: str, folder: Path) -> Aig:
    """The graph of the module that ``reading``, commands of yosys, leave; it has no instances and no initial values.

    Raises:
        FileNotFoundError, ToolError: if yosys is missing or fails.
    """
    lines = [
        *reading,
        f"{OPT}; memory_map; {OPT}; techmap; {OPT}; dffunmap; setundef -undriven -zero; aigmap; opt_clean",
        f"write_aiger -ascii -vmap {name}.map {name}.aag",
    ]
    run_yosys(lines, name, folder)
    return _parsed((folder / f"{name}.aag").read_text(), (folder / f"{name}.map").read_text())


def _parsed(text: str, names: str) -> Aig:
    header, *lines = text.splitlines()
    largest, inputs, latches, outputs, ands, *properties = (int(word) for word in header.split()[1:])
    assert not any(properties), "only outputs are asked for"
    numbers = [[int(word) for word in line.split()] for line in lines[: inputs + latches + outputs + ands]]
    of_kind = {
        "input": numbers[:inputs],
        "latch": numbers[inputs : inputs + latches],
        "output": numbers[inputs + latches : inputs + latches + outputs],
    }
    found: dict[str, dict[int, str]] = {kind: {} for kind in of_kind}
    every_output: dict[str, int] = {}
    for line in names.splitlines():
        kind, number, bit, wire = line.split(maxsplit=3)
        if kind not in found:
            continue
        found[kind].setdefault(int(number), f"{wire}[{bit}]")  # a register may have several names
        if kind == "output":
            every_output[f"{wire}[{bit}]"] = of_kind["output"][int(number)][0]
    assert len(found["latch"]) == latches, "each latch has a name, and begins with 0 or anything"
    return Aig(
        inputs={name: of_kind["input"][number][0] for number, name in found["input"].items()},
        latches={name: Latch(*of_kind["latch"][number][:2]) for number, name in sorted(found["latch"].items())},
        outputs=every_output,
        ands=[And(out >> 1, a, b) for out, a, b in numbers[inputs + latches + outputs :]],
        nodes=largest + 1,
    )
