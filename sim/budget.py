"""How many cycles a simulator may take, and how many samples that are: a stated budget, never a silent one.

A simulator's speed falls with the size of a design, which PyRTL counts in nets: budgets are made of a time, the nets
and what was measured, once, on one processor (2,000 to 7,000 nets: networks of the zoo and of MLPerf Tiny)::

    simulator    nets x cycles a second    of 2,000 nets      of 7,000 nets      before it starts
    PyRTL        700 million compiled     100,000 cycles/s   100,000 cycles/s    1.2 ms a net
    Icarus       13 million                 6,500 cycles/s     1,850 cycles/s    at once
    Verilator    4,500 million            700,000 cycles/s   640,000 cycles/s    15 to 40 s

What follows from a budget is a function of the design alone: the time that a run takes never changes what is run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtlgen import Plan

ACCURACY_S, VERIFY_S = 120.0, 45.0
"""What ``tensorgate accuracy`` may simulate, and ``verify`` in each of its steps, without another wish."""


DEFAULT_MULTIPLIERS = 64
"""What a design may have, without another wish."""
NO_BOUND = sys.maxsize
"""A budget of cycles that is none."""


@dataclass(frozen=True)
class Speed:
    """Of a simulator: net-cycles a second, the most cycles a second, and seconds before it starts, once and a net."""

    net_cycles_per_s: float
    most_cycles_per_s: float
    start_s: float
    start_s_per_net: float

    def cycles_per_s(self, nets: int) -> float:
        """Of a design of so many nets."""
        return min(self.most_cycles_per_s, self.net_cycles_per_s / nets)

    def time_s(self, nets: int, cycles: int) -> float:
        """How long a run takes, roughly."""
        return self.start_s + nets * self.start_s_per_net + cycles / self.cycles_per_s(nets)


SPEEDS: Mapping[str, Speed] = {
    "pyrtl": Speed(700e6, 100_000, 0.1, 0.0012),
    "icarus": Speed(13e6, 20_000, 0.3, 0.0001),
    "verilator": Speed(4.5e9, 700_000, 15.0, 0.002),
}
"""By the name of the simulator."""


def budget_cycles(simulator: str, nets: int, time_s: float) -> int:
    """Cycles that a simulator runs of a design of ``nets`` nets in about ``time_s`` seconds: a round number."""
    cycles: int = int(SPEEDS[simulator].cycles_per_s(nets) * time_s)
    unit: int = 10 ** max(0, int(log10(max(cycles, 1))) - 1)
    return max(1, cycles // unit * unit)


def cycles_of(plan: Plan, samples: int) -> int:
    """Cycles of so many samples back to back, 0 for none."""
    return plan.latency_cycles + (samples - 1) * plan.ii_cycles + 1 if samples else 0


def samples_within(plan: Plan, cycles: int, samples: int) -> int:
    """As many of ``samples`` as a budget of ``cycles`` allows back to back, but one at least."""
    return max(1, min(samples, 1 + (cycles - 1 - plan.latency_cycles) // plan.ii_cycles))


def estimated_nets(plan: Plan) -> int:
    """Nets of the hardware that a plan describes, within a factor of two: no need to make it."""
    if plan.budget is None:
        return 14 * plan.macs + 200 * len(plan.layers)
    return 200 * len(plan.layers) + 16 * plan.multipliers
