"""All that is proven, each with a planted fault that must make the proof fail."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyrtl

import rtlgen
from golden import Graph, IntType, TensorType
from golden.ops import Requantize
from rtlgen import Design
from sim.formal import streams
from sim.formal.fifo import MONITORS, Harness
from sim.formal.prover import PROVEN, REFUTED, Verdict, search
from sim.mutation.ops import GRAPHS
from sim.simulators.icarus import Icarus

SEARCH_S = 60
FIFOS = (Harness(4, 1, 1), Harness(4, 2, 3), Harness(8, 4, 2))
FIFO_FAULTS = {
    "data is stable while nobody takes it": (
        "fifo_out_free = ((fifo_out_valid ^ 1'd1) | ready)", "fifo_out_free = 1'd1"
    ),
    "no beat comes without room": ("room = ((fifo_room_left[", "room = 1'd1 | ((fifo_room_left["),
    "no beat is lost, changed, doubled or out of order": (
        "fifo_read_address <= (reset ?", "fifo_read_address <= (reset | ~(fifo_filled == 0) & fifo_out_free ?"
    ),
    "a beat inside shows in bounded time": ("fifo_reads = (", "fifo_reads = ready & ("),
    "last is in its place": ("x_out_last = ", "x_out_last = ~"),
    "the word being written is not read": ("room = ((fifo_room_left[", "room = 1'd1 | ((fifo_room_left["),
}  # fmt: skip
"""By what they violate: a text in the FIFO's Verilog, and what it becomes."""
PIN_FAULTS = {
    streams.STABLE: ("m_axis_out_free = ((m_axis_out_valid ^ 1'd1) | m_axis_tready)", "m_axis_out_free = 1'd1"),
    streams.LAST: ("assign m_axis_tlast = ", "assign m_axis_tlast = ~"),
    streams.ERROR: ("s_axis_frame_error <= (reset ? 1'd0 : (", "s_axis_frame_error <= (reset ? 1'd0 : ~("),
    streams.POWER_UP: ("m_axis_out_valid <= (reset ? 1'd0 :", "m_axis_out_valid <= (reset ? m_axis_out_valid :"),
    streams.OPTIMISED: ("assign m_axis_tlast = ", "assign m_axis_tlast = ~"),
}
KINDS = ("relu", "clamp", "lookup", "argmax", "requantize", "wrap", "reshape")
"""Op kinds whose hardware is proven at the pins."""
RANGES = {
    "half_up": Requantize(np.array(300), np.array(9), 3, IntType(8, True)),
    "half_up, a shift": Requantize(np.array(1), np.array(6), -5, IntType(8, True)),
    "tflm": Requantize(np.array(1518500250), np.array(37), -7, IntType(8, True), arithmetic="tflm"),
    "tflm, every sign of a tie": Requantize(np.array(1 << 30), np.array(36), 0, IntType(8, True), arithmetic="tflm"),
    "single": Requantize(np.array(1234567891), np.array(38), 11, IntType(8, True), arithmetic="single"),
}
"""Requantisers that are tried with every number that they can get."""
RANGE_TYPE = IntType(16, True)


@dataclass(frozen=True)
class Obligation:
    """Something to be proven.

    Args:
        subject: of what.
        what: it is.
        decide: the verdict, with the files of the proof in a folder; of the hardware, or with a fault planted in it.
    """

    subject: str
    what: str
    decide: Callable[[Path, bool], Verdict]


def obligations() -> Iterator[Obligation]:
    """All of them."""
    for fifo in FIFOS:
        name = f"FIFO of {fifo.depth}, rows of {fifo.row_beats}, {fifo.latency_cycles} cycles away"
        for monitor in MONITORS:
            yield Obligation(name, monitor, _of_fifo(fifo, monitor))
    for kind in KINDS:
        for what in streams.BODIES:
            yield Obligation(kind, what, _of_pins(kind, what))
    what = f"its Verilog, simulated with all of {RANGE_TYPE}, is golden"
    for name, op in RANGES.items():
        yield Obligation(f"requantiser {name}", what, _of_range(op))


def _of_fifo(fifo: Harness, monitor: str) -> Callable[[Path, bool], Verdict]:
    def decide(folder: Path, planted: bool) -> Verdict:
        verilog = fifo.verilog(monitor)
        (folder / "harness.v").write_text(_with_fault(verilog, FIFO_FAULTS[monitor]) if planted else verilog)
        return search(["read_verilog harness.v"], "harness", "fifo", folder, SEARCH_S)

    return decide


def _of_pins(kind: str, what: str) -> Callable[[Path, bool], Verdict]:
    def decide(folder: Path, planted: bool) -> Verdict:
        design = rtlgen.generate(GRAPHS[kind](), name=kind)
        verilog = _with_fault(design.verilog, PIN_FAULTS[what]) if planted else design.verilog
        (folder / "design.v").write_text(verilog)
        modules: tuple[str, ...] = (kind,)
        if what == streams.POWER_UP:
            modules = (kind, kind)
        elif what == streams.OPTIMISED:
            modules = (kind, "optimised")
            (folder / "optimised.v").write_text(_optimised(design))
        (folder / "harness.v").write_text(streams.harness(design, what, modules))
        reading = [f"read_verilog harness.v design.v{' optimised.v' if what == streams.OPTIMISED else ''}"]
        # Two that differ may do so before a reset: both begin with zeros.
        return search(reading, "harness", "pins", folder, SEARCH_S, from_zero=what == streams.OPTIMISED)

    return decide


def _of_range(op: Requantize) -> Callable[[Path, bool], Verdict]:
    def decide(folder: Path, planted: bool) -> Verdict:
        type = TensorType((1,), RANGE_TYPE)
        x = np.arange(RANGE_TYPE.min, RANGE_TYPE.max + 1).reshape(-1, 1)
        expected = Graph.chain(type, op)(x)
        built = replace(op, multiplier=op.multiplier + op.multiplier // 4096 + 1) if planted else op
        found = Icarus().run(rtlgen.generate(Graph.chain(type, built), name="requantiser"), x, folder).outputs
        wrong = np.flatnonzero(found.reshape(-1) != expected.reshape(-1))
        return Verdict(REFUTED, f"x = {x[wrong[0], 0]}") if len(wrong) else Verdict(PROVEN)

    return decide


def _with_fault(verilog: str, fault: tuple[str, str]) -> str:
    before, after = fault
    if verilog.count(before) != 1:
        raise ValueError(f"a fault must have one place, {before!r} is in the Verilog {verilog.count(before)} times")
    return verilog.replace(before, after)


def _optimised(design: Design) -> str:
    block = pyrtl.copy_block(design.block, update_working_block=False)
    with pyrtl.set_working_block(block, no_sanity_check=True), io.StringIO() as text:
        pyrtl.optimize(block=block)
        pyrtl.output_to_verilog(text, add_reset=False, block=block, module_name="optimised")
        return text.getvalue()
