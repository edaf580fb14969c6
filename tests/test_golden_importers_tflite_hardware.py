"""Random TensorFlow Lite files as hardware: interpreter, golden and PyRTL agree; and what fails is found and small."""

import json

import numpy as np
import pytest
from fuzz_tflite_networks import attempt, campaign, keep, network
from tflite_networks import random_network

import golden
from golden.ops import MaxPool
from sim.fuzzing.case import Case
from sim.fuzzing.check import check

pytestmark = pytest.mark.slow  # it needs the interpreter, and simulates


def test_files_become_hardware_that_is_equal(tmp_path):
    results, failure = campaign(700, lambda seed: seed == 712, tmp_path)
    assert failure is None, failure
    assert results["equal"] >= 10
    assert results["hardware equal"] >= 6


def seed_of(kind):
    """The first of a network with such an operator among others."""
    return next(s for s in range(100) if kind in {o.kind for o in random_network(s).operators[1:-1]})


def test_a_mistake_of_golden_is_traced_to_the_operator(monkeypatch, tmp_path):
    whole = MaxPool.__call__
    monkeypatch.setattr(MaxPool, "__call__", lambda self, x: np.maximum(whole(self, x) - 1, -128))
    first = seed_of("MAX_POOL_2D")
    results, (seed, tensor, error) = campaign(first, lambda seed: seed > first, tmp_path)
    assert not results
    assert isinstance(error, AssertionError)
    assert network(seed, tensor).operators[-1].kind == "MAX_POOL_2D"
    with pytest.raises(AssertionError):
        attempt(seed, tmp_path, tensor)
    kept = keep(seed, tensor, error, "again", tmp_path / "kept")
    monkeypatch.undo()
    told = json.loads((kept / "difference.json").read_text())
    assert (told["witness"], told["hardware"] - told["golden"]) == ("tflite-micro", 1)
    x = dict(np.load(kept / "x.npz"))
    graph = golden.from_tflite(kept / "network.tflite")
    assert graph.trace(x)[told["layer"]][(told["sample"], *told["element"])] == told["hardware"]
    assert (kept / "difference.html").exists()
    assert attempt(seed, tmp_path, tensor)[0] == "equal"


def test_a_mistake_of_the_hardware_is_made_small(monkeypatch, tmp_path):
    def broken(*args, **options):
        raise KeyError("planted")

    monkeypatch.setattr("rtlgen.generate", broken)
    seed = seed_of("MAX_POOL_2D")
    _, (seed, _, error) = campaign(seed, lambda other: other > seed + 5, tmp_path)
    assert isinstance(error, KeyError)
    (note,) = error.__notes__
    assert note.count(" = ") <= 6  # one layer and its parameters
    assert "1 samples" in note
    kept = keep(seed, None, error, "again", tmp_path / "kept")
    monkeypatch.undo()
    check(Case.load(kept))
