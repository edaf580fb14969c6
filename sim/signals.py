"""Steps that no signal may cut in two: the signal is dealt with after them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Signals whose handlers may raise are handled when the block has ended. Only the main thread has such signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    # Handlers in Python only: a new program starts without them, but what is ignored it would ignore as well.
    handlers = {number: handler for number in SIGNALS if callable(handler := signal.getsignal(number))}
    try:
        _handle(dict.fromkeys(handlers, note))
        yield
    finally:
        _handle(handlers)
        for number in came:
            signal.raise_signal(number)


def _handle(handlers: Mapping[signal.Signals, Any]) -> None:
    """Exchange handlers, all or none; what comes meanwhile is for the new ones."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
