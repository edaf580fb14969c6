"""When a trainer does what: its passes over the weights, each on an exact cycle from the start of a step on.

A word of the weight memory holds ``lanes`` master weights of one column: of the rows of a block. Three kinds of passes
go through it, one word a cycle:

    forward   block by block, column by column; a lane sums up a row. Each block takes at least ``lanes`` cycles, in
              which the sums of the one before it go through the one requantiser.
    backward  column by column, block by block; an adder tree sums up the lanes: the error of an input.
    update    block by block, column by column; every word is read, changed and written.

A pass starts as soon as the one before has been issued, and all that it reads will have been written. Nothing in it
depends on data, so that is known here: no pass ever waits for a handshake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

PRODUCT_CYCLES = 4
"""From a word's address to the registers of its products: two behind the memory, one each before and after them."""
DRAINED_CYCLES = PRODUCT_CYCLES + 4
"""From the last column of a block to the write of its first activation: accumulator, drain, rounding, saturation."""
LOSS_CYCLES = DRAINED_CYCLES + 2
"""To the write of a word of errors whose last element that is: error, gathering."""
UPDATE_CYCLES = PRODUCT_CYCLES + 3
"""From a word's address to its write: rounding, shift, difference."""


def tree_cycles(lanes: int) -> int:
    """Registers of the adder tree: one behind every two levels, and one at least."""
    return max(1, ((lanes - 1).bit_length() + 1) // 2)


def backward_cycles(lanes: int) -> int:
    """From the last block of a column to the write of a word of errors: tree, accumulator, rounding, error, word."""
    return PRODUCT_CYCLES + tree_cycles(lanes) + 4


@dataclass(frozen=True)
class LayerShape:
    """A dense layer: ``inputs`` without the bias, ``outputs``, in ``blocks`` of lanes."""

    inputs: int
    outputs: int
    lanes: int

    @property
    def columns(self) -> int:
        """Words of a block: the bias is the last one."""
        return self.inputs + 1

    @property
    def blocks(self) -> int:
        """Of rows."""
        return -(-self.outputs // self.lanes)

    @property
    def words(self) -> int:
        """Of the weight memory."""
        return self.blocks * self.columns


@dataclass(frozen=True)
class Pass:
    """One walk through a layer's weights.

    Args:
        kind: ``forward``, ``backward`` or ``update``.
        layer: its number, from 0 on.
        outer, inner: loops: the inner one runs through for each step of the outer one.
        inner_cycles: of the inner loop; more than ``inner`` where it has to wait for the drain.
        start_cycle: since the start of the step.
    """

    kind: str
    layer: int
    outer: int
    inner: int
    inner_cycles: int
    start_cycle: int

    @property
    def cycles(self) -> int:
        """From its first word to the first cycle in which another pass can begin."""
        return self.outer * self.inner_cycles

    @property
    def end_cycle(self) -> int:
        """That cycle, since the start of the step."""
        return self.start_cycle + self.cycles


@dataclass(frozen=True)
class Schedule:
    """Of one step.

    Args:
        layers: the shapes.
        lanes: master weights a word.
        trainable: which layers are updated, one at least.
    """

    layers: tuple[LayerShape, ...]
    lanes: int
    trainable: tuple[bool, ...]

    @cached_property
    def weight_base(self) -> tuple[int, ...]:
        """The first word of each layer."""
        return _sums(layer.words for layer in self.layers)

    @cached_property
    def hidden_base(self) -> tuple[int, ...]:
        """The first hidden activation that each layer makes."""
        return _sums(layer.outputs for layer in self.layers[:-1])

    @cached_property
    def error_base(self) -> tuple[int, ...]:
        """The first word of errors of each layer's results."""
        return _sums(layer.blocks for layer in self.layers)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """All of a training step, in order."""
        found: list[Pass] = []
        for kind, layer in self._order():
            shape = self.layers[layer]
            if kind == "backward":
                outer, inner, inner_cycles = shape.inputs, shape.blocks, shape.blocks
            else:
                outer, inner = shape.blocks, shape.columns
                inner_cycles = max(inner, self.lanes) if kind == "forward" else inner
            start = found[-1].end_cycle if found else 0
            made = Pass(kind, layer, outer, inner, inner_cycles, start)
            written = self._written(found)
            late = max((written[key] + 1 - cycle for key, cycle in self._read(made) if key in written), default=0)
            if len(found) == len(self.layers):  # by then it is known whether there is any error
                late = max(late, *(cycle + 1 - start for key, cycle in written.items() if key[0] == "error"), 0)
            found.append(Pass(kind, layer, outer, inner, inner_cycles, start + max(0, late)))
        return tuple(found)

    @property
    def inference_cycles(self) -> int:
        """From the start of a step that only evaluates to the start of the next."""
        return self.passes[len(self.layers) - 1].end_cycle

    @property
    def skipping_cycles(self) -> int:
        """The same of a training step without an error."""
        return self.passes[len(self.layers)].start_cycle

    @property
    def training_cycles(self) -> int:
        """The same of a training step."""
        written = self._written(self.passes)
        first = self.passes[: len(self.layers)]
        end = self.passes[-1].end_cycle
        reads = ((key, cycle) for made in first for key, cycle in self._read(made) if key[0] == "weight")
        return max([end, *(written[key] + 1 - cycle for key, cycle in reads if key in written)])

    def _order(self) -> Iterator[tuple[str, int]]:
        yield from (("forward", layer) for layer in range(len(self.layers)))
        lowest = self.trainable.index(True)
        for layer in reversed(range(lowest, len(self.layers))):
            if layer > lowest:
                yield "backward", layer
            if self.trainable[layer]:
                yield "update", layer

    def _steps(self, made: Pass) -> Iterator[tuple[int, int, int]]:
        """Outer and inner number, and the cycle."""
        for outer in range(made.outer):
            for inner in range(made.inner):
                yield outer, inner, made.start_cycle + outer * made.inner_cycles + inner

    def _read(self, made: Pass) -> Iterator[tuple[tuple[str, int, int], int]]:
        """What a pass reads, and when: the memory, the layer whose it is, the place."""
        shape = self.layers[made.layer]
        for outer, inner, cycle in self._steps(made):
            block, column = (inner, outer) if made.kind == "backward" else (outer, inner)
            yield ("weight", made.layer, block * shape.columns + column), cycle
            if made.kind != "backward" and column < shape.inputs and made.layer:
                yield ("hidden", made.layer - 1, column), cycle
            if made.kind != "forward":
                yield ("error", made.layer, block), cycle

    def _written(self, passes: Sequence[Pass]) -> dict[tuple[str, int, int], int]:
        """When what was written last."""
        written: dict[tuple[str, int, int], int] = {}
        for made in passes:
            shape = self.layers[made.layer]
            for outer, inner, cycle in self._steps(made):
                if made.kind == "update":
                    written["weight", made.layer, outer * shape.columns + inner] = cycle + UPDATE_CYCLES
                elif made.kind == "forward" and inner == shape.inputs:
                    rows = range(outer * self.lanes, min(shape.outputs, (outer + 1) * self.lanes))
                    if made.layer < len(self.layers) - 1:
                        written |= {("hidden", made.layer, r): cycle + DRAINED_CYCLES + r % self.lanes for r in rows}
                    else:
                        written["error", made.layer, outer] = cycle + LOSS_CYCLES + self.lanes - 1
                elif made.kind == "backward" and inner == shape.blocks - 1:
                    written["error", made.layer - 1, outer // self.lanes] = cycle + backward_cycles(self.lanes)
        return written


def _sums(sizes: Iterator[int]) -> tuple[int, ...]:
    total, found = 0, []
    for size in sizes:
        found.append(total)
        total += size
    return tuple(found)
