"""A design on a device: synthesis, placement and routing, checked against what was planned."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from golden.serialize import write_atomically
from sim.synthesis import nextpnr, yosys
from sim.synthesis.cache import RESULTS, Stage, default_folder, key, stage
from sim.synthesis.estimate import Estimate, estimate
from sim.synthesis.fit import Advise, advice, check_fit
from sim.synthesis.layers import layers_by_name
from sim.synthesis.result import DoesNotFitError, Netlist, Synthesis, SynthesisError, Timing
from sim.synthesis.subject import Subject
from sim.synthesis.targets import TARGETS, Target
from sim.tools import find_tool, run_tool

Tell = Callable[[str], None]
"""Is told the stage that begins: ``synthesis``, ``placement``, ``routing``."""


def synthesize(
    design: Subject,
    target: str | Target,
    *,
    seed: int = 1,
    timeout: float | None = None,
    places: bool = True,
    routes: bool = True,
    keep: Path | None = None,
    cache: Path | None = None,
    tell: Tell | None = None,
    advise: Advise | None = None,
) -> Synthesis:
    """Synthesize ``design`` for a device, place and route it, and check it against the plan.

    Args:
        design: the hardware.
        target: a name in ``sim.synthesis.targets.TARGETS``, or one of them.
        seed: of placement.
        timeout: seconds for each program.
        places: whether to place it; without it there is no clock.
        routes: whether to route it; without it the clock is an estimate after placement.
        keep: folder for a copy of all files.
        cache: folder for finished stages; without it ``sim.synthesis.cache.default_folder()``.
        tell: is told the stages as they begin.
        advise: what would fit, as a clause, given what is needed by resource; by default another folding.

    Raises:
        ValueError: for a target that there is not.
        FileNotFoundError: if a program is missing; one line that says how to install it.
        DoesNotFitError: if the device is too small; one line that says what would fit.
        SynthesisError: if a memory or the multipliers are not what was planned.
        ToolError: if a program fails or takes too long.
    """
    device = target_of(target)
    root, tell = cache or default_folder(), tell or (lambda _: None)
    require_tools(device, places=places)
    expected = estimate(design, device.family)
    told = advise or (lambda counts: advice(design, device, counts))
    check_fit(design.name, device, expected.counts, told)
    tell("synthesis")
    tools = {program: version(find_tool(program)) for program in programs(device, places=places)}
    made = _synthesized(design, device, root, timeout, tools[yosys.PROGRAM])
    netlist = yosys.read_netlist(design, device.family, made.folder)
    check_planned(netlist, expected, design)
    check_fit(design.name, device, {**netlist.counts, "lut": needed_luts(netlist, device)}, told)
    stages = [made]
    timing: Timing | None = None
    if device.router and places:
        try:
            routed = _routed(design, device, made, root, seed, routes, timeout, tools[device.router[0]], tell)
        except DoesNotFitError as error:
            # Packing needs more sites than there are cells: at least one more than there is.
            most = max(needed_luts(netlist, device), device.available["lut"] + 1)
            raise DoesNotFitError(f"{error}; {told({**netlist.counts, 'lut': most})}") from None
        timing = nextpnr.read_timing(routed.folder, layers_by_name(design), routed=routes)
        stages.append(routed)
    result = Synthesis(
        name=design.name,
        target=device.name,
        device=device.device,
        plan=design.plan.as_json(),
        netlist=netlist,
        timing=timing,
        available=dict(device.available),
        tools=tools,
        seed=seed,
        time_s=sum(done.summary["time_s"] for done in stages),
        kept=all(done.kept for done in stages),
    )
    _keep(result, stages, root, keep)
    return result


def synthesize_fastest(
    design: Subject, target: str | Target, placements: int, *, seed: int = 1, keep: Path | None = None, **options: Any
) -> Synthesis:
    """``synthesize`` with so many seeds of placement from ``seed`` on: the result with the fastest clock.

    Placement begins at random, and the clocks that come of it differ by several percent. Options and errors are those
    of ``synthesize``; only the fastest result is kept in ``keep``.

    Raises:
        ValueError: for fewer than one placement.
    """
    if placements < 1:
        raise ValueError(f"there must be at least 1 placement, not {placements}")
    results = [synthesize(design, target, seed=seed + n, **options) for n in range(placements)]
    clocks = [result.timing.clock_mhz if result.timing else 0.0 for result in results]
    # What has been finished is in the cache; once more, so that it is the last one there.
    return synthesize(design, target, seed=seed + clocks.index(max(clocks)), keep=keep, **options)


def target_of(target: str | Target) -> Target:
    """A target by name.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(target, Target):
        return target
    if target not in TARGETS:
        raise ValueError(f"the target must be one of {', '.join(TARGETS)}, not {target!r}")
    return TARGETS[target]


