"""Whether a design fits on a device, and if not, what would."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import rtlgen
from golden.graph import Graph
from rtlgen import Design, Plan
from sim.synthesis.estimate import estimate
from sim.synthesis.result import DoesNotFitError
from sim.synthesis.subject import Subject
from sim.synthesis.targets import Target

Advise = Callable[[Mapping[str, int]], str]
"""What would fit, as a clause, given what is needed by resource."""

TOLD = {
    "lut": "LUTs",
    "flip_flop": "flip-flops",
    "block_ram": "block RAMs",
    "spram": "single-port RAMs",
    "multiplier": "multipliers",
}


def needed(design: Design, target: Target, lut_scale: float = 1.0) -> dict[str, int]:
    """What ``design`` takes of a device, by resource: multipliers and memories exactly, LUTs by the plan's estimate."""
    return {"lut": round(lut_scale * _luts(design.plan)), **estimate(design, target.family).counts}


def fitting(graph: Graph, target: Target, multipliers: int, name: str) -> Design:
    """The hardware with the most multipliers, up to so many, that fits on a device by estimate.

    Raises:
        DoesNotFitError: if none does; naming what there is too little of even with the fewest.
    """
    design = rtlgen.generate(graph, min(multipliers, target.available["multiplier"]), name=name)
    if exceeded(needed(design, target), target):
        design = rtlgen.generate(graph, nearest_budget(design, target, {}) or 1, name=name)
        check_fit(name, target, needed(design, target), lambda counts: advice(design, target, counts))
    return design


def check_fit(name: str, target: Target, counts: Mapping[str, int], advise: Advise) -> None:
    """Whether ``counts``, by resource, of what is called ``name`` are there on ``target``.

    Raises:
        DoesNotFitError: naming the resources, how many are needed, there and missing, and the folding that would fit.
    """
    over = exceeded(counts, target)
    if over:
        raise DoesNotFitError(f"{too_large(name, target, over)}; {advise(counts)}")


def exceeded(counts: Mapping[str, int], target: Target) -> dict[str, tuple[int, int]]:
    """Needed and available of every resource that there is too little of."""
    pairs = {name: (counts.get(name, 0), available) for name, available in target.available.items()}
    return {name: (needed, available) for name, (needed, available) in pairs.items() if needed > available}


def too_large(name: str, target: Target, over: Mapping[str, tuple[int, int]]) -> str:
    """What is said of a design that does not fit."""
    parts = [
        f"{needed:,} {TOLD[resource]} and there are {available:,}, {needed - available:,} too many"
        + (f" ({needed / available - 1:.0%} over)" if available else "")
        for resource, (needed, available) in over.items()
    ]
    return f"{name} does not fit on {target.name}: it needs {' and '.join(parts)}"


def advice(design: Subject, target: Target, counts: Mapping[str, int]) -> str:
    """The largest smaller budget of multipliers whose estimate fits, as a clause."""
    budget = nearest_budget(design, target, counts) if isinstance(design, Design) else None
    if budget is None:
        return "no smaller number of multipliers fits either, by estimate"
    return f"--multipliers {budget} fits by estimate"


def nearest_budget(design: Design, target: Target, counts: Mapping[str, int]) -> int | None:
    """The largest budget below that of ``design`` that fits: multipliers and memories exactly, LUTs by estimate."""
    scale = counts["lut"] / max(_luts(design.plan), 1) if counts.get("lut") and design.plan.budget else 1.0
    start = design.plan.multipliers - 1 if design.plan.budget else target.available["multiplier"]
    budget = min(start, target.available["multiplier"])
    while budget >= 1:
        smaller = rtlgen.generate(design.graph, budget, name=design.name)
        if not exceeded(needed(smaller, target, scale), target):
            return budget
        budget = min(smaller.plan.multipliers, budget) - 1
    return None


def _luts(plan: Plan) -> int:
    return sum(layer.lut_sites for layer in plan.layers.values())
