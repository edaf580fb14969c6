"""Commands that run something again, as they have to be typed in the folder that one is in."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from sim.regression.cases import Case

BUILD = Path("build/sim")
"""The folder of the regression, where no other is asked for."""


def reproduction(case: Case, build: Path) -> str:
    """What runs ``case`` alone, once more, with its files in ``build``."""
    words = [python(), "-m", "sim.regression", "--only", case.id]
    if build.resolve() != BUILD.resolve():
        words += ["--build", from_here(build)]
    return shlex.join(words)


def python() -> str:
    """The Python that runs this."""
    return from_here(Path(sys.executable))


def from_here(path: Path) -> str:
    """A path as seen from the current folder if it is below it, or else the whole path; links are not followed."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
