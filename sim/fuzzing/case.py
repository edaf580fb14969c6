"""A case: a network, its input, how it is folded, who is asked; and the folder in which a failure is kept."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from golden.graph import Graph
from golden.serialize import write_atomically
from golden.types import IntArray

GRAPH, INPUT, CASE = "network.graph", "x.npy", "case.json"
WITNESSES = ("pyrtl", "icarus", "netlist")


@dataclass(frozen=True, eq=False)
class Case:
    """What a witness is asked.

    Args:
        graph: the network.
        x: its input, shape (batch, *shape).
        multipliers: the budget; None for unrolled hardware.
        witness: ``pyrtl``; ``icarus``, which is PyRTL and the stalling testbench; or ``netlist``, of yosys for ECP5.
        seed: of the stalls.
    """

    graph: Graph
    x: IntArray = field(repr=False)
    multipliers: int | None
    witness: str = "pyrtl"
    seed: int = 0

    @property
    def folding(self) -> dict[str, Any]:
        """Arguments of ``rtlgen.generate``."""
        return {"unrolled": True} if self.multipliers is None else {"multipliers": self.multipliers}

    def __str__(self) -> str:
        folding = "unrolled" if self.multipliers is None else f"{self.multipliers} multipliers"
        layers = [f"  {node.name} = {_told(node.op)} of {', '.join(node.inputs)}: {self.graph.types[node.name]}"
                  for node in self.graph.nodes]  # fmt: skip
        head = f"x: {self.graph.input_type}, {len(self.x)} samples, {folding}, seed {self.seed}, {self.witness}"
        return "\n".join([head, *layers])

    def save(self, folder: Path, error: BaseException | None = None, command: str = "") -> None:
        """Keep it in a folder; with what went wrong, and with the command that does it again."""
        folder.mkdir(parents=True, exist_ok=True)
        self.graph.save(folder / GRAPH)
        np.save(folder / INPUT, self.x)
        content: dict[str, Any] = {"multipliers": self.multipliers, "witness": self.witness, "seed": self.seed}
        if error is not None:
            content |= {"error": summary(error), "traceback": traceback.format_exception(error), "command": command}
        write_atomically(folder / CASE, (json.dumps(content, indent=1) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Case:
        """A case that ``save`` wrote.

        Raises:
            FileNotFoundError, ValueError: if there is none.
        """
        try:
            content = json.loads((folder / CASE).read_text())
            multipliers, witness, seed = content["multipliers"], content["witness"], content["seed"]
        except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{str(folder / CASE)!r} must describe a case as tensorgate fuzz writes it") from error
        if not (multipliers is None or _is_count(multipliers, 1)) or witness not in WITNESSES or not _is_count(seed, 0):
            raise ValueError(
                f"{str(folder / CASE)!r} must have a budget of multipliers or null, a witness of "
                f"{', '.join(WITNESSES)} and a seed, not {multipliers!r}, {witness!r} and {seed!r}"
            )
        graph = Graph.load(folder / GRAPH)
        x = graph.input_type.check(np.load(folder / INPUT, allow_pickle=False), str(folder / INPUT))
        if not len(x):
            raise ValueError(f"{str(folder / INPUT)!r} must have at least one sample")
        return cls(graph, x, multipliers, witness, seed)


def summary(error: BaseException) -> str:
    """The kind of an error, its message and its notes, in a line each."""
    notes = [note for note in getattr(error, "__notes__", []) if not note.startswith(("Falsifying", "You can repro"))]
    return "\n".join([f"{type(error).__name__}: {error}", *notes])


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _told(op: Any) -> str:
    """An op and its parameters, large arrays by their shape alone."""
    fields = []
    for name in op.__dataclass_fields__:
        value = getattr(op, name)
        if isinstance(value, np.ndarray):
            value = value.tolist() if value.size <= 8 else f"{value.shape}"
        fields.append(f"{name}={value}")
    return f"{type(op).__name__}({', '.join(fields)})"
