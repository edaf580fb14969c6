"""A Dask cluster as one more executor of the regression; the package is optional."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

LOCAL = "local"


@contextmanager
def cluster(address: str, jobs: int) -> Iterator[Executor]:
    """An executor on the cluster at ``address``, or on ``jobs`` processes of this machine for ``local``.

    A case whose worker dies goes to another one; its result is there once. Workers need the same sources, and the build
    folder at the same place.

    Raises:
        FileNotFoundError: if Dask is not installed.
        OSError: if there is no cluster.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise FileNotFoundError("Dask is not installed: pip install 'tensorgate[dask]'") from error
    if address != LOCAL:
        with Client(address, timeout=30) as client:
            yield client.get_executor(pure=False)
        return
    with (
        LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as machines,
        Client(machines) as client,
    ):
        yield client.get_executor(pure=False)
