"""Courses of training as part of the regression, the page that shows them, and trainers on a device."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from golden import IntegerTrainer
from golden.trainer.tasks import TASKS
from rtlgen import generate_trainer
from sim.regression import report, training_table, trainings
from sim.regression.training_page import page, rows
from sim.synthesis.estimate import estimate
from sim.synthesis.result import DoesNotFitError
from sim.synthesis.synthesize import target_of
from sim.synthesis.targets import ECP5
from sim.synthesis.trainers import _Trainer, synthesize_trainer
from sim.training import course as course_module
from sim.training.hardware import train_in_hardware

COURSES = (("iris", None, "icarus"),)


@pytest.fixture
def two_epochs(monkeypatch) -> None:
    monkeypatch.setitem(trainings.TASKS, "iris", replace(TASKS["iris"], epochs=2))


@pytest.mark.slow
def test_courses_are_kept_until_the_sources_change(two_epochs, tmp_path: Path, monkeypatch) -> None:
    told: list[str] = []
    (first,) = trainings.run_trainings(tmp_path, courses=COURSES, tell=told.append)
    assert (first["verdict"], first["hardware"]["steps"]) == ("passed", 240)
    assert "training of iris under icarus: passed, 240 steps" in told[0]
    monkeypatch.setattr(trainings, "_run", None)  # nothing runs again
    assert trainings.run_trainings(tmp_path, courses=COURSES) == [first]
    assert trainings.read_trainings(tmp_path) == [first]
    monkeypatch.setattr(trainings, "fingerprint", lambda **_: "others")
    with pytest.raises(TypeError):
        trainings.run_trainings(tmp_path, courses=COURSES)
    html = report.html([], courses=[first])
    assert 'id="training"' in html
    assert "cycles of a step with an update" in html


def test_courses_side_by_side_are_told_in_their_order_and_one_whose_process_dies_has_crashed(
    tmp_path: Path, monkeypatch
) -> None:
    courses = [(name, None, "icarus") for name in ("slow", "dead", "quick")]
    others_ended = Event()

    def run(key: trainings.Key, build: Path) -> dict[str, Any]:
        if key[0] == "dead":
            raise RuntimeError("a process was terminated")
        assert key[0] == "quick" or others_ended.wait(60)
        others_ended.set()
        content = trainings._nothing(key)
        return {**content, "verdict": "passed", "hardware": {"steps": 3, "cycles": 40}}

    monkeypatch.setattr(trainings, "_run", run)
    monkeypatch.setattr(trainings, "worker_processes", ThreadPoolExecutor)
    told: list[str] = []
    found = trainings.run_trainings(tmp_path, courses=courses, jobs=3, tell=told.append)
    assert [(course["task"], course["verdict"]) for course in found] == [
        ("slow", "passed"),
        ("dead", "crashed"),
        ("quick", "passed"),
    ]
    assert [line.partition(": ")[2] for line in told] == [
        "passed, 3 steps, 40 cycles, all golden's",
        "crashed, RuntimeError: a process was terminated",
        "passed, 3 steps, 40 cycles, all golden's",
    ]
    assert trainings.read_trainings(tmp_path) == found


@pytest.mark.slow
def test_a_difference_is_a_failed_course(two_epochs, tmp_path: Path, monkeypatch) -> None:
    def tampered(design, frames, signature, *rest):
        return train_in_hardware(design, frames, signature ^ 2, *rest)

    monkeypatch.setattr(course_module, "train_in_hardware", tampered)
    (failed,) = trainings.run_trainings(tmp_path, courses=COURSES)
    assert failed["verdict"] == "failed"
    assert "the signature is" in failed["message"]
    kept = tmp_path / "trainings" / "iris-icarus"
    assert f"files: {kept}" in failed["message"]
    assert (kept / "difference.html").exists()
    assert json.loads((kept / "difference.json").read_text())["command"] == (
        "tensorgate train iris --hardware --simulator icarus"
    )
    assert "the signature is" in report.html([], courses=trainings.read_trainings(tmp_path))
    monkeypatch.undo()
    monkeypatch.setitem(trainings.TASKS, "iris", replace(TASKS["iris"], epochs=1))
    (again,) = trainings.run_trainings(tmp_path, courses=COURSES)
    assert again["verdict"] == "passed"
    assert not kept.exists()


def test_a_damaged_file_of_results_is_none(tmp_path: Path) -> None:
    for text in ("", "{", "3", "[3]", '{"a": 1}', '[{"verdict": "passed"}]'):
        (tmp_path / trainings.RESULTS).write_text(text)
        assert trainings.read_trainings(tmp_path) == []


def course(**more) -> dict:
    epochs = [{"loss": 3.25, "train_accuracy": 0.5, "test_accuracy": 0.25, "float_test_accuracy": 1.0}]
    return {
        "task": "iris", "data": "iris", "network": "4-10-3", "learning_rate_shift": 5, "seed": 0, "dither_seed": None,
        "drift": None, "before": {"at random weights": 0.125}, "epochs": epochs, "hardware": None,
        "float_learning_rate": 0.01, **more,
    }  # fmt: skip


def test_the_page_shows_what_was_measured() -> None:
    assert rows(course()) == [("1", "3.2", "50.0%", "25.0%", "100.0%")]
    html = page([course(), course(task="<b>", drift="mirror", dither_seed=3)])
    assert html.count("<svg") == 2
    assert "Accuracy at random weights: 12.5%" in html
    assert "&lt;b&gt;: mirror" in html
    assert "updates rounded at random" in html
    assert "<b>:" not in html


@pytest.mark.parametrize(("name", "lanes", "blocks"), [("iris", 4, 2), ("digits", 16, 8), ("mnist_12x12", 16, 16)])
def test_memories_and_multipliers_of_a_trainer_are_known_before(name: str, lanes: int, blocks: int) -> None:
    task = TASKS[name]
    design = generate_trainer(IntegerTrainer(task.network(), scaling=task.scaling), lanes, name=name)
    found = estimate(_Trainer.of(design), ECP5)
    assert found.multipliers == lanes
    assert sum(found.block_rams.values()) == blocks


def test_lanes_that_do_not_fit_are_told_with_lanes_that_do() -> None:
    model = IntegerTrainer(TASKS["digits"].network(), scaling="pixels")
    with pytest.raises(DoesNotFitError, match=r"it needs 30 multipliers and there are 28.*--lanes 28 fits by estimate"):
        synthesize_trainer(model, generate_trainer(model, 30, name="t"), target_of("ecp5-25k"))


@pytest.mark.slow
def test_a_trainer_on_a_device(tmp_path: Path) -> None:
    model = IntegerTrainer(TASKS["iris"].network())
    design = generate_trainer(model, 4, name="iris_trainer")
    made = synthesize_trainer(model, design, "ecp5-25k", cache=tmp_path / "cache", keep=tmp_path / "kept").as_json()
    assert made["multipliers"] == 4
    assert made["block_rams"] == 2
    assert made["clock_mhz"] > 80
    assert made["samples_per_s"] == round(made["clock_mhz"] * 1e6 / design.schedule.training_cycles)
    assert json.loads((tmp_path / "kept" / "iris_trainer.synth.json").read_text())["multipliers"] == 4


def test_a_task_that_there_is_not(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        training_table.main(["irs"])
    assert end.value.code == 2
    assert "a task must be one of iris, wine" in capsys.readouterr().err


def test_the_table_is_markdown() -> None:
    lines = training_table.markdown([["x"] * len(training_table.HEAD)]).splitlines()
    assert {line.count("|") for line in lines} == {len(training_table.HEAD) + 1}
