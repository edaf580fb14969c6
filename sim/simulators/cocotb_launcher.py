"""Starts a cocotb testbench under Icarus: the only module that knows cocotb-test."""

from __future__ import annotations

import importlib
import json
import logging
import re
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from sim.simulators.programs import require_programs
from sim.tools import ToolError, run_tool

TESTBENCH = "verif.testbench"
MUTATION = "verif.mutation"
HARNESS = "verif.harness"
PORTS = "verif.ports"
PAUSES = "verif.pauses"
"""The testbench is named, not imported: another one with the same files in and out can take its place."""

PATTERNS = (("coin", "never"), ("never", "coin"), ("coin", "coin"), ("bursts", "bursts"), ("rare", "mostly"))
"""Pairs of pause patterns (source, sink) for a thorough run."""

WRITTEN = (
    "testbench.json",
    "testbench.npz",
    "tensorgate_bench.v",
    "simulation.log",
    "result.json",
    "findings.json",
    "recording.npz",
    "mutation.json",
    "replays.json",
    "waves.vcd",
)
"""Files in the build folder, besides those of cocotb-test."""

Finding = Mapping[str, Any]

_REGISTER = re.compile(r"^\s*reg\s*(?:\[\d+:0\])?\s*(\w+);", re.MULTILINE)
"""A declaration of a register by itself, not of a memory."""


@dataclass(frozen=True)
class TestbenchResult:
    """What a testbench found out.

    Args:
        passed: whether every phase passed.
        findings: what is wrong, JSON objects with check, message, phase, cycle, stream, tensor, sample, beat, lane,
            element, golden, hardware (see ``verif.finding``); per phase the first layer in network order comes first.
        phases: per phase ``passed`` and ``cycles``; ``cut_short`` or ``left_out`` if the budget was too small.
        latency_cycles, ii_cycles: measured without stalls; None if that phase did not come to its end.
        cycles: simulated in all.
        coverage: per stream prefix the cycles with ``beats``, ``stalled``, ``starved``, ``idle``.
        covered: by stream prefix or layer, property and bin of ``verif.coverage``, how often it was hit.
        carried: the samples of the batch that came out right, by ``verif.coverage.CONTEXTS``.
        recording: npz of every top pin on every cycle (see ``verif.recorder``).
        waves: VCD file, if asked for; the design is the scope ``dut``.
        log: all that the tools printed.
    """

    __test__ = False  # for pytest: not a class of tests

    passed: bool
    findings: tuple[Finding, ...]
    phases: Mapping[str, Mapping[str, Any]]
    latency_cycles: int | None
    ii_cycles: int | None
    cycles: int
    coverage: Mapping[str, Mapping[str, int]]
    covered: Mapping[str, Mapping[str, Mapping[str, int]]]
    carried: Mapping[str, Sequence[int]]
    recording: Path
    waves: Path | None
    log: Path

    @property
    def cut_short(self) -> tuple[str, ...]:
        """Phases that the budget has ended early, or left out."""
        return tuple(name for name, phase in self.phases.items() if phase.get("cut_short") or phase.get("left_out"))

    @property
    def first(self) -> Finding | None:
        """The first thing that is wrong."""
        return self.findings[0] if self.findings else None

    def __str__(self) -> str:
        if self.first is None:
            return f"passed: {len(self.phases)} phases, {self.cycles} cycles"
        return f"FAILED: {self.first['phase']}: {self.first['message']}"


def run_testbench(
    verilog: Path,
    ports_json: Path,
    x: npt.ArrayLike,
    expected: Mapping[str, npt.ArrayLike],
    build: Path,
    *,
    seed: int = 0,
    patterns: Sequence[tuple[str, str]] = PATTERNS,
    unstalled: int = 4,
    stalled: int = 3,
    resets: int = 4,
    budget_cycles: int | None = None,
    watched: bool = False,
    registers: Sequence[str] = (),
    waves: bool = False,
    phases: Sequence[str] = (),
    timeout: float = 3600,
) -> TestbenchResult:
    """Try to break a design.

    Args:
        verilog: the design.
        ports_json: its port description.
        x: integer inputs, shape (batch, *shape); taken one after the other, round and round.
        expected: the tensor of every stream by name (``graph.trace(x)``).
        build: a folder of this run's own, made if need be; several runs may go on at once in different folders.
        seed: of everything random.
        patterns: pairs of pause patterns (source, sink).
        unstalled: samples at full speed; enough of them to reach the steady state.
        stalled: samples per pair of patterns.
        resets: resets in mid-sample.
        budget_cycles: of all phases together: fewer samples, then phases that are cut short (see ``verif.effort``).
        watched: look into the design for coverage; it must have the wires that its port description names for that.
        registers: of the design, that are set to random numbers before a reset; see ``registers_of``.
        waves: also write a VCD file.
        phases: names of the phases to run; all if empty.
        timeout: seconds for the simulation.

    Raises:
        FileNotFoundError: if Icarus or an input file is missing.
        ValueError: if the port description, the patterns or the tensors are no good.
        ToolError: if the design does not compile, or simulator or testbench crash. A failing check is no error.
    """
    verilog, ports_json, build = (Path(path).resolve() for path in (verilog, ports_json, build))
    effort = (seed, unstalled, stalled, resets)
    top = _prepare(
        verilog, ports_json, x, expected, build, effort, patterns, budget_cycles, phases, inside=(watched, registers)
    )
    log = build / "simulation.log"
    plusargs = [f"+verif={build / 'testbench.json'}", *(["+waves"] if waves else [])]
    launch(TESTBENCH, top, [build / "tensorgate_bench.v", verilog], build, log, plusargs, seed, timeout)
    return _result(build, log, build / "waves.vcd" if waves else None)


