"""A name for the Verilog module of a network that came from a file: an identifier that nothing else is called."""

from __future__ import annotations

import re
from pathlib import Path

from rtlgen.keywords import KEYWORDS
from sim.simulators.cocotb_launcher import WRITTEN

MOST_CHARACTERS = 64

_TAKEN = {"tensorgate_bulk_bench", "difference", *(Path(name).stem for name in WRITTEN)}
"""Modules of the benches, and files that stand beside the design's when it is verified."""


def module_name(stem: str) -> str:
    """``stem`` as the name of a Verilog module: ``my-net 2`` is ``my_net_2``, ``module`` is ``module_net``."""
    name = re.sub(r"[^0-9A-Za-z_]", "_", stem)[:MOST_CHARACTERS]
    if not name or name[0].isdigit():
        name = f"net_{name}"
    return f"{name}_net" if name in _TAKEN or name in KEYWORDS else name
