"""The prover: yosys makes an and-inverter graph of Verilog, Berkeley ABC searches an invariant (Bradley 2011).

What has no value before the first reset becomes an input: a proof holds for whatever registers and memories hold when
the power comes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyrtl

from golden import Graph
from golden.types import IntArray
from sim.synthesis.yosys import PROGRAM
from sim.tools import ToolError, run_tool

ABC = "berkeley-abc"
PROVEN, REFUTED, UNDECIDED = "proven", "refuted", "undecided"
YOSYS_S = 300
OPT = "opt_expr -keepdc; opt_merge; opt -noff -keepdc; opt_clean"
_PROVED, _FAILED = "Property proved", "was asserted in frame"


@dataclass(frozen=True)
class Verdict:
    """What became of a search.

    Args:
        kind: ``PROVEN``, ``REFUTED`` or ``UNDECIDED``.
        witness: inputs that refute it, a line a bit: ``name[3]@7=1`` in cycle 7.
        case: a network and a batch of one sample that refute it, if that is what was tried.
        pins: of each cycle what inputs are that refute it, if they are known without a witness.
    """

    kind: str
    witness: str = ""
    case: tuple[Graph, IntArray] | None = field(default=None, compare=False)
    pins: Sequence[Mapping[str, int]] = field(default=(), compare=False)


def search(
    reading: Sequence[str],
    top: str,
    name: str,
    folder: Path,
    time_s: int,
    *,
    from_zero: bool = False,
    unrolled: bool = False,
) -> Verdict:
    """Whether the one output of ``top`` is low in every reachable state, for all inputs.

    Args:
        reading: commands of yosys that read all modules.
        top: module with one output and the clock ``clk``.
        name: of the files.
        folder: for them.
        time_s: seconds for the search.
        from_zero: registers without a value begin with zeros, not with anything.
        unrolled: look for a way to a high one only, cycle by cycle: sooner there, but never a proof.

    Raises:
        FileNotFoundError: if yosys or ABC is missing.
        ToolError: if one of them fails.
    """
    lines = [
        *reading,
        # An unknown value stays one: yosys may otherwise choose what a register begins with.
        f"hierarchy -check -top {top}; proc -noopt; flatten; {OPT}; memory_map; {OPT}; techmap; {OPT}",
        f"dffunmap; setundef -undriven -zero{' -init' if from_zero else ''}; aigmap; opt_clean",
        f"write_aiger -zinit -symbols {name}.aig",
    ]
    (folder / f"{name}.aig").unlink(missing_ok=True)  # of another search
    run_yosys(lines, name, folder)
    return decided(name, folder, time_s, unrolled=unrolled)


def decided(name: str, folder: Path, time_s: int, *, unrolled: bool = False) -> Verdict:
    """Whether the one output of the graph ``name.aig``, whose registers begin with 0, is always low; see ``search``.

    Raises:
        FileNotFoundError: if ABC is missing.
        ToolError: if it fails.
    """
    log, witness = folder / f"{name}.log", folder / f"{name}.witness"
    for old in (log, witness):  # of another search
        old.unlink(missing_ok=True)
    engine = "bmc3" if unrolled else "pdr"
    commands = f"read_aiger {name}.aig; scorr; {engine} -T {time_s}; write_cex -n {witness.name}"
    try:
        run_tool([ABC, "-c", commands], cwd=folder, log=log, timeout=4 * time_s + 10)
    except ToolError as error:
        if "was stopped after" not in error.reason:
            raise
        return Verdict(UNDECIDED)
    text = log.read_text(errors="replace")
    if (_PROVED in text) == (_FAILED in text):
        return Verdict(UNDECIDED)
    return Verdict(PROVEN) if _PROVED in text else Verdict(REFUTED, witness.read_text())


def run_yosys(lines: Sequence[str], name: str, folder: Path) -> None:
    """Run commands of yosys in ``folder``.

    Raises:
        FileNotFoundError: if it is missing.
        ToolError: if it fails.
    """
    script = folder / f"{name}.ys"
    script.write_text("\n".join(lines) + "\n")
    run_tool([PROGRAM, "-q", "-s", script.name], cwd=folder, log=folder / f"{name}.out", timeout=YOSYS_S)


def with_fault(verilog: str, fault: tuple[str, str]) -> str:
    """Verilog with a text in it replaced by another one.

    Raises:
        ValueError: if the text is not there, or not once.
    """
    before, after = fault
    if verilog.count(before) != 1:
        raise ValueError(f"a fault must have one place, {before!r} is in the Verilog {verilog.count(before)} times")
    return verilog.replace(before, after)


def optimised(block: pyrtl.Block) -> str:
    """The Verilog of ``block`` after PyRTL's optimisation, as a module of that name; the block stays as it is."""
    copied = pyrtl.copy_block(block, update_working_block=False)
    with pyrtl.set_working_block(copied, no_sanity_check=True), io.StringIO() as text:
        pyrtl.optimize(block=copied)
        pyrtl.output_to_verilog(text, add_reset=False, block=copied, module_name="optimised")
        return text.getvalue()
