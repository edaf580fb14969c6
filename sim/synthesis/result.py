"""What synthesis made of a design, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


class SynthesisError(Exception):
    """Synthesis made something else of a design than was planned; the message says what, and in which layer."""


class DoesNotFitError(ValueError):
    """A design is too large for a device; one line that says of what, by how much, and what would fit."""


@dataclass(frozen=True)
class MemoryCells:
    """A memory after synthesis: ``block_rams`` cells of block RAM, none for one that is small."""

    name: str
    layer: str
    words: int
    bits: int
    block_rams: int


@dataclass(frozen=True)
class Netlist:
    """What yosys made.

    Args:
        cells: number of cells by type.
        counts: number of cells by resource, as of ``sim.synthesis.targets.RESOURCES``.
        memories: every memory of the design.
    """

    cells: dict[str, int]
    counts: dict[str, int]
    memories: tuple[MemoryCells, ...]


@dataclass(frozen=True)
class CriticalPath:
    """The path that limits the clock.

    Args:
        from_layer, to_layer: where it starts and ends; ``top`` for wires that are no layer's.
        layers: it runs through, in order, each once in a row.
        from_cell, to_cell: the registers, or other cells, at its ends.
        logic_ns, routing_ns: its delay in cells and in wires between them.
    """

    from_layer: str
    to_layer: str
    layers: tuple[str, ...]
    from_cell: str
    to_cell: str
    logic_ns: float
    routing_ns: float

    @property
    def delay_ns(self) -> float:
        """All of it."""
        return round(self.logic_ns + self.routing_ns, 3)


@dataclass(frozen=True)
class Timing:
    """What nextpnr found.

    Args:
        clock_mhz: the fastest clock.
        critical_path: what limits it.
        utilisation: used and available by nextpnr's name of a resource.
        stage: ``routing``, or ``placement`` for an estimate before routing.
    """

    clock_mhz: float
    critical_path: CriticalPath | None
    utilisation: dict[str, dict[str, int]]
    stage: str


@dataclass(frozen=True)
class Synthesis:
    """A design on a device.

    Args:
        name: of the design.
        target, device: where.
        plan: ``rtlgen.Plan.as_json``.
        netlist: after synthesis.
        timing: after placement and routing; None if there was none.
        available: what the device has, by resource.
        tools: the versions of the programs.
        seed: of placement.
        time_s: how long the tools took when they ran.
        kept: whether all of it was in the cache.
    """

    name: str
    target: str
    device: str
    plan: dict[str, Any]
    netlist: Netlist
    timing: Timing | None
    available: dict[str, int]
    tools: dict[str, str]
    seed: int
    time_s: float
    kept: bool

    def utilisation(self) -> dict[str, dict[str, float]]:
        """Used, available and the share by resource; after placement as nextpnr counts the resources."""
        used = {name: self.netlist.counts.get(name, 0) for name in self.available}
        pairs = {name: {"used": used[name], "available": self.available[name]} for name in self.available}
        found: Mapping[str, Mapping[str, int]] = self.timing.utilisation if self.timing else pairs
        return {
            name: {**pair, "share": round(pair["used"] / pair["available"], 4)}
            for name, pair in found.items()
            if pair["available"] and pair["used"]
        }

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, units in the names."""
        timing, counts = self.timing, self.netlist.counts
        path = timing.critical_path if timing else None
        return {
            "name": self.name,
            "target": self.target,
            "device": self.device,
            "luts": counts["lut"],
            "carries": counts["carry"],
            "flip_flops": counts["flip_flop"],
            "block_rams": counts["block_ram"],
            "sprams": counts["spram"],
            "multipliers": counts["multiplier"],
            "lut_rams": counts["lut_ram"],
            "clock_mhz": timing.clock_mhz if timing else None,
            "clock_stage": timing.stage if timing else None,
            "critical_path": {**asdict(path), "delay_ns": path.delay_ns} if path else None,
            "utilisation": self.utilisation(),
            "cells": self.netlist.cells,
            "memories": [asdict(memory) for memory in self.netlist.memories],
            "planned_multipliers": self.plan["multipliers"],
            "multiplier_budget": self.plan["multiplier_budget"],
            "ii_cycles": self.plan["ii_cycles"],
            "latency_cycles": self.plan["latency_cycles"],
            "samples_per_s": round(timing.clock_mhz * 1e6 / self.plan["ii_cycles"]) if timing else None,
            "seed": self.seed,
            "tools": self.tools,
            "time_s": round(self.time_s, 3),
            "cached": self.kept,
        }
