"""A trainer under Icarus, against golden and in lockstep; and faults that must be found, one for each phase."""

from __future__ import annotations

from pathlib import Path

import pytest
from training_networks import network, samples

import golden
from golden import IntegerTrainer
from rtlgen.tensor import HDLTensor
from rtlgen.training import errors, forward, generate_trainer, operands, trainer, update
from sim.difference import VerificationError
from sim.training import verify_training

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("sizes", "lanes", "options", "how"),
    [
        ((4, 10, 3), 2, {"dither_seed": 5}, {"evaluate": (2, 5), "resets": (4, 8), "source": "coin", "sink": "bursts"}),
        ((4, 10, 3), 8, {}, {"source": "bursts", "sink": "mostly", "seed": 3}),
        (
            (6, 5, 4, 3),
            4,
            {"trainable": [True, False, True]},
            {"back_to_back": True, "read_every": 6, "evaluate": (3,)},
        ),
        ((9, 20, 17), 16, {"dither_seed": 7, "scaling": "pixels"}, {"back_to_back": True, "sink": "coin"}),
    ],
    ids=str,
)
def test_all_that_comes_out_is_golden(sizes, lanes, options, how, tmp_path: Path) -> None:
    model = IntegerTrainer(network(*sizes), **options)
    x, y = samples(model, 12)
    run = verify_training(generate_trainer(model, lanes), model, x, y, tmp_path, **how)
    assert run.weights >= sum(layer.weight.size for layer in model.layers)
    assert run.cycles > 12 * 30


def epoch(name: str, tmp_path: Path, lanes: int, sizes: tuple[int, ...], scaling: str, count: int | None) -> None:
    data = getattr(golden, f"load_{name}")(seed=0)
    train = data["train"] if count is None else data["train"].take(range(count))
    model = IntegerTrainer(network(*sizes), train.x, scaling=scaling)
    before = golden.accuracy(model.to_graph(), data["test"])
    verify_training(generate_trainer(model, lanes), model, model.encode(train.x), train.y, tmp_path, read_every=40)
    assert golden.accuracy(model.to_graph(), data["test"]) > before


def test_an_epoch_of_iris(tmp_path: Path) -> None:
    epoch("iris", tmp_path, 4, (4, 10, 3), "standardise", None)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "lanes", "sizes", "scaling", "count"),
    [("digits", 16, (64, 32, 10), "pixels", None), ("breast_cancer", 8, (30, 16, 2), "standardise", None)],
)
def test_a_longer_epoch(name: str, lanes: int, sizes: tuple[int, ...], scaling: str, count, tmp_path: Path) -> None:
    epoch(name, tmp_path, lanes, sizes, scaling, count)


def floor(x: HDLTensor, shift: int) -> HDLTensor:
    return x >> shift if shift > 0 else x << -shift


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (forward, "rounded", floor),
        (errors, "rounded", floor),
        (forward, "MOST_ACTIVATION", 126),
        (errors, "MOST_ERROR", 126),
        (operands, "bias_input", lambda bits: 1),
        (update, "update_shift", lambda inputs, weights, k: 7 + inputs + k - (weights + 7)),
        (update, "S16", golden.IntType(15, True)),
        (trainer, "gathered", lambda *arguments: None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_any_phase_is_found(module, name: str, fault, tmp_path: Path, monkeypatch) -> None:
    model = IntegerTrainer(network(4, 10, 3))
    for layer in model.layers:
        layer.weight = (layer.weight * 2).clip(-32768, 32767)
    x, y = samples(model, 20)
    monkeypatch.setattr(module, name, fault)
    design = generate_trainer(model, 4)
    monkeypatch.undo()
    with pytest.raises(VerificationError, match=r"frame|signature") as caught:
        verify_training(design, model, x, y, tmp_path)
    found = caught.value.difference
    assert (tmp_path / "difference.json").exists()
    assert found.smaller, "the weights of golden, and a few frames"
    assert (found.golden, found.register) != (found.hardware, None)
    assert found.window["signals"]["m_axis_tvalid"]
    assert Path(found.save_file or "").exists()


def test_verilog_that_is_not_what_was_simulated_is_found_in_lockstep(tmp_path: Path) -> None:
    from dataclasses import replace

    from sim.training import replay_pins

    model = IntegerTrainer(network(4, 3))
    design = generate_trainer(model, 2)
    x, y = samples(model, 6)
    verify_training(design, model, x, y, tmp_path)
    other = generate_trainer(IntegerTrainer(network(4, 3), scaling="pixels"), 2)
    with pytest.raises(VerificationError, match=r"cycle .* in Verilog and .* in PyRTL's simulation"):
        replay_pins(replace(design, block=other.block), tmp_path / "recording.npz")
