"""Running the command line inside the test's process."""

from __future__ import annotations

import contextlib
import io
from typing import NamedTuple

from sim.cli import main


class Ended(NamedTuple):
    """What a command line left behind."""

    status: int
    out: str
    err: str


def tensorgate(*args: object) -> Ended:
    """``tensorgate`` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(arg) for arg in args])
    return Ended(status, out.getvalue(), err.getvalue())
