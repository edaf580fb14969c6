"""All that is proven, each with a planted fault that must make the proof fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import rtlgen
from golden import Graph, IntType, Node, TensorType
from golden.ops import Add, Multiply, Requantize, Slice
from golden.types import IntArray
from rtlgen import Design
from sim.formal import streams, training
from sim.formal.aig import make_aig
from sim.formal.control import INPUTS
from sim.formal.fifo import MONITORS, Harness
from sim.formal.kinds import GRAPHS, VARIANTS, design_of
from sim.formal.power_up import independent_of_power_up
from sim.formal.prover import PROVEN, REFUTED, Verdict, optimised, search, with_fault
from sim.formal.ranges import Form, equal_everywhere, forms
from sim.formal.visits import never_bad
from sim.formal.words import INTACT, streams_of, words_harness
from sim.simulators.icarus import Icarus

SEARCH_S = 60
S8 = IntType(8, True)
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
POWER_UP = "no pin depends on what registers hold before the first reset"
PIN_FAULTS = {
    streams.STABLE: ("m_axis_out_free = ((m_axis_out_valid ^ 1'd1) | m_axis_tready)", "m_axis_out_free = 1'd1"),
    streams.LAST: ("assign m_axis_tlast = ", "assign m_axis_tlast = ~"),
    streams.ERROR: ("s_axis_frame_error <= (reset ? 1'd0 : (", "s_axis_frame_error <= (reset ? 1'd0 : ~("),
    streams.ONCE: ("m_axis_freed <= (reset ? 1'd0 : (m_axis_reads", "m_axis_freed <= (reset ? 1'd0 : (1'd0"),
    POWER_UP: ("m_axis_out_valid <= (reset ? 1'd0 :", "m_axis_out_valid <= (reset ? m_axis_out_valid :"),
    streams.OPTIMISED: ("assign m_axis_tlast = ", "assign m_axis_tlast = ~"),
    INTACT: ("_room = ((m_axis_room_left[", "_room = 1'd1 | ((m_axis_room_left["),
}
MANY_STATES: Mapping[str, tuple[str, ...]] = {
    POWER_UP: ("requantize, by division",),
    INTACT: ("softmax", "requantize, by division", "sum, of wide words"),
}
"""By property: what has more states than are visited, over a million; nothing is said of it."""
OF_CONTROL = (streams.LAST, streams.ERROR, streams.ONCE)
"""Properties in which no data takes part."""
LONG_SEARCHES = ("softmax", "requantize, in phases", "requantize, by division")
"""What has a planted fault that the search for a proof does not find in minutes: it is looked for cycle by cycle."""
RANGES = {
    "half_up": Requantize(np.array(300), np.array(9), 3, S8),
    "half_up, a shift": Requantize(np.array(1), np.array(6), -5, S8),
    "tflm": Requantize(np.array(1518500250), np.array(37), -7, S8, arithmetic="tflm"),
    "tflm, every sign of a tie": Requantize(np.array(1 << 30), np.array(36), 0, S8, arithmetic="tflm"),
    "single": Requantize(np.array(1234567891), np.array(38), 11, S8, arithmetic="single"),
    "float32": Requantize(np.array(12345677), np.array(32), -4, S8, arithmetic="float32"),
}
"""Requantisers that are tried with every number that they can get."""
RANGE_TYPE = IntType(16, True)
JOINS: dict[str, Add | Multiply] = {
    "add of two tables, tflm": Add((5, -7), (1 << 30, 1932735283), (31, 33), 20, 1 << 30, 48, 3, S8, "tflm"),
    "add of two tables, single": Add((0, 3), (1 << 30, 9), (31, 4), 10, 1 << 29, 40, -3, S8, "single"),
    "multiply, tflm": Multiply((3, -128), 1717986918, 38, 3, S8, "tflm"),
    "multiply, half_up": Multiply((0, 0), 77, 10, 0, S8, clamp=(-50, 60)),
}
"""Of two bytes, each pair of which is tried."""


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
            yield Obligation(name, monitor, partial(_of_fifo, fifo, monitor))
    for kind in (*GRAPHS, *VARIANTS):
        for what in streams.BODIES:
            yield Obligation(kind, what, partial(_of_pins, kind, what))
        for what, decide in ((POWER_UP, _of_power_up), (INTACT, _of_words)):
            if kind not in MANY_STATES[what]:
                yield Obligation(kind, what, partial(decide, kind))
    for trainer in training.TRAINERS:
        for what in training.BODIES:
            if trainer not in training.TOO_LONG.get(what, ()):
                yield Obligation(trainer, what, partial(training.of_trainer, trainer, what))
    what = f"its Verilog, simulated with all of {RANGE_TYPE}, is golden"
    for name, op in RANGES.items():
        yield Obligation(f"requantiser {name}", what, partial(_of_range, op))
    for form in forms():
        yield Obligation(str(form), "it is golden on every input", partial(_of_form, form))
    what = "its Verilog, simulated with all pairs of inputs, is golden"
    for name, join in JOINS.items():
        yield Obligation(name, what, partial(_of_pairs, join))


def _of_fifo(fifo: Harness, monitor: str, folder: Path, planted: bool) -> Verdict:
    verilog = fifo.verilog(monitor)
    (folder / "harness.v").write_text(with_fault(verilog, FIFO_FAULTS[monitor]) if planted else verilog)
    return search(["read_verilog harness.v"], "harness", "fifo", folder, SEARCH_S)


def _design(kind: str, what: str, folder: Path, planted: bool) -> Design:
    """The hardware of a kind or form; its Verilog, maybe with a fault, is ``design.v``."""
    design = design_of(kind)
    (folder / "design.v").write_text(with_fault(design.verilog, PIN_FAULTS[what]) if planted else design.verilog)
    return design


def _of_pins(kind: str, what: str, folder: Path, planted: bool) -> Verdict:
    design = _design(kind, what, folder, planted)
    modules: tuple[str, ...] = (design.name,)
    files = ["harness.v", "design.v"]
    if what == streams.OPTIMISED:
        modules = (design.name, "optimised")
        files.append("optimised.v")
        (folder / "optimised.v").write_text(optimised(design.block))
    (folder / "harness.v").write_text(streams.harness(design, what, modules))
    reading = [f"read_verilog {' '.join(files)}"]
    if what in OF_CONTROL:
        reading.append("hierarchy -check -top harness; proc -noopt; flatten")
        return never_bad(make_aig(reading, "pins", folder), (*INPUTS, "s_axis_tlast[0]"))
    # Two that differ may do so before a reset: both begin with zeros.
    from_zero = what == streams.OPTIMISED
    unrolled = planted and kind in LONG_SEARCHES
    return search(reading, "harness", "pins", folder, SEARCH_S, from_zero=from_zero, unrolled=unrolled)


def _of_power_up(kind: str, folder: Path, planted: bool) -> Verdict:
    """Of what is emitted, and of what PyRTL's optimisation makes of it: it is from zeros that both are the same."""
    design = _design(kind, POWER_UP, folder, planted)
    (folder / "optimised.v").write_text(optimised(design.block))
    for file, module in (("design.v", design.name), ("optimised.v", "optimised")):
        reading = [f"read_verilog {file}", f"hierarchy -check -top {module}; proc -noopt; flatten"]
        verdict = independent_of_power_up(make_aig(reading, "power_up", folder))
        if verdict.kind != PROVEN:
            return replace(verdict, witness=f"{file}: {verdict.witness}")
    return Verdict(PROVEN)


