"""Verification: golden, PyRTL and the emitted Verilog have to agree on every bit of every cycle."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import IntArray
from rtlgen import Design
from sim.cocotb_launcher import PATTERNS, TestbenchResult, run_testbench
from sim.difference import Difference, VerificationError, first_difference, first_layer_difference
from sim.icarus import Icarus
from sim.lockstep import Pins, replay
from sim.postmortem import investigate
from sim.pyrtl_simulator import Pyrtl, taps
from sim.simulator import Run, Simulator
from sim.verilator import Verilator

SIMULATORS = ("pyrtl", "icarus", "verilator")
ALL = ("pyrtl", "icarus")
"""What ``all`` stands for: the three witnesses are these two and golden. Verilator is one more, where it is wanted."""

LOCATING_SAMPLES = 4
"""Samples that are run once more to find the layer of a difference: the one that differs, and those before it."""

MOST_WATCHED_SAMPLES = 32
"""Samples on which every layer is compared, in PyRTL and by the testbench; the outputs are on all of them."""


@dataclass(frozen=True)
class Verification:
    """The agreement of all witnesses.

    Args:
        name: of the design.
        samples: that the bulk runs took.
        simulators: that ran, golden not counted.
        ii_cycles, latency_cycles: planned, and measured equal.
        cycles: that ran in lockstep, every pin compared on each; 0 without Icarus.
        stalled_cycles: of these, cycles on which some stream was held up by its taker.
        phases: of the testbench, all of which passed.
        seed: of stalls and resets.
        time_s: that it took.
        outputs: shape (batch, *shape), the same from all.
    """

    name: str
    samples: int
    simulators: tuple[str, ...]
    ii_cycles: int
    latency_cycles: int
    cycles: int
    stalled_cycles: int
    phases: tuple[str, ...]
    seed: int
    time_s: float
    outputs: IntArray = field(repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Everything but the outputs, as plain values."""
        fields = {key: value for key, value in self.__dict__.items() if key != "outputs"}
        return {"verdict": "equal", **fields, "simulators": list(self.simulators), "phases": list(self.phases)}

    def __str__(self) -> str:
        witnesses = " == ".join(["golden", *self.simulators])
        lines = [
            f"{self.name}: {witnesses} on {self.samples} samples",
            f"  a sample every {self.ii_cycles} cycles, the first one after {self.latency_cycles}: exactly as planned",
        ]
        if self.cycles:
            lines.append(
                f"  {self.cycles} cycles in lockstep, {self.stalled_cycles} of them stalled; every pin, every stream, "
                f"every layer equal"
            )
        return "\n".join(lines)


def verify(
    design: Design,
    x: npt.ArrayLike,
    *,
    simulators: Sequence[str] = ALL,
    seed: int = 0,
    patterns: Sequence[tuple[str, str]] = PATTERNS,
    build: str | Path | None = None,
    command: str | None = None,
) -> Verification:
    """Compare every witness on the samples ``x``, integers of shape (batch, *shape); equal, or an error.

    PyRTL and Icarus (and Verilator) run all samples back to back: outputs against golden, cycles against the plan.
    Under Icarus the cocotb testbench then stalls, resets and starves the design, with every layer's stream watched and
    compared; and the pins that it recorded are replayed in PyRTL, cycle by cycle.

    Args:
        design: what ``rtlgen.generate`` made.
        x: the samples.
        simulators: of ``SIMULATORS``.
        seed: of stalls, resets, garbage.
        patterns: pairs of pause patterns (source, sink), see ``verif.pauses``.
        build: folder for the files; without it they are gone after success, and named in the error after a failure.
        command: what reproduces this run, for the error message.

    Raises:
        VerificationError: at the first difference: layer, element, sample, cycle, both values, waves.
        TypeError, ValueError: if ``x`` is not a batch of the input's type, or is empty.
        FileNotFoundError, ToolError: if a tool is missing or crashes.
    """
    started = time.monotonic()
    unknown = [name for name in simulators if name not in SIMULATORS]
    if unknown or not simulators:
        raise ValueError(f"simulators must be among {', '.join(SIMULATORS)}, not {', '.join(unknown) or 'none'}")
    samples = design.graph.input_type.check(x, "the input")
    if not len(samples):
        raise ValueError("verification needs at least one sample, there are none")
    folder = Path(build) if build is not None else Path(tempfile.mkdtemp(prefix=f"tensorgate-{design.name}-"))
    expected = design.graph.trace(samples)
    output = expected[design.graph.outputs[0]]
    try:
        for name in simulators:
            _check_bulk(design, _bulk(name), samples, output, folder)
        if "pyrtl" in simulators:
            _check_layers(design, samples[:MOST_WATCHED_SAMPLES], expected)
        result, pins = None, None
        if "icarus" in simulators:
            result, pins = _hostile(design, samples, expected, folder, seed, patterns)
    except VerificationError as error:
        located = _located(design, error.difference, samples, folder, seed)
        raise VerificationError(located, folder=folder, command=command) from error
    if build is None:
        shutil.rmtree(folder)
    return Verification(
        name=design.name,
        samples=len(samples),
        simulators=tuple(simulators),
        ii_cycles=design.plan.ii_cycles,
        latency_cycles=design.plan.latency_cycles,
        cycles=pins.cycles if pins else 0,
        stalled_cycles=max(stream["stalled"] for stream in result.coverage.values()) if result else 0,
        phases=tuple(result.phases) if result else (),
        seed=seed,
        time_s=round(time.monotonic() - started, 3),
        outputs=output,
    )


