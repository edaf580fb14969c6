"""After a difference in a course: fewer frames that show it, what PyRTL says, and the waves around it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyrtl

from golden.trainer import IntegerTrainer
from rtlgen.training import TrainerDesign
from rtlgen.training.frames import EVALUATE, READ, TRAIN
from sim.difference import Difference, VerificationError
from sim.lockstep import first_register_difference
from sim.postmortem import WINDOW_CYCLES, shown_of
from sim.replay import SCOPE, replay, widths_of
from sim.simulators.bench import CLOCK
from sim.tools import ToolError
from sim.training.bench import TOP
from sim.training.frames import Frame, Host
from sim.training.hardware import train_in_hardware
from sim.waves import bits, window_of

STEPS_BACK = (0, 1, 4, 16, 64)
"""How many frames before the one that differs a smaller course begins with."""
MOST_CYCLES = 100_000
"""Of a smaller course: it runs under Icarus."""
SIGNALS = ("reset", "mode", "s_axis_tvalid", "s_axis_tready", "s_axis_tlast", "s_axis_tdata")
RESULTS = ("m_axis_tvalid", "m_axis_tlast", "m_axis_tdata", "signature", "frame_error")
FRAMES = "frames.json"


def examine(
    design: TrainerDesign, start: IntegerTrainer, frames: Sequence[Frame], seen: Difference, build: Path
) -> Difference:
    """A difference with all that can be found out about it.

    Args:
        design: that differs.
        start: the golden trainer as it was before the first frame.
        frames: that were sent.
        seen: the difference; ``sample`` is the frame in which it is.
        build: folder for ``frames.json``, the smaller course, and the waves.
    """
    last = len(frames) - 1 if seen.sample is None else seen.sample
    for first in dict.fromkeys([*(max(1, last - back) for back in STEPS_BACK), 1]):
        fewer, signature = _course_from(design, start, frames, first, last)
        if sum(frame.cycles or len(frame.data) for frame in fewer) > MOST_CYCLES:
            continue
        try:
            train_in_hardware(design, fewer, signature, build / "smaller", "icarus")
        except VerificationError as error:
            found = replace(error.difference, witness=seen.witness, message=seen.message)
            return _looked_at(design, fewer, signature, found, last - first, build)
        except (FileNotFoundError, ToolError):
            return seen
    return seen


def apart_in_lockstep(design: TrainerDesign, verilog: Path, seen: Difference, build: Path) -> Difference:
    """A pin that PyRTL has otherwise than the Verilog, with the waves around the cycle: the recorded pins once more.

    They begin with unknown registers, not with the numbers of the testbench; far behind the first cycle there are none.

    Args:
        design: the hardware.
        verilog: it was emitted to, in ``build``.
        seen: the difference.
        build: folder with ``recording.npz``, for the waves.
    """
    cycle = seen.cycle or 0
    if cycle > MOST_CYCLES:
        return seen
    with np.load(build / "recording.npz") as arrays:
        names = [str(name) for name in arrays["names"]]
        rows = arrays["pins"][: cycle + WINDOW_CYCLES].tolist()
    inputs = {wire.name: len(wire) for wire in design.block.wirevector_subset(pyrtl.Input)}
    pins = [{name: level for name, level in zip(names, row, strict=True) if name in inputs} for row in rows]
    try:
        waves = replay([verilog], design.name, inputs, pins, build / "lockstep.vcd")
    except (FileNotFoundError, ToolError):
        return seen
    widths = {name: width for name, width in widths_of(waves).items() if name in (*SIGNALS, *RESULTS)}
    return replace(seen, **window_of(waves, widths, cycle, SCOPE))


def _course_from(
    design: TrainerDesign, start: IntegerTrainer, frames: Sequence[Frame], first: int, last: int
) -> tuple[list[Frame], int]:
    """The frames ``first`` to ``last`` behind one that loads the weights as they are then; and their signature."""
    trainer = copy.deepcopy(start)
    for frame in frames[1:first]:
        if frame.mode == TRAIN:
            trainer.step(_features(frame), frame.data[-1], frame.rate)
    trainer.random_state = start.random_state  # a reset begins with the first random number
    host = Host(design.schedule, trainer)
    fewer = [host.load()]
    for frame in frames[first : last + 1]:
        if frame.mode == TRAIN:
            fewer.append(host.train(_features(frame), frame.data[-1], frame.rate))
        elif frame.mode == EVALUATE:
            fewer.append(host.evaluate(_features(frame), frame.data[-1], frame.rate))
        elif frame.mode == READ:
            fewer.append(host.read())
    return fewer, host.signature


def _features(frame: Frame) -> list[int]:
    return [byte - 256 if byte > 127 else byte for byte in frame.data[:-1]]


def _looked_at(
    design: TrainerDesign, frames: Sequence[Frame], signature: int, found: Difference, back: int, build: Path
) -> Difference:
    """The smaller course once more with waves, and in PyRTL."""
    cycle = found.cycle or 0
    window = max(0, cycle - WINDOW_CYCLES), cycle + WINDOW_CYCLES
    folder = build / "smaller"
    (folder / FRAMES).write_text(json.dumps([asdict(frame) for frame in frames]) + "\n")
    with suppress(VerificationError):  # the same one
        train_in_hardware(design, frames, signature, folder, "icarus", waves=window)
    waves = folder / "waves.vcd"
    registers = [register.name for register in design.block.wirevector_subset(pyrtl.Register)]
    values, word = _in_pyrtl(design, frames, registers, window[0], cycle)
    held = bits(waves, registers, window[0], cycle, CLOCK)
    register = first_register_difference(values, held, 0)
    facts: dict[str, Any] = {"pyrtl": word, "smaller": f"a course of {len(frames)} frames: {folder / FRAMES}"}
    if register:
        facts |= {"register": register[0], "register_cycle": window[0] + register[1]}
    names = [*SIGNALS, *([register[0]] if register else []), *RESULTS]
    told = f"{found.message}; also with the weights of golden {back} frames before, at cycle {cycle} from there"
    facts |= shown_of(design.block, waves, names, cycle, CLOCK, f"{TOP}.dut")
    return replace(found, message=told, **facts)


def _in_pyrtl(
    design: TrainerDesign, frames: Sequence[Frame], registers: Sequence[str], first: int, last: int
) -> tuple[dict[str, list[int]], int | None]:
    """What registers hold in PyRTL on cycles ``first`` to ``last``, and the beat that it gives on the last one."""
    simulation = pyrtl.FastSimulation(tracer=None, block=design.block)
    pins = dict.fromkeys(("mode", "learning_rate_shift", "s_axis_tdata", "s_axis_tvalid", "s_axis_tlast"), 0)
    simulation.step({**pins, "reset": 1, "m_axis_tready": 1})
    words = _words(frames)
    word = next(words, None)
    held: dict[str, list[int]] = {name: [] for name in registers}
    for cycle in range(last + 1):
        given = word or pins
        simulation.step({**given, "reset": 0, "m_axis_tready": 1})
        if cycle >= first:
            for name in registers:
                held[name].append(simulation.inspect(name))
        if word and simulation.inspect("s_axis_tready"):
            word = next(words, None)
    return held, int(simulation.inspect("m_axis_tdata")) if simulation.inspect("m_axis_tvalid") else None


def _words(frames: Sequence[Frame]) -> Iterator[dict[str, int]]:
    """What the pins are for each beat that is sent."""
    for frame in frames:
        for place, byte in enumerate(frame.data):
            yield {
                "mode": frame.mode,
                "learning_rate_shift": frame.rate,
                "s_axis_tdata": byte,
                "s_axis_tvalid": 1,
                "s_axis_tlast": int(place == len(frame.data) - 1),
            }
