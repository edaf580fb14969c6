"""Netlists of designs and of small modules, checked; for tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from networks import corners
from op_cases import Case

import rtlgen
from rtlgen import Design
from rtlgen.occupancy import steady_samples
from sim import gate_level
from sim.difference import VerificationError
from sim.regression.postmortem_page import leave
from sim.synthesis import yosys
from sim.synthesis.netlist_simulator import cells_of
from sim.synthesis.netlists import write_netlists
from sim.synthesis.targets import FAMILIES, Family
from sim.tools import run_tool
from sim.verify import verify_command

CYCLES = 400
KEPT = Path(__file__).parent.parent / "build" / "netlists"
"""What netlists leave that differ."""

_BENCH = """\
`timescale 1ns/1ps
module bench;
    reg clk = 1'b0, reset = 1'b1;
    reg signed [7:0] a, b, c, d;
    wire [23:0] rtl, netlist;
    integer cycle, wrong = 0, seed = 7;
    golden_{top} golden (.clk(clk), .reset(reset), .a(a), .b(b), .c(c), .d(d), .y(rtl));
    {top} gates (.clk(clk), .reset(reset), .a(a), .b(b), .c(c), .d(d), .y(netlist));
    initial begin
        for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
            {{a, b, c, d}} = $random(seed);
            reset = cycle < 4 || cycle == 99;
            #5 clk = 1'b1;
            #5 clk = 1'b0;
            if (cycle >= 4 && netlist !== rtl) wrong = wrong + 1;
        end
        $display("%0d wrong", wrong);
    end
endmodule
"""


def wrong_cycles(verilog: str, top: str, command: str, family: Family, folder: Path) -> int:
    """On how many cycles what ``command`` makes of a module differs from the module itself."""
    (folder / f"{top}.v").write_text(verilog)
    script = [f"read_verilog {top}.v", command.format(top=top), "write_verilog -noattr -noexpr netlist.v"]
    (folder / "trap.ys").write_text("\n".join(script) + "\n")
    run_tool([yosys.PROGRAM, "-q", "-s", "trap.ys"], cwd=folder, timeout=300)
    (folder / "cells.v").write_text(cells_of(family))
    (folder / "golden.v").write_text(verilog.replace(f"module {top}", f"module golden_{top}"))
    (folder / "bench.v").write_text(_BENCH.format(top=top, cycles=CYCLES))
    sources = ["cells.v", "bench.v", "golden.v", "netlist.v"]
    run_tool(["iverilog", "-g2005", "-s", "bench", "-o", "trap.vvp", *sources], cwd=folder)
    log = run_tool(["vvp", "-n", "trap.vvp"], cwd=folder).log
    return int(next(line for line in log.splitlines() if line.endswith(" wrong")).split()[0])


def designs_of(cases: list[Case], multipliers: int = 4) -> list[Design]:
    """The hardware of each case, with a name of its own."""
    return [rtlgen.generate(case.graph, multipliers, name=f"case{place}") for place, case in enumerate(cases)]


def check_netlists(designs: list[Design], family: str, folder: Path, patterns: tuple = (("coin", "coin"),)) -> None:
    """All of them synthesized in one process, and each one through bulk run, testbench and lockstep."""
    made = write_netlists(designs, FAMILIES[family], folder)
    for design, netlists in zip(designs, made, strict=True):
        x = corners(design.graph.input_type, max(6, steady_samples(design.plan)))
        output = np.asarray(design.graph(x), dtype=np.int64)
        tensors = design.plan.live.trace(x)
        build = folder / "runs" / design.name
        try:
            done = gate_level.check(design, family, x, output, tensors, build, 0, patterns, 20_000, netlists)
        except VerificationError as error:
            kept = KEPT / f"{design.name}-{family}"
            shutil.copytree(build, kept, dirs_exist_ok=True)
            command = verify_command(design, x, ("pyrtl",), (family,), 0, kept)
            error.add_note(f"files: {leave(error.difference, command, kept)}")
            raise
        assert done.cycles > design.plan.latency_cycles, design.graph
        assert done.cut_short == (), design.graph
