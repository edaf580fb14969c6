"""``tensorgate accuracy NAME`` gives the figures that ``tensorgate zoo`` lists, for every built-in network."""

from __future__ import annotations

import json

import pytest
from command_line import tensorgate
from test_golden_zoo import SLOW, SLOWEST, case

from golden import zoo

pytestmark = pytest.mark.slow  # some seconds in all


def listed() -> dict[str, dict[str, float]]:
    return {network["name"]: network for network in json.loads(tensorgate("zoo", "--json").out)["networks"]}


@pytest.mark.parametrize("name", [case(name, exhaustive=SLOW + SLOWEST) for name in zoo.NAMES])
def test_accuracy_is_as_the_zoo_lists_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of floats and integers; that of the hardware costs minutes, and is in the regression of every network."""
    monkeypatch.setattr("sim.commands.verbs.ops_without_hardware", lambda graph: {"Conv": ["not run here"]})
    status, out, err = tensorgate("accuracy", name, "--json")
    assert (status, err) == (0, "")
    found, figures = json.loads(out), listed()[name]
    assert found["samples"] == figures["test_samples"]
    # Sums in another order, on another processor, turn a tie here and there: a sample, or one in a thousand.
    margin = max(0.001, 1.01 / figures["test_samples"])
    assert found["float_accuracy"] == pytest.approx(figures["float_accuracy"], abs=margin)
    assert found["golden_accuracy"] == pytest.approx(figures["integer_accuracy"], abs=margin)


def test_another_network_under_the_name_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, figures = zoo.load("iris"), listed()["iris"]
    weights = entry.model.linears[-1].weight
    weights[:] = weights[::-1]
    monkeypatch.setattr("golden.zoo.load", lambda name: entry)
    found = json.loads(tensorgate("accuracy", "iris", "--json", "--simulator", "pyrtl").out)
    assert abs(found["golden_accuracy"] - figures["integer_accuracy"]) > 0.1


def test_every_network_is_listed_once() -> None:
    assert tuple(listed()) == zoo.NAMES