def _located(design: Design, seen: Difference, x: IntArray, folder: Path, seed: int) -> Difference:
    """A difference in a bulk run, which knows the outputs only, traced back to the first layer that differs."""
    if seen.witness not in SIMULATORS or seen.layer not in (None, design.graph.outputs[0]):
        return seen
    last = len(x) if seen.sample is None else seen.sample % len(x) + 1
    few = x[max(0, last - LOCATING_SAMPLES) : last]
    expected = design.graph.trace(few)
    if seen.witness == "pyrtl":
        layer = first_layer_difference(design, taps(design, few), expected, last - len(few))
        return replace(layer, message=f"{layer.message}; it shows as {seen.message}") if layer else seen
    try:
        _hostile(design, few, expected, folder, seed, ())
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


def _bulk(name: str) -> Simulator:
    table: Mapping[str, Simulator] = {"pyrtl": Pyrtl(), "icarus": Icarus(), "verilator": Verilator()}
    return table[name]


def _check_bulk(design: Design, simulator: Simulator, x: IntArray, output: IntArray, folder: Path) -> None:
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


def _check_layers(design: Design, x: IntArray, expected: Mapping[str, IntArray]) -> None:
    """Every layer's stream in PyRTL; a wrong layer need not show in the output."""
    golden = {name: tensor[: len(x)] for name, tensor in expected.items()}
    difference = first_layer_difference(design, taps(design, x), golden, 0)
    if difference:
        raise VerificationError(difference)


def _cycle_difference(design: Design, simulator: Simulator, run: Run) -> Difference | None:
    for what, measured in (("latency_cycles", run.latency_cycles), ("ii_cycles", run.ii_cycles)):
        planned = getattr(design.plan, what)
        if measured != planned:
            message = f"{what}: the plan says {planned}, {simulator.name} takes {measured}"
            return Difference(simulator.name, message, golden=planned, hardware=measured)
    return None


def _hostile(
    design: Design,
    x: IntArray,
    expected: Mapping[str, IntArray],
    folder: Path,
    seed: int,
    patterns: Sequence[tuple[str, str]],
) -> tuple[TestbenchResult, Pins]:
    """The cocotb testbench, and its recording in lockstep."""
    count = min(len(x), MOST_WATCHED_SAMPLES)
    build = folder / "cocotb"
    verilog = design.write_verilog(build / f"{design.name}.v")

    def run(waves: bool) -> TestbenchResult:
        return run_testbench(
            verilog,
            verilog.with_suffix(".json"),
            x[:count],
            {name: tensor[:count] for name, tensor in expected.items()},
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
            raise RuntimeError(f"the testbench never held up {', '.join(free)}: it needs more samples than {count}")
        return result, pins
    # Once more with waves: the run is a function of the seed, so the same thing happens again.
    waves = run(waves=True).waves
    raise VerificationError(replace(difference, **investigate(design, pins, waves, difference.cycle, apart, folder)))
