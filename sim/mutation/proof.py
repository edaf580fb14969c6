"""Which survivors are no faults at all: yosys proves that output pins and next states are equal in every state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sim.mutation.mutants import NETLIST, SELECT, Fault
from sim.synthesis.yosys import PROGRAM
from sim.tools import ToolError, run_tool

PROVEN = "SAT proof finished - no model found: SUCCESS!"
SAT_TIMEOUT_S = 20


def proven_equivalent(top: str, survivors: Sequence[Fault], folder: Path, timeout: float) -> list[Fault]:
    """Those of the survivors which are proven to be without effect; ``make_mutants`` has written the netlist.

    Every register and word of memory is taken as an input and its next value as an output of what is compared, so that
    a proof holds in all states, reachable or not. What is not proven may be without effect all the same.

    Raises:
        FileNotFoundError, ToolError: if yosys is missing or fails; not if it takes more than ``timeout`` seconds.
    """
    lines: list[str] = []
    # The cell of a fault may be a memory, so it comes before memories are mapped.
    for fault in survivors:
        arguments = re.sub(r"-module \S+", "-module gold", fault.arguments)
        lines += [
            f"design -reset; read_rtlil {NETLIST}; rename {top} gold; mutate -ctrl {SELECT} 1 1 {arguments}",
            "memory_map; dffunmap; expose -evert-dff gold; copy gold gate",
            # Made by one copy, both have the same names: they differ in a bit that chooses the fault.
            f"delete -input gold/w:{SELECT} gate/w:{SELECT}",
            f"cd gold; connect -set {SELECT} 1'0; cd gate; connect -set {SELECT} 1'1; cd ..",
            # What both have in common becomes one; what is left to be proven is the cone of the fault.
            "miter -equiv -flatten -make_outputs gold gate miter; hierarchy -top miter; opt -full; opt_clean",
            f"tee -q -o proof{fault.mutant}.log sat -timeout {SAT_TIMEOUT_S} -prove trigger 0 miter",
        ]
        (folder / f"proof{fault.mutant}.log").unlink(missing_ok=True)
    (folder / "proof.ys").write_text("\n".join(lines) + "\n")
    try:
        run_tool([PROGRAM, "-q", "-s", "proof.ys"], cwd=folder, timeout=timeout, log=folder / "yosys.log")
    except ToolError as error:
        if "was stopped after" not in error.reason:
            raise
    return [fault for fault in survivors if _is_proven(folder / f"proof{fault.mutant}.log")]


def _is_proven(log: Path) -> bool:
    return log.exists() and PROVEN in log.read_text(errors="replace")
