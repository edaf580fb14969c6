"""Streams: how a tensor travels between two layers, and the four rules that every stream obeys.

1. Data moves on the cycles where ``valid`` and ``ready`` are both high.
2. Once ``valid`` is high it stays high, and the data stays, until the data moves.
3. ``valid`` never waits for ``ready``.
4. No combinational path runs through a layer from the ``ready`` of its output to the ``ready`` of its input, nor from
   its input's data to its output's data, unless the layer is declared combinational (the engine ``wires`` in its plan)
   and is registered right after: the clock must not depend on the depth of the network.

A stream carries a tensor in row-major order, ``lanes`` elements of the innermost dimension a beat, and marks the last
beat. Lanes past the end of the innermost dimension carry no meaning. ::

    cycle     0    1    2    3    4    5          a tensor of shape (6,) over 2 lanes: 3 beats;
    data     |x0x1|x2x3|x2x3|x4x5|    |    |      the second one has to wait for a cycle
    valid    |~~~~|~~~~|~~~~|~~~~|____|____|
    ready    |~~~~|____|~~~~|~~~~|~~~~|~~~~|
    last     |____|____|____|~~~~|____|____|
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import pyrtl

from golden.types import TensorType
from rtlgen.tensor import HDLTensor


@dataclass
class Stream:
    """One tensor on its way: ``data`` holds the lanes of a beat, ``ready`` is driven by whoever takes it.

    Args:
        name: of the tensor; the wires are called ``{name}_out_data`` and so on.
        type: of the whole tensor.
        lanes: elements a beat.
        data: shape (lanes,), the beat.
        valid, ready, last: one bit each; ``ready`` has no driver yet.
        reset: synchronous reset, for whoever needs state.
    """

    name: str
    type: TensorType
    lanes: int
    data: HDLTensor
    valid: pyrtl.WireVector
    ready: pyrtl.WireVector
    last: pyrtl.WireVector
    reset: pyrtl.WireVector

    @property
    def moves(self) -> pyrtl.WireVector:
        """High on the cycles on which a beat moves (rule 1)."""
        return self.valid & self.ready


def beats_of(type: TensorType, lanes: int) -> int:
    """Beats that a tensor takes over a stream of ``lanes``."""
    return prod(type.shape[:-1]) * ceil(type.inner / lanes)


def stream(
    name: str,
    type: TensorType,
    data: HDLTensor,
    valid: pyrtl.WireVector,
    last: pyrtl.WireVector,
    reset: pyrtl.WireVector,
) -> Stream:
    """A stream whose wires have the names that testbenches and waveforms look for."""
    bus = pyrtl.WireVector(data.size * type.dtype.bits, f"{name}_out_data")
    bus <<= data.pack(type.dtype)
    # Whoever takes the stream reads the named wires: what a testbench sees is what the next layer gets.
    lanes = HDLTensor.unpack(bus, (data.size,), type.dtype).known_range(data.low, data.high)
    named_valid = pyrtl.WireVector(1, f"{name}_out_valid")
    named_valid <<= valid
    named_last = pyrtl.WireVector(1, f"{name}_out_last")
    named_last <<= last
    ready = pyrtl.WireVector(1, f"{name}_out_ready")
    return Stream(name, type, data.size, lanes, named_valid, ready, named_last, reset)
