"""A network as hardware: the PyRTL block, its Verilog, and the description of its ports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import pyrtl

from golden.graph import Graph
from golden.types import IntType, TensorType
from rtlgen.fifo import queued
from rtlgen.intervals import intervals
from rtlgen.lowering import lower
from rtlgen.plan import Plan, plan
from rtlgen.room import LEFT
from rtlgen.state import counter, state
from rtlgen.stream import Stream, beats_of, fork, stream
from rtlgen.tensor import HDLTensor
from rtlgen.verilog import check_name, verilog_of, write_files

INPUT, OUTPUT = "s_axis", "m_axis"


@dataclass(frozen=True)
class Design:
    """The accelerator of one network.

    Args:
        name: of the Verilog module.
        graph: what it computes, as it was given; ``plan.live`` is what there is hardware for.
        plan: the hardware of every layer, and the exact cycles.
        block: the hardware.
        layer_of: the layer that each wire belongs to, by the wire's name; top-level wires are not in it.
        ports: streams of the top and between the layers, as in the port description that ``write_verilog`` writes.
    """

    name: str
    graph: Graph
    plan: Plan
    block: pyrtl.Block
    layer_of: dict[str, str]
    ports: dict[str, Any]

    @property
    def verilog(self) -> str:
        """Verilog-2001 of the whole network in one module."""
        return verilog_of(self.name, self.plan.live.graph, self.plan, self.block, self.layer_of)

    def write_verilog(self, path: str | Path) -> Path:
        """Write the Verilog to ``path``, which ends in ``.v``, and the port description beside it, as ``.json``.

        Raises:
            ValueError: for another ending, or if the ``.json`` is there and no port description.
        """
        return write_files(Path(path), self.verilog, self.ports)


def generate(
    graph: Graph,
    multipliers: int = 64,
    *,
    unrolled: bool = False,
    latency_intervals: float | None = None,
    name: str = "accelerator",
) -> Design:
    """Generate the hardware of ``graph``; arguments and errors as of ``plan``, plus the Verilog module's ``name``.

    The top has AXI4-Stream ports, one clock and one synchronous reset. Elements of ``tdata`` are as wide as whole
    bytes, the first lane in the least significant ones; spare bits of an input are ignored, of an output they repeat
    the sign. ``frame_error`` rises, and stays until reset, when ``s_axis_tlast`` comes at the wrong beat.
    """
    check_name(name)
    chosen = plan(graph, multipliers, unrolled=unrolled, latency_intervals=latency_intervals)
    given, graph = graph, chosen.live.graph
    nodes = graph.nodes
    for node in nodes:
        if re.fullmatch(r"(tmp|const_)\d*(_\d+)?|[sm]_axis", node.name):
            raise ValueError(f"a layer must not be called {node.name!r}: unnamed wires and ports are called so")
    block = pyrtl.Block()
    layer_of: dict[str, str] = {}
    with pyrtl.set_working_block(block, no_sanity_check=True):
        reaches = intervals(graph)
        source = _input(graph, chosen.input_lanes)
        made = {source.name: _branches(graph, source)}
        streams = []
        for node in nodes:
            before = set(block.wirevector_by_name)
            try:
                xs = [made[name].pop() for name in node.inputs]
                y = lower(node.op, chosen.layers[node.name], xs, node.name)
            except (ValueError, NotImplementedError) as error:
                error.add_note(f"in layer {node.name!r}")
                raise
            assert (y.lanes, y.type) == (chosen.layers[node.name].lanes_out, graph.types[node.name]), node.name
            y.reach = reaches[node.name]
            made[node.name] = _branches(graph, y)
            layer_of |= dict.fromkeys(set(block.wirevector_by_name) - before, node.name)
            port = _port(y.name, f"{y.name}_out", y.type, y.lanes, y.type.dtype.bits)
            streams.append({**port, "room": y.room.name})
        (y,) = made[graph.outputs[0]]
        _output(y, chosen.output_words)
    try:
        block.sanity_check()
    except pyrtl.PyrtlError as error:
        names = sorted(chosen.layers)
        alike = [f"{a!r} and {b!r}" for a in names for b in names if b.startswith(f"{a}_")]
        if "Duplicate wire names" not in str(error) or not alike:
            raise
        raise ValueError(f"the layers {', '.join(alike)} have wires of the same names: rename one of them") from error
    ports = {
        "name": name,
        "top": name,
        "clock": "clk",
        "reset": "reset",
        "frame_error": "frame_error",
        "input": {
            **_port(source.name, INPUT, graph.input_type, chosen.input_lanes, _bytes(graph.input_type)),
            "room": source.room.name,
        },
        "output": _port(y.name, OUTPUT, y.type, y.lanes, _bytes(y.type)),
        "streams": streams,
        "buffers": _buffers(block, layer_of),
        "plan": {name: chosen.as_json()[name] for name in ("ii_cycles", "latency_cycles", "ahead_cycles")},
    }
    return Design(name, given, chosen, block, layer_of, ports)


def _buffers(block: pyrtl.Block, layer_of: dict[str, str]) -> list[dict[str, Any]]:
    """The registers that count the room in each buffer, by layer; that of the FIFO at the end belongs to the output."""
    registers = [register for register in block.wirevector_subset(pyrtl.Register) if register.name.endswith(LEFT)]
    return [
        {"layer": layer_of.get(register.name, OUTPUT), "left": register.name, "bits": len(register)}
        for register in sorted(registers, key=lambda register: register.name)
    ]


def _branches(graph: Graph, x: Stream) -> list[Stream]:
    """A stream for each of its readers."""
    readers = sum(node.inputs.count(x.name) for node in graph.nodes) + graph.outputs.count(x.name)
    return list(fork(x, readers))


def _bytes(type: TensorType) -> int:
    """Bits of an element at the top: whole bytes."""
    return 8 * ceil(type.dtype.bits / 8)


def _port(tensor: str, prefix: str, type: TensorType, lanes: int, bits: int) -> dict[str, Any]:
    return {
        "tensor": tensor,
        "prefix": prefix,
        "lanes": lanes,
        "bits": bits,
        "dtype": str(type.dtype),
        "shape": list(type.shape),
    }


def _input(graph: Graph, lanes: int) -> Stream:
    name, type = next(iter(graph.inputs.items()))
    reset = pyrtl.Input(1, "reset")
    container = _bytes(type)
    tdata = pyrtl.Input(lanes * container, f"{INPUT}_tdata")
    tvalid = pyrtl.Input(1, f"{INPUT}_tvalid")
    tlast = pyrtl.Input(1, f"{INPUT}_tlast")
    tready = pyrtl.Output(1, f"{INPUT}_tready")
    frame_error = pyrtl.Output(1, "frame_error")

    elements = [tdata[lane * container : lane * container + type.dtype.bits] for lane in range(lanes)]
    data = HDLTensor.of(elements, [type.dtype.min] * lanes, [type.dtype.max] * lanes)
    room, starts = pyrtl.WireVector(1, f"{name}_room"), pyrtl.WireVector(1, f"{name}_starts")
    moves = pyrtl.WireVector(1, f"{INPUT}_moves")
    # A token is a row. The first beat waits for room, and takes it for all the others.
    row_beat = counter(f"{INPUT}_row_beat", -(-type.inner // lanes), moves, reset)
    first = row_beat.value == 0
    ready = room | (first ^ 1)
    tready <<= ready
    moves <<= tvalid & ready
    starts <<= moves & first
    beat = counter(f"{INPUT}_beat", beats_of(type, lanes), moves, reset)
    broken = state(f"{INPUT}_frame_error", 1)
    broken.drive(broken.value | (moves & (tlast ^ beat.ends)), reset)
    frame_error <<= broken.value
    # The layers count on the network's own idea of the end of a sample, which a wrong tlast cannot upset.
    return stream(name, type, data, moves, beat.ends, starts, reset, room=room)


def _output(y: Stream, words: int) -> None:
    container = IntType(_bytes(y.type), y.type.dtype.signed)
    tdata = pyrtl.Output(y.lanes * container.bits, f"{OUTPUT}_tdata")
    tvalid = pyrtl.Output(1, f"{OUTPUT}_tvalid")
    tlast = pyrtl.Output(1, f"{OUTPUT}_tlast")
    tready = pyrtl.Input(1, f"{OUTPUT}_tready")
    queue = queued(OUTPUT, y, words, tready)
    tdata <<= queue.data.pack(container)
    tvalid <<= queue.valid
    tlast <<= queue.last