def run_mutants(
    verilog: Path,
    ports_json: Path,
    x: npt.ArrayLike,
    expected: Mapping[str, npt.ArrayLike],
    build: Path,
    mutants: Sequence[int],
    *,
    bits: int,
    seed: int = 0,
    stalled: int = 2,
    resets: int = 8,
    replays: Sequence[Sequence[Mapping[str, Any]]] = (),
    timeout: float = 3600,
) -> list[dict[str, Any]]:
    """The testbench on some mutants of a netlist; other arguments and errors as of ``run_testbench``.

    Args:
        verilog, ports_json, x, expected, build, seed, stalled, resets, timeout: as there.
        mutants: their numbers.
        bits: of the input of the netlist that chooses one.
        replays: what to repeat before the phases, see ``verif.mutation``.

    Returns:
        per run, the first and the last of which are without a fault, ``mutant``, ``verdict``, ``message``, ``cycles``.
    """
    verilog, ports_json, build = (Path(path).resolve() for path in (verilog, ports_json, build))
    effort = (seed, max(2, len(np.asarray(x))), stalled, resets)
    top = _prepare(verilog, ports_json, x, expected, build, effort, PATTERNS, None, (), bits)
    (build / "replays.json").write_text(json.dumps(replays) + "\n")
    log = build / "simulation.log"
    plusargs = [f"+verif={build / 'testbench.json'}", f"+mutants={','.join(map(str, mutants))}"]
    launch(MUTATION, top, [build / "tensorgate_bench.v", verilog], build, log, plusargs, seed, timeout)
    if not (build / "mutation.json").exists():
        raise ToolError("the testbench ended without a result", (), log.read_text(errors="replace"))
    results: list[dict[str, Any]] = json.loads((build / "mutation.json").read_text())
    return results


def _prepare(
    verilog: Path,
    ports_json: Path,
    x: npt.ArrayLike,
    expected: Mapping[str, npt.ArrayLike],
    build: Path,
    effort: tuple[int, int, int, int],
    patterns: Sequence[tuple[str, str]],
    budget_cycles: int | None,
    phases: Sequence[str],
    mutant_bits: int = 0,
    inside: tuple[bool, Sequence[str]] = (False, ()),
) -> str:
    """Write the files that a testbench is started with; the name of the module to simulate."""
    seed, unstalled, stalled, resets = effort
    watched, registers = inside
    if seed < 0 or unstalled < 2 or stalled < 1 or resets < 0:
        got = f"{seed}, {unstalled}, {stalled}, {resets}"
        raise ValueError(f"seed >= 0, unstalled >= 2, stalled >= 1 and resets >= 0 are needed, not {got}")
    require_programs("icarus")
    if not verilog.is_file():
        raise FileNotFoundError(f"no Verilog file {verilog}")
    ports = importlib.import_module(PORTS).Ports.load(ports_json)
    for name in {name for pair in patterns for name in pair}:
        importlib.import_module(PAUSES).pauses(name, seed)
    tensors = {**expected, ports.input.tensor: x}
    missing = [port.tensor for port in ports.in_order if port.tensor not in tensors]
    if missing:
        raise ValueError(f"expected must hold the tensor {missing[0]!r}; it has {', '.join(tensors)}")
    golden = {
        port.tensor: port.type.check(tensors[port.tensor], f"the tensor {port.tensor!r}") for port in ports.in_order
    }
    written = [build / name for name in WRITTEN]
    if verilog in written or ports_json in written:
        raise ValueError(
            f"the files of the testbench would overwrite {verilog} or {ports_json}: name the design otherwise"
        )
    build.mkdir(parents=True, exist_ok=True)
    for leftover in (*build.glob("*_results.xml"), *written):
        leftover.unlink(missing_ok=True)
    with ZipFile(build / "testbench.npz", "w") as archive:  # np.savez, but with any name for a tensor
        for name, tensor in golden.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, tensor, allow_pickle=False)
    config = {
        "ports": str(ports_json),
        "golden": str(build / "testbench.npz"),
        "build": str(build),
        "seed": seed,
        "patterns": [list(pair) for pair in patterns],
        "unstalled": unstalled,
        "stalled": stalled,
        "resets": resets,
        "budget_cycles": budget_cycles,
        "phases": list(phases),
        "watched": watched,
        "registers": list(registers),
    }
    (build / "testbench.json").write_text(json.dumps(config, indent=1) + "\n")
    harness = importlib.import_module(HARNESS)
    (build / "tensorgate_bench.v").write_text(harness.verilog(ports, mutant_bits, watched=watched))
    return str(harness.TOP)


