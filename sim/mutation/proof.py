"""Which survivors are no faults at all: yosys proves that output pins and next states are equal in every state."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from sim.mutation.mutants import NETLIST, SELECT, Fault
from sim.synthesis.yosys import PROGRAM
from sim.tools import ToolError, run_tool

PROVEN = "SAT proof finished - no model found: SUCCESS!"
SAT_TIMEOUT_S = 2
PROOF_TIMEOUT_S = 60.0


def is_equivalent(top: str, fault: Fault, folder: Path) -> bool:
    """Whether a survivor is proven to be without effect; ``make_mutants`` has written the netlist.

    Every register and word of memory is taken as an input and its next value as an output of what is compared, so that
    a proof holds in all states, reachable or not. What is not proven may be without effect all the same.

    Raises:
        FileNotFoundError: if yosys is missing.
    """
    log = folder / f"proof{fault.mutant}.log"
    log.unlink(missing_ok=True)
    lines = [
        *two_designs(top, fault),
        "expose -evert-dff gold; expose -evert-dff gate",
        # What both have in common becomes one; what is left to be proven is the cone of the fault.
        "miter -equiv -flatten -make_outputs gold gate miter; hierarchy -top miter; opt -full; opt_clean",
        f"tee -q -o {log.name} sat -timeout {SAT_TIMEOUT_S} -prove trigger 0 miter",
    ]
    script = folder / f"proof{fault.mutant}.ys"
    script.write_text("\n".join(lines) + "\n")
    with suppress(ToolError):
        run_tool(
            [PROGRAM, "-q", "-s", script.name],
            cwd=folder,
            timeout=PROOF_TIMEOUT_S,
            log=folder / log.with_suffix(".out"),
        )
    return _is_proven(log)


def two_designs(top: str, fault: Fault) -> list[str]:
    """Commands of yosys that make ``gold``, without the fault, and ``gate``, with it, of the netlist of mutants."""
    arguments = re.sub(r"-module \S+", "-module gold", fault.arguments)
    injected = "" if fault.mode == "none" else f"; mutate -ctrl {SELECT} 1 1 {arguments}"
    choosing = [f"cd gold; connect -set {SELECT} 1'0; cd gate; connect -set {SELECT} 1'1; cd .."]
    return [
        # The cell of a fault may be a memory, so it comes before memories are mapped.
        f"read_rtlil {NETLIST}; rename {top} gold{injected}",
        "memory_map; dffunmap; copy gold gate",
        # Made by one copy, both have the same names: they differ in a bit that chooses the fault.
        *([f"delete -input gold/w:{SELECT} gate/w:{SELECT}", *choosing] if injected else []),
    ]


def _is_proven(log: Path) -> bool:
    return log.exists() and PROVEN in log.read_text(errors="replace")
