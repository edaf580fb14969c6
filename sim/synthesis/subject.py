"""What can be synthesized: a network's hardware, or a trainer's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import pyrtl


class SubjectPlan(Protocol):
    """What is known of a subject before."""

    @property
    def layers(self) -> Iterable[str]:
        """Names that wires and memories of a layer begin with."""
        ...

    def as_json(self) -> dict[str, Any]:
        """``multipliers``, ``multiplier_budget``, ``ii_cycles``, ``latency_cycles``, and whatever else."""
        ...


class Subject(Protocol):
    """Hardware with a name and a plan: ``rtlgen.Design`` is one."""

    @property
    def name(self) -> str:
        """Of the Verilog module."""
        ...

    @property
    def verilog(self) -> str:
        """All of it."""
        ...

    @property
    def block(self) -> pyrtl.Block:
        """The same in PyRTL."""
        ...

    @property
    def plan(self) -> SubjectPlan:
        """What is known of it."""
        ...
