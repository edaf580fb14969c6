"""Verification: golden, PyRTL and the emitted Verilog have to agree on every bit of every cycle."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import IntArray
from rtlgen import Design
from sim import gate_level, witnesses
from sim.budget import VERIFY_S, budget_cycles, samples_within
from sim.coverage import covered
from sim.difference import Difference, VerificationError, in_network
from sim.effort import USUAL, Effort
from sim.scratch import scratch_folder
from sim.simulators.cocotb_launcher import PATTERNS, check_patterns
from sim.synthesis.targets import FAMILIES

SIMULATORS = tuple(witnesses.BULK)
ALL = ("pyrtl", "icarus")
"""What ``all`` stands for: the three witnesses are these two and golden. Verilator is one more, where it is wanted."""

NETLISTS = tuple(FAMILIES)
"""What there are netlists for."""


@dataclass(frozen=True)
class Verification:
    """The agreement of all witnesses.

    Args:
        name: of the design.
        samples: that the bulk runs took; the first ones, if not all.
        given_samples: that there were: fewer than these if all would take more than the budget.
        budget_cycles: the most cycles of a bulk run, and of all phases of the testbench together.
        simulators: that ran, golden not counted.
        netlists: that ran, with what was run of them.
        ii_cycles, latency_cycles: planned, and measured equal.
        cycles: that ran in lockstep, every pin compared on each; 0 without Icarus.
        stalled_cycles: of these, cycles on which some stream was held up by its taker.
        phases: of the testbench, all of which passed.
        cut_short: of these, what the budget has ended early, or left out.
        seed: of stalls and resets.
        time_s: that it took.
        outputs: shape (batch, *shape), the same from all.
        covered: the bins of ``sim.coverage`` that the testbench hit, and how often.
    """

    name: str
    samples: int
    given_samples: int
    budget_cycles: int
    simulators: tuple[str, ...]
    netlists: tuple[gate_level.GateLevel, ...]
    ii_cycles: int
    latency_cycles: int
    cycles: int
    stalled_cycles: int
    phases: tuple[str, ...]
    cut_short: tuple[str, ...]
    seed: int
    time_s: float
    outputs: IntArray = field(repr=False, compare=False)
    covered: Mapping[str, int] = field(repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Everything but outputs and coverage, as plain values."""
        fields = {key: value for key, value in self.__dict__.items() if key not in ("outputs", "covered")}
        fields["netlists"] = [asdict(netlist) for netlist in self.netlists]
        return {"verdict": "equal", **{k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}}

    def __str__(self) -> str:
        witnesses = " == ".join(["golden", *self.simulators, *(f"{each.family} netlist" for each in self.netlists)])
        lines = [
            f"{self.name}: {witnesses} on {self.samples} samples",
            f"  a sample every {self.ii_cycles} cycles, the first one after {self.latency_cycles}: exactly as planned",
        ]
        if self.cycles:
            lines.append(
                f"  {self.cycles} cycles in lockstep, {self.stalled_cycles} of them stalled; every pin, every stream, "
                f"every layer equal"
            )
        lines += [f"  {netlist}" for netlist in self.netlists]
        bounded = []
        if self.samples < self.given_samples:
            bounded.append(f"samples after the first {self.samples} of {self.given_samples} were not run")
        if self.cut_short:
            bounded.append(f"cut short or left out: {', '.join(self.cut_short)}")
        if bounded:
            lines.append(f"  within a budget of {self.budget_cycles:,} cycles; {'; '.join(bounded)}")
        return "\n".join(lines)


