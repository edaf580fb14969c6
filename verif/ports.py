"""The port description: what a testbench must know of a design, and how a tensor lies in the beats of a stream.

The description is a JSON file next to the Verilog. A tensor of ``shape`` (without the batch, row-major) travels as
``prod(shape[:-1]) * ceil(inner / lanes)`` beats, where ``inner`` is the last dimension, or 1 for a scalar. ::

    element i of a row  ->  beat i // lanes of the row, lane i % lanes
    lane l              ->  bits [l * bits +: bits] of the word

An element is two's complement or zero-extended to the ``bits`` of its lane. Lanes past the end of the innermost
dimension carry no meaning, and neither do the bits above the element's own in an input lane.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import IntArray, IntType, TensorType


@dataclass(frozen=True)
class StreamPort:
    """One stream: its tensor, its wires, its packing.

    Args:
        tensor: name of the tensor in the graph.
        prefix: of its wires.
        lanes: elements a beat.
        bits: width of a lane; at least the element's.
        type: of the tensor, without the batch.
        top: whether it is an AXI4-Stream port (``{prefix}_tdata``) or wires inside (``{prefix}_data``).
        room: a wire that says whether there is room behind it for what its maker makes next; empty if none does.
    """

    tensor: str
    prefix: str
    lanes: int
    bits: int
    type: TensorType
    top: bool = False
    room: str = ""

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"stream {self.prefix!r} must have at least one lane, not {self.lanes}")
        if self.bits < self.type.dtype.bits:
            raise ValueError(f"stream {self.prefix!r} cannot carry {self.type} in lanes of {self.bits} bits")

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.lanes * self.bits

    @property
    def rows(self) -> int:
        """Rows of the tensor: each starts a beat of its own."""
        return prod(self.type.shape[:-1])

    @cached_property
    def beats_per_row(self) -> int:
        """Beats of one row."""
        return ceil(self.type.inner / self.lanes)

    @cached_property
    def beats(self) -> int:
        """Beats of one tensor."""
        return self.rows * self.beats_per_row

    def wire(self, kind: str) -> str:
        """Name of the wire of a ``kind``: data, valid, ready or last."""
        return f"{self.prefix}_{'t' if self.top else ''}{kind}"

    def lanes_used(self, beat: int) -> int:
        """Lanes of a beat that carry elements."""
        return min(self.lanes, self.type.inner - beat % self.beats_per_row * self.lanes)

    def element(self, beat: int, lane: int) -> tuple[int, ...]:
        """Index in the tensor of what a lane of a beat carries."""
        row, step = divmod(beat, self.beats_per_row)
        flat = row * self.type.inner + step * self.lanes + lane
        return tuple(int(i) for i in np.unravel_index(flat, self.type.shape)) if self.type.shape else ()

    def pack(self, batch: npt.ArrayLike, garbage: np.random.Generator | None = None) -> list[list[int]]:
        """The words of each tensor of a batch: one list of ``beats`` words per sample.

        Args:
            batch: integers, shape (batch, *shape).
            garbage: fills what carries no meaning with noise; without it lanes are extended and unused lanes are 0.
        """
        return list(self.iter_pack(batch, garbage))

    def iter_pack(self, batch: npt.ArrayLike, garbage: np.random.Generator | None = None) -> Iterator[list[int]]:
        """``pack``, one sample at a time."""
        samples = self.type.check(batch, f"the tensor {self.tensor!r}")
        lanes = np.zeros((self.rows, self.beats_per_row * self.lanes), dtype=np.int64)
        shifts = np.minimum(np.arange(self.bits), 63)  # above bit 63 of an int64 there is only its sign
        for sample in samples:
            lanes[:, : self.type.inner] = sample.reshape(self.rows, self.type.inner)
            bits = ((lanes.reshape(self.beats, self.lanes, 1) >> shifts) & 1).astype(np.uint8)
            if garbage is not None:
                noise = garbage.integers(0, 2, size=bits.shape, dtype=np.uint8)
                bits = np.where(self._meaning, bits, noise)
            packed = np.packbits(bits.reshape(self.beats, self.width), axis=1, bitorder="little")
            yield [int.from_bytes(word.tobytes(), "little") for word in packed]

    def unpack(self, words: Sequence[Sequence[int]]) -> IntArray:
        """The inverse of ``pack``: the batch, shape (batch, *shape)."""
        size = (self.width + 7) // 8
        raw = b"".join(word.to_bytes(size, "little") for sample in words for word in sample)
        octets = np.frombuffer(raw, dtype=np.uint8).reshape(len(words) * self.beats, size)
        bits = np.unpackbits(octets, axis=1, count=self.width, bitorder="little")
        bits = bits.reshape(len(words), self.rows, self.beats_per_row * self.lanes, self.bits)
        used = bits[:, :, : self.type.inner, : self.type.dtype.bits].astype(np.int64)
        weights = np.int64(1) << np.arange(self.type.dtype.bits, dtype=np.int64)
        if self.type.dtype.signed:
            weights[-1] = -weights[-1]
        result: IntArray = (used * weights).sum(axis=-1).reshape(len(words), *self.type.shape)
        return result

    def lane(self, word: int, lane: int) -> int:
        """The number in a lane of a word, all its bits taken."""
        value = (word >> (lane * self.bits)) & ((1 << self.bits) - 1)
        negative = self.type.dtype.signed and value >> (self.bits - 1)
        return value - (1 << self.bits) if negative else value

    @cached_property
    def _meaning(self) -> npt.NDArray[np.bool_]:
        """Which bits carry meaning, shape (beats, lanes, bits)."""
        meaning = np.zeros((self.rows, self.beats_per_row * self.lanes, self.bits), dtype=np.bool_)
        meaning[:, : self.type.inner, : self.type.dtype.bits] = True
        return meaning.reshape(self.beats, self.lanes, self.bits)


@dataclass(frozen=True)
class Plan:
    """What the generator promised: cycles without stalls."""

    ii_cycles: int
    latency_cycles: int
    ahead_cycles: tuple[int, ...] = ()

    def due_cycle(self, sample: int) -> int:
        """The cycle of a sample's last output beat; some samples behind the first one may be ahead of their time."""
        ahead = (0, *self.ahead_cycles)
        return self.latency_cycles + sample * self.ii_cycles - ahead[min(sample, len(ahead) - 1)]


