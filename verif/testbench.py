"""The testbench: every phase says in its name what must hold. All run in one simulation; each begins with a reset.

Started by a simulator with ``+verif=config.json`` (see ``verif.config.Config``) on top of ``verif.harness``. Into the
build folder go ``result.json`` (phases, measured cycles, coverage), ``findings.json`` (what is wrong, in network
order) and ``recording.npz`` (every top pin on every cycle).
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import cocotb

from verif.bench import Bench, write_json
from verif.config import Config
from verif.effort import (
    STALLED_FACTOR,
    CutShortError,
    LeftOutError,
    samples_in,
    share_cycles,
    stalled_samples_in,
)
from verif.finding import CheckError

EARLY_BEATS = 64
"""Where something has to happen amid a sample, and there is a budget, it happens in these beats."""
MOST_FILLINGS = 64
"""A design that has taken so many times its samples, and given none, has lost them."""

RANDOM_RESETS = 8
"""So many at random places; any further ones follow a sample so many cycles later, from none on."""

FILLING_SAMPLES = 12
"""More than a small network can hold."""

Phase = Callable[[Bench], Awaitable[None]]
_bench: list[Bench] = []
_defined: dict[str, Phase] = {}
_phases: dict[str, dict[str, Any]] = {}
_measured: dict[str, int | None] = {"latency_cycles": None, "ii_cycles": None}


def _attach(dut: Any) -> Bench:
    """One bench for the whole simulation: the recording runs on from test to test."""
    if not _bench:
        _bench.append(Bench(dut, Config.load(Path(str(cocotb.plusargs["verif"])))))
    return _bench[0]


def phase(body: Phase) -> Any:
    """A cocotb test that resets the design, runs the body, and writes down what came out."""
    name = body.__name__
    _defined[name] = body

    @cocotb.test()
    @functools.wraps(body)
    async def test(dut: Any) -> None:
        bench = _attach(dut)
        wanted = _wanted(bench)
        if name not in wanted:
            return
        bench.board.phase = name
        outcome: dict[str, Any] = {"passed": False}
        first_cycle = bench.now
        budget = bench.config.budget_cycles
        bench.share(None if budget is None else share_cycles(name, wanted, budget, bench.now + 1))
        try:
            if not bench.carries_on:
                await bench.reset()
            try:
                await body(bench)
            except CutShortError:
                outcome["cut_short"] = True
            except LeftOutError:
                outcome["left_out"] = True
            bench.board.verdict()
            outcome["passed"] = True
        except CheckError:
            raise
        except Exception:
            outcome["error"] = traceback.format_exc()  # ours, not the design's
            raise
        finally:
            outcome["cycles"] = bench.now - first_cycle
            _phases[name] = outcome
            _save(bench)
            if name == wanted[-1]:
                bench.recorder.save(bench.config.build / "recording.npz")

    return test


async def run_phases(bench: Bench) -> None:
    """Every wanted phase on this bench, in their order, without a budget and within the cocotb test that calls.

    Raises:
        CheckError: at the first phase that finds something.
    """
    for name in _wanted(bench):
        bench.board.phase = name
        if not bench.carries_on:
            await bench.reset()
        await _defined[name](bench)
        bench.board.verdict()


def _wanted(bench: Bench) -> list[str]:
    """The phases to run, in their order."""
    unknown = [name for name in bench.config.phases if name not in _defined]
    if unknown:
        raise ValueError(f"a phase must be one of {', '.join(_defined)}, not {unknown[0]!r}")
    return [name for name in _defined if name in (bench.config.phases or _defined)]


def _save(bench: Bench) -> None:
    build, findings = bench.config.build, [finding.as_json() for finding in bench.board.in_network_order]
    write_json(build / "findings.json", findings)
    content = {
        "passed": all(outcome["passed"] for outcome in _phases.values()),
        "cycles": bench.now + 1,
        "measured": _measured,
        "phases": _phases,
        "coverage": bench.coverage(),
        "covered": bench.covered(),
        "carried": {context: sorted(samples) for context, samples in bench.board.carried.items()},
    }
    write_json(build / "result.json", content)


@phase
async def every_sample_without_stalls(bench: Bench) -> None:
    """Back-to-back samples at full speed: the values, and exactly the planned latency and initiation interval."""
    plan, output = bench.ports.plan, bench.board.monitors[-1]
    if bench.left_cycles is not None and plan:
        bench.share(max(bench.left_cycles, plan.latency_cycles + 64))  # one result at least
    samples = samples_in(bench.left_cycles, plan, bench.config.unstalled)
    taking_turns = _samples_taking_turns(bench, samples)
    bench.send(samples + taking_turns)
    if taking_turns and await bench.until(lambda: output.tensors >= samples):
        bench.board.verdict()
        bench.carries_on = True  # with the stalls, while the network is full: to fill it again would take too long
    else:
        await bench.finish()
    latency, interval = bench.measured()
    _measured.update(latency_cycles=latency, ii_cycles=interval)
    _check_plan(bench)


def _samples_taking_turns(bench: Bench, unstalled: int) -> int:
    """Samples to stall right after so many without stalls, if there is no time for one with each pair of patterns."""
    budget, plan, patterns = bench.config.budget_cycles, bench.ports.plan, len(bench.config.patterns)
    wanted, stalls = _wanted(bench), "every_sample_under_stalls"
    if budget is None or plan is None or not patterns or stalls not in wanted:
        return 0
    used = bench.now + plan.latency_cycles + (unstalled - 1) * plan.ii_cycles
    share = share_cycles(stalls, wanted, budget, used)
    if stalled_samples_in(share, plan, patterns, bench.config.stalled):
        return 0
    return max(1, min(bench.config.stalled * patterns, int(share / STALLED_FACTOR / plan.ii_cycles)))


def _check_plan(bench: Bench) -> None:
    """Every result since the reset on exactly the cycle that the plan says."""
    plan = bench.ports.plan
    if plan is None:
        return
    start = bench.board.monitors[0].starts[0]
    for sample, end in enumerate(bench.board.monitors[-1].ends):
        name, planned = ("ii_cycles", plan.ii_cycles) if sample else ("latency_cycles", plan.latency_cycles)
        due = plan.due_cycle(sample)
        if end - start != due:
            measured = planned + end - start - due
            what = f"the plan says {planned}, measured are {measured}, at result {sample} since the reset"
            bench.report(name, what, golden=planned, hardware=measured)
            return


@phase
async def every_sample_under_stalls(bench: Bench) -> None:
    """The same values under every pair of pause patterns; if there is little time, they take turns amid a sample."""
    patterns, plan, left = bench.config.patterns, bench.ports.plan, bench.left_cycles
    samples = 0 if bench.carries_on else stalled_samples_in(left, plan, len(patterns), bench.config.stalled)
    if left is not None and not samples:
        left = await _until_a_result_waits(bench, left)
    for source, sink in patterns:
        bench.board.phase = f"every_sample_under_stalls[{source},{sink}]"
        bench.pause(source, sink)
        bench.send(samples)
        if samples or left is None:
            await bench.finish()
            continue
        change = bench.now + left // len(patterns)
        if not await bench.until(lambda change=change: bench.board.complete or bench.now >= change):  # type: ignore[misc]
            break  # it hangs, and ``finish`` says where
    if not bench.board.complete:
        await bench.finish()


async def _until_a_result_waits(bench: Bench, left: int) -> int:
    """Let the stalls begin where they tell most: with a result that is held up, and what is behind it; cycles left."""
    plan, output = bench.ports.plan, bench.board.monitors[-1]
    if not bench.carries_on:
        bench.send(1)
    elif plan:
        bench.share(max(left, int(STALLED_FACTOR * plan.ii_cycles) + 64))
    bench.carries_on = False
    bench.sink.blocked = True
    await bench.cycle()  # the result before has moved in the last one
    if not await bench.until(lambda: output.handshake[0] == "1"):
        output.fail(bench.now, "rule 3", "valid is low although a result is due: it waits for ready")
        bench.board.verdict()
    bench.sink.blocked = False
    return bench.left_cycles or 0


@phase
async def reset_in_mid_sample(bench: Bench) -> None:
    """After a reset amid a sample the next one, the least saturated, comes out right and on time, as if nothing was.

    Beyond ``RANDOM_RESETS`` more samples come than buffers hold, nobody takes them for a while, and all are right.
    """
    beats, plan = bench.ports.input.beats, bench.ports.plan
    for attempt in range(bench.config.resets):
        left = bench.left_cycles
        if attempt and left is not None and plan and left < plan.ii_cycles + plan.latency_cycles:
            return
        random = Random(f"{bench.config.seed}/{attempt}")
        source, sink = random.choice(bench.config.patterns or (("never", "never"),))
        bench.pause(source, sink)
        bench.sink.blocked = attempt % 2 == 1
        bench.send(3)
        amid = random.randrange(1, beats if left is None else min(beats, EARLY_BEATS)) if beats > 1 else 1
        await bench.until(lambda amid=amid: bench.input_moved() >= amid, bench.settle)  # type: ignore[misc]
        if attempt == 1:  # until beats wait one behind the other
            await bench.idle(8)
        phase = attempt - RANDOM_RESETS  # of the pipeline, one after the other
        if phase >= 0:
            bench.sink.blocked = False
            await bench.until(lambda: bench.input_moved() >= beats, bench.settle)
            await bench.idle(phase)
        elif attempt % 4 >= 2:  # deeper in the network
            await bench.idle(random.randrange(bench.calm))
        bench.board.verdict()
        # What a reset forgets shows best after the shortest one: a longer one may let it drain away.
        await bench.reset(1 if attempt < 2 or phase >= 0 else random.randint(1, 3), hold_source=random.random() < 0.5)
        if phase >= 0:  # all buffers run full: what room a reset has left is the whole of it
            bench.pause("never", "never")
            bench.sink.blocked = True
            bench.send(FILLING_SAMPLES)
            await bench.until(lambda: False, bench.settle)  # until nothing moves any more
            bench.sink.blocked = False
            await bench.finish()
            continue
        bench.send_clearest()
        await bench.finish()
        _check_plan(bench)


@phase
async def any_state_before_a_reset(bench: Bench) -> None:
    """Whatever registers hold, as when the power comes, after a reset of one cycle all is right and on time.

    The resets come when nothing has moved, and when the network is full, if there is time to fill it; all samples that
    there is time for come behind the second one.
    """
    left, plan = bench.left_cycles, bench.ports.plan
    if left is not None and plan and left < plan.ii_cycles + plan.latency_cycles:
        raise LeftOutError
    bench.send(1)
    await bench.reset(1, hold_source=True, random_registers=True)
    bench.send_clearest()
    await bench.finish()
    _check_plan(bench)
    left = bench.left_cycles
    if left is not None and plan and left < 4 * (plan.ii_cycles + plan.latency_cycles):
        return
    bench.sink.blocked = True
    await _fill(bench)
    bench.board.verdict()
    await bench.reset(1, random_registers=True)
    left = bench.left_cycles  # the last beat moves before they are over
    bench.send(max(2, samples_in(None if left is None else left - 2, plan, bench.board.batch)))
    await bench.finish()
    _check_plan(bench)


@phase
async def idle_output_stays_quiet(bench: Bench) -> None:
    """Without input there is no output, and after the last result there is none either."""
    bench.pause("never", "coin")
    await bench.idle(bench.calm)
    bench.board.verdict()
    bench.send(samples_in(bench.left_cycles, bench.ports.plan, 2))
    await bench.finish(quiet=bench.calm)


@phase
async def broken_frame_is_flagged(bench: Bench) -> None:
    """An early and a missing tlast raise frame_error in the next cycle, and it stays until the reset."""
    beats = bench.ports.input.beats
    random = Random(bench.config.seed)
    latest = beats - 1 if bench.left_cycles is None else min(beats - 1, EARLY_BEATS)
    early = [("early", random.randrange(latest))] if beats > 1 else []
    for kind, last_on in [*early, ("missing", -1)]:
        bench.frames_whole = False
        for monitor in bench.board.monitors:
            monitor.framed = False  # what comes out of a broken frame is anybody's guess
        broken_beat = bench.input_moved() + (last_on if kind == "early" else beats - 1)
        bench.send(1, last_on=last_on)
        if not await bench.until(lambda beat=broken_beat: bench.input_moved() > beat):  # type: ignore[misc]
            bench.board.report(bench.board.stuck(bench.now, bench.patience))
            bench.board.verdict()
        if bench.frame_error != "0":
            bench.report("frame_error", f"frame_error is {bench.frame_error} before the {kind} tlast could be seen")
        for _ in range(16):
            await bench.cycle()
            if bench.frame_error != "1":
                bench.report("frame_error", f"frame_error is {bench.frame_error} after the {kind} tlast of a frame")
                break
        bench.board.verdict()
        await bench.reset()
        bench.send(1)
        await bench.finish()


@phase
async def valid_never_waits_for_ready(bench: Bench) -> None:
    """With ready held low a result is offered all the same (rule 3).

    Then the network fills up to the brim, and when its beats move at last, one by one, none is lost.
    """
    bench.pause("never", "mostly")
    bench.sink.blocked = True
    left, plan = bench.left_cycles, bench.ports.plan
    if left is not None and plan and left < 3 * (plan.ii_cycles + plan.latency_cycles):
        raise LeftOutError  # it would not be full
    await _fill(bench)
    for monitor in bench.board.monitors:
        # A stream whose ready is high has nothing to wait for: its maker waits for room before it starts (rule 5).
        if monitor.handshake == "00":
            monitor.fail(bench.now, "rule 3", "valid is low although the network is full: it waits for ready")
    bench.board.verdict()
    bench.sink.blocked = False
    await bench.finish(quiet=bench.calm)


async def _fill(bench: Bench) -> None:
    """Sample after sample, until the network is full and the next one waits; the sink is blocked."""
    source = bench.board.monitors[0]
    for _ in range(MOST_FILLINGS * bench.config.unstalled):
        bench.send(1)
        # Until the sample is taken, or else until all stands still.
        if not await bench.until(lambda: not len(bench.source), patience=bench.settle) and source.handshake == "10":
            return
    source.fail(bench.now, "hang", "the design takes sample after sample, although nothing takes its results")
