"""The functional coverage of a run: what it has shown of each kind of layer, and what all runs together have to show.

A bin is a text like ``Requantize tflm, image / tie, under stalls / of a negative``: a kind of layer and the class of
its shape, a property, a bin of it. The properties of values are declared in ``golden.coverage``; they are asked of the
samples that the testbench drove and found right, of each class of shapes, at full speed, under stalls and behind a
reset. Those of streams, resets and buffers are declared in ``verif.coverage``, and asked of each kind.

Own code in place of cocotb-coverage: its bins live in the process of one simulation, ours are half of golden's tensors,
and come from many processes and machines; and it ignores a bin without asking for the reason.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from golden import coverage as values
from golden import ops
from golden.types import IntArray
from rtlgen.lowering import no_hardware, walk
from sim.op_table import ROWS, has_hardware, kind_of

if TYPE_CHECKING:
    from rtlgen import Design
    from sim.simulators.cocotb_launcher import TestbenchResult

STREAMS = "verif.coverage"
"""Named, not imported, as the testbench is."""

INPUT, OUTPUT = "input port", "output port"
PASSED = "passed"
"""The property of samples that came out right, whatever was in them."""

_NO_BUFFER = "it computes on the way, without a buffer"
_PORT_BUFFER = "the buffer behind it belongs to the first layer"


@dataclass(frozen=True)
class Bin:
    """One thing that a regression has to show.

    Args:
        kind: of layer, or a port.
        shape: class of the shape of its first input; empty where all are asked together.
        property: of values with how the samples went through.
        bin: of the property.
        impossible: why nothing can show it; None if something can.
    """

    kind: str
    shape: str
    property: str
    bin: str
    impossible: str | None = None

    @cached_property
    def of(self) -> str:
        """What it is about."""
        return f"{self.kind}, {self.shape}" if self.shape else self.kind

    def __str__(self) -> str:
        return f"{self.of} / {self.property} / {self.bin}"


def bins() -> list[Bin]:
    """Everything that has been declared, by kind and property."""
    return [*_bins_of_values(), *_bins_of_streams()]


def _bins_of_values() -> Iterator[Bin]:
    contexts = importlib.import_module(STREAMS).CONTEXTS
    for kind in values.KINDS:
        for shape in values.SHAPES:
            refused = _impossible_of_shape(kind, shape)
            for context in contexts:
                yield Bin(kind, shape, PASSED, context, refused)
            for property, names in values.PROPERTIES.items():
                for told in (f"{property}, {context}" for context in contexts):
                    for name in names:
                        yield Bin(kind, shape, told, name, refused or values.impossible(kind, shape, property, name))


def _impossible_of_shape(kind: str, shape: str) -> str | None:
    op = kind.partition(" ")[0].lower()
    if not has_hardware(op):
        return no_hardware(op)
    if shape in values.RANKS and values.RANKS.index(shape) not in ROWS[op].ranks:
        return f"it takes no tensor of {values.RANKS.index(shape)} dimensions"
    return None


def _bins_of_streams() -> Iterator[Bin]:
    properties: Mapping[str, Sequence[str]] = importlib.import_module(STREAMS).PROPERTIES
    for kind in (INPUT, *(op.__name__ for op in ops.ALL), OUTPUT):
        for property, names in properties.items():
            for name in names:
                yield Bin(kind, "", property, name, _impossible_of_streams(kind, property))


def _impossible_of_streams(kind: str, property: str) -> str | None:
    op = next((op for op in ops.ALL if op.__name__ == kind), None)
    if op is not None and not has_hardware(kind_of(op)):
        return no_hardware(kind)
    streams = importlib.import_module(STREAMS)
    if property not in (streams.BUFFER, streams.BUFFER_AT_RESET):
        return None
    walks = op is None or op in walk.registry
    return _PORT_BUFFER if kind == INPUT else None if walks else _NO_BUFFER


def covered(design: Design, x: IntArray, result: TestbenchResult) -> dict[str, int]:
    """The bins that a testbench has hit, and how often: of values, in so many layers.

    Args:
        design: that was tested.
        x: the batch that it was tested with.
        result: of that.
    """
    found: dict[str, int] = {}

    def add(kind: str, shape: str, property: str, bin: str, count: int = 1) -> None:
        name = str(Bin(kind, shape, property, bin))
        found[name] = found.get(name, 0) + count

    graph, tensors = design.plan.live.graph, design.plan.live.trace(x)
    for context, carried in result.carried.items():
        samples = list(carried)
        for node in graph.nodes if samples else ():
            xs = [tensors[name][samples] for name in node.inputs]
            shown = values.seen(node.op, xs)
            for shape in values.classes_of(xs[0].shape[1:]):
                add(values.kind_of(node.op), shape, PASSED, context)
                for property, bin in shown:
                    add(values.kind_of(node.op), shape, f"{property}, {context}", bin)
    ports = {design.ports["input"]["prefix"]: INPUT, design.ports["output"]["prefix"]: OUTPUT}
    layers = {port["prefix"]: port["tensor"] for port in design.ports["streams"]}
    for place, properties in result.covered.items():
        kind = ports.get(place) or type(graph.node(layers.get(place, place)).op).__name__
        for property, counts in properties.items():
            for bin, count in counts.items():
                add(kind, "", property, bin, count)
    return found


def merged(runs: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The bins of all runs together."""
    found: dict[str, int] = {}
    for run in runs:
        for name, count in run.items():
            found[name] = found.get(name, 0) + count
    return found


def holes(found: Mapping[str, int]) -> list[Bin]:
    """What could have been shown, and was not."""
    return [bin for bin in bins() if bin.impossible is None and not found.get(str(bin))]


def impossible_but_hit(found: Mapping[str, int]) -> list[Bin]:
    """What was said to be impossible, and happened: then what was said is wrong."""
    return [bin for bin in bins() if bin.impossible is not None and found.get(str(bin))]
