from __future__ import annotations

from itertools import islice

import pytest

from verif.pauses import PATTERNS, pauses


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_endless_seeded_and_never_stops_for_good(name):
    pattern = list(islice(pauses(name, 3), 3000))
    assert pattern == list(islice(pauses(name, 3), 3000))
    assert pattern.count(False) > 200
    if name not in ("never", "alternate"):
        assert pattern != list(islice(pauses(name, 4), 3000))


@pytest.mark.parametrize(("name", "low", "high"), [("never", 0, 0), ("rare", 100, 200), ("mostly", 2600, 2800)])
def test_a_pattern_is_as_dense_as_its_name(name, low, high):
    assert low <= sum(islice(pauses(name, 0), 3000)) <= high


def test_bursts_are_long():
    runs = "".join("x" if pause else " " for pause in islice(pauses("bursts", 0), 3000)).split()
    assert max(map(len, runs)) > 30


def test_an_unknown_pattern_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="must be one of never, alternate, rare, coin, mostly, bursts, not 'often'"):
        pauses("often", 0)
