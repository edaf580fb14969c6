"""A page about one difference, for the folder that a failed check leaves: its facts, its command, its waves drawn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from golden.serialize import write_atomically
from sim.difference import Difference, write_facts
from sim.regression.page import render

PAGE = "difference.html"


def leave(difference: Difference, command: str | None, folder: Path) -> Path:
    """Write the facts, ``difference.json``, and the page into ``folder``, which is returned."""
    write_facts(difference, command, folder)
    write_page(difference, command, folder)
    return folder


def write_page(difference: Difference, command: str | None, folder: Path) -> Path:
    """Write the page into ``folder``; files below it are named as seen from there."""
    from sim import figures

    facts = asdict(difference)
    for name in ("waves", "save_file"):
        path = facts[name] and Path(facts[name])
        if path and path.absolute().is_relative_to(folder.absolute()):
            facts[name] = path.absolute().relative_to(folder.absolute()).as_posix()
    page = render("postmortem.html", difference=facts, command=command, figures=figures)
    write_atomically(folder / PAGE, page.encode())
    return folder / PAGE
