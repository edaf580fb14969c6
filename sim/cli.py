"""The command ``tensorgate``: one verb for each intention.

Exit status 0: fine. 1: a check failed, and what differs is printed; or a simulator crashed, and its log is printed.
2: bad input or usage, in one line on standard error that says what was expected, what came and where. 130 and 143:
stopped by Ctrl-C or a signal, nothing left behind. With ``--json`` a verb prints one JSON object on standard output,
and nothing else there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""Exit status, as a shell sees it, of a program that Ctrl-C has stopped."""
POLITE = (signal.SIGTERM, signal.SIGHUP)
"""Signals that leave a program the time to clean up."""


class Stopped(KeyboardInterrupt):
    """A signal has stopped the program: whatever cleans up after Ctrl-C does so now."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line, that of the process by default, and return its exit status."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the shell, `>&-`
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: PTH123, SIM115 (it stays open to the end)
    try:
        with _signals_raise():
            # Late, for it takes a moment, and in that moment Ctrl-C has to be one line, too.
            from sim.commands.command_line import run

            return run(sys.argv[1:] if args is None else args)
    except Stopped as stop:
        print(f"tensorgate: stopped by {stop}", file=sys.stderr)
        return 128 + stop.number
    except KeyboardInterrupt:
        print("tensorgate: interrupted", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _signals_raise() -> Iterator[None]:
    """What would end the process on the spot raises ``Stopped``, once; what it was started to ignore it ignores."""

    def stop(number: int, frame: FrameType | None) -> None:
        for polite in taken:
            signal.signal(polite, signal.SIG_IGN)  # nothing disturbs the cleaning up
        raise Stopped(number)

    main_thread = threading.current_thread() is threading.main_thread()
    taken = [number for number in POLITE if main_thread and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
