"""Names of registers that faults have taken theirs from: an injection at a register's output gives the wire away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sim.formal.aig import Aig

_WIRE = re.compile(r"^  wire (?:.*?width (\d+) )?.*?(\S+)$", re.MULTILINE)
_OUTPUT = re.compile(r"^    connect \\Q (.+)$", re.MULTILINE)
_PART = re.compile(r"(\d+)'([01xz-]+)|(\S+)(?: \[(\d+)(?::(\d+))?\])?")
_SAME = re.compile(r"^  connect \\(\S+) \\(\S+)$", re.MULTILINE)
_INJECTED = "$auto$mutate"


def named(aig: Aig, rtlil: str) -> Aig:
    """The graph with registers called after the word that their other bits are of.

    Args:
        aig: of a netlist with faults.
        rtlil: the netlist as yosys writes it, with the faults.
    """
    names, same = _names(rtlil), {right: left for left, right in _SAME.findall(rtlil)}
    words = {name.rpartition("[")[0] for name in aig.latches}
    latches = {}
    for name, latch in aig.latches.items():
        better = names.get(name, name)
        word, _, bit = better.rpartition("[")
        if better != name and word not in words and same.get(word) in words:
            better = f"{same[word]}[{bit}"
        latches[better if better not in aig.latches and better not in latches else name] = latch
    return replace(aig, latches=latches)


def _names(rtlil: str) -> Mapping[str, str]:
    """A name as of a bit of a word for each wire that an injection has made."""
    widths = {name: int(width or 1) for width, name in _WIRE.findall(rtlil)}
    found = {}
    for signal in _OUTPUT.findall(rtlil):
        bits = list(_bits(signal, widths))
        # Where a bit of a word is in its register: its neighbours say where the word begins.
        known = {(word, bit - place) for place, (word, bit) in enumerate(bits) if not word.startswith(_INJECTED)}
        if len(known) == 1:
            ((word, first),) = known
            for place, (wire, bit) in enumerate(bits):
                if wire.startswith(_INJECTED) and 0 <= first + place < widths.get(f"\\{word}", 0):
                    found[f"{wire}[{bit}]"] = f"{word}[{first + place}]"
    return found


def _bits(signal: str, widths: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Wire and bit, the lowest one first."""
    for number, digits, wire, high, low in reversed(_PART.findall(signal.strip("{} "))):
        if number:
            yield from (("", -1) for _ in digits)
            continue
        top = int(high) if high else widths.get(wire, 1) - 1
        bottom = int(low) if low else top if high else 0
        yield from ((wire.removeprefix("\\"), bit) for bit in range(bottom, top + 1))
