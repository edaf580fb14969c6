"""The walk of a trainer through its passes: which words, on every cycle of a step.

Loops are counters that count down, one for each level of the deepest nest; all loops below one that goes on begin anew.
What an address changes by when a loop goes on is a constant of the pass, taken from ``Pass.steps``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pyrtl import Const, WireVector, select

from rtlgen.state import State, state
from rtlgen.training.passes import KINDS, Pass
from rtlgen.training.schedule import Schedule
from rtlgen.training.stages import chosen

ADDRESSES = ("weight", "activation", "error", "winner", "target", "window")
"""What is known of a word; ``y`` and ``x`` beside them, where padding is."""


@dataclass
class Issue:
    """What the walker asks for in this cycle.

    Args:
        flags: one bit each: ``valid``, and one of ``KINDS``; ``first`` and ``end`` of a sum, ``pool`` for the last sum
            of a pool, ``group`` for the end of the last sum of a place, ``closes`` of a pass; ``bias``; ``outside`` for
            what counts as 0.
        number: of the pass.
        addresses: by name, those of ``ADDRESSES`` that any pass has.
    """

    flags: dict[str, WireVector]
    number: WireVector
    addresses: dict[str, WireVector]


@dataclass
class Walker:
    """One step after the other.

    Args:
        issue: what is asked for.
        free: high in a cycle in which ``start`` may be.
        idle: high where no step is running.
        finishing: high in the last cycle of a step.
        start: to be driven: begin with a step in the next cycle.
    """

    issue: Issue
    free: WireVector
    idle: WireVector
    finishing: WireVector
    start: WireVector


@dataclass
class _Walk:
    """Where a step is, while its hardware is made.

    Args:
        passes: of a step.
        number: of the present pass.
        start, moves, going: a step begins; a pass ends, and another one follows; a word is asked for.
        reset: synchronous.
    """

    passes: Sequence[Pass]
    number: State
    start: WireVector
    moves: WireVector
    going: WireVector
    reset: WireVector

    def now(self, values: Sequence[int], bits: int | None = None) -> WireVector:
        """A constant of the present pass."""
        return chosen(self.number.value, values, bits)

    def drive(self, place: State, starts: Sequence[int], otherwise: WireVector) -> None:
        """``otherwise``, or where a pass begins what it begins with."""
        bits = len(place.value)
        wrapped = [value % (1 << bits) for value in starts]
        following = self.now([*wrapped[1:], wrapped[0]], bits)
        held = select(self.going, otherwise, place.value)
        place.drive(select(self.start, Const(wrapped[0], bits), select(self.moves, following, held)), self.reset)


def walker(schedule: Schedule, learns: WireVector, has_error: WireVector, reset: WireVector) -> Walker:
    """Runs through the passes of a step when ``start`` is high; through all of them where ``learns``.

    A step that has no error ends when that is known.
    """
    passes, forwards = schedule.passes, len(schedule.layers)
    number = state("walk_pass", max(1, (len(passes) - 1).bit_length()))
    running = state("walk_running", 1)
    waiting = state("walk_waiting", max(1, max(_waits(schedule)).bit_length()))
    start, moves = WireVector(1, "walk_start"), WireVector(1, "walk_moves")
    going = running.value & (waiting.value == 0)
    walk = _Walk(passes, number, start, moves, going, reset)
    ends, is_bias = _loops(walk)
    below = [Const(1, 1)]  # by level: all loops below are in their last number
    for wire in ends:
        below.append(below[-1] & wire)

    closes = going & below[-1]
    is_last_forward = number.value == forwards - 1
    is_last = number.value == len(passes) - 1
    wait = chosen(number.value, _waits(schedule), len(waiting.value))  # after this pass
    waits_last = running.value & (waiting.value == 1)
    over = state("walk_over", 1)  # all passes are issued, and the next step waits for words to be written
    goes_no_further = is_last_forward & (learns ^ 1)
    finishing = WireVector(1, "walk_finishing")
    skips = waits_last & (number.value == forwards) & (over.value ^ 1) & (has_error ^ 1)
    finishing <<= (closes & (goes_no_further | (is_last & (wait == 0)))) | skips | (waits_last & over.value)
    moves <<= closes & (finishing ^ 1)
    running.drive(start | (running.value & (finishing ^ 1)), reset)
    over.drive((select(moves, is_last, over.value)) & (finishing ^ 1), reset)
    next_number = select(moves & (is_last ^ 1), (number.value + 1)[: len(number.value)], number.value)
    number.drive(select(start, Const(0, len(number.value)), next_number), reset)
    less = select(waiting.value == 0, waiting.value, (waiting.value - 1)[: len(waiting.value)])
    waiting.drive(select(start, Const(0, len(less)), select(moves, wait, less)), reset)

    flags = _flags(walk, ends, below, is_bias)
    known = (*ADDRESSES, "y", "x") if any(made.limits for made in passes) else ADDRESSES
    names = [name for name in known if any(name in made.starts for made in passes)]
    addresses = {name: _address(walk, name, ends) for name in names}
    flags["outside"] = _outside(walk, addresses) & (is_bias ^ 1)
    return Walker(
        Issue(flags, number.value, {name: addresses[name] for name in names if name in ADDRESSES}),
        (running.value ^ 1) | finishing,
        running.value ^ 1,
        finishing,
        start,
    )


def _loops(walk: _Walk) -> tuple[list[WireVector], WireVector]:
    """By level whether its loop is in its last number; and whether the row is that of the bias."""
    passes = walk.passes
    counts = [made.counts for made in passes]
    depth = max(len(each) for each in counts)
    most = max(made.wait_cycles for made in passes)
    longest = [max([2, *(each[level] for each in counts if level < len(each))]) for level in range(depth)]
    longest[0] = max(longest[0], most + 1)
    places = [state(f"walk_loop{level}", (count - 1).bit_length()) for level, count in enumerate(longest)]
    ends = [place.value == 0 for place in places]
    rows = {made.row_level for made in passes if made.row_level is not None}
    is_bias, enters = Const(0, 1), Const(0, 1)  # the present row, the next one
    for level in sorted(rows):
        is_here = walk.now([int(made.row_level == level) for made in passes], 1)
        is_bias = is_bias | (is_here & ends[level])
        enters = enters | (is_here & (places[level].value == 1))
    all_below = Const(1, 1)
    for level, place in enumerate(places):
        bits = len(place.value)
        again = [each[level] - 1 if level < len(each) else 0 for each in counts]
        anew = walk.now(again, bits)
        if level + 1 in rows:  # taps: there is one of the bias, and then perhaps some cycles without any
            rows_here = walk.now([int(made.row_level == level + 1) for made in passes], 1)
            anew = select(enters & rows_here, walk.now([made.wait_cycles for made in passes], bits), anew)
        following = select(ends[level], anew, (place.value - 1)[:bits])
        walk.drive(place, again, select(all_below, following, place.value))
        all_below = all_below & ends[level]
    return ends, is_bias


def _flags(
    walk: _Walk, ends: Sequence[WireVector], below: Sequence[WireVector], is_bias: WireVector
) -> dict[str, WireVector]:
    passes = walk.passes
    kinds = {kind: walk.now([int(made.kind == kind) for made in passes], 1) for kind in KINDS}
    waits = state("walk_waits", 1)  # in the row of a bias, behind it
    waits.drive(select(walk.going, kinds["forward"] & is_bias & (ends[0] ^ 1), waits.value), walk.reset)
    valid = walk.going & (waits.value ^ 1)

    def span(start: Callable[[Pass], int], end: Callable[[Pass], int]) -> WireVector:
        """Whether the loops from one level up to another one are all in their last numbers."""
        found = Const(1, 1)
        for level, wire in enumerate(ends):
            counts = walk.now([int(start(made) <= level < end(made)) for made in passes], 1)
            found = found & (wire | (counts ^ 1))
        return found

    sum_ends = span(lambda made: 0, lambda made: made.sum_loops)
    first = state("walk_first", 1)
    walk.drive(first, [1] * len(passes), sum_ends)
    end = valid & select(kinds["forward"], is_bias, sum_ends)
    pool = span(lambda made: made.sum_loops, lambda made: made.sum_loops + made.pool_loops)
    group = span(lambda made: made.sum_loops, lambda made: made.sum_loops + made.group_loops)
    whole = span(lambda made: made.sum_loops, lambda made: len(ends))
    return {
        "valid": valid,
        **{kind: valid & wire for kind, wire in kinds.items()},
        "first": first.value,
        "end": end,
        "pool": pool,
        "group": end & group,
        "closes": end & whole,
        "bias": is_bias,
    }


def _address(walk: _Walk, name: str, ends: Sequence[WireVector]) -> WireVector:
    """A register that follows ``Pass.steps``."""
    passes = walk.passes
    starts = [made.starts.get(name, 0) for made in passes]
    seen = [made.steps.addresses[name] if name in made.starts else np.zeros(1, dtype=int) for made in passes]
    signed = min(int(each.min()) for each in seen) < 0
    axis = "yx".find(name)
    limits = [made.limits[axis] for made in passes if made.limits and axis >= 0]
    bits = max(1, max([*limits, *(int(abs(each).max()) for each in seen)]).bit_length() + signed)
    place = state(f"walk_{name}", bits)
    change = Const(0, bits)
    for level in reversed(range(len(ends))):
        own = walk.now([_change(made, name, level) % (1 << bits) for made in passes], bits)
        change = own if level == len(ends) - 1 else select(ends[level], change, own)
    walk.drive(place, starts, (place.value + change)[:bits])
    return place.value


def _change(made: Pass, name: str, level: int) -> int:
    """What an address changes by when the loop of this level goes on; 0 if it never does."""
    if name not in made.starts:
        return 0
    steps = made.steps
    changes = set(np.diff(steps.addresses[name])[steps.level[:-1] == level].tolist())
    assert len(changes) <= 1, (made.kind, name, level, changes)
    return int(changes.pop()) if changes else 0


def _outside(walk: _Walk, addresses: dict[str, WireVector]) -> WireVector:
    """Whether the present word lies in the padding."""
    limits = [made.limits for made in walk.passes]
    if not any(limits):
        return Const(0, 1)
    found = Const(0, 1)
    for axis, name in enumerate(("y", "x")):
        wire = addresses[name]
        # Below 0 is far above every limit, as a number without a sign.
        limit = walk.now([each[axis] if each else 0 for each in limits], len(wire))
        found = found | (wire >= limit)
    return found & walk.now([int(each is not None) for each in limits], 1)


def _waits(schedule: Schedule) -> list[int]:
    """Cycles after each pass before the next one, and after the last one before the next step."""
    starts = [made.start_cycle for made in schedule.passes[1:]] + [schedule.training_cycles]
    return [start - made.end_cycle for start, made in zip(starts, schedule.passes, strict=True)]
