"""Waveforms: what registers held, and a window around a cycle cut out of a long file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from vcdvcd import VCDVCD

CYCLE_PS = 10_000
SAMPLE_PS = 5_000
"""The testbench's clock: a cycle takes 10 ns, its middle, where everything is settled, is 5 ns after its start."""


def register_bits(path: Path, names: Iterable[str], cycles: int) -> dict[str, Sequence[str]]:
    """The binary digits that each named register of the design held in the middle of each cycle.

    Args:
        path: a VCD file of the testbench, in which the design is the scope ``dut``.
        names: of registers; those that are not in the file are left out.
        cycles: how many, from the first one on.
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
        for cycle in range(cycles):
            place = bisect_right(times, cycle * CYCLE_PS + SAMPLE_PS) - 1
            held.append(_extended(values[place], width) if place >= 0 else "x" * width)
        found[name] = held
    return found


def cut(source: Path, target: Path, first_cycle: int, last_cycle: int) -> Path:
    """Write the part of a VCD file from ``first_cycle`` to ``last_cycle``, beginning with what everything held then."""
    start, end = max(0, first_cycle) * CYCLE_PS, (last_cycle + 1) * CYCLE_PS
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


def _extended(value: str, width: int) -> str:
    """VCD leaves out leading zeros, and leading ``x`` where all of them are."""
    return value.rjust(width, value[0] if value[0] in "xzXZ" else "0").lower()
