"""Folders for the files of a run: made under a name that tells whose they are, and gone for certain afterwards."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sim.signals import signals_wait

PATIENCE_S = 10.0
PAUSE_S = 0.02


@contextmanager
def scratch_folder(name: str, kept_after: tuple[type[BaseException], ...] = ()) -> Iterator[Path]:
    """A folder for the run called ``name``, gone when the block ends, however it ends.

    Args:
        name: part of the folder's own.
        kept_after: errors after which somebody will want to look into it.

    Raises:
        OSError: if it cannot be made, or, after a block that ended well, not be removed.
    """
    folder: Path | None = None
    try:
        with signals_wait():  # between the making and the assignment nobody would know of it
            folder = Path(tempfile.mkdtemp(prefix=f"tensorgate-{name}-"))
        yield folder
    except kept_after:
        raise
    except BaseException:
        if folder is not None:
            with suppress(OSError), signals_wait():  # what went wrong in the block is what has to be told
                remove_folder(folder)
        raise
    with signals_wait():
        remove_folder(folder)


def remove_folder(folder: Path, patience_s: float = PATIENCE_S) -> None:
    """Remove a folder, if there is one, with all that is in it; again and again until it is gone.

    Once is not enough: a program that is being ended may write another file between two looks into the folder.

    Raises:
        OSError: if it is still there after ``patience_s`` seconds; the reason.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():  # or else it was a file inside that somebody else removed
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(PAUSE_S)
