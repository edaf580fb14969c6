"""The witnesses, one check each: bulk runs, layers, the hostile testbench in lockstep; and where a difference is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.difference import Difference, VerificationError, first_difference, first_layer_difference
from sim.lockstep import Pins, replay
from sim.postmortem import investigate
from sim.simulators.cocotb_launcher import TestbenchResult, run_testbench
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl, taps
from sim.simulators.simulator import Run, Simulator
from sim.simulators.verilator import Verilator

BULK: Mapping[str, Simulator] = {"pyrtl": Pyrtl(), "icarus": Icarus(), "verilator": Verilator()}
"""The simulators by name."""

LOCATING_SAMPLES = 4
"""Samples that are run once more to find the layer of a difference: the one that differs, and those before it."""


def locate(design: Design, seen: Difference, x: IntArray, folder: Path, seed: int) -> Difference:
    """A difference in a bulk run, which knows the outputs only, traced back to the first layer that differs."""
    if seen.witness not in BULK or seen.layer not in (None, design.graph.outputs[0]):
        return seen
    last = len(x) if seen.sample is None else seen.sample % len(x) + 1
    few = x[max(0, last - LOCATING_SAMPLES) : last]
    expected = design.graph.trace(few)
    if seen.witness == "pyrtl":
        layer = first_layer_difference(design, taps(design, few), expected, last - len(few))
        return replace(layer, message=f"{layer.message}; it shows as {seen.message}") if layer else seen
    try:
        check_hostile(design, few, expected, folder, seed, ())
    except VerificationError as error:
        found = error.difference
        return replace(
            found,
            message=f"{found.message}; in the bulk run under {seen.witness}: {seen.message}",
            sample=None if found.sample is None else found.sample + last - len(few),
        )
    except FileNotFoundError:  # Verilator alone, and no Icarus to look closer with
        pass
    return seen


def steady_samples(design: Design) -> int:
    """Samples that fill the network to the brim, and after which the interval between samples is steady."""
    under_way = -(-design.plan.latency_cycles // design.plan.ii_cycles)
    return under_way + 2 * len(design.plan.layers) + 4


def check_bulk(design: Design, simulator: Simulator, x: IntArray, output: IntArray, folder: Path) -> None:
    """All samples back to back, and enough of them again to reach the steady state."""
    again = max(0, steady_samples(design) - len(x))
    more = np.resize(np.arange(len(x)), len(x) + again)
    try:
        run = simulator.run(design, x[more], folder / simulator.name)
    except (TimeoutError, ValueError) as error:
        raise VerificationError(Difference(simulator.name, str(error))) from error
    difference = first_difference(design, simulator.name, run, output[more]) or _cycle_difference(
        design, simulator, run
    )
    if difference:
        raise VerificationError(difference)


def check_layers(design: Design, x: IntArray, expected: Mapping[str, IntArray]) -> None:
    """Every layer's stream in PyRTL; a wrong layer need not show in the output."""
    difference = first_layer_difference(design, taps(design, x), expected, 0)
    if difference:
        raise VerificationError(difference)


def _cycle_difference(design: Design, simulator: Simulator, run: Run) -> Difference | None:
    for what, measured in (("latency_cycles", run.latency_cycles), ("ii_cycles", run.ii_cycles)):
        planned = getattr(design.plan, what)
        if measured != planned:
            message = f"{what}: the plan says {planned}, {simulator.name} takes {measured}"
            return Difference(simulator.name, message, golden=planned, hardware=measured)
    return None


def check_hostile(
    design: Design,
    x: IntArray,
    expected: Mapping[str, IntArray],
    folder: Path,
    seed: int,
    patterns: Sequence[tuple[str, str]],
) -> tuple[TestbenchResult, Pins]:
    """The cocotb testbench, and its recording in lockstep."""
    build = folder / "cocotb"
    verilog = design.write_verilog(build / f"{design.name}.v")

    def run(waves: bool) -> TestbenchResult:
        return run_testbench(
            verilog,
            verilog.with_suffix(".json"),
            x,
            expected,
            build,
            seed=seed,
            patterns=patterns,
            unstalled=steady_samples(design),
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
        free = [stream for stream, cycles in result.coverage.items() if not cycles["stalled"]]
        if free:
            # Lost beats hide where nothing ever waits: a run without back-pressure proves nothing.
            raise RuntimeError(f"the testbench never held up {', '.join(free)}, although it filled {design.name}")
        return result, pins
    # Once more with waves: the run is a function of the seed, so the same thing happens again.
    waves = run(waves=True).waves
    raise VerificationError(replace(difference, **investigate(design, pins, waves, difference.cycle, apart, folder)))
