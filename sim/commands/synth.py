"""The verb ``synth``: a network on a device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim.commands.checks import CheckFailedError
from sim.commands.design_argument import fitted
from sim.commands.model_argument import Model
from sim.commands.printing import as_text, say, say_json, say_table, stages
from sim.commands.user_error import blame_user
from sim.synthesis.result import SynthesisError
from sim.synthesis.synthesize import require_tools, synthesize_fastest, target_of


def synth(
    model: str,
    target: str,
    multipliers: int | None,
    unrolled: bool,
    latency_intervals: float | None,
    seed: int,
    placements: int,
    timeout: int | None,
    no_route: bool,
    output: Path | None,
    json: bool,
) -> None:
    """Cells, memories, multipliers and the clock."""
    device = target_of(target)
    with blame_user():
        require_tools(device)
    with blame_user("--output"):
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
    network = Model.load(model)
    design = fitted(network, multipliers, unrolled, device, latency_intervals)
    with stages(f"{design.name} for {target}") as tell, judged(json), blame_user(f"MODEL {model!r}"):
        result = synthesize_fastest(
            design, device, placements, seed=seed, keep=output, timeout=timeout, routes=not no_route, tell=tell
        )
    content = result.as_json()
    if json:
        say_json(content)
    else:
        print_synthesis(content, "samples")


@contextmanager
def judged(json: bool) -> Iterator[None]:
    """Hardware that is not what was planned is a failed check."""
    try:
        yield
    except SynthesisError as error:
        raise CheckFailedError(as_text({"error": str(error)}) if json else str(error)) from error


def print_synthesis(content: Mapping[str, Any], what: str) -> None:
    """Tables of ``Synthesis.as_json``; ``what`` the hardware makes so many of a second."""
    say(f"{content['name']} on {content['device']}\n")
    names = ("luts", "carries", "flip_flops", "block_rams", "sprams", "lut_rams", "multipliers")
    rows = [(name.replace("_", " "), f"{content[name]:,}") for name in names if content[name] or name == "luts"]
    say_table({"cells": "left", "number": "right"}, rows)
    say("")
    used = [
        (name, f"{pair['used']:,}", f"{pair['available']:,}", f"{pair['share']:.1%}")
        for name, pair in content["utilisation"].items()
    ]
    say_table({"of the device": "left", "used": "right", "available": "right", "share": "right"}, used)
    if content["clock_mhz"] is None:
        say("\nclock: not known, there is no placement and routing for this target")
        return
    estimated = " (estimate before routing)" if content["clock_stage"] == "placement" else ""
    say(f"\nclock_mhz      {content['clock_mhz']}{estimated}, {content['samples_per_s']:,} {what} a second")
    path = content["critical_path"]
    if path:
        say(
            f"critical path  from {path['from_layer']} to {path['to_layer']}: {path['delay_ns']} ns, "
            f"{path['logic_ns']} in logic and {path['routing_ns']} in routing"
        )
