"""Whether a fault that no input shows in one schedule shows in none.

With other pauses another word may be in a register. But registers that come to themselves again in no way are a *pipe*:
each holds a function of what entered the pipe a fixed number of cycles ago, and if no gate between them depends on
control, this function is the same in every schedule. If what the fault makes of one cycle is in such registers before
control has a say, if who takes it does so always in one way, all at the same time, and if the fault makes nothing that
is taken depend on what it does not depend on in the design, then what no input brings out in one schedule is lost in
the pipe in all of them. Registers that remember may have differences in them, or the fault right before them, if they
do the same in every schedule too: see ``sim.mutation.accumulator``.

This takes for granted, of the design without the fault, that a word which is taken to be used is what enters the pipe
with some input, in the schedules that are simulated as in all others and in all of its bits, whether they matter or
not; and that what enters it otherwise is used in no schedule.
"""

from __future__ import annotations

from collections.abc import Collection

from sim.formal.control import INPUTS
from sim.mutation.accumulator import Accumulator
from sim.mutation.every_input import Effect
from sim.mutation.one_fault import resets_of
from sim.mutation.pipe import Reach
from sim.mutation.transitions import Transitions


def never_shows(effect: Effect, control: Collection[str], transitions: Transitions | None = None) -> bool:
    """Whether ``effect``, of all inputs, says that the fault has no effect.

    Args:
        effect: of the fault.
        control: registers of control, bits by name.
        transitions: of control; without them nothing is known.
    """
    reach = effect.reach
    own, other = resets_of(reach.aig)
    if transitions is None or effect.shown_by or any(other[bit] is None and own[bit] is not None for bit in own):
        return False
    if not reach.is_data(control):
        return False
    fed = reach.aig.fed_by(reach.nodes)
    if not fed.isdisjoint(literal >> 1 for literal in reach.aig.outputs.values()) or not _is_a_pipe(reach, transitions):
        return False
    kept: set[str] = set()
    more = effect.escaped | {bit for bit in reach.remembering if reach.latches[bit].following >> 1 in fed}
    while more != kept:  # bits that the sum of these is carried to, too
        kept = more
        next_to = reach.aig.fed_by({reach.latches[bit].value >> 1 for bit in kept})
        more = kept | {bit for bit in reach.remembering if reach.latches[bit].following >> 1 in next_to}
    return Accumulator(reach, kept, transitions).is_the_same_in_any_schedule()


def _is_a_pipe(reach: Reach, transitions: Transitions) -> bool:
    """Whether the schedule has no say in what is in the registers that do not remember."""
    aig = reach.aig
    pipe = [latch.following >> 1 for name, latch in reach.latches.items() if name not in reach.remembering]
    schedule = transitions.scheduled | {aig.inputs[name] >> 1 for name in INPUTS[:2] if name in aig.inputs}
    return aig.fed_by(schedule).isdisjoint(pipe)
