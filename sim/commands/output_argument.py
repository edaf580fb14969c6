"""Where a command line writes to: refused beforehand if it cannot or should not be written, then all or nothing."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from golden.serialize import write_atomically
from golden.types import IntArray
from rtlgen import Design
from sim.commands.user_error import blame_user

PORT_DESCRIPTION_KEYS = {"name", "top", "clock", "reset", "frame_error", "input", "output", "streams", "plan"}


def check_output_file(path: Path, option: str = "--output") -> Path:
    """Where to write the file that ``option`` names, links followed.

    Raises:
        UserError: if nothing can be written there.
    """
    with blame_user(option):
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise ValueError(f"{str(path)!r} must be a file, not a folder or device")
        _check_writable(target.parent, path)
        return target


def write_arrays(path: Path, arrays: Mapping[str, IntArray]) -> None:
    """Write an npy file of one array, or an npz file of several, all or nothing."""
    content = io.BytesIO()
    if len(arrays) == 1:
        np.lib.format.write_array(content, next(iter(arrays.values())), allow_pickle=False)
    else:
        # Not by numpy's savez: its own arguments are names that a layer may have, too.
        with zipfile.ZipFile(content, "w") as file:
            for name, array in arrays.items():
                with file.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
    write_bytes(path, content.getvalue())


def write_bytes(path: Path, content: bytes, option: str = "--output") -> None:
    """Write a file that ``check_output_file`` has agreed to, all or nothing."""
    with blame_user(option):
        write_atomically(path, content)


def check_output_folder(folder: Path, name: str) -> None:
    """Whether the design called ``name`` may be written into ``folder``: new, empty, or with designs of ours.

    Raises:
        UserError: if not.
    """
    with blame_user("--output"):
        if not folder.exists():
            _check_writable(folder.parent, folder)
            return
        if not folder.is_dir():
            raise NotADirectoryError(f"{str(folder)!r} must be a folder, not a file")
        _check_writable(folder, folder)
        if any(folder.iterdir()) and not any(_describes_ports(path) for path in folder.glob("*.json")):
            raise FileExistsError(
                f"{str(folder)!r} must be a new or empty folder, or one that tensorgate wrote; it holds other files"
            )
        present = [path for path in design_files(folder, name) if path.exists()]
        if present and not _describes_ports(folder / f"{name}.json"):
            raise FileExistsError(f"{str(present[0])!r} would be replaced, and is not a file that tensorgate wrote")


def check_page_folder(folder: Path, page: str, mark: str) -> None:
    """Whether results may be written into ``folder``: new, empty, or with a page of ours, which has ``mark`` in it.

    Raises:
        UserError: if not.
    """
    with blame_user("--output"):
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{str(folder)!r} must be a folder, not a file")
        _check_writable(folder if folder.exists() else folder.parent, folder)
        if folder.exists() and any(folder.iterdir()) and not _has(folder / page, mark):
            raise FileExistsError(
                f"{str(folder)!r} must be a new or empty folder, or one that tensorgate wrote; it holds other files"
            )


def _has(path: Path, mark: str) -> bool:
    try:
        return mark in path.read_text(errors="replace")
    except OSError:
        return False


def write_design(design: Design, folder: Path) -> tuple[Path, Path]:
    """Write Verilog and port description; the files. A folder that it made goes again if that fails."""
    files, there = design_files(folder, design.name), folder.exists()
    with blame_user("--output"):
        try:
            design.write_verilog(files[0])
        except BaseException:
            if not there:
                with suppress(OSError):  # none was made, or it is somebody else's by now: not empty
                    folder.rmdir()
            raise
    return files


def design_files(folder: Path, name: str) -> tuple[Path, Path]:
    """Verilog and port description of a design."""
    return folder / f"{name}.v", folder / f"{name}.json"


def _check_writable(folder: Path, path: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {str(folder)!r} for {str(path)!r} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"the folder {str(folder)!r} must be writable, but it is not")


def _describes_ports(path: Path) -> bool:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= PORT_DESCRIPTION_KEYS and path.stem == content["name"]
