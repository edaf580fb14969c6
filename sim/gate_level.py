"""A netlist as one more witness: what synthesis made of the Verilog has to do what the Verilog does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from golden.types import IntArray
from rtlgen import Design
from sim import witnesses
from sim.budget import VERIFY_S, budget_cycles, samples_within
from sim.difference import VerificationError
from sim.postmortem import WINDOW_CYCLES, shown_of, signals
from sim.simulators.bench import CLOCK, TOP, WAVES
from sim.synthesis.netlists import Netlists, write_netlists
from sim.synthesis.targets import FAMILIES
from sim.waves import cut

SLOWER = 8
"""Icarus takes as many times longer for a netlist than for the Verilog that it was made of."""


@dataclass(frozen=True)
class GateLevel:
    """What agreed with golden, PyRTL and the plan.

    Args:
        family: that the netlist is for.
        samples: that it ran back to back.
        budget_cycles: the most cycles of that run, and of all phases of the testbench together.
        cycles: that ran in lockstep under the testbench, stalled and reset.
        phases: of the testbench, all of which passed.
        cut_short: of these, what the budget has ended early, or left out.
    """

    family: str
    samples: int
    budget_cycles: int
    cycles: int
    phases: tuple[str, ...]
    cut_short: tuple[str, ...]

    def __str__(self) -> str:
        text = f"netlist for {self.family}: {self.samples} samples, {self.cycles} cycles in lockstep; all equal"
        if self.cut_short:
            text += f"; within {self.budget_cycles:,} cycles, so cut short or left out: {', '.join(self.cut_short)}"
        return text


def check(
    design: Design,
    family: str,
    x: IntArray,
    output: IntArray,
    tensors: Mapping[str, IntArray],
    folder: Path,
    seed: int,
    patterns: Sequence[tuple[str, str]],
    cycles: int | None = None,
    netlists: Netlists | None = None,
) -> GateLevel:
    """Synthesize ``design``, then run the netlist as Icarus runs the Verilog.

    Args:
        design: what was made Verilog.
        family: of ``sim.synthesis.targets.FAMILIES``.
        x: the samples.
        output: golden's, of these.
        tensors: golden's of every stream, for some of the samples.
        folder: for all files.
        seed: of everything random.
        patterns: pairs of pause patterns (source, sink).
        cycles: the most of each run; what takes about a minute without it.
        netlists: of the design, if they are there already.

    Raises:
        VerificationError: at the first difference.
        FileNotFoundError, SynthesisError, ToolError: if a tool is missing or fails.
    """
    build = folder / f"{family}-netlist"
    if netlists is None:
        (netlists,) = write_netlists([design], FAMILIES[family], build)
    budget = cycles or budget_cycles("icarus", SLOWER * len(design.block.logic), VERIFY_S)
    samples = x[: samples_within(design.plan, budget, len(x))]
    watched = x[: len(next(iter(tensors.values())))]
    try:
        try:
            witnesses.check_bulk(design, netlists.simulator, samples, output[: len(samples)], build, budget)
        except VerificationError as error:
            raise _located(design, error, watched, tensors, build, seed, netlists) from error
        result, pins = witnesses.check_hostile(
            design, watched, tensors, build, seed, patterns, budget, netlist=netlists.probed
        )
    except VerificationError as error:
        raise VerificationError(replace(error.difference, witness=f"{family} netlist")) from error
    return GateLevel(family, len(samples), budget, pins.cycles, tuple(result.phases), result.cut_short)


def _located(
    design: Design,
    seen: VerificationError,
    watched: IntArray,
    tensors: Mapping[str, IntArray],
    build: Path,
    seed: int,
    netlists: Netlists,
) -> VerificationError:
    """A difference at the output, traced back to the first layer if the netlist with all streams has it too."""
    try:
        witnesses.check_hostile(design, watched, tensors, build, seed, (), netlist=netlists.probed)
    except VerificationError as error:
        found = error.difference
        return VerificationError(replace(found, message=f"{found.message}; at the output: {seen.difference.message}"))
    # The netlist that can be watched does not have it: what there are waves of is the other one, and its pins.
    with suppress(VerificationError, TimeoutError, ValueError):
        replace(netlists.simulator, waves=True).run(design, watched, build / "waves")
    cycle = seen.difference.cycle or 0
    whole, target = build / "waves" / WAVES, build / "around_difference.vcd"
    cut(whole, target, cycle - WINDOW_CYCLES, cycle + WINDOW_CYCLES, CLOCK)
    names = signals(design, None)
    found = replace(seen.difference, **shown_of(design.block, target, names, cycle, CLOCK, f"{TOP}.dut"))
    return VerificationError(found)
