"""The bench: one coroutine that goes through a clock cycle, and all who take part in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from cocotb.handle import Immediate
from cocotb.triggers import Timer

from verif.config import Config
from verif.coverage import Collector, Found
from verif.effort import CutShortError
from verif.finding import Finding
from verif.harness import HALF_PERIOD_NS, driven_pins, pins
from verif.pauses import pauses
from verif.ports import StreamPort
from verif.recorder import Recorder
from verif.scoreboard import Scoreboard, packer
from verif.stream import IDLE, STARVED, Monitor, Sink, Source

PATIENCE_CYCLES = 100_000
"""How long nothing may move in a design without a plan; with one it follows from the plan."""


class Bench:
    """A design under test with a source, a sink, a monitor on every stream, the scoreboard and the recorder.

    Args:
        dut: handle of the bench module (``verif.harness``).
        config: what to test.
        running: whether the simulation stands at a falling edge, where another bench has left it.

    Raises:
        ValueError: if the design has not the wires that its port description promises.
    """

    def __init__(self, dut: Any, config: Config, *, running: bool = False) -> None:
        self.config, self.ports = config, config.ports
        self.now = -1
        self.board = Scoreboard(self.ports, config.golden)
        self.source, self.sink = Source(self.ports.input, config.seed), Sink()
        self.recorder = Recorder(pins(self.ports), driven_pins(self.ports))
        self.frames_whole = True
        self.frame_error = "0"
        self._words = packer(self.ports, config.golden, config.seed)
        self._clock, self._observed = dut.clk, dut.observed
        self._tick: Any = self._clock.falling_edge if running else Timer(HALF_PERIOD_NS, "ns")
        self._next_control, self._next_data = dut.next_control, dut.next_data
        self._reset, self._control, self._word, self._line = True, -1 if running else 0b1000, -1 if running else 0, ""
        self._moved_at = 0
        self._ends_at: int | None = None
        self.carries_on = False
        self._sent = 0
        self._pins_end = sum(pins(self.ports).values())
        self._taps = self._probe(dut)
        self._collector = Collector(dut, self.ports, config.watched)
        self._registers = [dut.dut[name] for name in config.registers]
        self._random = Random(config.seed)

    def _probe(self, dut: Any) -> list[_Tap]:
        """For each monitor where its handshake stands in the observed line, and how its data is read."""
        x_start, y_start = 8, 8 + self.ports.input.width

        def of_line(start: int, stop: int) -> Callable[[], str]:
            return lambda: self._line[start:stop]

        def of_wire(port: StreamPort) -> Callable[[], str]:
            handle = dut.dut[port.wire("data")]
            if len(handle) != port.width:
                raise ValueError(f"{port.wire('data')} must have {port.width} bits, not {len(handle)}")
            return lambda: str(handle.get())

        for port in (self.ports.input, self.ports.output):
            of_wire(port)  # the widths of the ports: Icarus would only warn
        handshakes = [2, *range(self._pins_end, self._pins_end + 3 * len(self.ports.streams), 3), 5]
        reads = [of_line(x_start, y_start), *map(of_wire, self.ports.streams), of_line(y_start, self._pins_end)]
        return [_Tap(*each) for each in zip(self.board.monitors, handshakes, reads, strict=True)]

    @property
    def patience(self) -> int:
        """Cycles without any beat after which the design hangs."""
        plan = self.ports.plan
        return 4 * (plan.ii_cycles + plan.latency_cycles) + 1000 if plan else PATIENCE_CYCLES

    @property
    def settle(self) -> int:
        """Cycles after which whatever is still on its way must have shown."""
        plan = self.ports.plan
        return plan.ii_cycles + plan.latency_cycles + 16 if plan else 256

    def share(self, cycles: int | None) -> None:
        """So many cycles are for the phase that begins; None for no bound."""
        self._ends_at = None if cycles is None else self.now + cycles

    @property
    def left_cycles(self) -> int | None:
        """What is left of the phase's share; None if there is no bound."""
        return None if self._ends_at is None else max(0, self._ends_at - self.now)

    @property
    def calm(self) -> int:
        """Cycles to look for what must not come: as ``settle``, or half of what is left."""
        left = self.left_cycles
        return self.settle if left is None else max(16, min(self.settle, left // 2))

    async def cycle(self) -> None:
        """Drive the pins of the next cycle, go to its middle, and let everybody see it.

        Raises:
            CutShortError: if a beat has moved and the share of the phase is used up.
        """
        source, sink = self.source, self.sink
        source.drive()
        sink.drive()
        if not sink.ready or (not source.valid and len(source)):
            self.board.paused = True
        control = self._reset << 3 | sink.ready << 2 | source.valid << 1 | source.last
        if control != self._control:
            self._next_control.set(Immediate(control))
            self._control = control
        if source.word != self._word:
            self._next_data.set(Immediate(source.word))
            self._word = source.word
        await self._tick
        if self.now < 0:
            self._tick = self._clock.falling_edge
        self.now += 1
        now = self.now
        self._line = line = str(self._observed.get())
        self.recorder.add(line[: self._pins_end])
        if line[0] != "0":
            return
        self.frame_error = line[1]
        if line[1] != "0" and self.frames_whole:
            self.report("frame_error", f"frame_error is {line[1]} although every frame was whole")
            self.frames_whole = False
        for tap in self._taps:
            at = tap.at
            handshake = line[at : at + 2]
            if handshake == tap.idles:
                tap.skipped += 1
                continue
            if tap.skipped:
                tap.catch_up()
            if tap.step(now, handshake, line[at + 2], tap.read):
                self._moved_at = now
            tap.idles = handshake if handshake in (IDLE, STARVED) else None
        if line[2:4] == "11":
            source.moved()
        if self._ends_at is not None and now >= self._ends_at and self._moved_at == now:
            raise CutShortError

    async def idle(self, cycles: int) -> None:
        """Go through some cycles."""
        for _ in range(cycles):
            await self.cycle()

    async def until(self, done: Callable[[], bool], patience: int | None = None) -> bool:
        """Go on until ``done``; False if nothing moved for ``patience`` cycles before.

        Raises:
            CheckError: some time after a finding, when every stream has had time to show its own.
        """
        patience = self.patience if patience is None else patience
        self._moved_at = self.now
        grace = self.settle
        while not done():
            if self.now - self._moved_at > patience:
                return False
            if self.board.failed_at is not None and self.now - self.board.failed_at > grace:
                self.board.verdict()
            await self.cycle()
        return True

    async def reset(self, cycles: int = 2, hold_source: bool = False, random_registers: bool = False) -> None:
        """Reset, and forget what was under way.

        Args:
            cycles: that it takes.
            hold_source: leave the source as it is until the reset ends.
            random_registers: set all registers to random numbers right before the first edge that sees the reset.
        """
        if not self.board.complete:
            self._collector.reset(self.board.monitors)
        if not hold_source:
            self.source.clear()
        self._reset = True
        await self.cycle()
        if random_registers:
            for register in self._registers:
                register.set(Immediate(self._random.getrandbits(len(register))))
        await self.idle(cycles - 1)
        self._reset = False
        self.source.clear()
        for tap in self._taps:
            tap.catch_up()
            tap.idles = None
        self.board.clear()
        self.frames_whole, self.frame_error = True, "0"
        self.sink.blocked = False
        self.pause("never", "never")

    def pause(self, source: str, sink: str) -> None:
        """Choose the pause patterns from now on."""
        seed = self.config.seed * 1_000_003 + self.now
        self.source.pauses, self.sink.pauses = pauses(source, seed), pauses(sink, seed + 1)

    def send(self, count: int, last_on: int | None = None) -> None:
        """Queue the next samples of the batch, round and round."""
        samples = [(self._sent + i) % self.board.batch for i in range(count)]
        self._sent += count
        self.send_samples(samples, last_on)

    def send_samples(self, samples: Sequence[int], last_on: int | None = None) -> None:
        """Queue these samples of the batch."""
        for sample in samples:
            self.source.send(self._words(sample), last_on)
        self.board.expect(samples)

    def send_clearest(self) -> None:
        """Queue the sample with the fewest elements at the ends of their types: leftovers show in it, not in others."""
        at_ends = np.zeros(self.board.batch)
        for port in self.ports.in_order[1:]:
            tensor = self.config.golden[port.tensor][: self.board.batch].reshape(self.board.batch, -1)
            dtype = port.type.dtype
            at_ends += ((tensor == dtype.min) | (tensor == dtype.max)).mean(axis=1)
        sample = int(np.argmin(at_ends))
        self.source.send(self._words(sample))
        self.board.expect([sample])

    async def finish(self, quiet: int = 8) -> None:
        """Until every stream has carried all it must, and a few cycles more for what must not come.

        Raises:
            CheckError: if anything was found, a hang included.
        """
        if not await self.until(lambda: self.board.complete):
            self.board.report(self.board.stuck(self.now, self.patience))
        await self.idle(quiet)
        self.board.verdict()

    def report(self, check: str, what: str, **values: Any) -> None:
        """Note a finding about the design as a whole."""
        self.board.report(Finding(check, f"{check}: cycle {self.now}: {what}", self.now, **values))

    def coverage(self) -> dict[str, dict[str, int]]:
        """Cycles of each stream outside resets: beats moved, stalled (back-pressure), starved, idle."""
        for tap in self._taps:
            tap.catch_up()
        names = {"11": "beats", "10": "stalled", "01": "starved", "00": "idle"}
        return {m.port.prefix: {names[key]: count for key, count in m.counts.items()} for m in self.board.monitors}

    def covered(self) -> Found:
        """The bins of ``verif.coverage`` that were hit, by stream and layer."""
        return self._collector.found(self.board.monitors)

    def input_moved(self) -> int:
        """Input beats that moved since the reset."""
        monitor = self.board.monitors[0]
        return monitor.tensors * monitor.port.beats + monitor.beat

    def measured(self) -> tuple[int, int | None]:
        """Latency of the first sample since the reset, and distance of the last two results."""
        starts, ends = self.board.monitors[0].starts, self.board.monitors[-1].ends
        return ends[0] - starts[0], ends[-1] - ends[-2] if len(ends) > 1 else None


class _Tap:
    """A monitor, which need not look at a stream again that goes on having nothing to say."""

    def __init__(self, monitor: Monitor, at: int, read: Callable[[], str]) -> None:
        self.at, self.read, self.step = at, read, monitor.step
        self.idles: str | None = None
        self.skipped = 0
        self._counts = monitor.counts

    def catch_up(self) -> None:
        """Count the cycles at which it did not look."""
        if self.skipped and self.idles is not None:
            self._counts[self.idles] += self.skipped
        self.skipped = 0


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(content, indent=1) + "\n")
