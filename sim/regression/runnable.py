"""Which built-in networks the regression can run, and what keeps it from running the others: none is left out unsaid.

A network can be run once ``rtlgen`` has hardware for every op of its graph, which ``rtlgen`` itself is asked about, and
its data set is installed. Ops get hardware, packages get installed: nothing here needs to be changed then.
"""

from __future__ import annotations

from functools import cache

from golden import zoo
from rtlgen import ops_without_hardware


@cache
def without_hardware() -> dict[str, tuple[str, ...]]:
    """The built-in networks that cannot be built yet, and the kinds of op that lack hardware."""
    lacking = {name: tuple(sorted(ops_without_hardware(zoo.load(name).outline))) for name in zoo.NAMES}
    return {name: ops for name, ops in lacking.items() if ops}


def with_hardware() -> tuple[str, ...]:
    """The built-in networks that can be built."""
    return tuple(name for name in zoo.NAMES if name not in without_hardware())


def left_out() -> dict[str, str]:
    """What keeps the regression from running a network, by its name; only for those that it cannot run."""
    reasons = {name: f"no hardware yet for {', '.join(ops)}" for name, ops in without_hardware().items()}
    for name in with_hardware():
        data = zoo.load(name).data
        if not data.is_installed:
            reasons[name] = f"{data.title} is not installed: {data.installing}"
    return reasons


def runnable() -> tuple[str, ...]:
    """The built-in networks that the regression runs."""
    return tuple(name for name in zoo.NAMES if name not in left_out())


def told() -> list[str]:
    """A line for every reason: the networks that are not run for it, and the reason."""
    networks: dict[str, list[str]] = {}
    for name, reason in left_out().items():
        networks.setdefault(reason, []).append(name)
    return [f"not run: {', '.join(names)} ({reason})" for reason, names in networks.items()]
