"""What the command line prints: results on standard output, notes and progress on standard error.

Everything for standard output is made a text first and written by ``say``. A table is as wide as it is, one row a line;
into a pipe it goes without colours.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from sim.commands.user_error import UserError, one_line

AS_WIDE_AS_IT_IS = 10_000


def say(text: str) -> None:
    """Write ``text`` and a line end to standard output; what its encoding lacks is escaped.

    Raises:
        BrokenPipeError: if the reader has gone away.
        UserError: if it cannot be written for another reason.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise UserError(f"standard output: {one_line(error)}") from error


def silence() -> None:
    """Nothing more goes to standard output: Python would flush it at its end, and complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_json(content: Mapping[str, Any]) -> None:
    """One JSON object."""
    say(as_text(content))


def as_text(content: Mapping[str, Any]) -> str:
    """A JSON object as a text."""
    return json.dumps(content, indent=1)


def say_table(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
    """A table; ``columns`` maps each heading to ``left`` or ``right``. On a narrow terminal the headings are broken."""
    # No markup: a type like s8[10] is not a style.
    text = io.StringIO()  # a console that writes to standard output flushes it, in spite of any capture
    terminal = sys.stdout.isatty()
    console = Console(
        file=text, force_terminal=terminal or None, width=AS_WIDE_AS_IT_IS, markup=False, emoji=False, highlight=False
    )
    table = _table(columns, rows)
    if terminal and console.measure(table).maximum > shutil.get_terminal_size().columns:
        table = _table({heading.replace(" ", "\n"): side for heading, side in columns.items()}, rows)
    console.print(table)
    say("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def _table(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading, side in columns.items():
        table.add_column(heading, justify="right" if side == "right" else "left", vertical="bottom")
    for row in rows:
        table.add_row(*map(str, row))
    return table


def note(text: str) -> None:
    """A line on standard error about something that is fine, but that one may not expect."""
    print(f"note: {text}", file=sys.stderr)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Shows on a terminal that ``what`` is going on; silent elsewhere."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True, markup=False, highlight=False).status(what):
        yield


@contextmanager
def stages(what: str) -> Iterator[Callable[[str], None]]:
    """Shows on a terminal which stage of ``what`` is going on, and for how long; yields who is to be told of each."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda stage: bar.update(task, description=f"{what}: {stage}")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, silent elsewhere; yields a function that takes how much of ``total`` was done since."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
