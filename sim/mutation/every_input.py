"""What the inputs of a network make of a fault: such that show it, or why they never do.

A small network has so few inputs that its graph can be simulated with all of them at once, a bit an input, in the
design and in each mutant. Where a pin differs, the testbench gets that sample. Where none does, that is one schedule of
many: what it says of the others is a matter of ``sim.mutation.any_schedule``. Each input comes twice, behind a reset
and behind another input; some come again with pauses at both ends. What is in no input, as a bus that nobody drives
and registers that no reset sets, is noise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np

from golden.types import IntArray, TensorType
from rtlgen import Design
from sim.formal.aig import Aig
from sim.formal.control import INPUTS
from sim.mutation.mutants import SELECT, Fault
from sim.mutation.one_fault import DATA, FAULTY, PINS, resets_of, with_one_fault
from sim.mutation.pipe import ALL, Reach, Words, valued
from sim.simulators.beats import Beats
from sim.tools import ToolError
from sim.workers import worker_processes

MOST_INPUT_BITS = 16
PAUSED = 0.3
"""Of the cycles, at either end, in the run with pauses."""
ROWS = 1 << 14
"""Inputs at a time: what is computed of them stays in the cache."""
MOST_CYCLES = 10_000
_READY, _VALID, _TAKEN = "s_axis_tready[0]", "m_axis_tvalid[0]", "m_axis_tready[0]"


@dataclass
class Effect:
    """What became of a fault.

    Args:
        reach: of it.
        shown_by: places of two inputs, one behind the other, that show it; none if no input does.
        escaped: registers that remember, by name, in which a difference was.
    """

    reach: Reach
    shown_by: list[int] = field(default_factory=list)
    escaped: set[str] = field(default_factory=set)


def every_input(type: TensorType) -> IntArray | None:
    """All tensors of a type, shape (2**bits, *shape); None if there are too many."""
    if type.size * type.dtype.bits > MOST_INPUT_BITS:
        return None
    values = range(type.dtype.min, type.dtype.max + 1)
    return np.array(list(product(values, repeat=type.size)), dtype=np.int64).reshape(-1, *type.shape)


def effects(design: Design, aig: Aig, faults: Sequence[Fault], x: IntArray) -> dict[Fault, Effect]:
    """What the inputs ``x``, shape (inputs, *shape), make of each of the faults.

    Args:
        design: the hardware.
        aig: of it with all the faults, see ``one_fault.aig_of``.
        faults: which.
        x: the inputs.

    Raises:
        ToolError: if the graph does not give the results of all inputs.
    """
    found = {}
    for fault in faults:
        one = with_one_fault(aig, fault.mutant)
        found[fault] = Effect(Reach.of(one, [one.inputs[FAULTY] >> 1]))
    first, *others = _pairs(len(x))
    _add(found, _follow(design, aig, x, found, first))
    # Most faults that show at all show at once.
    still = {fault: effect for fault, effect in found.items() if not effect.shown_by}
    jobs = min(os.cpu_count() or 1, len(others))
    if jobs < 2 or not still:
        for places in others:
            _add(found, _follow(design, aig, x, still, places))
        return found
    with worker_processes(jobs) as pool:
        for more in pool.map(partial(_follow, design, aig, x, still), others):
            _add(found, more)
    return found


def _follow(
    design: Design, aig: Aig, x: IntArray, effects: Mapping[Fault, Effect], places: tuple[IntArray, float]
) -> Mapping[Fault, Effect]:
    """``effects`` and what these of the inputs make of the faults; those that have shown are left out."""
    pairs, paused = places
    _Run(design, aig, x[pairs], paused).follow([effect for effect in effects.values() if not effect.shown_by], pairs)
    return effects


def _add(found: Mapping[Fault, Effect], more: Mapping[Fault, Effect]) -> None:
    for fault, effect in more.items():
        found[fault].shown_by = found[fault].shown_by or effect.shown_by
        found[fault].escaped |= effect.escaped


def _pairs(count: int) -> Iterator[tuple[IntArray, float]]:
    """Places of ``count`` inputs, shape (2, 64 * n), each behind another one; and which part of cycles are pauses."""
    order = np.random.default_rng(0).permutation(count)
    batches = [np.arange(first, min(first + ROWS, count)) for first in range(0, count, ROWS)]
    for batch, paused in [*((batch, 0.0) for batch in batches), (order[:ROWS], PAUSED)]:
        places = np.resize(batch, -(-len(batch) // 64) * 64)
        yield np.stack([order[places], places]), paused


class _Run:
    """Inputs, each behind another one, through the design and its mutants.

    Args:
        design: the hardware.
        aig: its graph with all faults, or with one.
        x: inputs, shape (2, 64 * n, *shape): those that come first, and those behind them.
        paused: which part of the cycles each end pauses.
    """

    def __init__(self, design: Design, aig: Aig, x: IntArray, paused: float) -> None:
        beats = Beats.of(design.ports["input"])
        words = np.array([beats.pack(samples) for samples in x], dtype=np.uint64)
        words = words.reshape(len(x), -1, beats.count).transpose(0, 2, 1).reshape(len(x) * beats.count, -1)
        self._sent = [[_packed(word >> np.uint64(bit)) for bit in range(beats.word_bits)] for word in words]
        self._word_bits = beats.word_bits
        self._beats, self._results = beats.count, len(x) * Beats.of(design.ports["output"]).count
        self._behind = design.plan.latency_cycles
        self._aig, self._paused, self._random = aig, paused, np.random.default_rng(1)
        # One row more: the input of ``with_one_fault`` that says whether the fault is there; it is not.
        self._values = np.zeros((aig.nodes + 1, words.shape[1] // 64), dtype=np.uint64)
        after = aig.after({INPUTS[2]: 1, FAULTY: 0} | {name: 0 for name in aig.inputs if name.startswith(SELECT)})
        for name, latch in aig.latches.items():
            self._values[latch.value >> 1] = self._noise() if after[name] is None else ALL if after[name] else 0

    def follow(self, effects: Sequence[Effect], pairs: IntArray) -> None:
        """Note what becomes of the faults; ``pairs`` are the places of the inputs."""
        states = [(effect, self._reset(effect.reach)) for effect in effects]
        for _ in self._cycles():
            still = []
            for effect, state in states:
                shown, after = self._step(effect.reach, state)
                if len(shown):
                    effect.shown_by = pairs[:, shown[0]].tolist()
                else:
                    effect.escaped |= effect.reach.remembering & after.keys()
                    still.append((effect, self._state(effect.reach, after)))
            states = still

    def _reset(self, reach: Reach) -> dict[int, Words]:
        """What the fault and a reset of the mutant make of nodes, where it is not what they are in the design."""
        own, other = resets_of(reach.aig)
        after = {name: np.full_like(self._values[0], ALL if other[name] else 0) for name in own}
        return self._state(reach, {name: word for name, word in after.items() if own[name] != other[name]})

    def _noise(self) -> Words:
        return self._random.integers(0, ALL, self._values.shape[1], np.uint64, endpoint=True)

    def _state(self, reach: Reach, after: Mapping[str, Words]) -> dict[int, Words]:
        state = {reach.aig.latches[name].value >> 1: word for name, word in after.items()}
        return state | {reach.aig.inputs[FAULTY] >> 1: np.full_like(self._values[0], ALL)}

    def _step(self, reach: Reach, state: Mapping[int, Words]) -> tuple[IntArray, dict[str, Words]]:
        """Which inputs show a difference in this cycle, and the latches that will differ in the next one."""
        own, after = reach.differing(self._values, state)
        differs = np.zeros_like(self._values[0])
        names = [f"{pin}[0]" for pin in PINS]
        if self._level(_VALID):
            names += [name for name in reach.aig.outputs if name.startswith(DATA)]
        for node in {reach.aig.outputs[name] >> 1 for name in names} & own.keys():
            differs |= own[node] ^ self._values[node]
        return np.flatnonzero(np.unpackbits(differs.view(np.uint8), bitorder="little")), after

    def _cycles(self) -> Iterator[None]:
        """Yield in each cycle, when all nodes are known; all inputs are sent, and their results come."""
        sent = received = behind = 0
        offers = False
        for _ in range(MOST_CYCLES):
            offers = sent < len(self._sent) and (offers or self._random.random() >= self._paused)
            takes = bool(self._random.random() >= self._paused)
            self._cycle(sent if offers else None, takes)
            yield
            moved, came = offers and self._level(_READY), takes and self._level(_VALID)
            self._advance()
            sent, received, offers = sent + moved, received + came, offers and not moved
            behind += received == self._results
            if behind > self._behind:
                return
        words = f"{received} of {self._results} words came"
        raise ToolError(f"{words} in {MOST_CYCLES} cycles of a simulation of its graph")

    def _cycle(self, beat: int | None, takes: bool) -> None:
        values, inputs = self._values, self._aig.inputs
        values[inputs["s_axis_tvalid[0]"] >> 1] = 0 if beat is None else ALL
        values[inputs[_TAKEN] >> 1] = ALL if takes else 0
        values[inputs["s_axis_tlast[0]"] >> 1] = ALL if beat is not None and (beat + 1) % self._beats == 0 else 0
        for bit in range(self._word_bits):
            if f"s_axis_tdata[{bit}]" in inputs:
                word = self._noise() if beat is None else self._sent[beat][bit]
                values[inputs[f"s_axis_tdata[{bit}]"] >> 1] = word
        for gate in self._aig.ands:
            np.bitwise_and(valued(values, gate.a), valued(values, gate.b), out=values[gate.node])

    def _level(self, pin: str) -> bool:
        """No handshake depends on data: it is the same for all inputs."""
        return bool(valued(self._values, self._aig.outputs[pin])[0] & np.uint64(1))

    def _advance(self) -> None:
        latches = self._aig.latches.values()
        following = [valued(self._values, latch.following).copy() for latch in latches]
        for latch, row in zip(latches, following, strict=True):
            self._values[latch.value >> 1] = row


def _packed(bits: Words) -> Words:
    return np.packbits((bits & np.uint64(1)).astype(np.uint8), bitorder="little").view(np.uint64)
