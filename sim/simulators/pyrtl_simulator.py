"""PyRTL's own simulation of the generated block: what the generator meant."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyrtl

from golden.types import IntArray
from sim.budget import cycles_of
from sim.simulators.beats import Beats
from sim.simulators.pyrtl_compiled import CompiledBlock, is_worth_compiling
from sim.simulators.simulator import Run, most_cycles, run_of

if TYPE_CHECKING:
    from rtlgen import Design


@dataclass(frozen=True)
class Pyrtl:
    """PyRTL's simulation that turns the block into Python code, or for a long run into C."""

    name: str = "pyrtl"

    def run(self, design: Design, x: IntArray, build: Path) -> Run:
        """As the interface says; needs no files."""
        expected = len(x) * Beats.of(design.ports["output"]).count
        words: list[int] = []
        cycles: list[int] = []
        beats = expected // len(x)
        with closing(_cycles(design, x)) as steps:
            for cycle, inspect in steps:
                if inspect("frame_error"):
                    raise ValueError(
                        f"{design.name} under PyRTL: frame_error is 1 at cycle {cycle}, every frame was whole"
                    )
                if inspect("m_axis_tvalid"):
                    words.append(inspect("m_axis_tdata"))
                    cycles.append(cycle)
                    if inspect("m_axis_tlast") != (len(words) % beats == 0):
                        last = inspect("m_axis_tlast")
                        raise ValueError(f"{design.name} under PyRTL: m_axis_tlast is {last} at cycle {cycle}")
                    if len(words) == expected:
                        return run_of(words, cycles, design)
        raise TimeoutError(f"{design.name} under PyRTL gave {len(words)} of {expected} output beats")


@dataclass(frozen=True, eq=False)
class Tap:
    """What went over the stream of a layer.

    Args:
        tensors: shape (batch, *shape), of the samples that came through completely.
        cycles: shape (batch, beats), when each beat moved.
    """

    tensors: IntArray
    cycles: IntArray


def taps(design: Design, x: IntArray, vcd: Path | None = None) -> dict[str, Tap]:
    """Every layer's stream while the samples ``x`` run back to back, as far as they come.

    Args:
        design: with the block.
        x: shape (batch, *shape).
        vcd: where to write the waves of all named wires, if anywhere.

    Raises:
        ValueError: if ``last`` of a stream is not where it must be.
    """
    named = [name for name in design.block.wirevector_by_name if not name.startswith(("tmp", "const_"))]
    tracer = _tracer(design, named) if vcd else None
    found = _watched(design, x, _inner_streams(design), tracer)
    if vcd is not None and tracer is not None:
        with vcd.open("w") as file:
            tracer.print_vcd(file)
    return found


def run_with_taps(design: Design, x: IntArray) -> tuple[Run, dict[str, Tap]]:
    """One simulation in place of two: what ``Pyrtl.run`` gives for the samples ``x``, and what ``taps`` does.

    Raises:
        ValueError: if ``last`` of a stream, or ``frame_error``, is not as it must be.
        TimeoutError: if outputs are missing.
    """
    port = design.ports["output"]
    found = _watched(design, x, {**_inner_streams(design), _OUTPUT: (Beats.of(port), f"{port['prefix']}_t")})
    output = found.pop(_OUTPUT)
    if len(output.tensors) < len(x):
        raise TimeoutError(f"{design.name} under PyRTL gave {len(output.tensors)} of {len(x)} outputs")
    return Run(output.tensors, output.cycles[:, -1]), found


_Streams = Mapping[str, tuple[Beats, str]]
"""By tensor: how it is cut into beats, and how the names of the stream's wires begin."""
_OUTPUT = ""
"""Stands for the output port, beside the tensors of the layers."""


def _inner_streams(design: Design) -> _Streams:
    return {port["tensor"]: (Beats.of(port), f"{port['prefix']}_") for port in design.ports["streams"]}


def _watched(
    design: Design, x: IntArray, streams: _Streams, tracer: pyrtl.SimulationTrace | None = None
) -> dict[str, Tap]:
    """What went over the streams until all samples came through all of them, or certainly will not any more."""
    words: dict[str, list[int]] = {tensor: [] for tensor in streams}
    cycles: dict[str, list[int]] = {tensor: [] for tensor in streams}
    wires = {
        tensor: tuple(f"{start}{wire}" for wire in ("valid", "ready", "data", "last"))
        for tensor, (_, start) in streams.items()
    }
    missing = len(x) * sum(beats.count for beats, _ in streams.values())
    watched = ["frame_error", *(name for names in wires.values() for name in names)]
    with closing(_cycles(design, x, watched, tracer)) as steps:
        for cycle, inspect in steps:
            if inspect("frame_error") and _OUTPUT in streams:
                raise ValueError(f"{design.name} under PyRTL: frame_error is 1 at cycle {cycle}, every frame was whole")
            for tensor, (valid, ready, data, last) in wires.items():
                if not (inspect(valid) and inspect(ready)):
                    continue
                words[tensor].append(inspect(data))
                cycles[tensor].append(cycle)
                count = streams[tensor][0].count
                missing -= len(words[tensor]) <= len(x) * count
                if tracer is None and inspect(last) != (len(words[tensor]) % count == 0):
                    raise ValueError(f"{design.name} under PyRTL: {last} is {inspect(last)} at cycle {cycle}")
            if not missing:
                break
    found = {}
    for tensor, (beats, _) in streams.items():
        whole = min(len(words[tensor]) // beats.count, len(x)) * beats.count
        moved = np.array(cycles[tensor][:whole], dtype=np.int64).reshape(-1, beats.count)
        found[tensor] = Tap(beats.unpack(words[tensor][:whole]), moved)
    return found


def _tracer(design: Design, names: Sequence[str]) -> pyrtl.SimulationTrace:
    return pyrtl.SimulationTrace([design.block.wirevector_by_name[name] for name in names])


def _cycles(
    design: Design, x: IntArray, watched: Sequence[str] = (), tracer: pyrtl.SimulationTrace | None = None
) -> Generator[tuple[int, Callable[[str], int]], None, None]:
    """Steps through the samples back to back; yields every cycle after the reset with a function that reads wires.

    Those are the ports and what is ``watched``, or what the ``tracer`` traces.
    """
    port = Beats.of(design.ports["input"])
    stimulus = port.pack(x)
    compiled = tracer is None and is_worth_compiling(design.block, cycles_of(design.plan, len(x)))
    if tracer is None and watched:
        tracer = _tracer(design, watched)
    with ExitStack() as stack:
        simulation = (
            stack.enter_context(CompiledBlock(design.block, watched))
            if compiled
            else pyrtl.FastSimulation(tracer=tracer, block=design.block)
        )
        pins = {"reset": 1, "s_axis_tdata": 0, "s_axis_tvalid": 0, "s_axis_tlast": 0, "m_axis_tready": 1}
        simulation.step(pins)
        pins["reset"] = 0
        sent = 0
        for cycle in range(most_cycles(design, len(x))):
            if sent < len(stimulus):
                pins["s_axis_tdata"], pins["s_axis_tvalid"] = stimulus[sent], 1
                pins["s_axis_tlast"] = int((sent + 1) % port.count == 0)
            else:
                pins["s_axis_tvalid"] = 0
            simulation.step(pins)
            sent += pins["s_axis_tvalid"] and simulation.inspect("s_axis_tready")
            yield cycle, simulation.inspect
