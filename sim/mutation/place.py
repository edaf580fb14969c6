"""Where a fault sits, for one who reads the network: the named signal that it is or leads to, and the layer of that."""

from __future__ import annotations

import re
from collections import deque

from rtlgen import Design

_UNNAMED = re.compile(r"(tmp|const)_?\d+(_\d+)?")
_LINE = re.compile(r"design\.v:(\d+)")
_ASSIGNED = re.compile(r"(?:^|\s)(\w+)\s*(?:\[[^\]]*\])?\s*(?:<=|=)\s(.*)$")
_NAME = re.compile(r"\b[A-Za-z_]\w*")


class Places:
    """The named signals of a design, and what leads to them, as its Verilog says: an assignment a line.

    Args:
        design: whose they are.
    """

    def __init__(self, design: Design) -> None:
        self._layer_of = design.layer_of
        self._assigned: list[str] = []
        self._readers: dict[str, list[str]] = {}
        for line in design.verilog.splitlines():
            assigned, text = match.groups() if (match := _ASSIGNED.search(line)) else ("", "")
            self._assigned.append(assigned)
            for name in _NAME.findall(text):
                self._readers.setdefault(name, []).append(assigned)
        self._names = {*self._assigned, *self._readers} - {""}

    def of(self, place: str) -> str:
        """The signal that a place is or leads to first, with its layer; empty if there is none.

        Args:
            place: a bit of a wire, or a port of a cell that yosys names after a line of ``design.v``.
        """
        line = _LINE.search(place)
        start = self._assigned[int(line[1]) - 1] if line else re.split(r"[.\[]", place)[0]
        ahead, seen = deque([start]), {start}
        while ahead:
            name = ahead.popleft()
            if name in self._names and not _UNNAMED.fullmatch(name):
                layer = self._layer_of.get(name)
                return f"{name} of {layer}" if layer else name
            for reader in self._readers.get(name, []):
                if reader not in seen:
                    seen.add(reader)
                    ahead.append(reader)
        return ""
