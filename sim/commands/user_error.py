"""What is the user's mistake, and said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something that the user gave is no good: one line that says what was expected, what came, and where."""


@contextmanager
def blame_user(where: str = "") -> Iterator[None]:
    """What goes wrong in here is due to what the user gave; ``where`` says which part of it."""
    try:
        yield
    except (ValueError, TypeError, NotImplementedError, OSError, MemoryError, ModuleNotFoundError) as error:
        raise UserError(f"{where}: {one_line(error)}" if where else one_line(error)) from error


def one_line(error: BaseException) -> str:
    """Message and notes of an error; those of the system without their number."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {str(error.filename)!r}" if error.filename is not None else error.strerror
    return ", ".join(map(joined, [text, *getattr(error, "__notes__", [])]))


def joined(text: str) -> str:
    """The lines of ``text`` as one."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
