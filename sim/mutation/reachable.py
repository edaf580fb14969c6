"""Which survivors are no faults at all, and what shows the others.

A mutant is tried four ways. Either nothing differs in any state, reachable or not (SAT); or no input of all brings a
difference out of the registers that it is in (``sim.mutation.every_input``); or nothing can differ in the states that
its control and that of the design come to (``sim.mutation.product``); or ABC searches an invariant of all
registers (property directed reachability, Bradley 2011), or finds inputs that show the fault.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from pathlib import Path

from golden.types import IntArray
from rtlgen import Design
from sim.formal.aig import Aig
from sim.formal.control import Control
from sim.formal.prover import PROVEN, UNDECIDED, Verdict
from sim.mutation.any_schedule import never_shows
from sim.mutation.cycle import UnclearError
from sim.mutation.every_input import effects, every_input
from sim.mutation.held import Held
from sim.mutation.miter import same_in_any_state, searched
from sim.mutation.mutants import Fault
from sim.mutation.one_fault import aig_of, with_one_fault
from sim.mutation.product import Way, shortest_way
from sim.mutation.transitions import Transitions
from sim.simulators.beats import Beats
from sim.workers import worker_processes

ANY_STATE_S, SEARCH_S = 2, 8
"""Seconds for ABC."""
FEW_STATES = 2000
"""So few are looked at before other processes have begun."""


@dataclass(frozen=True)
class Suspects:
    """Faults that have survived so far.

    Args:
        folder: of the netlist.
        faults: which.
        aig: graph of the design with all of them.
        control: of the design.
        transitions: of its control; None if there are too many states.
        held: what its registers of data hold; likewise.
    """

    folder: Path
    faults: tuple[Fault, ...]
    aig: Aig
    control: Control
    transitions: Transitions | None
    held: Held | None

    @classmethod
    def of(cls, faults: Sequence[Fault], folder: Path) -> Suspects:
        """Of the netlist that ``make_mutants`` has written into ``folder``.

        Raises:
            FileNotFoundError, ToolError: if yosys is missing or fails.
        """
        aig = aig_of(faults, folder)
        own = with_one_fault(aig, 0)
        control = Control.of(own)
        transitions = None if control.states is None else Transitions(own, control)
        held = None if transitions is None else Held(transitions)
        return cls(folder, tuple(faults), aig, control, transitions, held)

    def without_effect_in_any_state(self) -> list[Fault]:
        """Those that change nothing whatever the registers hold.

        Raises:
            FileNotFoundError, ToolError: if ABC is missing or fails.
        """

        def has_none(fault: Fault) -> bool:
            own = with_one_fault(self.aig, fault.mutant)
            return same_in_any_state(own, f"any{fault.mutant}", self.folder, ANY_STATE_S)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # it is ABC that works
            return [fault for fault, none in zip(self.faults, pool.map(has_none, self.faults), strict=True) if none]

    def with_every_input(self, design: Design, faults: Sequence[Fault]) -> tuple[list[Fault], dict[Fault, IntArray]]:
        """Those that no input ever shows, and of others samples that show them; none if there are too many inputs.

        Args:
            design: the hardware.
            faults: which.

        Raises:
            ToolError: if a simulation of the graph does not come to its end.
        """
        x = every_input(design.graph.input_type)
        if x is None or self.transitions is None or Beats.of(design.ports["input"]).has_spare_lanes:
            return [], {}
        found = effects(design, self.aig, faults, x)
        hidden = [f for f, effect in found.items() if never_shows(effect, self.control.reset_to, self.transitions)]
        return hidden, {fault: x[effect.shown_by] for fault, effect in found.items() if effect.shown_by}

    def ways(self, faults: Sequence[Fault]) -> dict[Fault, Way | Verdict]:
        """Of each fault a proof that it has no effect, a way on which it may show, or that nothing is known."""
        jobs = min(os.cpu_count() or 1, len(faults))
        states = self.control.states
        if jobs < 2 or states is None or len(states) < FEW_STATES:
            return {fault: self.way(fault) for fault in faults}
        stored = self.folder / "suspects.pickle"
        stored.write_bytes(pickle.dumps(self))
        with worker_processes(jobs) as pool:
            return dict(zip(faults, pool.map(_way_of, repeat(stored), faults), strict=True))

    def way(self, fault: Fault) -> Way | Verdict:
        """That of one fault."""
        try:
            way = shortest_way(with_one_fault(self.aig, fault.mutant), self.control, self.held)
        except UnclearError:
            return Verdict(UNDECIDED)
        return way or Verdict(PROVEN)

    def verdicts(self, faults: Sequence[Fault]) -> dict[Fault, Verdict]:
        """What a search in all states says; errors as above."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # it is ABC that works
            return dict(zip(faults, pool.map(self.verdict, faults), strict=True))

    def verdict(self, fault: Fault) -> Verdict:
        """That of one fault; errors as above."""
        return searched(with_one_fault(self.aig, fault.mutant), f"own{fault.mutant}", self.folder, SEARCH_S)


@lru_cache(maxsize=1)
def _suspects(stored: Path) -> Suspects:
    """Once in each process."""
    suspects: Suspects = pickle.loads(stored.read_bytes())
    return suspects


def _way_of(stored: Path, fault: Fault) -> Way | Verdict:
    return _suspects(stored).way(fault)
