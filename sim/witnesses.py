"""The witnesses, one check each: bulk runs, layers, the hostile testbench in lockstep; and where a difference is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.types import IntArray, IntType
from rtlgen import Design
from rtlgen.occupancy import steady_samples
from sim.budget import NO_BOUND, samples_within
from sim.difference import Difference, VerificationError, first_difference, first_layer_difference
from sim.effort import USUAL, Effort
from sim.lockstep import Pins, replay, wire_value
from sim.postmortem import WINDOW_CYCLES, investigate, shown, shown_of, signals
from sim.simulators.bench import CLOCK, TOP, WAVES
from sim.simulators.cocotb_launcher import TestbenchResult, registers_of, run_testbench
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl, taps
from sim.simulators.simulator import Run, Simulator
from sim.simulators.verilator import Verilator
from sim.tools import ToolError
from sim.waves import PYRTL, cut

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
        folder.mkdir(parents=True, exist_ok=True)
        waves = folder / "pyrtl.vcd"
        layer = first_layer_difference(design, taps(design, few, waves), expected, last - len(few))
        if layer and seen.layer in (None, design.graph.outputs[0]):
            seen = replace(layer, message=f"{layer.message}; it shows as {seen.message}")
        last_cycle = seen.cycle or 0
        target = cut(
            waves, folder / "around_difference.vcd", last_cycle - WINDOW_CYCLES, last_cycle + WINDOW_CYCLES, PYRTL
        )
        return replace(
            seen, pyrtl=seen.hardware, **shown(design, target, signals(design, seen.layer), last_cycle, PYRTL)
        )
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
    return with_waves(design, seen, x, folder)


def with_waves(design: Design, seen: Difference, x: IntArray, folder: Path) -> Difference:
    """A difference in a bulk run of ``x`` that few samples do not show: the same run again, with waves around it."""
    simulator = BULK[seen.witness]
    assert isinstance(simulator, Icarus | Verilator), seen.witness
    count = len(x) if seen.sample is None else seen.sample + 1
    samples = x[np.resize(np.arange(len(x)), count)]
    cycle = design.plan.latency_cycles if seen.cycle is None else seen.cycle
    window = cycle - WINDOW_CYCLES, cycle + WINDOW_CYCLES
    build = folder / "waves"
    # Where a beat never comes, the run fails again.
    with suppress(FileNotFoundError, TimeoutError, ToolError, ValueError):
        replace(simulator, waves=window).run(design, samples, build)
    if not (build / WAVES).exists():
        return seen
    target = cut(build / WAVES, folder / "around_difference.vcd", *window, CLOCK)
    found = shown_of(design.block, target, signals(design, seen.layer), cycle, CLOCK, f"{TOP}.dut")
    return replace(seen, pyrtl=_last_of_pyrtl(design, seen, samples), **found)


def _last_of_pyrtl(design: Design, seen: Difference, x: IntArray) -> int | None:
    """What PyRTL gives for the element that differs, in the last one of the samples ``x``, if it is about a value."""
    if seen.element is None:
        return None
    with suppress(TimeoutError, ValueError):
        run = BULK["pyrtl"].run(design, x[-LOCATING_SAMPLES:], Path())
        return int(run.outputs[-1][seen.element])
    return None


def fewer_samples(seen: Difference, x: IntArray, again: Callable[[IntArray], None]) -> IntArray | None:
    """Fewer of the samples ``x`` that fail under the same witness: the one that differs, or all before it, too.

    Args:
        seen: the difference.
        x: the samples with which it was seen.
        again: checks samples, and raises VerificationError.
    """
    last = 1 if seen.sample is None else seen.sample % len(x) + 1
    for first in dict.fromkeys((last - 1, 0)):
        fewer = x[first:last]
        if len(fewer) == len(x):
            continue
        try:
            again(fewer)
        except VerificationError as error:
            if error.difference.witness == seen.witness:
                return fewer
        except (FileNotFoundError, ToolError):
            return None
    return None


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


def _everything_cycles(design: Design, batch: int, patterns: int, effort: Effort) -> int:
    """More than all phases of the testbench together take, if nothing is left out: no share has to be looked after."""
    samples = steady_samples(design.plan) + (effort.stalled + 2) * patterns + 10 * effort.resets + batch
    return samples * (design.plan.ii_cycles + design.plan.latency_cycles)


def check_hostile(
    design: Design,
    x: IntArray,
    expected: Mapping[str, IntArray],
    folder: Path,
    seed: int,
    patterns: Sequence[tuple[str, str]],
    cycles: int = NO_BOUND,
    effort: Effort = USUAL,
    netlist: Path | None = None,
    phases: Sequence[str] = (),
    examined: bool = True,
) -> tuple[TestbenchResult, Pins]:
    """The cocotb testbench, and its recording in lockstep; on a ``netlist`` of the design instead, if there is one.

    ``phases`` are those to run, all if empty; a difference is ``examined`` with waves; other arguments as of
    ``run_testbench``.
    """
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
            stalled=effort.stalled,
            resets=effort.resets,
            watched=netlist is None,
            registers=[] if netlist else registers_of(verilog),
            budget_cycles=None if cycles >= _everything_cycles(design, len(x), len(patterns), effort) else cycles,
            phases=phases,
            waves=waves,
        )

    result = run(waves=False)
    pins = Pins.load(result.recording)
    apart = replay(design, pins)
    finding = result.first
    if finding:
        difference = Difference.of_finding(finding)
    elif apart:
        difference = Difference("lockstep", str(apart), cycle=apart.cycle, hardware=apart.verilog, pyrtl=apart.pyrtl)
    else:
        return result, pins
    if not examined:
        raise VerificationError(difference)
    if finding:
        difference = replace(difference, pyrtl=_of_pyrtl(design, pins, finding))
    # Once more with waves: the run is a function of the seed, so the same thing happens again.
    waves = run(waves=True).waves
    found = investigate(design, pins, waves, difference.cycle, apart, folder, difference.layer)
    raise VerificationError(replace(difference, **found))


def _of_pyrtl(design: Design, pins: Pins, finding: Mapping[str, Any]) -> int | None:
    """What PyRTL has where the testbench found a wrong value."""
    if finding["check"] != "value":
        return None
    ports = design.ports
    port = next(port for port in (*ports["streams"], ports["output"]) if port["prefix"] == finding["stream"])
    data = f"{port['prefix']}_{'t' if port is ports['output'] else ''}data"
    word = wire_value(design, pins, data, finding["cycle"]) >> finding["lane"] * port["bits"]
    value = word & ((1 << port["bits"]) - 1)
    negative = IntType.parse(port["dtype"]).signed and value >> (port["bits"] - 1)
    return int(value - (1 << port["bits"]) if negative else value)
