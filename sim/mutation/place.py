"""Where a fault sits, for one who reads the network: the named signal that it is or leads to, and the layer of that."""

from __future__ import annotations

import re
from collections import deque

import pyrtl

from rtlgen import Design

_UNNAMED = re.compile(r"(tmp|const)_?\d+(_\d+)?")
_LINE = re.compile(r"design\.v:(\d+)")
_ASSIGNED = re.compile(r"^\s*(?:assign\s+)?(\w+)(?:\[[^\]]*\])?\s*<?=")


class Places:
    """The named signals of a design, and what leads to them.

    Args:
        design: whose they are.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._lines = design.verilog.splitlines()
        self._readers: dict[str, list[pyrtl.WireVector]] = {}
        for net in design.block.logic:
            for wire in net.args:
                self._readers.setdefault(wire.name, []).extend(net.dests)

    def of(self, place: str) -> str:
        """The signal that a place is or leads to first, with its layer; empty if there is none.

        Args:
            place: a bit of a wire, or a port of a cell that yosys names after a line of ``design.v``.
        """
        line = _LINE.search(place)
        assigned = _ASSIGNED.match(self._lines[int(line[1]) - 1]) if line else None
        start = assigned[1] if assigned else re.split(r"[.\[]", place)[0]
        ahead, seen = deque([start]), {start}
        while ahead:
            name = ahead.popleft()
            if not _UNNAMED.fullmatch(name) and (name in self._readers or name in self._design.layer_of):
                layer = self._design.layer_of.get(name)
                return f"{name} of {layer}" if layer else name
            for wire in self._readers.get(name, []):
                if wire.name not in seen:
                    seen.add(wire.name)
                    ahead.append(wire.name)
        return ""
