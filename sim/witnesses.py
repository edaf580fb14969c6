"""The witnesses, one check each: bulk runs, layers, the hostile testbench in lockstep; and where a difference is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from rtlgen.occupancy import steady_samples
from sim.budget import NO_BOUND, samples_within
from sim.difference import Difference, VerificationError, first_difference, first_layer_difference
from sim.lockstep import Pins, replay
from sim.postmortem import investigate
from sim.simulators.cocotb_launcher import TestbenchResult, run_testbench
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl, taps
from sim.simulators.simulator import Run, Simulator
from sim.simulators.verilator import Verilator
from sim.tools import ToolError

BULK: Mapping[str, Simulator] = {"pyrtl": Pyrtl(), "icarus": Icarus(), "verilator": Verilator()}
"""The simulators by name."""

LOCATING_SAMPLES = 4
"""Samples that are run once more to find the layer of a difference: the one that differs, and those before it."""


def locate(design: Design, seen: Difference, x: IntArray, folder: Path, seed: int) -> Difference:
    """A difference in a bulk run, which knows the outputs only, traced back to the first layer that differs."""
    if seen.witness not in BULK:
        return seen
    last = len(x) if seen.sample is None else seen.sample % len(x) + 1
    few = x[max(0, last - LOCATING_SAMPLES) : last]
    expected = design.plan.live.trace(few)
    if seen.witness == "pyrtl":
        waves = folder / "pyrtl.vcd"
        layer = first_layer_difference(design, taps(design, few, waves), expected, last - len(few))
        if layer and seen.layer in (None, design.graph.outputs[0]):
            seen = replace(layer, message=f"{layer.message}; it shows as {seen.message}")
        return replace(seen, waves=str(waves))
    try:
        check_hostile(design, few, expected, folder, seed, ())
    except VerificationError as error:
        found = error.difference
        return replace(
            found,
            message=f"{found.message}; in the bulk run under {seen.witness}: {seen.message}",
            sample=None if found.sample is None else found.sample + last - len(few),
        )
    except (FileNotFoundError, ToolError):  # no Icarus to look closer with, or it crashes: what was seen still stands
        pass
    return seen


PIECE_SAMPLES = 250
"""Samples that golden takes at a time: the tensors inside a network are much larger than its input."""


def golden_outputs(design: Design, x: IntArray) -> IntArray:
    """What the network makes of the samples ``x``, at least one, without keeping what is inside."""
    pieces = [design.graph(x[start : start + PIECE_SAMPLES]) for start in range(0, len(x), PIECE_SAMPLES)]
    return np.concatenate([np.asarray(piece, dtype=np.int64) for piece in pieces])


def check_bulk(
    design: Design, simulator: Simulator, x: IntArray, output: IntArray, folder: Path, cycles: int = NO_BOUND
) -> None:
    """All samples back to back, some of them again if there are few and cycles enough: every output on its cycle."""
    again = max(0, samples_within(design.plan, cycles, steady_samples(design.plan)) - len(x))
    more = np.resize(np.arange(len(x)), len(x) + again)
    try:
        run = simulator.run(design, x[more], folder / simulator.name)
    except (TimeoutError, ValueError) as error:
        raise VerificationError(Difference(simulator.name, str(error))) from error
    difference = first_difference(design, simulator.name, run, output[more]) or cycle_difference(
        design, simulator.name, run
    )
    if difference:
        raise VerificationError(difference)


def cycle_difference(design: Design, witness: str, run: Run) -> Difference | None:
    """The first sample that is not on the cycle that the plan says."""
    plan = design.plan
    due = plan.due_cycles(len(run.cycles))
    sample = run.first_off(due)
    if sample is None:
        return None
    what, value = ("ii_cycles", plan.ii_cycles) if sample else ("latency_cycles", plan.latency_cycles)
    planned, measured = int(due[sample]), int(run.cycles[sample])
    message = f"{what}: the plan says {value}; sample {sample} is due at cycle {planned}, and came out at {measured}"
    return Difference(witness, message, sample=sample, cycle=measured, golden=planned, hardware=measured)


def check_layers(design: Design, x: IntArray, expected: Mapping[str, IntArray]) -> None:
    """Every layer's stream in PyRTL; a wrong layer need not show in the output."""
    try:
        seen = taps(design, x)
    except ValueError as error:
        raise VerificationError(Difference("pyrtl", str(error))) from error
    difference = first_layer_difference(design, seen, expected, 0)
    if difference:
        raise VerificationError(difference)


def _everything_cycles(design: Design, patterns: int) -> int:
    """More than all phases of the testbench together take, if nothing is left out: no share has to be looked after."""
    return (steady_samples(design.plan) + 5 * patterns + 40) * (design.plan.ii_cycles + design.plan.latency_cycles)


def check_hostile(
    design: Design,
    x: IntArray,
    expected: Mapping[str, IntArray],
    folder: Path,
    seed: int,
    patterns: Sequence[tuple[str, str]],
    cycles: int = NO_BOUND,
    netlist: Path | None = None,
) -> tuple[TestbenchResult, Pins]:
    """The cocotb testbench, and its recording in lockstep; on a ``netlist`` of the design instead, if there is one."""
    build = folder / "cocotb"
    verilog = design.write_verilog(build / f"{design.name}.v")

    def run(waves: bool) -> TestbenchResult:
        return run_testbench(
            netlist or verilog,
            verilog.with_suffix(".json"),
            x,
            expected,
            build,
            seed=seed,
            patterns=patterns,
            unstalled=steady_samples(design.plan),
            budget_cycles=None if cycles >= _everything_cycles(design, len(patterns)) else cycles,
            waves=waves,
        )

    result = run(waves=False)
    pins = Pins.load(result.recording)
    apart = replay(design, pins)
    finding = result.first
    if finding:
        difference = Difference.of_finding(finding)
    elif apart:
        difference = Difference("lockstep", str(apart), cycle=apart.cycle)
    else:
        return result, pins
    # Once more with waves: the run is a function of the seed, so the same thing happens again.
    waves = run(waves=True).waves
    raise VerificationError(replace(difference, **investigate(design, pins, waves, difference.cycle, apart, folder)))
