"""A way to a failure, repeated: pins driven cycle by cycle under Icarus, all wires kept as waves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vcdvcd import VCDVCD

from sim.tools import run_tool

TOP = "tensorgate_bench"
SCOPE = f"{TOP}.dut"
_BENCH = """\
`timescale 1ns/1ps
module {top};
    reg clk = 1'b0;
{declared}
    {module} dut ({connected});
    initial begin
        $dumpfile("{waves}");
        $dumpvars;
{driven}
        #9 $finish;
    end
    initial begin
        #10;
        forever begin
            clk = 1'b1;
            #5 clk = 1'b0;
            #5;
        end
    end
endmodule
"""
_LEVEL, _BIT = re.compile(r"([^@=\n]+)@(\d+)=([01])"), re.compile(r"(\w+)(?:\[(\d+)\])?")

Pins = Sequence[Mapping[str, int]]
"""Of each cycle what inputs are, by name; what is not there is 0."""


def pins_of(witness: str) -> list[dict[str, int]]:
    """The pins of a refutation.

    Args:
        witness: levels of bits, one after the other: ``s_axis_tdata[3]@7=1`` is one in cycle 7. There may be several
            names for it, with a space between them.
    """
    levels = [
        (named[1], int(named[2] or 0), int(cycle), int(level))
        for names, cycle, level in _LEVEL.findall(witness)
        for name in names.split()
        if (named := _BIT.fullmatch(name))
    ]
    pins: list[dict[str, int]] = [{} for _ in range(max((cycle for _, _, cycle, _ in levels), default=-1) + 1)]
    for name, bit, cycle, level in levels:
        pins[cycle][name] = pins[cycle].get(name, 0) | level << bit
    return pins


def replay(verilog: Sequence[Path], module: str, inputs: Mapping[str, int], pins: Pins, waves: Path) -> Path:
    """Drive the inputs of a module, one row of ``pins`` a cycle, and write a VCD file of all its wires.

    Args:
        verilog: files in the folder of ``waves``.
        module: that has the input ``clk`` beside the others.
        inputs: their bits, by name.
        pins: the cycles; the clock rises behind each of them.
        waves: the file to be written.

    Raises:
        FileNotFoundError, ToolError: if Icarus is missing, or fails.
    """
    # The clock rises at the start of a cycle, and what is driven changes right behind that: see ``sim.waves.CYCLE_PS``.
    driven = []
    for cycle, levels in enumerate(pins):
        driven.append(f"        #{(0, 11)[cycle] if cycle < 2 else 10};")
        driven += [f"        {name} = {width}'h{levels.get(name, 0):x};" for name, width in inputs.items()]
    text = _BENCH.format(
        top=TOP,
        module=module,
        declared="\n".join(f"    reg [{width - 1}:0] {name} = 0;" for name, width in inputs.items()),
        connected=", ".join(f".{name}({name})" for name in ("clk", *inputs)),
        waves=waves.name,
        driven="\n".join(driven),
    )
    bench = waves.with_suffix(".bench.v")
    bench.write_text(text)
    program = waves.with_suffix(".vvp").name
    sources = [path.name for path in (bench, *verilog)]
    run_tool(["iverilog", "-g2005", "-s", TOP, "-o", program, *sources], cwd=waves.parent)
    run_tool(["vvp", "-n", program], cwd=waves.parent)
    return waves


def widths_of(waves: Path, scope: str = SCOPE) -> dict[str, int]:
    """Bits of the wires that a scope of a VCD file has itself, by name."""
    file = VCDVCD(str(waves), store_tvs=False)
    found = {}
    for reference, identifier in file.references_to_ids.items():
        path, _, name = reference.split("[")[0].rpartition(".")
        if path == scope:
            found[name] = int(file.data[identifier].size)
    return found
