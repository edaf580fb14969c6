"""The verb ``fuzz``: random networks against every witness, or a kept case once more."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sim.commands.checks import CheckFailedError, check_tools
from sim.commands.printing import as_text, say, say_json, say_table, stages, working
from sim.commands.program import program
from sim.commands.user_error import blame_user
from sim.fuzzing.campaign import netlist_is_possible, require_hypothesis, run_campaign
from sim.fuzzing.case import Case, summary
from sim.fuzzing.check import RefusedError
from sim.fuzzing.postmortem import check_or_keep, keep
from sim.synthesis.yosys import PROGRAM
from sim.tools import TOOLS, find_tool

DEFAULT_TIME_S = 60.0


def fuzz(
    time_s: float | None,
    seed: int,
    networks: int | None,
    icarus: float,
    netlist: float | None,
    output: Path,
    case: Path | None,
    json: bool,
) -> None:
    """A campaign, or a case that was kept."""
    if case is not None:
        _again(case, output, json)
        return
    check_tools(["icarus"] if icarus else [])
    with blame_user():
        require_hypothesis()
        if netlist:
            find_tool(PROGRAM)
    left_out = netlist is None and icarus > 0 and not netlist_is_possible()
    if netlist is None:
        netlist = 0.0 if left_out else icarus
    with blame_user("--output"):
        output.mkdir(parents=True, exist_ok=True)
    limit_s = DEFAULT_TIME_S if time_s is None and networks is None else time_s
    with stages("random networks") as tell:
        outcome = run_campaign(
            seed,
            time_s=limit_s,
            networks=networks,
            icarus=icarus,
            netlist=netlist,
            advance=lambda done: tell(f"{done:,} done"),
        )
    content = outcome.as_json()
    if left_out:
        content["left_out"] = f"no netlists: {PROGRAM} is not installed: {TOOLS[PROGRAM]}"
    if outcome.failure is None:
        if json:
            say_json(content)
        else:
            _print(content)
        return
    failed, error = outcome.failure
    folder = _new_folder(output, seed)
    command = shlex.join([*program(), "fuzz", "--case", str(folder)])
    with working("looking where it differs"), blame_user("--output"):
        difference = keep(failed, error, folder, command)
    content["failure"] |= {"case": str(folder), "command": command, "difference": difference and asdict(difference)}
    if json:
        raise CheckFailedError(as_text(content))
    _print(content)
    kept = f"to keep it for good: cp -r {shlex.quote(str(folder))} tests/cases/NAME"
    raise CheckFailedError(f"\n{_told(failed, error)}\n  reproduce with: {command}\n  {kept}")


def _again(folder: Path, output: Path, json: bool) -> None:
    with blame_user("--case"):
        case = Case.load(folder)
    check_tools(["icarus"] if case.witness == "icarus" else [])
    with blame_user():
        if case.witness == "netlist":
            find_tool(PROGRAM)
    content: dict[str, Any] = {"case": str(folder), "network": str(case)}
    try:
        kept = output / f"again-{folder.resolve().name}"
        with working(f"checking {folder}"):
            design = check_or_keep(case, kept, shlex.join([*program(), "fuzz", "--case", str(folder)]))
    except RefusedError as error:
        content |= {"verdict": "refused", "error": str(error)}
        told = f"{folder}: refused: {error}"
    except Exception as error:
        # What is kept of it, or why nothing is, are its notes.
        notes = getattr(error, "__notes__", [])
        content |= {"verdict": "different", "error": summary(error), "notes": notes}
        told = "\n  ".join([_told(case, error), *notes])
        raise CheckFailedError(as_text(content) if json else told) from error
    else:
        plan = design.plan
        content |= {"verdict": "equal", "ii_cycles": plan.ii_cycles, "latency_cycles": plan.latency_cycles}
        told = (
            f"{folder}: golden == {case.witness} on {len(case.x)} samples, every layer equal; "
            f"a sample every {plan.ii_cycles} cycles, the first one after {plan.latency_cycles}: exactly as planned"
        )
    if json:
        say_json(content)
    else:
        say(told)


def _told(case: Case, error: BaseException) -> str:
    return f"{summary(error)}\n  of the network with {case}"


def _new_folder(output: Path, seed: int) -> Path:
    """Where nothing is yet."""
    number = 1
    while (output / f"seed{seed}-{number}").exists():
        number += 1
    return output / f"seed{seed}-{number}"


def _print(content: dict[str, Any]) -> None:
    refused = sum(content["refused"].values())
    say(
        f"{content['networks']:,} random networks from seed {content['seed']}: golden and PyRTL on every layer and "
        f"cycle; {content['icarus']:,} of them stalled under Icarus, {content['netlist']:,} as netlists; "
        f"{content['time_s']} s"
    )
    if refused:
        say(f"{refused:,} more have no hardware, and are told so: {_listed(content['refused'])}")
    if "left_out" in content:
        say(content["left_out"])
    say("")
    names = ("ops", "arithmetics", "foldings", "features")
    say_table({"in networks": "left", "": "left"}, [(name, _listed(content[name])) for name in names])


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
