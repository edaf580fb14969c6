"""What an op consists of: two files and a row. What is missing is said with the file to add it to.

All else follows from these: its name in ``golden.ops``, cases, random networks, the network that faults are injected
into, exercises and coverage.
"""

from __future__ import annotations

from collections.abc import Callable

import golden.ops
from rtlgen.lowering import candidates, departures, lower
from sim.op_table import ROWS, has_hardware, kind_of

WITHOUT_HARDWARE: set[str] = set()
"""Kinds whose other half is still to be written: their cases have to be refused by name."""
CLASSES = {kind_of(op): op for op in golden.ops.ALL}


def _has_hardware(kind: str) -> bool:
    if kind in WITHOUT_HARDWARE:
        return not has_hardware(kind)
    registries = (function.registry for function in (candidates, departures, lower))
    return has_hardware(kind) and all(CLASSES.get(kind) in registry for registry in registries)


PLACES: dict[str, Callable[[str], bool]] = {
    "golden/ops/{kind}.py: a class that is called so, in capitals and lower case": lambda kind: kind in CLASSES,
    "rtlgen/ops/{kind}.py: register candidates, departures and lower; until then WITHOUT_HARDWARE of "
    "tests/op_checklist.py names it": _has_hardware,
    "sim/op_table.py: ROWS[{kind!r}], how it is drawn, and its oracle": lambda kind: kind in ROWS,
}


def missing(kind: str) -> list[str]:
    """What an op lacks: the file, and what to put there."""
    return [place.format(kind=kind) for place, is_there in PLACES.items() if not is_there(kind)]
