"""Worker processes: a pool that stops with all that it has started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from types import FrameType

from sim.process_group import end_all

PATIENCE_S = 10.0
"""How long a worker may take to end what it has started."""


@contextmanager
def worker_processes(jobs: int) -> Iterator[Executor]:
    """A pool of processes with one thread each; an exception (Ctrl-C) stops them and all that they have started."""
    others = set(multiprocessing.active_children())
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ.update(dict.fromkeys(threads, "1"))  # read by numpy as a worker imports it
    # Spawned, not forked: this process may have threads, a progress bar for one.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start_worker)
    try:
        with _deaf_to_ctrl_c():
            for _ in range(jobs):
                pool.submit(os.getpid)  # starts the workers here and now
        yield pool
    except BaseException:
        _stop(set(multiprocessing.active_children()) - others)
        pool.shutdown(cancel_futures=True)
        raise
    else:
        pool.shutdown()
    finally:
        for name, value in threads.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _start_worker() -> None:
    """So that one signal stops a worker along with the simulator that it has started, and no other signal does."""

    def end(number: int, frame: FrameType | None) -> None:
        end_all()
        os._exit(128 + number)

    with suppress(PermissionError):
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, end)


def _stop(workers: Collection[BaseProcess]) -> None:
    """End workers and all that they have started."""
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + PATIENCE_S
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
        worker.kill()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started meanwhile ignore Ctrl-C for good: a terminal sends it to them too, and they are not to talk."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
