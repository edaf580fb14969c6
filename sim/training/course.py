"""A course: a task is learnt, in integers or in simulated hardware, beside the same network in floats."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import golden
from golden.data import Dataset, Split
from golden.trainer import Epoch, IntegerTrainer
from golden.trainer.drift import drifted
from golden.trainer.float_reference import FloatCurve, float_curve
from golden.trainer.tasks import Task
from golden.trainer.trainer import orders
from golden.types import IntArray
from rtlgen.training import TrainerDesign, generate_trainer
from sim.difference import VerificationError
from sim.training.frames import Frame, Host
from sim.training.hardware import HardwareRun, train_in_hardware
from sim.training.postmortem import examine

Samples = tuple[IntArray, IntArray]
"""Integers, shape (samples, features), and labels."""


@dataclass(frozen=True)
class Wishes:
    """How to train.

    Args:
        epochs: passes over the training split.
        learning_rate_shift: of all of them.
        seed: of the first weights and the order of the samples.
        dither_seed: as of ``golden.IntegerTrainer``.
        drift: what has happened since the network was deployed, that is to be tuned; None to begin at random weights.
    """

    epochs: int
    learning_rate_shift: int
    seed: int = 0
    dither_seed: int | None = None
    drift: str | None = None


@dataclass(frozen=True, eq=False)
class Course:
    """A task with data, and a trainer at its start.

    Args:
        task: what it is for.
        wishes: how to train.
        trainer: golden; it learns as the course goes on.
        train, test: the splits as integers.
        before: accuracies on the test split, by when, before anything has been learnt.
        floats: the same network in floats.
    """

    task: Task
    wishes: Wishes
    trainer: IntegerTrainer
    train: Samples
    test: Samples
    before: dict[str, float]
    floats: FloatCurve

    @classmethod
    def of(cls, task: Task, wishes: Wishes) -> Course:
        """Loads the data, deploys a network first if one is to be tuned, and trains in floats.

        Raises:
            ValueError: for wishes that do not fit the task.
        """
        data = task.load(0)
        if wishes.drift is None:
            trainer = task.trainer(data, wishes.seed, wishes.dither_seed)
            train, test = (_integers(trainer, data[name]) for name in ("train", "test"))
            before = {"at random weights": _accuracy(trainer, test)}
        else:
            # Before anything takes time: whether there is such a drift.
            changed = {name: _drifted(data[name], task, wishes.drift) for name in ("train", "test")}
            trainer = _deployed(task, data, wishes)
            train, test = (_integers(trainer, changed[name]) for name in ("train", "test"))
            before = {
                "when deployed": _accuracy(trainer, _integers(trainer, data["test"])),
                f"after the {wishes.drift}": _accuracy(trainer, test),
            }
        floats = float_curve(trainer.layers, train, test, wishes.epochs, wishes.seed)
        return cls(task, wishes, trainer, train, test, before, floats)

    def in_integers(self) -> list[Epoch]:
        """By golden alone."""
        return _history(self, lambda x, label, shift: self.trainer.step(x, label, shift).loss or 0, lambda epoch: None)

    def design(self, lanes: int) -> TrainerDesign:
        """The trainer as hardware.

        Raises:
            ValueError: for lanes out of range.
        """
        return generate_trainer(self.trainer, lanes, name=f"{self.task.name}_trainer")

    def in_hardware(
        self, design: TrainerDesign, build: Path, simulator: str, advance: Callable[[int], None] = lambda done: None
    ) -> tuple[list[Epoch], HardwareRun]:
        """In emitted Verilog: all of the test split is evaluated, and all weights are read, after every epoch.

        Args:
            design: of this course.
            build: folder for all files.
            simulator: ``icarus`` or ``verilator``.
            advance: is told how many frames more have been answered.

        Raises:
            VerificationError: where hardware and golden differ.
            FileNotFoundError, ToolError: if the simulator is missing, or fails.
        """
        host = Host(design.schedule, self.trainer)
        frames = [host.load()]

        def step(x: IntArray, label: int, shift: int) -> int:
            frames.append(host.train(x, label, shift))
            return _loss(frames[-1])

        def after(epoch: int) -> None:
            frames.extend(host.evaluate(x) for x in self.test[0])
            frames.append(host.read())

        start = copy.deepcopy(self.trainer)
        history = _history(self, step, after)
        try:
            run = train_in_hardware(design, frames, host.signature, build, simulator, advance)
        except VerificationError as error:
            raise VerificationError(examine(design, start, frames, error.difference, build)) from error
        return history, run

    @property
    def frames(self) -> int:
        """That are answered in a course in hardware."""
        return self.wishes.epochs * (len(self.train[0]) + len(self.test[0]) + 1)


def _history(course: Course, step: Callable[[IntArray, int, int], int], after: Callable[[int], None]) -> list[Epoch]:
    (x, y), shift = course.train, course.wishes.learning_rate_shift
    history = []
    for epoch, order in enumerate(orders(len(x), course.wishes.epochs, course.wishes.seed)):
        losses = [step(x[sample], int(y[sample]), shift) for sample in order]
        seen, held = _accuracy(course.trainer, course.train), _accuracy(course.trainer, course.test)
        history.append(Epoch(shift, float(np.mean(losses)), seen, held))
        after(epoch)
    return history


def as_plain(
    course: Course, history: list[Epoch], design: TrainerDesign | None = None, run: HardwareRun | None = None
) -> dict[str, Any]:
    """What became of it, for people and programs; ``hardware`` is None where there was none."""
    hardware = None
    if design is not None and run is not None:
        schedule = design.schedule
        hardware = {
            "lanes": schedule.lanes,
            **asdict(run),
            "cycles_per_step": run.cycles_per_step,
            "training_cycles": schedule.training_cycles,
            "skipping_cycles": schedule.skipping_cycles,
            "inference_cycles": schedule.inference_cycles,
        }
    return {
        "task": course.task.name,
        "data": course.task.title,
        "network": course.task.layers,
        **{name: value for name, value in asdict(course.wishes).items() if name != "epochs"},
        "before": course.before,
        "epochs": [
            {
                "loss": epoch.loss,
                "train_accuracy": epoch.accuracy,
                "test_accuracy": epoch.validation_accuracy,
                "float_test_accuracy": reached,
            }
            for epoch, reached in zip(history, course.floats.accuracy, strict=True)
        ],
        "float_learning_rate": course.floats.learning_rate,
        "hardware": hardware,
    }


def _deployed(task: Task, data: Dataset, wishes: Wishes) -> IntegerTrainer:
    """Trained on the host, in floats and quantized to int8, or with convolutions in integers; now to be tuned."""
    network = task.network()
    if task.filters:
        trained = task.trainer(data, wishes.seed)
        trained.fit(data["train"], task.epochs, task.learning_rate_shift, seed=wishes.seed)
        return IntegerTrainer(trained.to_graph(), scaling=task.scaling, dither_seed=wishes.dither_seed)
    golden.fit(network, data["train"], epochs=30, learning_rate=0.003, weight_decay=0.5, seed=wishes.seed)
    graph = golden.quantize(network, data["train"].x, symmetric=True)
    return IntegerTrainer(graph, scaling=task.scaling, dither_seed=wishes.dither_seed)


def _drifted(split: Split, task: Task, drift: str) -> Split:
    return Split(drifted(split.x, task.image, drift), split.y)


def _integers(trainer: IntegerTrainer, split: Split) -> Samples:
    return trainer.encode(split.x), np.asarray(split.y, dtype=np.int64)


def _accuracy(trainer: IntegerTrainer, samples: Samples) -> float:
    return float((trainer.predict(samples[0]) == samples[1]).mean())


def _loss(frame: Frame) -> int:
    assert frame.expected is not None
    return frame.expected[-1]
