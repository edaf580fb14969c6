"""Adversity as an iterator: seeded, endless patterns of when to pause (True) and when to go on (False)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, repeat
from random import Random


def never(seed: int) -> Iterator[bool]:
    """Full speed."""
    return repeat(False)


def alternate(seed: int) -> Iterator[bool]:
    """Every other cycle, beginning with a pause."""
    return cycle((True, False))


def rare(seed: int) -> Iterator[bool]:
    """One cycle in twenty."""
    return _biased(seed, 0.05)


def coin(seed: int) -> Iterator[bool]:
    """Half of the cycles."""
    return _biased(seed, 0.5)


def mostly(seed: int) -> Iterator[bool]:
    """Nine cycles in ten."""
    return _biased(seed, 0.9)


def bursts(seed: int) -> Iterator[bool]:
    """Long runs of both: FIFOs run full, then empty."""
    random = Random(seed)
    while True:
        yield from repeat(True, random.randint(1, 40))
        yield from repeat(False, random.randint(1, 40))


def _biased(seed: int, probability: float) -> Iterator[bool]:
    random = Random(seed)
    while True:
        yield random.random() < probability


PATTERNS: dict[str, Callable[[int], Iterator[bool]]] = {
    pattern.__name__: pattern for pattern in (never, alternate, rare, coin, mostly, bursts)
}
"""Every pattern by name."""


def pauses(name: str, seed: int) -> Iterator[bool]:
    """A fresh pattern; raises ValueError for a name that is not in ``PATTERNS``."""
    if name not in PATTERNS:
        raise ValueError(f"a pause pattern must be one of {', '.join(PATTERNS)}, not {name!r}")
    return PATTERNS[name](seed)
