"""Finished stages of synthesis, kept by what they were made from: the same design is not synthesized twice.

A stage is a folder named after the hash of all that it depends on. It is filled under another name and renamed when
complete, so that whatever stops a run, a folder that is there is whole, and the next run starts after it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUMMARY = "stage.json"
RESULTS = "results"
"""Folder with the last result of each design and target, for reports."""


def default_folder() -> Path:
    """Of this user: ``$XDG_CACHE_HOME`` or ``~/.cache``, and there ``tensorgate/synth``."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(root) / "tensorgate" / "synth"


def key(*parts: object) -> str:
    """A hash of what a stage depends on."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Stage:
    """A finished stage.

    Args:
        folder: its files.
        summary: what was noted about it: ``time_s`` among others.
        kept: whether it had been there before.
    """

    folder: Path
    summary: dict[str, Any]
    kept: bool


def stage(
    root: Path, name: str, work: Callable[[Path], None], notes: dict[str, Any] | None = None, *, fresh: bool = False
) -> Stage:
    """The stage called ``name`` below ``root``; ``work`` fills its folder if it is not there.

    Args:
        root: the cache.
        name: with its key.
        work: makes the files in the folder that it is given.
        notes: kept beside them.
        fresh: make it anew, whatever there is.
    """
    folder = root / name
    if not fresh:
        try:
            return Stage(folder, json.loads((folder / SUMMARY).read_text()), kept=True)
        except (OSError, ValueError):  # none there, or damaged
            pass
    root.mkdir(parents=True, exist_ok=True)
    filling = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        started = time.monotonic()
        work(filling)
        summary = {**(notes or {}), "time_s": round(time.monotonic() - started, 3)}
        (filling / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")
        if folder.exists():
            shutil.rmtree(folder)
        filling.replace(folder)
    except BaseException:
        shutil.rmtree(filling, ignore_errors=True)
        raise
    return Stage(folder, summary, kept=False)
