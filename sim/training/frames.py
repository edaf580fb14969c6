"""What a host sends to a trainer, and what golden says must come back: frame by frame."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.trainer import IntegerTrainer, Step
from golden.types import IntArray
from rtlgen.training.frames import EVALUATE, LOAD, READ, TRAIN
from rtlgen.training.layout import load_frame, rows_of, sample_frame, signature_of
from rtlgen.training.schedule import Schedule

KINDS = ("evaluation", "training step", "loading of weights", "reading of weights")


@dataclass(frozen=True)
class Frame:
    """One frame and its answer.

    Args:
        mode: ``EVALUATE``, ``TRAIN``, ``LOAD`` or ``READ``.
        rate: the learning rate's shift.
        data: its bytes.
        expected: the beats that come back; None where nothing does.
        cycles: from the start of its step to that of the next one; None where there is none.
    """

    mode: int
    rate: int
    data: list[int]
    expected: list[int] | None
    cycles: int | None = None


class Host:
    """Makes frames while the golden trainer goes along.

    Args:
        schedule: of the hardware.
        trainer: the golden one.
    """

    def __init__(self, schedule: Schedule, trainer: IntegerTrainer) -> None:
        self.schedule, self.trainer = schedule, trainer
        self.signature = 0
        self._seed = trainer.random_state

    @property
    def weights(self) -> list[IntArray]:
        """Master weights of all layers."""
        return [layer.weight for layer in self.trainer.layers]

    def load(self) -> Frame:
        """The weights that golden has."""
        return Frame(LOAD, 0, load_frame(self.schedule, self.weights), None)

    def read(self) -> Frame:
        """All weights come back."""
        rows = rows_of(self.schedule, self.weights).reshape(-1)
        return Frame(READ, 0, [0], [int(value) & 0xFFFF for value in rows])

    def train(self, x: npt.ArrayLike, label: int, rate: int) -> Frame:
        """One step of training."""
        step = self.trainer.step(x, label, rate)
        if step.loss:
            self.signature = signature_of(self.schedule, self.signature, self.weights)
        cycles = self.schedule.training_cycles if step.loss else self.schedule.skipping_cycles
        return Frame(TRAIN, rate, sample_frame(x, label), _result(step), cycles)

    def evaluate(self, x: npt.ArrayLike, label: int = 0, rate: int = 2) -> Frame:
        """One step that only evaluates; nobody looks at the label."""
        data = sample_frame(x, label)
        return Frame(EVALUATE, rate, data, _result(self.trainer.step(x)), self.schedule.inference_cycles)

    def reset(self) -> None:
        """As the hardware's: the weights stay."""
        self.trainer.random_state, self.signature = self._seed, 0


def frames_with_resets(
    host: Host,
    x: npt.NDArray[np.integer],
    y: Sequence[int],
    rate: int,
    evaluate: Collection[int],
    resets: Collection[int],
    read_every: int,
) -> tuple[list[Frame], list[int]]:
    """The frames of some samples, and the numbers of those before which there is a reset; as of ``verify_training``."""
    frames, positions = [host.load()], []
    for sample, (features, label) in enumerate(zip(x, y, strict=True)):
        if sample in resets:
            positions.append(len(frames))
            host.reset()
        if sample in evaluate:
            frames.append(host.evaluate(features, int(label), rate))
        else:
            frames.append(host.train(features, int(label), rate))
        if (sample + 1) % read_every == 0 or sample == len(x) - 1:
            frames.append(host.read())
    return frames, positions


def _result(step: Step) -> list[int]:
    return [*(int(z) & 0xFFFF for z in step.logits), step.loss or 0]