def programs(target: Target, *, places: bool = True) -> tuple[str, ...]:
    """What has to be installed."""
    return (yosys.PROGRAM, *(target.router[:1] if places else ()))


def require_tools(target: Target, *, places: bool = True) -> None:
    """Look for all programs before anything takes time.

    Raises:
        FileNotFoundError: if one is missing; one line that says how to install it.
    """
    for program in programs(target, places=places):
        find_tool(program)


@cache
def version(program: Path) -> str:
    """A program in its own words."""
    log = run_tool([program, "--version"], cwd=program.parent).log
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith("Preparing to run")]
    return lines[-1] if lines else ""


def needed_luts(netlist: Netlist, target: Target) -> int:
    """LUT sites that are certainly needed: those of carry chains and LUT RAMs too, where a site is one or the other."""
    counts = netlist.counts
    if target.family.name == "ecp5":
        return counts["lut"] + 2 * counts["carry"] + 4 * counts["lut_ram"]
    return counts["lut"]


def check_planned(netlist: Netlist, expected: Estimate, design: Subject) -> None:
    """Whether every memory, and the multipliers, are what they were to be.

    Raises:
        SynthesisError: naming memory and layer, or both numbers of multipliers.
    """
    for memory in netlist.memories:
        planned = expected.block_rams[memory.name]
        if memory.block_rams != planned:
            raise SynthesisError(
                f"layer {memory.layer!r}: the memory {memory.name} of {memory.words} words of {memory.bits} bits was "
                f"to be {_blocks(planned)}, and synthesis made {_blocks(memory.block_rams)} of it"
            )
    surplus = netlist.counts["block_ram"] - sum(expected.block_rams.values())
    if surplus:
        raise SynthesisError(f"synthesis made {surplus} block RAMs of what is no memory of {design.name}")
    found = netlist.counts["multiplier"]
    if found != expected.multipliers:
        raise SynthesisError(
            f"{design.name} was to have {expected.multipliers} multipliers, and synthesis made {found}"
        )


def _blocks(number: int) -> str:
    return f"{number} block RAM{'s' if number > 1 else ''}" if number else "logic without block RAM"


def _synthesized(design: Subject, target: Target, root: Path, timeout: float | None, tool: str) -> Stage:
    from rtlgen.memories import memories_of

    text = yosys.script(design.name, memories_of(design.block, design.plan.layers), target.family)
    name = f"{design.name}-{target.family.name}-{key(design.verilog, text, tool)}"
    return stage(root, name, lambda folder: yosys.run_yosys(design, target.family, folder, timeout))


def _routed(
    design: Subject,
    target: Target,
    made: Stage,
    root: Path,
    seed: int,
    routes: bool,
    timeout: float | None,
    tool: str,
    tell: Tell,
) -> Stage:
    def work(folder: Path) -> None:
        shutil.copy(made.folder / yosys.JSON, folder)
        tell("placement")
        with _following(folder / nextpnr.LOG, tell):
            nextpnr.run_nextpnr(target, folder, seed, routes=routes, timeout=timeout)

    parts = (made.folder.name, target.router, target.goal_mhz, seed, routes, tool)
    return stage(root, f"{design.name}-{target.name}-{key(*parts)}", work)


@contextmanager
def _following(log: Path, tell: Tell) -> Iterator[None]:
    """Tells when routing starts, as the log says."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(0.5):
            if log.exists() and nextpnr.ROUTING_STARTS.search(log.read_text(errors="replace")):
                tell("routing")
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep(result: Synthesis, stages: Sequence[Stage], root: Path, keep: Path | None) -> None:
    content = json.dumps(result.as_json(), indent=1).encode() + b"\n"
    budget = result.plan["multiplier_budget"]
    folding = "unrolled" if budget is None else f"m{budget}"
    (root / RESULTS).mkdir(parents=True, exist_ok=True)
    if result.timing is None or result.timing.stage == "routing":  # an estimate is nothing to report
        write_atomically(root / RESULTS / f"{result.name}-{folding}-{result.target}.json", content)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for done in stages:
            for path in done.folder.iterdir():
                shutil.copy(path, keep / path.name)
        write_atomically(keep / f"{result.name}.synth.json", content)