@dataclass(frozen=True)
class Buffer:
    """A buffer inside: ``left`` is a register of ``bits`` bits that counts its room, below zero where it is full."""

    layer: str
    left: str
    bits: int


@dataclass(frozen=True)
class Ports:
    """The port description of a design; ``streams`` are the internal ones in network order."""

    name: str
    top: str
    clock: str
    reset: str
    frame_error: str
    input: StreamPort
    output: StreamPort
    streams: tuple[StreamPort, ...]
    plan: Plan | None = None
    buffers: tuple[Buffer, ...] = ()

    def __post_init__(self) -> None:
        prefixes = [port.prefix for port in self.in_order]
        twice = {prefix for prefix in prefixes if prefixes.count(prefix) > 1}
        if twice:
            raise ValueError(f"every stream needs a prefix of its own, but {sorted(twice)[0]!r} is used twice")

    @property
    def in_order(self) -> tuple[StreamPort, ...]:
        """Every stream in network order, from the input to the output."""
        return (self.input, *self.streams, self.output)

    @classmethod
    def load(cls, path: str | Path) -> Ports:
        """Read a port description.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if something is missing or wrong in it; it says what and where.
        """
        try:
            return cls.parse(json.loads(Path(path).read_text()))
        except ValueError as error:
            error.add_note(f"in the port description {path}")
            raise

    @classmethod
    def parse(cls, description: Mapping[str, Any]) -> Ports:
        """A port description from the object that its JSON holds."""
        try:
            plan = description.get("plan")
            return cls(
                name=str(description["name"]),
                top=str(description["top"]),
                clock=str(description["clock"]),
                reset=str(description["reset"]),
                frame_error=str(description["frame_error"]),
                input=_stream(description["input"], top=True),
                output=_stream(description["output"], top=True),
                streams=tuple(_stream(entry) for entry in description["streams"]),
                plan=_plan(plan) if plan else None,
                buffers=tuple(
                    Buffer(str(entry["layer"]), str(entry["left"]), int(entry["bits"]))
                    for entry in description.get("buffers", ())
                ),
            )
        except KeyError as error:
            raise ValueError(f"a port description must have {error.args[0]!r}") from None


def _plan(entry: Mapping[str, Any]) -> Plan:
    ahead = tuple(int(cycles) for cycles in entry.get("ahead_cycles", ()))
    return Plan(int(entry["ii_cycles"]), int(entry["latency_cycles"]), ahead)


def _stream(entry: Mapping[str, Any], top: bool = False) -> StreamPort:
    shape = tuple(int(size) for size in entry["shape"])
    return StreamPort(
        tensor=str(entry["tensor"]),
        prefix=str(entry["prefix"]),
        lanes=int(entry["lanes"]),
        bits=int(entry["bits"]),
        type=TensorType(shape, IntType.parse(str(entry["dtype"]))),
        top=top,
        room=str(entry.get("room", "")),
    )
