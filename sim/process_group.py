"""Programs in process groups of their own: whatever happens here, they end with all that they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from sim.signals import signals_wait

PATIENCE_S = 3.0
"""How long the members of a group that was killed may take to be gone."""

LOOK_S = 0.2
"""Between two looks of a watcher."""

_running: set[subprocess.Popen[bytes]] = set()


def run_group(
    words: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | IO[bytes],
    timeout: float | None,
    watch: Callable[[], None] | None = None,
) -> tuple[int | None, bytes]:
    """Run a program to its end; its exit status, None if it had to be stopped, and what it wrote into a pipe.

    Args:
        words: the program and its arguments.
        cwd: the folder to run it in.
        env: all its variables.
        output: for what it prints, standard error included: an open file, or ``subprocess.PIPE``.
        timeout: seconds.
        watch: is called now and then while it runs; what it raises ends the program.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with signals_wait():
            # Between the fork and the assignment nobody would know of it.
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            _running.add(process)
        try:
            printed = _communicate(process, timeout, watch)
        except subprocess.TimeoutExpired:
            with signals_wait():
                _end(process)
            printed, _ = process.communicate()
            return None, printed or b""
        return process.returncode, printed or b""
    except BaseException:
        if process is not None:
            with signals_wait():
                _end(process)
                if process.stdout:
                    process.stdout.close()
        raise
    finally:
        if process is not None:
            _running.discard(process)


def _communicate(process: subprocess.Popen[bytes], timeout: float | None, watch: Callable[[], None] | None) -> bytes:
    if watch is None:
        return process.communicate(timeout=timeout)[0]
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            return process.communicate(timeout=LOOK_S)[0]
        except subprocess.TimeoutExpired:
            if deadline is not None and time.monotonic() > deadline:
                raise
            watch()


def end_all() -> None:
    """End every program that runs now, for a process that is about to end itself."""
    for process in list(_running):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program with its whole group, and wait until nobody of it is left."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # the latter on systems where only zombies are left
            break
        process.poll()  # a member that nobody asks for stays in the group
        time.sleep(0.005)
    process.wait()
