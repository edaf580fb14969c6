"""Waveforms: what registers held, and a window around a cycle cut out of a long file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

from vcdvcd import VCDVCD

CYCLE_PS = 10_000
SAMPLE_PS = 5_000
PIXELS = 40
"""The testbench's clock: a cycle takes 10 ns, its middle, where everything is settled, is 5 ns after its start; so many
pixels wide it is shown."""
SHOWN_CYCLES = (16, 7)
"""As many cycles before and after one are told as values, for a page."""


@dataclass(frozen=True)
class Clock:
    """How cycles lie in a VCD file, in its units of time.

    Args:
        cycle: units that one takes.
        sample: from its start to where everything is settled.
        first: the number of the cycle at time 0.
    """

    cycle: int = CYCLE_PS
    sample: int = SAMPLE_PS
    first: int = 0

    def start(self, cycle: int) -> int:
        """When a cycle starts, not before time 0."""
        return max(0, cycle - self.first) * self.cycle


TESTBENCH = Clock()
PYRTL = Clock(10, 5, -1)
"""Of the waves that PyRTL writes: the cycle of the reset comes before cycle 0."""


def bits(
    path: Path, names: Iterable[str], first_cycle: int, last_cycle: int, clock: Clock = TESTBENCH
) -> dict[str, Sequence[str]]:
    """The binary digits of named wires of the design in the middle of each cycle, the last one included.

    Args:
        path: a VCD file; of the testbench, in which the design is the scope ``dut``, or of PyRTL.
        names: of wires; those that are not in the file are left out.
        first_cycle, last_cycle: which cycles.
        clock: of the file.
    """
    waves = VCDVCD(str(path), store_tvs=True)
    wanted = set(names)
    found: dict[str, Sequence[str]] = {}
    for reference, identifier in waves.references_to_ids.items():
        name = reference.split(".")[-1].split("[")[0]
        if name not in wanted:
            continue
        changes = waves.data[identifier]
        times, values = [time for time, _ in changes.tv], [value for _, value in changes.tv]
        width = int(changes.size)
        held = []
        for cycle in range(first_cycle, last_cycle + 1):
            place = bisect_right(times, clock.start(cycle) + clock.sample) - 1
            held.append(_extended(values[place], width) if place >= 0 else "x" * width)
        found[name] = held
    return found


def cut(source: Path, target: Path, first_cycle: int, last_cycle: int, clock: Clock = TESTBENCH) -> Path:
    """Write the part of a VCD file from ``first_cycle`` to ``last_cycle``, beginning with what everything held then."""
    start, end = clock.start(first_cycle), clock.start(last_cycle + 1)
    header: list[str] = []
    held: dict[str, str] = {}
    inside: list[str] = []
    time, in_header = 0, True
    with source.open() as lines:
        for line in lines:
            if in_header:
                header.append(line)
                in_header = "$enddefinitions" not in line
                continue
            if line.startswith("#"):
                time = int(line[1:])
                if time > end:
                    break
                if time >= start:
                    inside.append(line)
            elif time >= start:
                inside.append(line)
            elif line[0] in "01xzXZ":
                held[line[1:].strip()] = line
            elif line[0] in "bBrR":
                held[line.split()[1]] = line
    target.write_text("".join([*header, f"#{start}\n", "$dumpvars\n", *held.values(), "$end\n", *inside]))
    return target


def write_save_file(waves: Path, widths: Mapping[str, int], scope: str, cycle: int, clock: Clock = TESTBENCH) -> Path:
    """Write a save file for GTKWave beside a VCD file: it opens on these wires, with a marker on the cycle.

    Args:
        waves: the VCD file.
        widths: bits of each wire, by name, in the order from above.
        scope: that the wires are in.
        cycle: to look at.
        clock: of the file.
    """
    at = clock.start(cycle) + clock.sample
    lines = [
        f'[dumpfile] "{waves.name}"',
        f"[timestart] {clock.start(cycle - 8)}",
        # Zoom, so that a cycle is some pixels wide; the marker; no other ones.
        f"*{-log2(clock.cycle / PIXELS):.6f} {at} {' '.join(['-1'] * 26)}",
        "[sst_expanded] 1",
    ]
    for name, width in widths.items():
        lines.append("@28" if width == 1 else "@22")  # binary, or hexadecimal
        lines.append(f"{scope}.{name}" + ("" if width == 1 else f"[{width - 1}:0]"))
    path = waves.with_suffix(".gtkw")
    path.write_text("\n".join(lines) + "\n")
    return path


def window_of(
    waves: Path, widths: Mapping[str, int], cycle: int, scope: str, clock: Clock = TESTBENCH
) -> dict[str, Any]:
    """Fields of a ``Difference`` about a window of waves: waves, save_file, window.

    Args:
        waves: a VCD file.
        widths: of the wires to look at, by name.
        cycle: to look at.
        scope: that the wires are in.
        clock: of the file.
    """
    save_file = write_save_file(waves, widths, scope, cycle, clock)
    before, after = SHOWN_CYCLES
    first = max(0, cycle - before)
    values = bits(waves, widths, first, cycle + after, clock)
    signals = {name: [_told(word) for word in values[name]] for name in widths if name in values}
    window = {"first_cycle": first, "cycle": cycle, "signals": signals}
    return {"waves": str(waves), "save_file": str(save_file), "window": window}


def _told(word: str) -> str:
    """Binary digits as they are for one bit, else in hexadecimal; ``x`` where any are unknown."""
    return word if len(word) == 1 else f"{int(word, 2):0{-(-len(word) // 4)}x}" if set(word) <= set("01") else "x"


def _extended(value: str, width: int) -> str:
    """VCD leaves out leading zeros, and leading ``x`` where all of them are."""
    return value.rjust(width, value[0] if value[0] in "xzXZ" else "0").lower()
