"""How much of everything a testbench does with a budget of cycles: first fewer samples, then phases that are cut short.

A phase that has used up its share ends with the next beat that moves, so that a design which hangs is never taken for
one that was merely cut short. What was cut short, or left out, is written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verif.ports import Plan

SHARES: Mapping[str, int] = {
    "every_sample_without_stalls": 40,
    "every_sample_under_stalls": 30,
    "reset_in_mid_sample": 15,
    "any_state_before_a_reset": 15,
    "idle_output_stays_quiet": 5,
    "broken_frame_is_flagged": 10,
    "valid_never_waits_for_ready": 20,
}
"""Of the budget, in parts; what a phase leaves over goes to those after it."""

STALLED_FACTOR = 1.5
"""How much longer a sample takes under stalls, about."""


class CutShortError(Exception):
    """The share of a phase is used up."""


class LeftOutError(Exception):
    """A phase makes no sense with a share that small."""


def share_cycles(name: str, wanted: Sequence[str], budget_cycles: int, used_cycles: int) -> int:
    """What the phase ``name`` may take of a budget, of which so much is used."""
    coming = wanted[list(wanted).index(name) :]
    parts = sum(SHARES.get(phase, 10) for phase in coming)
    return max(0, budget_cycles - used_cycles) * SHARES.get(name, 10) // parts


def samples_in(cycles: int | None, plan: Plan | None, most: int) -> int:
    """Samples back to back that fit into so many cycles: at most ``most``, at least one."""
    if cycles is None or plan is None:
        return most
    return max(1, min(most, 1 + (cycles - plan.latency_cycles) // max(1, plan.ii_cycles)))


def stalled_samples_in(cycles: int | None, plan: Plan | None, patterns: int, most: int) -> int:
    """Samples for each of the pause patterns; 0 if not even one each fits in, and they have to take turns."""
    if cycles is None or plan is None or not patterns:
        return most
    each = int(cycles / STALLED_FACTOR / patterns)
    return 0 if each < plan.latency_cycles else samples_in(each, plan, most)
