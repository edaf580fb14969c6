"""What a new op needs, and where: what is missing is said with the file to add it to.

``golden/ops/x.py``, with the class ``X``, is found by itself, and ``rtlgen/ops/x.py``, which registers its hardware.
"""

from __future__ import annotations

from collections.abc import Callable

from op_cases import CASES, PENDING
from op_oracles import oracle

import golden.ops
from rtlgen.lowering import candidates, departures, lower
from sim.fuzzing import layers, networks
from sim.mutation.ops import GRAPHS


def _has_case(op: type, name: str) -> bool:
    return op in {type(case.op) for case in CASES} or op in {type(case.op) for case in PENDING}


def _has_hardware(op: type, name: str) -> bool:
    waits = op in {type(case.op) for case in PENDING} - {type(case.op) for case in CASES}
    return waits or all(op in function.registry for function in (candidates, departures, lower))


PLACES: dict[str, Callable[[type, str], bool]] = {
    "golden/ops/__init__.py: import it, and put it into __all__": lambda op, name: (
        getattr(golden.ops, op.__name__, None) is op and op.__name__ in golden.ops.__all__
    ),
    "rtlgen/ops/{name}.py: register candidates, departures and lower; until then its rows are in PENDING of "
    "tests/op_cases.py": _has_hardware,
    "tests/op_cases.py: rows in CASES, from which it is tested on every simulator": _has_case,
    "tests/op_oracles.py: register an oracle, in Python's own integers": lambda op, name: op in oracle.registry,
    "sim/fuzzing/layers.py: a function that draws it, in UNARY, IMAGE or BINARY": lambda op, name: (
        op in vars(layers).values() or op in vars(networks).values()
    ),
    "sim/mutation/ops.py: a small network of it, GRAPHS[{name!r}]": lambda op, name: name in GRAPHS,
}


def missing(op: type) -> list[str]:
    """What an op lacks: the file, and what to put there."""
    name = op.__name__.lower()
    return [
        place.replace("{name!r}", repr(name)).replace("{name}", name)
        for place, is_there in PLACES.items()
        if not is_there(op, name)
    ]
