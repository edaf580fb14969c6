"""How this command line was started, so that what it prints to be run again does run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sim.regression.reproduction import from_here, python

NAME = "tensorgate"


def program() -> list[str]:
    """The words that start it: its name if the PATH leads to it, or else its path; or Python with the module."""
    started = Path(sys.argv[0])
    if started.name != NAME:
        return [python(), "-m", "sim.cli"]
    found = shutil.which(NAME)
    return [NAME] if found and started.exists() and Path(found).samefile(started) else [from_here(started)]
