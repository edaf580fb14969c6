"""A trainer under Icarus, against golden and in lockstep; and faults that must be found, one for each phase."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyrtl import Const
from training_networks import convolution, network, samples

import golden
from golden import IntegerTrainer
from golden.trainer.tasks import TASKS
from rtlgen.tensor import HDLTensor
from rtlgen.training import (
    TrainerDesign,
    control,
    errors,
    forward,
    generate_trainer,
    operands,
    pools,
    trainer,
    update,
)
from sim.difference import VerificationError
from sim.training import verify_training

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("sizes", "lanes", "options", "how"),
    [
        ((4, 10, 3), 2, {"dither_seed": 5}, {"evaluate": (2, 5), "resets": (4, 8), "source": "coin", "sink": "bursts"}),
        ((4, 10, 3), 8, {}, {"source": "bursts", "sink": "mostly", "seed": 3, "random_registers": False}),
        (
            (6, 5, 4, 3),
            4,
            {"trainable": [True, False, True]},
            {"back_to_back": True, "read_every": 6, "evaluate": (3,)},
        ),
        ((9, 20, 17), 16, {"dither_seed": 7, "scaling": "pixels"}, {"back_to_back": True, "sink": "coin"}),
        (
            "small, padding, pool",
            2,
            {"dither_seed": 3},
            {"evaluate": (2, 5), "resets": (4, 8), "source": "coin", "sink": "bursts", "read_every": 1},
        ),
        ("two without pools", 4, {"scaling": "pixels"}, {"back_to_back": True, "evaluate": (3,), "read_every": 5}),
    ],
    ids=str,
)
def test_all_that_comes_out_is_golden(sizes, lanes, options, how, tmp_path: Path) -> None:
    model = IntegerTrainer(convolution(sizes) if isinstance(sizes, str) else network(*sizes), **options)
    x, y = samples(model, 12)
    run = verify_training(generate_trainer(model, lanes), model, x, y, tmp_path, **how)
    assert run.weights >= sum(layer.weight.size for layer in model.layers)
    assert run.cycles > 12 * 30


def test_a_network_that_takes_images_is_tuned(tmp_path: Path) -> None:
    first = IntegerTrainer(convolution("small, padding, pool")).to_graph(argmax=False)
    image = golden.TensorType((4, 3, 1), golden.IntType(8, True))
    nodes = (replace(first.nodes[1], inputs=("x",)), *first.nodes[2:])  # without the Reshape
    model = IntegerTrainer(replace(first, inputs={"x": image}, nodes=nodes))
    x, y = samples(model, 6)
    x = x.reshape(-1, 4, 3, 1)
    assert model.step(x[0]).logits.tolist() == first(x[:1].reshape(1, -1))[0].tolist()
    run = verify_training(generate_trainer(model, 2), model, x.reshape(-1, 4, 3, 1), y, tmp_path, read_every=2)
    assert run.steps == 6


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
def test_a_part_of_an_epoch_of_digits_with_a_convolution(tmp_path: Path) -> None:
    task = TASKS["digits_conv"]
    data = task.load(0)
    model = task.trainer(data)
    train = data["train"].take(range(150))
    run = verify_training(generate_trainer(model, 8), model, model.encode(train.x), train.y, tmp_path, read_every=1)
    assert run.weights == 150 * sum(layer.weight.size for layer in model.layers)


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
    assert found.save_file
    assert Path(found.save_file).exists()


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (trainer, "unpooled", lambda *arguments: None),
        (control, "_outside", lambda *arguments: Const(0, 1)),
        (pools, "UNPOOL_CYCLES", 2),
        (update, "update_shift", lambda inputs, weights, k: 7 + inputs - (weights + 8)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_in_a_convolution_is_found(module, name: str, fault, tmp_path: Path, monkeypatch) -> None:
    model = IntegerTrainer(convolution("small, padding, pool"))
    x, y = samples(model, 12)
    monkeypatch.setattr(module, name, fault)
    design = generate_trainer(model, 2)
    monkeypatch.undo()
    with pytest.raises(VerificationError, match=r"frame|signature|m_axis_tdata is X"):
        verify_training(design, model, x, y, tmp_path)


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


@dataclass(frozen=True)
class Rewritten(TrainerDesign):
    """A trainer with other Verilog than its block is emitted as."""

    text: str = ""

    @property
    def verilog(self) -> str:
        return self.text


def test_what_differs_in_lockstep_is_kept_with_its_waves(tmp_path: Path) -> None:
    model = IntegerTrainer(network(4, 3))
    design = generate_trainer(model, 2)
    other = generate_trainer(IntegerTrainer(network(4, 3), scaling="pixels"), 2)
    x, y = samples(model, 6)
    apart = Rewritten(design.name, other.block, design.schedule, design.verilog)
    with pytest.raises(VerificationError, match=r"cycle .* in Verilog and .* in PyRTL's simulation") as caught:
        verify_training(apart, model, x, y, tmp_path)
    found = caught.value.difference
    assert found.window["signals"]["m_axis_tvalid"]
    assert found.save_file
    assert Path(found.save_file).exists()
    assert (tmp_path / "difference.html").exists()


def test_a_register_that_a_reset_leaves_as_it_was_is_found(tmp_path: Path) -> None:
    """Unknown at first, it would be found for that: registers hold numbers before the first reset."""
    model = IntegerTrainer(network(4, 3))
    design = generate_trainer(model, 2)
    kept, text = "results_whole <= (reset ? 2'd0 : ", design.verilog
    assert text.count(kept) == 1
    faulty = text.replace(kept, "results_whole <= (reset ? results_whole : ")
    x, y = samples(model, 3)
    with pytest.raises(VerificationError):  # the seed's numbers are none that a reset would have left
        verify_training(Rewritten(design.name, design.block, design.schedule, faulty), model, x, y, tmp_path)
    assert not [
        told for told in json.loads((tmp_path / "result.json").read_text())["findings"] if "tvalid is X" in told
    ]
