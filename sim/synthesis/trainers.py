"""A trainer on a device: the same tools and checks as for a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrtl

from golden.trainer import IntegerTrainer
from rtlgen.training import TrainerDesign, generate_trainer
from sim.synthesis.estimate import estimate
from sim.synthesis.fit import exceeded
from sim.synthesis.result import Synthesis
from sim.synthesis.synthesize import Tell, synthesize, target_of
from sim.synthesis.targets import Target


@dataclass(frozen=True)
class TrainerPlan:
    """What is known of a trainer before synthesis.

    Args:
        lanes: multipliers.
        step_cycles: of a training step with an update.
        inference_cycles: of one that only evaluates.
        layers: none: the layers share all of the hardware.
    """

    lanes: int
    step_cycles: int
    inference_cycles: int
    layers: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """By the names of a network's plan: a sample is a step of training."""
        return {
            "multiplier_budget": self.lanes,
            "multipliers": self.lanes,
            "ii_cycles": self.step_cycles,
            "latency_cycles": self.inference_cycles,
        }


@dataclass(frozen=True)
class _Trainer:
    """As ``synthesize`` takes it."""

    name: str
    verilog: str
    block: pyrtl.Block
    plan: TrainerPlan

    @classmethod
    def of(cls, design: TrainerDesign) -> _Trainer:
        schedule = design.schedule
        plan = TrainerPlan(schedule.lanes, schedule.training_cycles, schedule.inference_cycles)
        return cls(design.name, design.verilog, design.block, plan)


def synthesize_trainer(
    model: IntegerTrainer,
    design: TrainerDesign,
    target: str | Target,
    *,
    seed: int = 1,
    keep: Path | None = None,
    cache: Path | None = None,
    tell: Tell | None = None,
) -> Synthesis:
    """Synthesize, place and route ``design``, the trainer of ``model``; options and errors as of ``synthesize``.

    In the result a sample is a step of training with an update: ``samples_per_s`` is how many of them a second has.
    """
    device = target_of(target)

    def advise(counts: Mapping[str, int]) -> str:
        for lanes in range(design.schedule.lanes - 1, 0, -1):
            smaller = _Trainer.of(generate_trainer(model, lanes, name=design.name))
            luts = round(counts.get("lut", 0) * lanes / design.schedule.lanes)
            if not exceeded({"lut": luts, **estimate(smaller, device.family).counts}, device):
                return f"--lanes {lanes} fits by estimate"
        return "no smaller number of lanes fits either, by estimate"

    return synthesize(_Trainer.of(design), device, seed=seed, keep=keep, cache=cache, tell=tell, advise=advise)
