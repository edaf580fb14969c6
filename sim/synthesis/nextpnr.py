"""nextpnr: placement and routing, and the clock that comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.synthesis.layers import TOP, layer_of
from sim.synthesis.result import CriticalPath, DoesNotFitError, Timing
from sim.synthesis.targets import Target
from sim.synthesis.yosys import JSON
from sim.tools import ToolError, run_tool

LOG, REPORT = "nextpnr.log", "timing.json"
ROUTING_STARTS = re.compile(r"^Info: (Routing|Running router)", re.MULTILINE)
"""What it prints when placement has ended."""
_USED = re.compile(r"^Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s", re.MULTILINE)
_FULL = re.compile(
    r"no Bels remaining|[Uu]nable to (find legal placement|place)|[Ff]ailed to (place|expand region)", re.MULTILINE
)


def run_nextpnr(target: Target, folder: Path, seed: int, *, routes: bool = True, timeout: float | None = None) -> None:
    """Place and route the netlist in ``folder``; leaves a report there.

    Args:
        target: one with a router.
        folder: of ``run_yosys``.
        seed: of placement.
        routes: whether to route; without it the report holds estimates.
        timeout: seconds.

    Raises:
        DoesNotFitError: if the device is too small.
        ToolError: if nextpnr fails, or takes too long.
    """
    command = [*target.router, "--json", JSON, "--seed", str(seed), "--freq", str(target.goal_mhz)]
    command += ["--timing-allow-fail", "--report", REPORT, *([] if routes else ["--no-route"])]
    (folder / LOG).unlink(missing_ok=True)
    try:
        run_tool(command, cwd=folder, timeout=timeout, log=folder / LOG)
    except ToolError as error:
        line = next((line for line in error.log.splitlines() if line.startswith("ERROR:")), "")
        over = exceeded(error.log)
        if over:
            raise DoesNotFitError(_too_large(target, over)) from None
        if _FULL.search(line):
            raise DoesNotFitError(f"it does not fit on {target.name}: {line.removeprefix('ERROR: ')}") from None
        raise ToolError(f"{error.reason}: {line}" if line else error.reason, error.command, error.log) from None


def exceeded(log: str) -> dict[str, tuple[int, int]]:
    """Used and available of every resource that the log says there is too little of."""
    pairs = {match[1]: (int(match[2]), int(match[3])) for match in _USED.finditer(log)}
    return {name: (used, available) for name, (used, available) in pairs.items() if used > available}


def _too_large(target: Target, over: Mapping[str, tuple[int, int]]) -> str:
    parts = [
        f"{used:,} {name} and there are {available:,}, {used - available:,} too many ({used / available - 1:.0%} over)"
        for name, (used, available) in over.items()
    ]
    return f"it does not fit on {target.name}: it needs {'; '.join(parts)}"


def read_timing(folder: Path, layers: dict[str, str], *, routed: bool = True) -> Timing:
    """What ``run_nextpnr`` left in ``folder``.

    Args:
        folder: of ``run_nextpnr``.
        layers: of names in the Verilog, as of ``sim.synthesis.layers.layers_by_name``.
        routed: whether it was to route.

    Raises:
        ValueError: if the report is none of nextpnr, or has no clock.
    """
    report = json.loads((folder / REPORT).read_text())
    if not report.get("fmax"):
        raise ValueError("the report of nextpnr has no clock")
    achieved = min(clock["achieved"] for clock in report["fmax"].values())
    return Timing(
        round(achieved, 2),
        critical_path(report["critical_paths"], layers),
        {name: dict(pair) for name, pair in report["utilization"].items()},
        "routing" if routed else "placement",
    )


def critical_path(paths: Sequence[Mapping[str, Any]], layers: dict[str, str]) -> CriticalPath | None:
    """The slowest path from clock edge to clock edge, named by layer."""
    clocked = [path for path in paths if path["from"].startswith(("posedge", "negedge")) and path["from"] == path["to"]]
    if not clocked:
        return None
    steps = max((path["path"] for path in clocked), key=lambda path: sum(step["delay"] for step in path))
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    total = sum(step["delay"] for step in steps)
    along: list[str] = []
    for step in steps:
        name = step.get("net") or step["to"]["cell"]
        layer = layer_of(name, layers) or layer_of(step["to"]["cell"], layers) or TOP
        if not along or along[-1] != layer:
            along.append(layer)
    ends = (steps[0]["from"]["cell"], steps[-1]["to"]["cell"])
    return CriticalPath(
        layer_of(ends[0], layers) or along[0],
        layer_of(ends[1], layers) or along[-1],
        tuple(along),
        *ends,
        round(total - routing, 3),
        round(routing, 3),
    )
