"""Measured tables in the README: each stands between two markers of its own and is replaced as a whole."""

from __future__ import annotations

import re
from pathlib import Path

from golden.serialize import write_atomically


def put_between_markers(path: Path, marker: str, table: str) -> None:
    """Replace what stands between ``<!-- marker -->`` and ``<!-- /marker -->`` in a file.

    Raises:
        ValueError: unless each of them is there once.
    """
    parts = _parts(path, marker)
    write_atomically(path, "".join([parts[0], parts[1], "\n", table.strip(), "\n", *parts[3:]]).encode())


def between_markers(path: Path, marker: str) -> str:
    """What stands there; errors as of ``put_between_markers``."""
    return _parts(path, marker)[2].strip()


def _parts(path: Path, marker: str) -> list[str]:
    """Before, the first marker, between, the second one, behind."""
    parts = re.split(f"(<!-- /?{re.escape(marker)} -->)", path.read_text())
    if len(parts) != 5:
        raise ValueError(f"{path} must have one <!-- {marker} --> and one <!-- /{marker} --> for the table to stand in")
    return parts
