"""What a testbench has to do: the JSON file that it is started with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.types import IntArray
from verif.ports import Ports


@dataclass(frozen=True)
class Config:
    """What to test, from a JSON file: paths of ``ports`` (JSON) and ``golden`` (npz: a tensor per name), the ``build``
    folder for what comes out, the ``seed``, ``patterns`` (pairs of names: source, sink), and how many samples each
    phase takes: ``unstalled``, ``stalled`` (a pair of patterns), ``resets`` (how many resets). ``phases`` names those
    to run; all if empty. ``budget_cycles`` bounds them all together, see ``verif.effort``; None for no bound.
    ``watched`` says whether the bench looks into the design for coverage, see ``verif.coverage``; ``registers`` names
    those of the design that can be set to anything before a reset.
    """

    ports: Ports
    golden: dict[str, IntArray]
    build: Path
    seed: int
    patterns: tuple[tuple[str, str], ...]
    unstalled: int
    stalled: int
    resets: int
    phases: tuple[str, ...]
    budget_cycles: int | None
    watched: bool
    registers: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read the JSON and all that it points to."""
        fields = json.loads(path.read_text())
        with np.load(fields["golden"]) as file:
            golden = {name: np.asarray(file[name], dtype=np.int64) for name in file.files}
        return cls(
            ports=Ports.load(fields["ports"]),
            golden=golden,
            build=Path(fields["build"]),
            patterns=tuple((source, sink) for source, sink in fields["patterns"]),
            phases=tuple(fields["phases"]),
            budget_cycles=fields["budget_cycles"],
            watched=fields["watched"],
            registers=tuple(fields["registers"]),
            **{name: int(fields[name]) for name in ("seed", "unstalled", "stalled", "resets")},
        )
