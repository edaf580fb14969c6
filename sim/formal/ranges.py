"""Requantisers with every input that there is: equal on all of them, in every form of their hardware, is a proof.

A form is simulated by itself, without a network around it: beats of two channels in turn, as close as it takes them,
compiled by ``sim.simulators.pyrtl_compiled``. Golden, which shares no code with it, says what has to come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyrtl

from golden import Graph, IntType, TensorType
from golden.ops import Requantize
from golden.types import IntArray
from rtlgen.intervals import Interval
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, lower
from rtlgen.stream import stream
from rtlgen.tensor import HDLTensor
from sim.formal.prover import PROVEN, REFUTED, Verdict
from sim.simulators.pyrtl_compiled import CompiledBlock

CHANNELS = 2
SPACING_CYCLES = 40
"""Of the beats for which forms are asked: more than any of them needs."""
CHUNK_BEATS = 1 << 15
HARNESS = "harness"
S8 = IntType(8, True)
OPS = {
    "half_up": Requantize(np.array([181, 77]), np.array([17, 15]), 3, S8),
    "half_up by powers of two": Requantize(np.array([1, 1]), np.array([12, 9]), -5, S8),
    "half_up, literal": Requantize(np.array([3, 5]), np.array([11, 12]), 3, IntType(12, True)),
    "tflm": Requantize(np.array([1518500250, 1 << 30]), np.array([41, 42]), -7, S8, "tflm"),
    "single": Requantize(np.array([1234567891, 1 << 30]), np.array([41, 40]), 11, S8, "single"),
    "float32": Requantize(np.array([15554541, 11179863]), np.array([34, 34]), 3, S8, "float32"),
}
"""Two channels each, with results beyond both ends, and ties but for ``float32``: of few multipliers there is hardware
for so wide an input, and these are such, as they are and with a fault. The shifts are for inputs of 18 bits.
"""
BITS = {"": 24, "product": 22, "logic": 22, "phases": 22, "bits": 20, "division": 20, "shift": 24}
"""Of the input, signed, by form: as wide as takes seconds."""


@dataclass(frozen=True)
class Form:
    """The hardware of a requantiser.

    Args:
        op: by its name in ``OPS``.
        form: by its name in ``BITS``; the empty one multiplies by constants, both channels side by side.
    """

    op: str
    form: str

    @property
    def type(self) -> TensorType:
        """Of the input."""
        return TensorType((CHANNELS,), IntType(BITS[self.form], True))

    @property
    def lanes(self) -> int:
        """Elements a beat."""
        return 1 if self.form else CHANNELS

    @property
    def operation(self) -> Requantize:
        """What it has to equal."""
        op = OPS[self.op]
        return replace(op, shift=op.shift + self.type.dtype.bits - 18)

    def plans(self, op: Requantize) -> dict[str, LayerPlan]:
        """The plan of every form that there is of ``op``."""
        x = Incoming(self.type, self.lanes, Interval.of_type(self.type), SPACING_CYCLES)
        goal = Goal(1 << 20, 1 << 10, logic=True)
        return {_name(op, plan, self.lanes): plan for plan in candidates(op, [x], goal)}

    def __str__(self) -> str:
        form = {"": "by constants", "shift": "by a shift of its own", "logic": "by adders"}.get(self.form, self.form)
        return f"requantiser {self.op}, {form}, {self.type.dtype}"


def forms() -> Iterator[Form]:
    """All that there are."""
    for name in OPS:
        for form in BITS:
            made = Form(name, form)
            if form in made.plans(made.operation):
                yield made


def _name(op: Requantize, plan: LayerPlan, lanes: int) -> str:
    if lanes == CHANNELS:
        return ""
    return "logic" if plan.logic else plan.form or "shift"


def equal_everywhere(form: Form, planted: bool, folder: Path | None = None) -> Verdict:
    """Whether the hardware is golden on every input.

    Args:
        form: of the hardware.
        planted: make it that of a slightly other multiplier.
        folder: for the Verilog of hardware that is not, the module ``HARNESS``; with it the verdict has pins.
    """
    op = form.operation
    built = replace(op, multiplier=op.multiplier + np.maximum(1, op.multiplier // 4096)) if planted else op
    plan = form.plans(built).get(form.form)
    if plan is None:  # of a power of two there is none any more
        plan = next(iter(form.plans(built).values()))
    block, spacing = _block(form, built, plan), _spacing(form, built, plan)
    golden = Graph.chain(form.type, op)
    every = np.arange(form.type.dtype.min, form.type.dtype.max + 1)
    with CompiledBlock(block) as compiled:
        _step(compiled, form, np.zeros((1, CHANNELS), np.int64), plan, spacing, reset=1)
        for first in range(0, len(every), CHUNK_BEATS):
            # The other channel gets the numbers the other way round: what is mixed up differs.
            x = np.stack([every[first : first + CHUNK_BEATS], every[::-1][first : first + CHUNK_BEATS]], axis=1)
            found = _step(compiled, form, x, plan, spacing)
            wrong = np.argwhere(found != golden(x))
            if len(wrong):
                row, channel = wrong[0].tolist()
                expected = golden(x)[row, channel]
                told = f"x = {x[row, channel]} in channel {channel}: golden {expected}, hardware {found[row, channel]}"
                return Verdict(REFUTED, told, pins=_way(block, form, x[row : row + 1], plan, spacing, folder))
    return Verdict(PROVEN)


def _way(
    block: pyrtl.Block, form: Form, x: IntArray, plan: LayerPlan, spacing: int, folder: Path | None
) -> list[dict[str, int]]:
    """A reset, and what comes at the pins for one sample; the hardware as Verilog."""
    if folder is not None:
        with (folder / f"{HARNESS}.v").open("w") as file:
            pyrtl.output_to_verilog(file, add_reset=False, block=block, module_name=HARNESS)
    columns = _columns(form, x, plan, spacing)
    names = list(columns)
    rows = (dict(zip(names, map(int, row), strict=True)) for row in np.hstack(list(columns.values())))
    return [{"reset": 1}, *rows]


def _columns(form: Form, x: IntArray, plan: LayerPlan, spacing: int) -> dict[str, npt.NDArray[np.uint64]]:
    """The pins for samples, shape (samples, channels), until they are through; a row a cycle."""
    bits = form.type.dtype.bits
    words = (x & ((1 << bits) - 1)).astype(np.uint64)
    beats = words.reshape(-1) if form.lanes == 1 else words[:, 0] | words[:, 1] << np.uint64(bits)
    cycles = len(beats) * spacing + plan.depth_cycles + 1
    data, valid = (np.zeros((cycles, 1), np.uint64) for _ in range(2))
    starts = np.arange(len(beats)) * spacing
    data[starts, 0], valid[starts, 0] = beats, 1
    return {"data": data, "valid": valid}


def _spacing(form: Form, op: Requantize, plan: LayerPlan) -> int:
    """Cycles from one beat to the next, as few as the form allows."""
    if form.form not in ("phases", "bits", "division"):
        return 1
    for spacing in range(1, SPACING_CYCLES):
        x = Incoming(form.type, form.lanes, Interval.of_type(form.type), spacing)
        if any(each.form == plan.form for each in candidates(op, [x], Goal(1 << 20, 1 << 10, logic=True))):
            return spacing
    raise AssertionError(form)


def _block(form: Form, op: Requantize, plan: LayerPlan) -> pyrtl.Block:
    """The form with pins: ``data``, ``valid`` and ``reset``; ``y`` and ``done``."""
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        bits = form.type.dtype.bits
        data, valid, reset = (
            pyrtl.Input(width, name) for width, name in ((form.lanes * bits, "data"), (1, "valid"), (1, "reset"))
        )
        lanes = HDLTensor.unpack(data, (form.lanes,), form.type.dtype)
        zero = pyrtl.Const(0, 1)
        x = stream("x", form.type, lanes, valid, zero, valid, reset, token_rows=Fraction(1))
        made = lower(op, plan, [x], "q")
        x.room <<= zero
        y, done = pyrtl.Output(form.lanes * made.type.dtype.bits, "y"), pyrtl.Output(1, "done")
        y <<= made.data.pack(made.type.dtype)
        done <<= made.valid
    return block


def _step(compiled: CompiledBlock, form: Form, x: IntArray, plan: LayerPlan, spacing: int, reset: int = 0) -> IntArray:
    """What comes out for the samples ``x``, shape (samples, channels), once they are through."""
    op = OPS[form.op]
    own = op.dtype.bits
    columns = _columns(form, x, plan, spacing)
    if reset:
        columns["valid"][:] = 0
    made = compiled.run({**columns, "reset": np.full_like(columns["valid"], reset)}, ["y", "done"])
    if reset:
        return x
    due = np.flatnonzero(columns["valid"][:, 0]) + plan.depth_cycles
    done = np.flatnonzero(made["done"][:, 0])
    assert np.array_equal(done, due), f"{form}: beats are not on the cycles that the plan says"
    y = made["y"][due, 0]
    lanes = [y] if form.lanes == 1 else [y & np.uint64((1 << own) - 1), y >> np.uint64(own)]
    values = np.stack(lanes, axis=1).astype(np.int64).reshape(-1, CHANNELS)
    return (values ^ (1 << own - 1)) - (1 << own - 1) if op.dtype.signed else values
