"""The testbench of a trainer: frames in, frames out, every beat of them, in the cycles of the plan.

Started by a simulator with ``+training=config.json`` on top of the emitted Verilog: ``frames`` with their ``mode``,
``rate``, ``data``, the beats ``expected`` of each, ``None`` where there is no frame in return, ``signature`` after it;
``source`` and ``sink`` name pause patterns (see ``verif.pauses``), ``seed`` theirs; ``reset_before`` numbers of frames
before whose second beat a reset comes, after which the frame is sent anew. ``registers`` hold random numbers before the
first reset, as when the power comes; others, and memories, nothing that is known. Into ``build`` go ``result.json`` and
``recording.npz``, the pins of every cycle.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import Immediate
from cocotb.triggers import Timer

from verif.pauses import pauses

INPUTS = ("reset", "s_axis_tdata", "s_axis_tvalid", "s_axis_tlast", "mode", "learning_rate_shift", "m_axis_tready")
OUTPUTS = ("s_axis_tready", "m_axis_tdata", "m_axis_tvalid", "m_axis_tlast", "frame_error", "signature")
_OF_A_BEAT = ("m_axis_tdata", "m_axis_tlast")
PATIENCE_STEPS = 8
"""So many steps of training, with pauses on both sides, and nothing has moved: then it hangs."""


class Bench:
    """Drives the pins of one cycle after the other, and writes them down."""

    def __init__(self, dut: Any, config: dict[str, Any]) -> None:
        self.dut, self.config = dut, config
        self.rows: list[list[int]] = []
        self.findings: list[str] = []
        self.source, self.sink = (pauses(config[side], config["seed"]) for side in ("source", "sink"))
        self.patience_cycles = PATIENCE_STEPS * config["settle_cycles"] + 10_000
        self.received: list[tuple[int, int]] = []
        self._held: tuple[int, int] | None = None
        self._powering_up = False

    async def cycle(self, **pins: int) -> dict[str, int]:
        """One clock cycle with these inputs; what the outputs were in it."""
        given = {name: pins.get(name, 0) for name in INPUTS}
        for name, value in given.items():
            getattr(self.dut, name).value = value
        self.dut.clk.value = 0
        await Timer(5, "ns")
        seen = {name: self._read(name, given) for name in OUTPUTS}
        self.rows.append([*given.values(), *seen.values()])
        self._watch(given, seen)
        if self._powering_up:
            self._set_registers()
        self.dut.clk.value = 1
        await Timer(5, "ns")
        return seen

    def _read(self, name: str, given: dict[str, int]) -> int:
        value = getattr(self.dut, name).value
        if self._powering_up:
            return -1  # PyRTL begins with other numbers
        if name in _OF_A_BEAT and str(self.dut.m_axis_tvalid.value) == "0":
            return -1  # maybe what registers of data held before the first reset
        if value.is_resolvable:
            return int(value)
        if not given["reset"]:
            self.findings.append(f"cycle {len(self.rows)}: {name} is {value}")
        return -1

    def _watch(self, given: dict[str, int], seen: dict[str, int]) -> None:
        """Rules 1 and 2: a beat stays until it moves."""
        now = (seen["m_axis_tdata"], seen["m_axis_tlast"]) if seen["m_axis_tvalid"] == 1 else None
        if self._held is not None and now != self._held and not given["reset"]:
            self.findings.append(f"cycle {len(self.rows)}: rule 2: the beat {self._held} became {now} before it moved")
        moved = now is not None and given["m_axis_tready"] == 1
        if moved and now is not None and not given["reset"]:
            self.received.append(now)
        self._held = None if moved or given["reset"] else now

    async def reset(self) -> None:
        """Two cycles."""
        for _ in range(2):
            await self.cycle(reset=1)
        self.received.clear()

    async def power_up(self) -> None:
        """The first reset, of one cycle, before which registers hold anything."""
        self._powering_up = True
        await self.cycle(reset=1)
        self._powering_up = False

    def _set_registers(self) -> None:
        random = Random(self.config["seed"])
        for name in self.config["registers"]:
            register = getattr(self.dut, name)
            register.set(Immediate(random.getrandbits(len(register))))

    async def send(self, frame: dict[str, Any], beats: int | None = None) -> None:
        """The beats of a frame, or the first of them."""
        data = frame["data"]
        for place, byte in enumerate(data[:beats]):
            waited = 0
            while True:
                offers = not next(self.source)
                pins = {"s_axis_tdata": byte, "s_axis_tvalid": 1, "s_axis_tlast": int(place == len(data) - 1)}
                seen = await self.cycle(
                    **(pins if offers else {}),
                    mode=frame["mode"],
                    learning_rate_shift=frame["rate"],
                    m_axis_tready=int(not next(self.sink)),
                )
                if offers and seen["s_axis_tready"] == 1:
                    break
                waited += 1
                if waited > self.patience_cycles:
                    raise AssertionError(f"hang: beat {place} of a frame of mode {frame['mode']} is not taken")

    async def receive(self, expected: list[int], what: str) -> None:
        """The frame that comes in return."""
        waited = 0
        while len(self.received) < len(expected) and waited < self.patience_cycles:
            await self.cycle(m_axis_tready=int(not next(self.sink)))
            waited += 1
        came, self.received = self.received[: len(expected)], self.received[len(expected) :]
        beats = [beat for beat, _ in came]
        if beats != expected:
            place = next(
                (n for n, pair in enumerate(zip(beats, expected, strict=False)) if pair[0] != pair[1]), len(beats)
            )
            got = beats[place] if place < len(beats) else "nothing"
            self.findings.append(f"{what}: beat {place} is {got}, golden says {expected[place]}")
        elif [last for _, last in came] != [0] * (len(expected) - 1) + [1]:
            self.findings.append(f"{what}: tlast is not at the end")


@cocotb.test()
async def every_frame_is_answered(dut: Any) -> None:
    """Frame by frame: logits, losses, weights, signature; resets in the middle of some of them."""
    config = json.loads(Path(str(cocotb.plusargs["training"])).read_text())
    bench = Bench(dut, config)
    try:
        await (bench.power_up() if config["registers"] else bench.reset())
        pending: list[tuple[list[int], str]] = []
        for number, frame in enumerate(config["frames"]):
            what = f"frame {number} (mode {frame['mode']})"
            if number in config["reset_before"]:
                for expected, told in pending:
                    await bench.receive(expected, told)
                pending.clear()
                for _ in range(config["settle_cycles"]):
                    await bench.cycle(m_axis_tready=1)
                await bench.send(frame, beats=max(1, len(frame["data"]) // 2))
                await bench.reset()
            await bench.send(frame)
            if frame["expected"] is not None:
                pending.append((frame["expected"], what))
            if not config["back_to_back"]:
                for expected, told in pending:
                    await bench.receive(expected, told)
                pending.clear()
            if bench.findings:
                break
        for expected, told in pending:
            await bench.receive(expected, told)
        for _ in range(config["settle_cycles"]):
            await bench.cycle(m_axis_tready=1)
        if bench.received:
            bench.findings.append(f"{len(bench.received)} beats came that nobody asked for")
        seen = await bench.cycle()
        if seen["signature"] != config["signature"]:
            bench.findings.append(f"the signature is {seen['signature']:#x}, golden says {config['signature']:#x}")
        if seen["frame_error"] != 0:
            bench.findings.append("frame_error is high")
    finally:
        build = Path(config["build"])
        np.savez_compressed(build / "recording.npz", pins=np.array(bench.rows), names=np.array([*INPUTS, *OUTPUTS]))
        result = {"passed": not bench.findings, "findings": bench.findings[:20], "cycles": len(bench.rows)}
        (build / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    assert not bench.findings, bench.findings[0]