def _of_words(kind: str, folder: Path, planted: bool) -> Verdict:
    design = _design(kind, INTACT, folder, planted)
    reading = ["read_verilog harness.v design.v", "hierarchy -check -top harness; proc -noopt; flatten"]
    for x in streams_of(design):
        (folder / "harness.v").write_text(words_harness(design, x))
        verdict = never_bad(make_aig(reading, "words", folder))
        if verdict.kind != PROVEN:
            return verdict
    return Verdict(PROVEN)


def _of_range(op: Requantize, folder: Path, planted: bool) -> Verdict:
    graph = Graph.chain(TensorType((1,), RANGE_TYPE), op)
    x = np.arange(RANGE_TYPE.min, RANGE_TYPE.max + 1).reshape(-1, 1)
    built = replace(op, multiplier=op.multiplier + op.multiplier // 4096 + 1) if planted else op
    return _of_every("requantiser", graph, Graph.chain(graph.input_type, built), x, folder)


def _of_form(form: Form, folder: Path, planted: bool) -> Verdict:
    return equal_everywhere(form, planted, folder)


def _of_pairs(join: Add | Multiply, folder: Path, planted: bool) -> Verdict:
    def graph(op: Add | Multiply) -> Graph:
        halves = [Node(f"in{place}", Slice((place,), (1,), (1,)), ("x",)) for place in range(2)]
        return Graph({"x": TensorType((2,), S8)}, (*halves, Node("y", op, ("in0", "in1"))), ("y",))

    every = np.arange(S8.min, S8.max + 1)
    x = np.stack(np.meshgrid(every, every), axis=-1).reshape(-1, 2)
    built = replace(join, multiplier=join.multiplier + join.multiplier // 256 + 1) if planted else join
    return _of_every("pairs", graph(join), graph(built), x, folder)


def _of_every(name: str, graph: Graph, built: Graph, x: IntArray, folder: Path) -> Verdict:
    """Whether the hardware of what is ``built`` is golden's ``graph`` on all of ``x``."""
    found = Icarus().run(rtlgen.generate(built, name=name), x, folder).outputs
    wrong = np.flatnonzero((found != graph(x)).reshape(len(x), -1).any(axis=1))
    if not len(wrong):
        return Verdict(PROVEN)
    first = x[wrong[0]]
    told = f"x = {first.tolist()}: golden {graph(x)[wrong[0]].tolist()}, hardware {found[wrong[0]].tolist()}"
    return Verdict(REFUTED, told, (graph, first[None]))
