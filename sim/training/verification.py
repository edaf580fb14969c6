"""A trainer in simulation against the golden one: all logits, losses and weights, and in lockstep with PyRTL."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyrtl

from golden.trainer import IntegerTrainer
from rtlgen.training import TrainerDesign
from rtlgen.training.frames import READ
from sim.difference import Difference, VerificationError
from sim.simulators.cocotb_launcher import launch, registers_of
from sim.simulators.programs import require_programs
from sim.tools import ToolError
from sim.training.frames import Host, frames_with_resets
from sim.training.postmortem import apart_in_lockstep, examine

TESTBENCH = "verif.training"


@dataclass(frozen=True)
class TrainingRun:
    """What has been compared.

    Args:
        steps: of training, and evaluations between them.
        cycles: under Icarus, each of them in lockstep with PyRTL.
        weights: master weights that were read and compared.
    """

    steps: int
    cycles: int
    weights: int


def verify_training(
    design: TrainerDesign,
    trainer: IntegerTrainer,
    x: npt.ArrayLike,
    y: Sequence[int],
    build: Path,
    *,
    learning_rate_shift: int = 5,
    evaluate: Collection[int] = (),
    resets: Collection[int] = (),
    read_every: int = 1,
    back_to_back: bool = False,
    source: str = "never",
    sink: str = "never",
    seed: int = 0,
    random_registers: bool = True,
    timeout: float = 3600,
) -> TrainingRun:
    """Train on the samples in the emitted Verilog; ``trainer`` goes along, and has learnt the same afterwards.

    Args:
        design: of ``trainer``.
        trainer: the golden one; its weights are loaded first.
        x: integers, shape (samples, features).
        y: the labels.
        build: folder for all files.
        learning_rate_shift: of all steps.
        evaluate: samples that are only evaluated.
        resets: samples in whose middle there is a reset first; the weights stay, the random number begins anew.
        read_every: weights are read and compared after so many samples, and at the end.
        back_to_back: frames follow each other without waiting for results.
        source, sink: patterns of pauses.
        seed: of the pauses, and of registers.
        random_registers: before the first reset; or else nothing in them is known.
        timeout: seconds.

    Raises:
        VerificationError: where anything differs.
        FileNotFoundError, ToolError: if Icarus is missing, or fails.
    """
    require_programs("icarus")
    start = copy.deepcopy(trainer)
    host = Host(design.schedule, trainer)
    frames, positions = frames_with_resets(host, np.asarray(x), y, learning_rate_shift, evaluate, resets, read_every)
    build = build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    verilog = design.write_verilog(build / f"{design.name}.v")
    config = {
        "frames": [
            {"mode": frame.mode, "rate": frame.rate, "data": frame.data, "expected": frame.expected} for frame in frames
        ],
        "signature": host.signature,
        "reset_before": positions,
        "back_to_back": back_to_back,
        "settle_cycles": design.schedule.training_cycles + 64,
        "source": source,
        "sink": sink,
        "seed": seed,
        "registers": registers_of(verilog) if random_registers else [],
        "build": str(build),
    }
    (build / "training.json").write_text(json.dumps(config))
    result_file, log = build / "result.json", build / "simulation.log"
    result_file.unlink(missing_ok=True)
    launch(TESTBENCH, design.name, [verilog], build, log, [f"+training={build / 'training.json'}"], seed, timeout)
    if not result_file.exists():
        raise ToolError("the testbench of the trainer ended without a result", (), log.read_text(errors="replace"))
    result = json.loads(result_file.read_text())
    if result["findings"]:
        finding = result["findings"][0]
        frame = re.match(r"frame (\d+) ", finding)
        seen = Difference("icarus", finding, sample=int(frame[1]) if frame else None)
        raise VerificationError(examine(design, start, frames, seen, build), build)
    try:
        replay_pins(design, build / "recording.npz")
    except VerificationError as error:
        raise VerificationError(apart_in_lockstep(design, verilog, error.difference, build), build) from error
    reads = sum(frame.mode == READ for frame in frames)
    return TrainingRun(len(y), result["cycles"], reads * sum(weight.size for weight in host.weights))


def replay_pins(design: TrainerDesign, recording: Path) -> None:
    """The recorded inputs through PyRTL's simulation: every output pin on every cycle, of a beat where there is one.

    Raises:
        VerificationError: naming pin and cycle of the first difference.
    """
    with np.load(recording) as arrays:
        pins, names = arrays["pins"], [str(name) for name in arrays["names"]]
    block = design.block
    inputs = [wire.name for wire in block.wirevector_subset(pyrtl.Input)]
    outputs = [wire.name for wire in block.wirevector_subset(pyrtl.Output)]
    columns = {name: names.index(name) for name in (*inputs, *outputs)}
    simulation = pyrtl.FastSimulation(tracer=None, block=block)
    for cycle, row in enumerate(pins):
        simulation.step({name: int(row[columns[name]]) for name in inputs})
        for name in outputs:
            expected, seen = int(row[columns[name]]), simulation.inspect(name)
            if expected != seen and expected >= 0:  # -1: undefined, where the testbench allows it
                message = f"cycle {cycle}: {name} is {expected} in Verilog and {seen} in PyRTL's simulation"
                raise VerificationError(Difference("lockstep", message, cycle=cycle))
