"""Networks to train, and a trainer driven cycle by cycle in PyRTL's simulation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyrtl

from golden import IntegerTrainer, Linear, ReLU, Sequential
from golden.layers import Conv2d, Flatten, MaxPool2d, Reshape
from rtlgen.training import TrainerDesign
from rtlgen.training.layout import rows_of


def network(*sizes: int) -> Sequential:
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [Linear(inputs, outputs), ReLU()]
    return Sequential(layers[:-1])


CONVOLUTIONS: dict[str, tuple[Any, ...]] = {
    "3x3x8, pool, dense": (Reshape((8, 8, 1)), Conv2d(1, 8, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(72, 10)),
    "no pool, stride, two channels": (
        *(Reshape((7, 6, 2)), Conv2d(2, 3, (3, 2), stride=(2, 1)), ReLU(), Flatten()),
        *(Linear(45, 4), ReLU(), Linear(4, 3)),
    ),
    "two, padding, pools with rows left over": (
        *(Reshape((7, 6, 1)), Conv2d(1, 3, 3, padding="same"), ReLU(), MaxPool2d((2, 1))),
        *(Conv2d(3, 5, (2, 3), padding=((0, 1), (1, 0))), ReLU(), MaxPool2d((1, 3)), Flatten()),
        *(Linear(15, 5), ReLU(), Linear(5, 3)),
    ),
    "small, padding, pool": (
        *(Reshape((4, 3, 1)), Conv2d(1, 2, 2, padding=((0, 1), (0, 0))), ReLU(), MaxPool2d(2), Flatten()),
        Linear(4, 2),
    ),
    "two without pools": (
        *(Reshape((5, 6, 1)), Conv2d(1, 2, 3), ReLU(), Conv2d(2, 3, (1, 2), padding=(0, 1)), ReLU(), Flatten()),
        Linear(45, 2),
    ),
    "a window as large as the image": (Reshape((4, 3, 2)), Conv2d(2, 4, (4, 3)), ReLU(), Flatten(), Linear(4, 2)),
    "one pixel, one filter": (
        *(Reshape((2, 2, 1)), Conv2d(1, 1, 1), ReLU(), MaxPool2d(2), Flatten()),
        *(Linear(1, 5), ReLU(), Linear(5, 2)),
    ),
}
"""Layers by what is special about them."""


def convolution(name: str) -> Sequential:
    return Sequential(list(CONVOLUTIONS[name]))


def samples(trainer: IntegerTrainer, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of all sizes, extreme ones among them, and labels."""
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, (count, trainer.inputs))
    extreme = random.random(x.shape) < 0.2
    return np.where(extreme, random.choice([-128, 127, 0], x.shape), x), random.integers(0, trainer.outputs, count)


class Driven:
    """A trainer in simulation, its weights put into the memory; one byte a cycle where it takes one."""

    def __init__(self, design: TrainerDesign, trainer: IntegerTrainer) -> None:
        self.design = design
        nets = design.block.logic_subset("m@")
        self.memory = next(net.op_param[1] for net in nets if net.op_param[1].name == "weights")
        rows = rows_of(design.schedule, [layer.weight for layer in trainer.layers]) & 0xFFFF
        words = {a: sum(int(v) << (16 * lane) for lane, v in enumerate(row)) for a, row in enumerate(rows)}
        with pyrtl.set_working_block(design.block, no_sanity_check=True):
            self.simulation = pyrtl.FastSimulation(
                tracer=None, block=design.block, memory_value_map={self.memory: words}
            )
        self.now, self.starts, self.results, self._beats = 0, [], [], []
        self._bank = 0
        for _ in range(2):
            self.cycle(reset=1)
        self.starts.clear()

    def cycle(self, **pins: int) -> dict[str, int]:
        names = ("reset", "s_axis_tdata", "s_axis_tvalid", "s_axis_tlast", "mode", "learning_rate_shift")
        self.simulation.step({**dict.fromkeys(names, 0), "m_axis_tready": 1, **pins})
        outputs = ("s_axis_tready", "m_axis_tvalid", "m_axis_tdata", "m_axis_tlast", "frame_error", "signature")
        seen = {name: self.simulation.inspect(name) for name in outputs}
        bank = self.simulation.inspect("step_bank")
        if bank != self._bank:
            self.starts.append(self.now)
        self._bank = bank
        self.now += 1
        if seen["m_axis_tvalid"] and pins.get("m_axis_tready", 1):
            self._beats.append(seen["m_axis_tdata"])
            if seen["m_axis_tlast"]:
                self.results.append(self._beats)
                self._beats = []
        return seen

    def send(self, data: Sequence[int], mode: int, rate: int = 5, last: int | None = None) -> None:
        end = len(data) - 1 if last is None else last
        for place, byte in enumerate(data):
            for _ in range(100_000):
                seen = self.cycle(
                    s_axis_tdata=byte,
                    s_axis_tvalid=1,
                    s_axis_tlast=int(place == end),
                    mode=mode,
                    learning_rate_shift=rate,
                )
                if seen["s_axis_tready"]:
                    break
            else:
                raise AssertionError("the trainer takes no more")

    def weights(self) -> np.ndarray:
        """Words of the memory, shape (words, lanes), signed."""
        lanes = self.design.schedule.lanes
        count = sum(layer.words for layer in self.design.schedule.layers)
        held = self.simulation.inspect_mem(self.memory)
        words = [[(held.get(a, 0) >> (16 * lane)) & 0xFFFF for lane in range(lanes)] for a in range(count)]
        return (np.array(words) + 0x8000) % 0x10000 - 0x8000