def registers_of(verilog: Path) -> list[str]:
    """The names of the registers of a design, as they are declared in its emitted Verilog, one a line; no memories."""
    return _REGISTER.findall(verilog.read_text())


def check_patterns(patterns: Sequence[tuple[str, str]]) -> None:
    """Raise ValueError if these are not pairs of names of pause patterns."""
    for pair in patterns:
        if isinstance(pair, str) or len(pair) != 2:
            raise ValueError(f"stall patterns must be pairs (source, sink), not {pair!r}")
        for name in pair:
            importlib.import_module("verif.pauses").pauses(name, 0)


def _result(build: Path, log: Path, waves: Path | None) -> TestbenchResult:
    if not (build / "result.json").exists():
        text = log.read_text(errors="replace")
        _, traceback, crash = text.partition("Traceback (most recent call last):")
        raise ToolError("the testbench ended without a result", (), traceback + crash.split(" INFO ")[0] or text)
    result = json.loads((build / "result.json").read_text())
    errors = [(name, phase["error"]) for name, phase in result["phases"].items() if "error" in phase]
    if errors:
        raise ToolError(f"the testbench crashed in {errors[0][0]}", (), errors[0][1])
    return TestbenchResult(
        passed=result["passed"],
        findings=tuple(json.loads((build / "findings.json").read_text())),
        phases=result["phases"],
        latency_cycles=result["measured"]["latency_cycles"],
        ii_cycles=result["measured"]["ii_cycles"],
        cycles=result["cycles"],
        coverage=result["coverage"],
        covered=result["covered"],
        carried=result["carried"],
        recording=build / "recording.npz",
        waves=waves,
        log=log,
    )


def launch(
    module: str,
    top: str,
    sources: Sequence[Path],
    build: Path,
    log: Path,
    plusargs: list[str],
    seed: int,
    timeout: float,
) -> None:
    """Compile ``sources`` with ``top`` at the top, and run the testbench ``module``; its results are in ``build``."""
    with _undisturbed():
        import cocotb_test.simulator

        class Icarus(cocotb_test.simulator.Icarus):  # type: ignore[misc]
            """cocotb-test's Icarus, its commands run by ``run_tool``: quiet, with a timeout and an error that tells."""

            def execute(self, commands: list[list[str]]) -> None:
                for command in commands:
                    run_tool(command, cwd=build, timeout=timeout, env=self.env, log=log)

        with _signals_kept():
            simulator = Icarus(
                toplevel=top,
                module=module,
                verilog_sources=[str(source) for source in sources],
                python_search=[str(Path(__file__).resolve().parents[2])],
                sim_build=str(build),
                timescale="1ns/1ps",
                plus_args=plusargs,
                seed=seed,
                waves=False,  # the harness writes its own
                force_compile=True,
            )
        # A failing check ends in SystemExit. What failed stands in the result file; without one it was a crash.
        with suppress(SystemExit):
            simulator.run()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """cocotb-test changes the warning filters and the log of the whole process: put them back."""
    root, logger = logging.getLogger(), logging.getLogger("cocotb")
    handlers, level, propagate = list(root.handlers), logger.level, logger.propagate
    quiet = logging.NullHandler()
    logger.addHandler(quiet)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logger.removeHandler(quiet)
        logger.propagate = propagate
        logger.setLevel(level)
        root.handlers[:] = handlers


@contextmanager
def _signals_kept() -> Iterator[None]:
    """cocotb-test takes SIGINT and SIGTERM and never gives them back."""
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
