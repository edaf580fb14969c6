"""``tensorgate train``: in integers and in simulated hardware, tables, files, and mistakes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden import Graph, IntegerTrainer, Linear, ReLU, Sequential
from golden.layers import Conv2d, Flatten, MaxPool2d, Reshape
from golden.trainer.drift import drifted
from golden.trainer.float_reference import FloatTrainer
from golden.trainer.tasks import TASKS
from golden.trainer.trainer import orders
from rtlgen.training import TrainerDesign, forward, generate_trainer
from sim.cli import main
from sim.commands import train as verb
from sim.difference import VerificationError
from sim.training.bench import OUTPUT
from sim.training.course import Course, Wishes
from sim.training.frames import Host
from sim.training.hardware import train_in_hardware


def run(capsys, *words: str) -> tuple[int, str, str]:
    status = main(["train", *words])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_integers_learn_and_floats_beside_them(capsys) -> None:
    status, out, _ = run(capsys, "iris", "--epochs", "6", "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["task"], found["network"], found["hardware"]) == ("iris", "4-10-3", None)
    assert len(found["epochs"]) == 6
    assert found["epochs"][-1]["test_accuracy"] > 0.8 > found["before"]["at random weights"]
    assert found["epochs"][-1]["loss"] < found["epochs"][0]["loss"] / 2


def test_a_deployed_network_learns_what_has_changed(capsys) -> None:
    status, out, _ = run(capsys, "digits", "--drift", "mirror", "--epochs", "3", "--json")
    found = json.loads(out)
    assert status == 0
    before, after = found["before"]["when deployed"], found["before"]["after the mirror"]
    assert before > 0.96
    assert after < 0.5
    assert found["epochs"][-1]["test_accuracy"] > 0.93


@pytest.mark.slow
def test_in_hardware_the_same_is_learnt(capsys, tmp_path: Path) -> None:
    words = ("iris", "--epochs", "2", "--seed", "3", "--dither", "9")
    _, out, _ = run(capsys, *words, "--json")
    status, told, _ = run(capsys, *words, "--hardware", "--lanes", "2", "--json", "-o", str(tmp_path / "trained"))
    integers, hardware = json.loads(out), json.loads(told)
    assert status == 0
    assert hardware["epochs"] == integers["epochs"]
    found = hardware["hardware"]
    assert (found["simulator"], found["lanes"], found["steps"], found["evaluations"]) == ("icarus", 2, 240, 60)
    assert found["skipping_cycles"] < found["cycles_per_step"] < found["training_cycles"]
    assert found["beats"] == 300 * 4 + 2 * (5 * 5 + 2 * 11) * 2
    files = {path.name for path in (tmp_path / "trained").iterdir()}
    assert files == {"index.html", "iris.graph", "iris_trainer.v", "learning_curve.svg"}
    graph, data = Graph.load(tmp_path / "trained" / "iris.graph"), TASKS["iris"].load(0)["test"]
    reached = float((np.ravel(graph(graph.encode(data.x))) == data.y).mean())
    assert reached == hardware["epochs"][-1]["test_accuracy"]
    page = (tmp_path / "trained" / "index.html").read_text()
    assert "cycles of a step with an update" in page
    assert page.count("<svg") == 1


def course(epochs: int = 1) -> Course:
    return Course.of(TASKS["iris"], Wishes(epochs, 5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (("nothing", 0), None),
        (("beat", 5), "golden says"),
        (("signature", 0), "the signature is"),
        (("cycles", 0), "the schedule says"),
        (("missing", 0), "beat that nobody"),
    ],
    ids=str,
)
def test_what_differs_ends_the_run(fault, message, tmp_path: Path, monkeypatch) -> None:
    """What golden says is changed in one place; without a change the run passes."""
    from sim.training import course as module

    def tampered(design, frames, signature, *rest):
        kind = fault[0]
        frames = list(frames)
        if kind == "beat":
            frames[7].expected[fault[1] % 4] ^= 1
        elif kind == "cycles":
            object.__setattr__(frames[7], "cycles", frames[7].cycles - 1)
        elif kind == "missing":
            frames[-1] = replace(frames[-1], expected=None)
        return train_in_hardware(design, frames, signature ^ (kind == "signature"), *rest)

    monkeypatch.setattr(module, "train_in_hardware", tampered)
    subject = course()
    design = subject.design(4)
    if message is None:
        _, run = subject.in_hardware(design, tmp_path, "icarus")
        assert run.steps == 120
        assert run.intervals == 120 + 30 - 1  # from each of them to the next
        assert (tmp_path / OUTPUT).exists()
    else:
        with pytest.raises(VerificationError, match=message):
            subject.in_hardware(design, tmp_path, "icarus")


@pytest.mark.slow
def test_a_fault_in_the_hardware_ends_the_run(tmp_path: Path, monkeypatch) -> None:
    subject = course()
    monkeypatch.setattr(forward, "MOST_ACTIVATION", 126)
    with pytest.raises(VerificationError, match=r"training step, beat \d+: golden says") as caught:
        subject.in_hardware(subject.design(4), tmp_path, "icarus")
    found = caught.value.difference
    # Some frames before, with golden's weights; PyRTL has the same fault, so it is the generator's.
    assert found.layer in ("logits", "loss")
    assert found.golden != found.hardware == found.pyrtl
    assert found.register is None
    assert found.smaller
    assert len(json.loads((tmp_path / "smaller" / "frames.json").read_text())) < 20
    assert found.window["signals"]["m_axis_tdata"][found.cycle - found.window["first_cycle"]] == f"{found.hardware:04x}"
    assert "tensorgate_training_bench.dut.m_axis_tdata" in Path(found.save_file or "").read_text()


@pytest.mark.slow
def test_a_fault_in_the_verilog_of_a_trainer_names_its_register(capsys, monkeypatch, tmp_path: Path) -> None:
    right = TrainerDesign.write_verilog

    def wrong(design: TrainerDesign, path: Path) -> Path:
        written = right(design, path)
        text, count = re.subn(r"loss_of_0 <= (.*);", r"loss_of_0 <= (\1) | 16'd1;", written.read_text())
        assert count == 1
        written.write_text(text)
        return written

    monkeypatch.setattr(TrainerDesign, "write_verilog", wrong)
    status, out, _ = run(capsys, "iris", "--hardware", "--epochs", "1", "--json")
    told = json.loads(out)
    assert (status, told["verdict"]) == (1, "different")
    assert told["golden"] == told["pyrtl"] != told["hardware"]
    assert (told["layer"], told["register"]) == ("loss", "loss_of_0")
    page = (Path(told["folder"]) / "difference.html").read_text()
    assert page.count("<svg") == 1
    assert "train iris --hardware" in page


@pytest.mark.slow
def test_a_difference_is_exit_status_one_with_a_command(capsys, monkeypatch) -> None:
    from sim.training import course as module

    def tampered(design, frames, signature, *rest):
        return train_in_hardware(design, frames, signature ^ 1, *rest)

    monkeypatch.setattr(module, "train_in_hardware", tampered)
    status, out, _ = run(capsys, "iris", "--hardware", "--epochs", "1")
    assert status == 1
    assert "the signature is" in out
    assert "train iris --hardware --lanes 4 --epochs 1 --learning-rate-shift 5 --seed 0 --simulator icarus" in out


@pytest.mark.exhaustive
@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits", "digits_conv", "mnist_12x12"])
def test_every_weight_with_any_lanes(name: str, lanes: int, tmp_path: Path) -> None:
    """Both ways of rounding, under Icarus, with evaluations between."""
    task = TASKS[name]
    data = task.load(0)
    for dither_seed in (None, 7):
        trainer = task.trainer(data, dither_seed=dither_seed)
        design = generate_trainer(trainer, lanes)
        host, x = Host(design.schedule, trainer), trainer.encode(data["train"].x[:6])
        frames = [host.load()]
        for features, label in zip(x, data["train"].y, strict=False):
            frames += [host.train(features, int(label), 5), host.read(), host.evaluate(features)]
        run = train_in_hardware(design, frames, host.signature, tmp_path / str(dither_seed), "icarus")
        assert run.steps == run.evaluations == len(x)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("irs",), "there is no task 'irs' to train for, there are iris, wine"),
        (("iris", "--hardware", "--lanes", "65"), "lanes must be 1 to 64, not 65"),
        (("iris", "--lanes", "4"), "--lanes is of hardware"),
        (("iris", "--simulator", "icarus"), "--simulator is of hardware: give --hardware, too"),
        (("iris", "--learning-rate-shift", "12"), "12 is not in the range 2<=x<=11"),
        (("iris", "--epochs", "0"), "--epochs"),
        (("iris", "--drift", "mirror"), "only images can drift by mirror"),
        (("iris", "--drift", "snow"), "'snow' is not one of"),
        (("iris", "--dither", "0"), "0 is not in the range"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_other_files_are_not_touched(tmp_path: Path, capsys) -> None:
    (tmp_path / "index.html").write_text("mine")
    status, _, err = run(capsys, "iris", "--epochs", "1", "-o", str(tmp_path))
    assert status == 2
    assert "holds other files" in err
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "mine"
    (tmp_path / "index.html").unlink()
    status, _, _ = run(capsys, "iris", "--epochs", "1", "-o", str(tmp_path / "new"))
    assert status == 0
    assert run(capsys, "iris", "--epochs", "1", "-o", str(tmp_path / "new"))[0] == 0
    assert (tmp_path / "new" / verb.PAGE).exists()


def test_floats_begin_where_the_integers_do() -> None:
    task = TASKS["digits"]
    data = task.load(0)
    trainer = task.trainer(data)
    x = trainer.encode(data["test"].x)
    floats = FloatTrainer(trainer.layers)
    # Integers lose the lower byte of each weight, and 16 bits of rounding: the logits are near, never equal.
    integers = np.array([trainer.step(sample).logits for sample in x[:50]]) / 64
    assert np.abs(floats.logits(x[:50]) - integers).max() < 0.35
    assert not np.array_equal(floats.logits(x[:50]), integers)


CONVOLUTIONS = Sequential(
    [
        Reshape((6, 5, 1)),
        Conv2d(1, 2, 3, padding=1),
        ReLU(),
        MaxPool2d((2, 1)),
        Conv2d(2, 3, 2),
        ReLU(),
        Flatten(),
        Linear(24, 3),
    ]
)


@pytest.mark.parametrize("network", [TASKS["iris"].network(), CONVOLUTIONS], ids=["dense", "convolutions"])
def test_the_gradient_is_that_of_the_loss(network: Sequential) -> None:
    """Against a difference quotient of the cross entropy, for every weight of a small network."""
    model = IntegerTrainer(network)
    x = np.random.default_rng(0).integers(-40, 41, model.inputs)
    label, rate, small = 2, 1e-3, 1e-6

    def loss(trainer: FloatTrainer) -> float:
        logits = trainer.logits(x[None])[0]
        return float(np.log(np.exp(logits).sum()) - logits[label])

    trained = FloatTrainer(model.layers)
    trained.step(x, label, rate)
    for place, weight in enumerate(FloatTrainer(model.layers).weights):
        for index in np.ndindex(weight.shape):
            moved = FloatTrainer(model.layers)
            moved.weights[place][index] += small
            quotient = (loss(moved) - loss(FloatTrainer(model.layers))) / small
            # A one-sided difference is off by half the second derivative times its width.
            assert abs((weight[index] - trained.weights[place][index]) / rate - quotient) < 1e-4


def test_every_epoch_has_an_order_of_its_own() -> None:
    first, second = orders(50, 2, 7)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("drift", ["contrast", "mirror", "rotation"])
def test_drifts_keep_an_image_an_image(drift: str) -> None:
    x = np.random.default_rng(0).integers(0, 17, (5, 64)).astype(float)
    there = drifted(x, (8, 8), drift)
    assert there.shape == x.shape
    assert 0 <= there.min() <= there.max() <= 16
    assert not np.array_equal(there, x)


def test_a_rotation_turns_about_the_centre() -> None:
    image = np.zeros((1, 25))
    image[0, 12] = 9.0
    assert drifted(image, (5, 5), "rotation")[0].argmax() == 12
    image = np.zeros((1, 81))
    image[0, 4 * 9 + 7] = 9.0  # to the right of the centre
    row, column = divmod(int(drifted(image, (9, 9), "rotation")[0].argmax()), 9)
    assert (row, column) in {(2, 7), (6, 7), (3, 7), (5, 7), (2, 6), (6, 6)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "simulator"),
    [
        ("iris", "icarus"),
        *(
            pytest.param(name, simulator, marks=pytest.mark.exhaustive)
            for name, simulator in (
                ("breast_cancer", "icarus"),
                ("digits", "icarus"),
                ("digits", "verilator"),
                ("digits_conv", "verilator"),
                ("mnist_12x12", "verilator"),
            )
        ),
    ],
)
def test_every_weight_after_every_step_of_an_epoch(name: str, simulator: str, tmp_path: Path) -> None:
    subject = Course.of(TASKS[name], Wishes(1, 5, dither_seed=11))
    design = subject.design(TASKS[name].lanes)
    host = Host(design.schedule, subject.trainer)
    x, y = subject.train
    frames = [host.load(), host.read()]
    for features, label in zip(x, y, strict=True):
        frames += [host.train(features, int(label), 5), host.read()]
    run = train_in_hardware(design, frames, host.signature, tmp_path, simulator)
    words = sum(layer.words for layer in design.schedule.layers) * design.schedule.lanes
    assert run.beats == len(x) * (design.schedule.layers[-1].outputs + 1 + words) + words
