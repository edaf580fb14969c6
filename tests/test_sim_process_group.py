"""Programs end with all that they have started, and folders go, whenever a signal comes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sim.scratch import remove_folder, scratch_folder
from sim.signals import signals_wait
from sim.tools import ToolError, run_tool

pytestmark = pytest.mark.slow  # it waits for programs to end

FAMILY = """
import os, pathlib, subprocess, sys, tempfile, time
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "child"])
tempfile.mkstemp()
pathlib.Path(f"{os.getpid()}.pid").touch()
time.sleep(60)
"""
"""A program that starts another one; both keep a temporary file."""


def alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def family(folder: Path, expected: int = 2) -> list[int]:
    deadline = time.monotonic() + 20
    while len(found := [int(path.stem) for path in folder.glob("*.pid")]) < expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("how", ["interrupt", "timeout"])
def test_a_program_ends_with_all_that_it_has_started(how: str, tmp_path: Path) -> None:
    program = tmp_path / "family.py"
    program.write_text(FAMILY)
    if how == "timeout":
        with pytest.raises(ToolError, match="stopped after 2 seconds"):
            run_tool([sys.executable, program], cwd=tmp_path, timeout=2)
    else:
        threading.Thread(target=lambda: (family(tmp_path), os.kill(os.getpid(), signal.SIGINT))).start()
        with pytest.raises(KeyboardInterrupt):
            run_tool([sys.executable, program], cwd=tmp_path)
    found = family(tmp_path)
    assert len(found) == 2
    assert not any(map(alive, found))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pid", ".pid", ".py"]  # no temporary file


def test_a_signal_waits_for_the_end_of_a_step() -> None:
    done = []

    def step() -> None:
        with signals_wait():
            signal.raise_signal(signal.SIGINT)
            done.append("the step")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_is_starting_is_not_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The signal comes when the program runs already, and nobody has been told its number yet."""
    started: list[int] = []

    class Slow(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[call-overload]
            started.append(self.pid)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Slow)
    with pytest.raises(KeyboardInterrupt):
        run_tool(["sleep", "60"], cwd=tmp_path)
    assert not alive(started[0])


def test_a_folder_goes_although_somebody_still_writes_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    until = time.monotonic() + 0.3

    def write() -> None:
        number = 0
        while time.monotonic() < until:
            number += 1
            try:
                (folder / str(number)).touch()
            except FileNotFoundError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    remove_folder(folder)
    writer.join()
    assert not folder.exists()
    remove_folder(folder)  # none there: nothing to do


def test_a_folder_that_stays_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(f"{path} is not yours")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(PermissionError, match="is not yours"):
        remove_folder(tmp_path, patience_s=0.1)


def test_a_scratch_folder_stays_only_after_what_one_wants_to_look_into() -> None:
    folders: list[Path] = []

    def fail(error: type[BaseException]) -> None:
        with scratch_folder("test", (LookupError,)) as folder:
            folders.append(folder)
            (folder / "file").touch()
            raise error

    for error in (KeyboardInterrupt, LookupError):
        with pytest.raises(error):
            fail(error)
    assert [folder.exists() for folder in folders] == [False, True]
    remove_folder(folders[1])
