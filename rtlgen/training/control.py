"""The walk of a trainer through its passes: which word, which column, which block, on every cycle of a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyrtl import Const, WireVector, select

from rtlgen.state import State, state
from rtlgen.training.schedule import Pass, Schedule
from rtlgen.training.stages import chosen

KINDS = ("forward", "backward", "update")


@dataclass
class Issue:
    """What the walker asks for in this cycle.

    Args:
        flags: one bit each: ``valid``, ``forward``, ``backward``, ``update``; ``first`` and ``end`` of an inner loop,
            ``closes`` the last of all of a pass; ``bias`` for the column of the bias.
        number: of the pass.
        weight_address: of the word.
        column, block: of the layer.
    """

    flags: dict[str, WireVector]
    number: WireVector
    weight_address: WireVector
    column: WireVector
    block: WireVector


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


def walker(schedule: Schedule, learns: WireVector, has_error: WireVector, reset: WireVector) -> Walker:
    """Runs through the passes of a step when ``start`` is high; through all of them where ``learns``.

    A step that has no error ends when that is known.
    """
    passes, forwards = schedule.passes, len(schedule.layers)
    bits = max(1, (len(passes) - 1).bit_length())
    number, running = state("walk_pass", bits), state("walk_running", 1)
    most_wait = max(_waits(schedule))
    waiting = state("walk_waiting", max(1, most_wait.bit_length()))
    inner, outer = (_loop(name, passes) for name in ("inner", "outer"))
    address = state("walk_weight_address", _bits(sum(layer.words for layer in schedule.layers) - 1))
    row_address = state("walk_row_address", len(address.value))
    start = WireVector(1, "walk_start")

    going = running.value & (waiting.value == 0)
    inner_ends = inner.value == chosen(number.value, [made.inner_cycles - 1 for made in passes])
    outer_ends = outer.value == chosen(number.value, [made.outer - 1 for made in passes])
    closes = going & inner_ends & outer_ends
    is_last_forward = number.value == forwards - 1
    is_last = number.value == len(passes) - 1
    wait = chosen(number.value, _waits(schedule), len(waiting.value))  # after this pass
    waits_last = running.value & (waiting.value == 1)
    over = state("walk_over", 1)  # all passes are issued, and the next step waits for words to be written
    goes_no_further = is_last_forward & (learns ^ 1)
    finishing = WireVector(1, "walk_finishing")
    skips = waits_last & (number.value == forwards) & (over.value ^ 1) & (has_error ^ 1)
    finishing <<= (closes & (goes_no_further | (is_last & (wait == 0)))) | skips | (waits_last & over.value)
    moves = closes & (finishing ^ 1)

    def begins_anew(place: State, otherwise: WireVector, first: WireVector | None = None) -> None:
        place.drive(select(start, Const(0, len(otherwise)) if first is None else first, otherwise), reset)

    running.drive(start | (running.value & (finishing ^ 1)), reset)
    over.drive((select(moves, is_last, over.value)) & (finishing ^ 1), reset)
    begins_anew(number, select(moves & (is_last ^ 1), (number.value + 1)[:bits], number.value))
    less = select(waiting.value == 0, waiting.value, (waiting.value - 1)[: len(waiting.value)])
    begins_anew(waiting, select(moves, wait, less))
    turns = going & inner_ends
    begins_anew(inner, _next(inner, going, inner_ends))
    begins_anew(outer, _next(outer, turns, outer_ends))

    width = len(address.value)
    bases = [schedule.weight_base[made.layer] for made in passes]
    first, after = Const(bases[0], width), chosen(number.value, [*bases[1:], bases[0]], width)
    strides = [_strides(schedule, made) for made in passes]
    inner_stride = chosen(number.value, [stride % (1 << width) for stride, _ in strides], width)
    outer_stride = chosen(number.value, [stride % (1 << width) for _, stride in strides], width)
    next_row = (row_address.value + outer_stride)[:width]
    row = select(closes, after, select(turns, next_row, row_address.value))
    begins_anew(row_address, row, first)
    along = select(going, (address.value + inner_stride)[:width], address.value)
    begins_anew(address, select(turns, row, along), first)

    kinds = {kind: chosen(number.value, [int(made.kind == kind) for made in passes]) for kind in KINDS}
    within = inner.value < chosen(number.value, [made.inner for made in passes], len(inner.value) + 1)
    ends = inner.value == chosen(number.value, [made.inner - 1 for made in passes])
    valid = going & within
    column = select(kinds["backward"], *_alike(outer.value, inner.value))
    block = select(kinds["backward"], *_alike(inner.value, outer.value))
    is_bias = column == chosen(number.value, [schedule.layers[made.layer].inputs for made in passes])
    flags = {
        "valid": valid,
        **{kind: valid & wire for kind, wire in kinds.items()},
        "first": inner.value == 0,
        "end": valid & ends,
        "closes": valid & ends & outer_ends,
        "bias": is_bias,
    }
    return Walker(
        Issue(flags, number.value, address.value, column, block),
        (running.value ^ 1) | finishing,
        running.value ^ 1,
        finishing,
        start,
    )


def _next(place: State, counts: WireVector, ends: WireVector) -> WireVector:
    bits = len(place.value)
    return select(counts, select(ends, Const(0, bits), (place.value + 1)[:bits]), place.value)


def _waits(schedule: Schedule) -> list[int]:
    """Cycles after each pass before the next one, and after the last one before the next step."""
    starts = [made.start_cycle for made in schedule.passes[1:]] + [schedule.training_cycles]
    return [start - made.end_cycle for start, made in zip(starts, schedule.passes, strict=True)]


def _strides(schedule: Schedule, made: Pass) -> tuple[int, int]:
    columns = schedule.layers[made.layer].columns
    # An address that wraps around is never used: it would be the row behind the last one.
    return (columns, 1) if made.kind == "backward" else (1, columns)


def _loop(name: str, passes: Sequence[Pass]) -> State:
    most = max(made.inner_cycles if name == "inner" else made.outer for made in passes)
    return state(f"walk_{name}", _bits(most - 1))


def _alike(a: WireVector, b: WireVector) -> tuple[WireVector, WireVector]:
    bits = max(len(a), len(b))
    return a.zero_extended(bits), b.zero_extended(bits)


def _bits(largest: int) -> int:
    return max(1, largest.bit_length())
