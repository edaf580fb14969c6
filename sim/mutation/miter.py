"""The design and its mutant in one graph, whose output is high where a pin that means something differs.

Both begin as a reset leaves them, each machine's own reset; a bit that is reset in the design but not in the mutant
begins there with anything. Bits that the design does not reset begin with anything, the same in both; then both take
the same inputs, further resets among them. (What a mutant did to those bits before is no matter: no promised pin of the
design depends on them, as ``sim.formal`` proves of some op kinds, and undefined values show in simulation.)
"""

from __future__ import annotations

from pathlib import Path

from sim.formal.aig import Aig
from sim.formal.aiger import Builder
from sim.formal.prover import PROVEN, Verdict, decided
from sim.mutation.one_fault import DATA, FAULTY, PINS, resets_of

_BEGUN, _SIDES = "begun", ("design", "mutant")


def same_in_any_state(aig: Aig, name: str, folder: Path, time_s: int) -> bool:
    """Whether it is proven that pins and next values are equal in every state, reachable or not.

    One copy of the registers serves both, as inputs: that needs a mutant whose reset does no less than the design's.

    Args:
        aig: as ``with_one_fault`` makes it.
        name: of the files.
        folder: for them.
        time_s: seconds for the search.

    Raises:
        FileNotFoundError, ToolError: if ABC is missing or fails.
    """
    own, other = resets_of(aig)
    if any(value is not None and value != other[bit] for bit, value in own.items()):
        return False
    builder = Builder()
    inputs = {literal: builder.input(name) for name, literal in aig.inputs.items() if name != FAULTY}
    inputs |= {latch.value: builder.input(f"state_{bit}") for bit, latch in aig.latches.items()}
    begun = builder.latch(_BEGUN)  # ABC proves nothing of a graph without any
    builder.drive(_BEGUN, 1)
    design, mutant = (builder.copy(aig, {**inputs, aig.inputs[FAULTY]: faulty}) for faulty in (0, 1))
    pairs = zip(design.latches.values(), mutant.latches.values(), strict=True)
    states = builder.any(builder.differ(a.following, b.following) for a, b in pairs)
    bad = builder.either(_shown(builder, design, mutant), states)
    builder.write(builder.both(begun, bad), folder / f"{name}.aig")
    return decided(name, folder, time_s).kind == PROVEN


def searched(aig: Aig, name: str, folder: Path, time_s: int) -> Verdict:
    """Whether the pins of both are always equal, in all states that a reset leads to; arguments as above.

    Raises:
        FileNotFoundError, ToolError: if ABC is missing or fails.
    """
    resets = resets_of(aig)
    builder = Builder()
    inputs = {literal: builder.input(name) for name, literal in aig.inputs.items() if name != FAULTY}
    # What the design does not reset begins alike in both, whatever the mutant does with it in a reset; what only the
    # mutant does not reset is its own.
    first = {bit: builder.input(f"first_{bit}") for bit, value in resets[0].items() if value is None}
    lost = [bit for bit, value in resets[1].items() if value is None and bit not in first]
    free = first, first | {bit: builder.input(f"other_{bit}") for bit in lost}
    begun = builder.latch(_BEGUN)
    state = [{bit: builder.latch(f"{side}_{bit}") for bit in aig.latches} for side in _SIDES]
    machines = []
    for faulty in (0, 1):
        values = {latch.value: state[faulty][bit] for bit, latch in aig.latches.items()}
        machines.append(builder.copy(aig, {**inputs, **values, aig.inputs[FAULTY]: faulty}))
    builder.drive(_BEGUN, 1)
    for side, machine, reset, own in zip(_SIDES, machines, resets, free, strict=True):
        for bit, latch in machine.latches.items():
            start = own[bit] if bit in own else reset[bit]
            assert start is not None, "what is not reset begins with an input"
            builder.drive(f"{side}_{bit}", builder.choice(begun, latch.following, start))
    builder.write(builder.both(begun, _shown(builder, *machines)), folder / f"{name}.aig")
    return decided(name, folder, time_s)


def _shown(builder: Builder, design: Aig, mutant: Aig) -> int:
    def differ(name: str) -> int:
        return builder.differ(design.outputs[name], mutant.outputs[name])

    outside = builder.any(differ(f"{pin}[0]") for pin in PINS)
    data = builder.any(differ(name) for name in design.outputs if name.startswith(DATA))
    return builder.either(outside, builder.both(design.outputs["m_axis_tvalid[0]"], data))
