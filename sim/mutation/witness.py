"""Witnesses: what comes at the pins, cycle by cycle, until a fault shows; the testbench repeats it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.formal.aig import Aig
from sim.formal.control import INPUTS
from sim.formal.prover import Verdict
from sim.mutation.one_fault import FAULTY
from sim.mutation.product import Way
from sim.simulators.beats import Beats

TRIES = 6
"""How often a witness that says nothing about data is repeated, each time with other samples."""


@dataclass(frozen=True)
class Cycle:
    """The pins of a cycle; ``word`` is None where it does not matter, or is not known, what comes."""

    valid: bool
    ready: bool
    reset: bool
    word: int | None = None


def of_verdict(verdict: Verdict) -> tuple[Cycle, ...]:
    """The cycles of a refutation from the first one after the reset on; a line a bit: ``s_axis_tdata[3]@7=1``."""
    lines = re.findall(r"^(\w+)\[(\d+)\]@(\d+)=([01])$", verdict.witness, re.MULTILINE)
    last = max((int(cycle) for _, _, cycle, _ in lines), default=0)
    pins: dict[tuple[str, int], int] = {}
    for name, bit, cycle, level in lines:
        pins[name, int(cycle)] = pins.get((name, int(cycle)), 0) | int(level) << int(bit)
    cycles = []
    for at in range(1, last + 1):
        valid, ready, reset = (bool(pins.get((name.removesuffix("[0]"), at), 0)) for name in INPUTS)
        cycles.append(Cycle(valid, ready, reset, pins.get(("s_axis_tdata", at), 0)))
    return tuple(cycles)


def of_way(way: Way) -> tuple[Cycle, ...]:
    """The cycles of a way, with any data."""
    return tuple(Cycle(bool(valid), bool(ready), bool(reset)) for valid, ready, reset in way.inputs)


@dataclass(frozen=True)
class Replay:
    """What the testbench is to repeat, from a reset on.

    Args:
        source_pauses, sink_pauses: a cycle each, whether the source and the sink pause.
        first, samples: which samples of the batch are sent.
    """

    source_pauses: tuple[bool, ...]
    sink_pauses: tuple[bool, ...]
    first: int
    samples: int

    def as_json(self) -> dict[str, Any]:
        """An object for JSON."""
        return dict(self.__dict__)


def replays(
    design: Design, aig: Aig, witnesses: Sequence[Sequence[Cycle]], x: IntArray
) -> tuple[IntArray, list[list[Replay]]]:
    """Samples, and what to do with them to repeat the witnesses.

    Args:
        design: the hardware.
        aig: its graph, as ``with_one_fault`` makes it.
        witnesses: of its mutants.
        x: samples for those that say nothing about data.

    Returns:
        the batch, and for each repetition what comes after each of its resets.
    """
    beats, type = Beats.of(design.ports["input"]), design.graph.input_type
    source = _Words(beats.pack(x))
    words: list[int] = []
    found = []
    for witness in witnesses:
        knows_data = any(cycle.word is not None for cycle in witness)
        for _ in range(1 if knows_data else TRIES):
            repetition = []
            for part, taken in _parts(witness, _readiness(aig, witness)):
                moved = [cycle for cycle, moves in zip(part, taken, strict=True) if moves]
                samples = -(-len(moved) // beats.count) + 1
                own = [source.next() if cycle.word is None else cycle.word for cycle in moved]
                own += [source.next() for _ in range(samples * beats.count - len(own))]
                # What is offered in vain may as well not be offered: a source that obeys rule 2 would have to go on.
                pauses = tuple(not moves for moves in taken), tuple(not cycle.ready for cycle in part)
                repetition.append(Replay(*pauses, first=len(words) // beats.count, samples=samples))
                words += own
            found.append(repetition)
    if not words:
        return np.zeros((0, *type.shape), dtype=np.int64), []
    return np.clip(beats.unpack(words), type.dtype.min, type.dtype.max), found


class _Words:
    """Words, round and round."""

    def __init__(self, words: Sequence[int]) -> None:
        self._words, self._count = words, count()

    def next(self) -> int:
        return self._words[next(self._count) % len(self._words)]


def _readiness(aig: Aig, witness: Sequence[Cycle]) -> list[bool]:
    """In which cycles the design takes what is offered."""
    ready = aig.outputs["s_axis_tready[0]"]
    following = [latch.following for latch in aig.latches.values()]
    gates = aig.cone([ready, *following])
    state = {name: value or 0 for name, value in aig.after({INPUTS[2]: 1, FAULTY: 0}).items()}
    found = []
    for cycle in witness:
        values = dict.fromkeys((literal >> 1 for literal in aig.inputs.values()), 0) | {0: 0}
        for name, level in zip(INPUTS, (cycle.valid, cycle.ready, cycle.reset), strict=True):
            if name in aig.inputs:
                values[aig.inputs[name] >> 1] = int(level)
        values |= {latch.value >> 1: state[name] for name, latch in aig.latches.items()}
        for gate in gates:
            a, b = values[gate.a >> 1] ^ gate.a & 1, values[gate.b >> 1] ^ gate.b & 1
            values[gate.node] = a & b
        found.append(cycle.valid and not cycle.reset and bool(values[ready >> 1] ^ ready & 1))
        state = {n: values[latch.following >> 1] ^ latch.following & 1 for n, latch in aig.latches.items()}
    return found


def _parts(witness: Sequence[Cycle], taken: Sequence[bool]) -> Iterator[tuple[list[Cycle], list[bool]]]:
    """The stretches between resets."""
    start = 0
    for end in [*(place for place, cycle in enumerate(witness) if cycle.reset), len(witness)]:
        if end > start or not start:
            yield list(witness[start:end]), list(taken[start:end])
        start = end + 1
