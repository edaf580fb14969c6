"""Results of synthesis side by side: rows for a report, and the README's table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.synthesis.cache import RESULTS, default_folder
from sim.synthesis.targets import TARGETS

FIELDS = ("luts", "carries", "flip_flops", "block_rams", "lut_rams", "multipliers", "clock_mhz")
HEADINGS = ("LUT", "carry", "FF", "block RAM", "LUT RAM", "multipliers", "clock (MHz)")


def rows(cache: Path | None = None) -> list[dict[str, Any]]:
    """The last result of every network, folding and target, as of ``Synthesis.as_json``, with its ``folding``.

    Args:
        cache: of ``synthesize``; without it the user's.
    """
    found = []
    for path in sorted(((cache or default_folder()) / RESULTS).glob("*.json")):
        try:
            result = json.loads(path.read_text())
            budget = result["multiplier_budget"]
            found.append({**result, "folding": "unrolled" if budget is None else f"m{budget}"})
        except (OSError, ValueError, KeyError):  # of another version
            continue
    order = list(TARGETS)
    return sorted(found, key=lambda row: (row["name"], row["multiplier_budget"] or 0, order.index(row["target"])))


def agreeing(found: Sequence[Mapping[str, Any]], network: str, plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of ``network`` with the hardware of ``plan``, as of ``Plan.as_json``: others are of older sources."""
    same = {"multiplier_budget": "multiplier_budget", "ii_cycles": "ii_cycles", "latency_cycles": "latency_cycles"}
    same["planned_multipliers"] = "multipliers"
    return [
        row
        for row in found
        if row["name"] == network and all(row[ours] == plan.get(theirs) for ours, theirs in same.items())
    ]


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown; a clock that is not known is a dash."""
    head = ["network", "size", "target", *HEADINGS]
    lines = [f"| {' | '.join(head)} |", f"|---|---|---|{'--:|' * len(HEADINGS)}"]
    for row in found:
        values = ["-" if row[field] is None else f"{row[field]:,}" for field in FIELDS]
        lines.append(f"| {' | '.join([row['name'], row['folding'], row['target'], *values])} |")
    return "\n".join(lines)
