"""What a result depends on besides its case, as a hash: when it changes, cases run again."""

from __future__ import annotations

import ast
import hashlib
import platform
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sim.simulators import verilator
from sim.tools import ToolError, run_tool

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("golden", "rtlgen", "verif")
LIBRARIES = ("cocotb", "cocotb-test", "mlxtend", "numpy", "pyrtl", "scikit-learn")
KINDS = (".py", ".npz", ".json")
"""Of files: sources, weights, figures of networks."""
CASES = ("sim", "sim.regression.run_case")
"""Where to begin looking for what runs a case."""
DRAWINGS, PAGE = "sim.figures", "sim.regression.postmortem_page"
"""What ``sim`` offers to users, and what shows a failure: no case needs them, and no failure is taken for known."""


def fingerprint(root: Path = ROOT, start: tuple[str, ...] = CASES) -> str:
    """A hash of what every result depends on: the sources, the weights, the libraries, Python."""
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in LIBRARIES)]
    digest = hashlib.sha256("\n".join(versions).encode())
    files = [path for package in PACKAGES for path in (root / package).rglob("*") if path.suffix in KINDS]
    for path in sorted([*files, *behind_a_case(root, start)]):
        digest.update(f"\n{path.relative_to(root).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def behind_a_case(root: Path = ROOT, start: tuple[str, ...] = CASES) -> set[Path]:
    """The files of ``sim`` that run a case, as their imports tell; the others show results and cannot change one."""
    found: set[Path] = set()
    modules = [*start]
    while modules:
        module = modules.pop()
        if module in (DRAWINGS, PAGE):
            continue
        stem = root.joinpath(*module.split("."))
        path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
        if path in found or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sim":
                modules += [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                modules += [alias.name for alias in node.names if alias.name.startswith("sim.")]
    return found


@cache
def simulator_version(simulator: str) -> str:
    """The program behind a simulator in its own words; empty for PyRTL, a library, and for one that is not there."""
    commands = {"icarus": ("iverilog", "-V"), "verilator": (verilator.program(), "--version")}
    if simulator not in commands:
        return ""
    try:
        log = run_tool(
            commands[simulator], cwd=Path(tempfile.gettempdir()), env=verilator.environment(), timeout=60
        ).log
    except (FileNotFoundError, ToolError):
        return ""
    return log.partition("\n")[0].strip()