def verify(
    design: Design,
    x: npt.ArrayLike,
    *,
    simulators: str | Sequence[str] = "all",
    netlists: Sequence[str] = (),
    seed: int = 0,
    patterns: Sequence[tuple[str, str]] = PATTERNS,
    cycles: int | None = None,
    thorough: bool = False,
    build: str | Path | None = None,
    command: str | None = None,
) -> Verification:
    """Compare every witness on the samples ``x``, integers of shape (batch, *shape); equal, or an error.

    PyRTL and Icarus (and Verilator) run all samples back to back: outputs against golden, cycles against the plan; not
    Icarus where ``cycles`` are enough for a single one, with which the testbench begins anyway.
    Under Icarus the cocotb testbench then stalls, resets and starves the design, with every layer's stream watched and
    compared; and the pins that it recorded are replayed in PyRTL, cycle by cycle. A netlist has to do all that again.

    Args:
        design: what ``rtlgen.generate`` made.
        x: the samples.
        simulators: of ``SIMULATORS``; or ``"all"``, which is PyRTL and Icarus.
        netlists: of ``NETLISTS``: what the design is synthesized for, to be one more witness.
        seed: of stalls, resets, garbage.
        patterns: pairs of pause patterns (source, sink), see ``verif.pauses``.
        cycles: the most of a bulk run, and of all phases of the testbench together: beyond that samples are not run
            and phases are cut short, which the result tells; one sample always runs. Without it what takes the slowest
            of the simulators about a minute.
        thorough: as many samples, stalls and resets as faults are tried with, see ``sim.effort``: for a small design.
        build: folder for the files; without it they are gone after success, and named in the error after a failure.
        command: what reproduces this run, for the error; without it, one that reads graph and samples from files.

    Raises:
        VerificationError: at the first difference: layer, element, sample, cycle, both values, waves.
        TypeError, ValueError: if ``x`` is not a batch of the input's type, or is empty.
        FileNotFoundError, ToolError: if a tool is missing or crashes.
    """
    started = time.monotonic()
    names = _checked(design, simulators, seed, patterns)
    effort = Effort.thorough(design) if thorough else USUAL
    families = _families(netlists)
    samples = design.graph.input_type.check(x, "the input")
    if not len(samples):
        raise ValueError("verification needs at least one sample, there are none")
    budget = cycles or min(budget_cycles(name, len(design.block.logic), VERIFY_S) for name in names)
    given, samples = len(samples), samples[: samples_within(design.plan, budget, len(samples))]
    result, pins = None, None
    kept = scratch_folder(design.name, (VerificationError,)) if build is None else nullcontext(Path(build))
    with kept as folder:
        output = witnesses.golden_outputs(design, samples)
        try:
            for name in names:
                if name == "icarus" and samples_within(design.plan, budget, 2) < 2:
                    continue  # the testbench begins with the same one sample, and looks at every layer besides
                witnesses.check_bulk(design, witnesses.BULK[name], samples, output, folder, budget)
            watched = samples[: effort.samples]
            tensors = design.plan.live.trace(watched)
            if "pyrtl" in names:
                witnesses.check_layers(design, watched, tensors)
            if "icarus" in names:
                result, pins = witnesses.check_hostile(design, watched, tensors, folder, seed, patterns, budget, effort)
            gates = [
                gate_level.check(design, family, samples, output, tensors, folder, seed, patterns, cycles)
                for family in families
            ]
        except VerificationError as error:
            located = in_network(design, witnesses.locate(design, error.difference, samples, folder, seed))
            again = _Again(design, error.difference, folder / "smaller", seed, patterns, budget, effort)
            fewer = witnesses.fewer_samples(error.difference, samples, again.check)
            if fewer is not None:
                smaller = verify_command(design, fewer, names, families, seed, folder, "x_smaller.npy", thorough)
                located = replace(located, smaller=smaller)
            command = command or verify_command(design, samples, names, families, seed, folder, thorough=thorough)
            raise VerificationError(located, folder=folder, command=command) from error
    return Verification(
        name=design.name,
        samples=len(samples),
        given_samples=given,
        budget_cycles=budget,
        simulators=names,
        netlists=tuple(gates),
        ii_cycles=design.plan.ii_cycles,
        latency_cycles=design.plan.latency_cycles,
        cycles=pins.cycles if pins else 0,
        stalled_cycles=max(stream["stalled"] for stream in result.coverage.values()) if result else 0,
        phases=tuple(result.phases) if result else (),
        cut_short=result.cut_short if result else (),
        seed=seed,
        time_s=round(time.monotonic() - started, 3),
        outputs=output,
        covered=covered(design, watched, result) if result else {},
    )


@dataclass(frozen=True)
class _Again:
    """The check that has failed, for other samples."""

    design: Design
    seen: Difference
    folder: Path
    seed: int
    patterns: Sequence[tuple[str, str]]
    budget: int
    effort: Effort

    def check(self, x: IntArray) -> None:
        """Raises VerificationError if it fails again; a netlist is not asked again, that would take too long."""
        tensors = self.design.plan.live.trace(x)
        if self.seen.witness in witnesses.BULK and self.seen.layer in (None, self.design.graph.outputs[0]):
            output = witnesses.golden_outputs(self.design, x)
            simulator = witnesses.BULK[self.seen.witness]
            witnesses.check_bulk(self.design, simulator, x, output, self.folder, self.budget)
        if self.seen.witness == "pyrtl":
            witnesses.check_layers(self.design, x, tensors)
        if self.seen.witness in ("testbench", "lockstep"):
            phase = self.seen.message.partition(":")[0].partition("[")[0]
            phases = (phase,) if self.seen.witness == "testbench" else ()
            more = self.budget, self.effort, None, phases, False
            witnesses.check_hostile(self.design, x, tensors, self.folder, self.seed, self.patterns, *more)


def _checked(
    design: Design, simulators: str | Sequence[str], seed: int, patterns: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """The simulators by name, if all the arguments make sense."""
    if not isinstance(design, Design):
        raise TypeError(f"verification needs a Design, made by rtlgen.generate, not {type(design).__name__}")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"the seed must be an int, not {seed!r}")
    check_patterns(patterns)
    names = ALL if simulators == "all" else (simulators,) if isinstance(simulators, str) else tuple(simulators)
    unknown = [name for name in names if name not in SIMULATORS]
    if unknown or not names:
        raise ValueError(f"simulators must be among {', '.join(SIMULATORS)}, not {', '.join(unknown) or 'none'}")
    return names


def _families(netlists: Sequence[str]) -> tuple[str, ...]:
    """The names of families, if they are."""
    unknown = [name for name in netlists if name not in NETLISTS]
    if isinstance(netlists, str) or unknown:
        raise ValueError(f"netlists must be a list of some of {', '.join(NETLISTS)}, not {netlists!r}")
    return tuple(dict.fromkeys(netlists))


def verify_command(
    design: Design,
    x: IntArray,
    simulators: tuple[str, ...],
    netlists: tuple[str, ...],
    seed: int,
    folder: Path,
    file: str = "x.npy",
    thorough: bool = False,
) -> str:
    """The command line that verifies the same again, with the graph and the samples in files of the folder."""
    graph, samples = folder / f"{design.name}.graph", folder / file
    folder.mkdir(parents=True, exist_ok=True)
    design.graph.save(graph)
    np.save(samples, x)
    budget = ["--unrolled"] if design.plan.budget is None else ["--multipliers", str(design.plan.budget)]
    budget += [word for name in netlists for word in ("--netlist", name)]
    which = "all" if simulators == ALL else simulators[0]
    words = ["tensorgate", "verify", str(graph), "--input", str(samples), *budget, "--seed", str(seed)]
    return shlex.join([*words, "--simulator", which, *["--thorough"] * thorough])
