"""What of the emitted Verilog a testbench moves: its pins once more under Verilator, which counts lines and toggles.

The pins that the testbench recorded under Icarus, stalls and resets included, are driven again, and every output that
was known has to be the same on every cycle. Verilator begins with random numbers in all registers where Icarus begins
with X: a pin that depends on what the power left there differs.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyrtl

from sim.difference import Difference, VerificationError
from sim.lockstep import Pins
from sim.postmortem import WINDOW_CYCLES, shown_of, signals
from sim.simulators import verilator
from sim.simulators.bench import WAVES
from sim.waves import Clock, cut

if TYPE_CHECKING:
    from rtlgen import Design

TOP = "tensorgate_replay_bench"
STIMULUS, OUTPUT, COVERAGE = "replay.hex", "replay.txt", "coverage.dat"

_BENCH = """\
`timescale 1ns/1ps
module tensorgate_replay_bench;
    // verilator coverage_off
    reg clk = 1'b0;
    reg [{width} - 1:0] stimulus [0:{cycles} - 1];  // inputs, outputs, which bits of the outputs were known
    reg [{width} - 1:0] word;
    integer cycle = 0, file;
{declared}    wire [{outputs} - 1:0] seen = {{{seen}}};
    wire [{outputs} - 1:0] expected = word[{outputs} +: {outputs}], known = word[0 +: {outputs}];

    {top} dut (.clk(clk){connected});

{waves}    initial begin
        $readmemh("{stimulus}", stimulus);
        file = $fopen("{output}", "w");
        for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
            word = stimulus[cycle];
            #5;
            if (((seen ^ expected) & known) != 0) begin
                $fwrite(file, "%0d %b\\n", cycle, seen);
                cycle = {cycles};
            end
            clk = 1'b1;
            #5 clk = 1'b0;
        end
        $fwrite(file, "end\\n");
        $fclose(file);
        $finish;
    end
endmodule
"""

_WAVES = """\
    initial begin
        wait (cycle == {first});
        $dumpfile("waves.vcd");
        $dumpvars(0, dut);
    end
"""
CLOCK = Clock(10_000, 4_000)
"""Of these waves: everything is settled right before the rising edge, in the middle of a cycle."""

_EDGES = {"0->1": "rises", "1->0": "falls"}


@dataclass(frozen=True)
class Structure:
    """What was moved, and what was not.

    Args:
        lines, covered_lines: statements and branches of the Verilog.
        toggles, covered_toggles: rising and falling edges of every bit of every wire and register.
        still_lines: numbers and texts of lines of which something never ran.
        still: by signal, the edges of its bits that never came; unnamed wires are ``tmp``.
    """

    lines: int
    covered_lines: int
    toggles: int
    covered_toggles: int
    still_lines: dict[str, str]
    still: dict[str, str]


def replayed(design: Design, pins: Pins, folder: Path, seed: int) -> Structure:
    """Drive recorded pins once more under Verilator, from random registers, and count what moves.

    Args:
        design: whose pins they are.
        pins: the recording.
        folder: for all files.
        seed: of what registers hold before the first reset.

    Raises:
        VerificationError: at the first cycle on which an output differs.
        FileNotFoundError, ToolError: if Verilator is missing, or fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    verilog = design.write_verilog(folder / f"{design.name}.v")
    names = [name for name in pins.octets if name not in pins.inputs]
    widths = {name: len(design.block.wirevector_by_name[name]) for name in pins.octets}
    bench = folder / f"{TOP}.v"
    bench.write_text(_bench(design, pins, names, widths))
    (folder / STIMULUS).write_text("\n".join(_words(pins, names, widths)) + "\n")
    (folder / OUTPUT).unlink(missing_ok=True)
    verilator.run_bench(TOP, bench, verilog, folder, options=verilator.COVERAGE, seed=seed)
    first, *_ = (folder / OUTPUT).read_text().splitlines()
    if first != "end":
        found = _difference(first, pins, names, widths)
        assert found.cycle is not None, first
        bench.write_text(_bench(design, pins, names, widths, max(0, found.cycle - WINDOW_CYCLES)))
        verilator.run_bench(TOP, bench, verilog, folder, options=verilator.TRACE, seed=seed)
        raise VerificationError(replace(found, **_shown(design, found, folder)))
    memories = {net.op_param[1] for net in design.block.logic_subset("m")}
    constant = {memory.name for memory in memories if isinstance(memory, pyrtl.RomBlock)}
    return _read(folder / COVERAGE, verilog, constant)


def _shown(design: Design, found: Difference, folder: Path) -> dict[str, Any]:
    """The waves of the same run before the pin differed."""
    assert found.cycle is not None
    names = signals(design, None)
    target = cut(folder / WAVES, folder / "around_difference.vcd", found.cycle - WINDOW_CYCLES, found.cycle, CLOCK)
    return shown_of(design.block, target, names, found.cycle, CLOCK, f"{TOP}.dut")


def _bench(
    design: Design, pins: Pins, outputs: list[str], widths: dict[str, int], waves_from: int | None = None
) -> str:
    """The bench; with waves from some cycle on, if one is given."""
    place, known = 0, sum(widths[name] for name in outputs)
    connected, declared = [], []
    for name in reversed(pins.inputs):
        connected.append(f".{name}(word[{2 * known + place} +: {widths[name]}])")
        place += widths[name]
    for name in outputs:
        declared.append(f"    wire [{widths[name] - 1}:0] pin_{name};\n")
        connected.append(f".{name}(pin_{name})")
    return _BENCH.format(
        top=design.name,
        width=place + 2 * known,
        cycles=pins.cycles,
        outputs=known,
        declared="".join(declared),
        seen=", ".join(f"pin_{name}" for name in outputs),
        connected="".join(f", {each}" for each in connected),
        stimulus=STIMULUS,
        output=OUTPUT,
        waves="" if waves_from is None else _WAVES.format(first=waves_from),
    )


def _words(pins: Pins, outputs: list[str], widths: dict[str, int]) -> Iterator[str]:
    """A word a cycle; before the first reset has ended nothing is known of the outputs."""
    start = pins.reset_ends or 0
    for cycle in range(pins.cycles):
        word = 0
        for name in (*pins.inputs, *outputs):
            word = word << widths[name] | pins.word(name, cycle)
        for name in outputs:
            unknown = int.from_bytes(pins.unknown[name][cycle].tobytes(), "little")
            all_ones = (1 << widths[name]) - 1
            word = word << widths[name] | (all_ones & ~unknown if cycle >= start else 0)
        yield f"{word:x}"


def _difference(line: str, pins: Pins, outputs: list[str], widths: dict[str, int]) -> Difference:
    number, bits = line.split()
    cycle, place = int(number), 0
    for name in outputs:
        seen = int(bits[place : place + widths[name]], 2)
        place += widths[name]
        unknown = int.from_bytes(pins.unknown[name][cycle].tobytes(), "little")
        expected = pins.word(name, cycle)
        if (seen ^ expected) & ~unknown:
            message = (
                f"cycle {cycle}: {name} is {expected} under Icarus, which begins with X in all registers, and {seen} "
                f"under Verilator, which begins with random numbers"
            )
            return Difference("verilator", message, cycle=cycle, golden=expected, hardware=seen)
    raise AssertionError(line)


def _read(path: Path, verilog: Path, constant: Container[str]) -> Structure:
    """Verilator's counts: a line for each point, with fields like type, line and name; not those of ``constant``."""
    texts = verilog.read_text().splitlines()
    counts = {"lines": 0, "covered_lines": 0, "toggles": 0, "covered_toggles": 0}
    still_lines: dict[str, str] = {}
    edges: dict[str, list[str]] = {}
    for fields, count in _points(path):
        if not fields["f"].endswith(verilog.name) or fields["o"].partition("[")[0] in constant:
            continue
        kind = "toggles" if fields["page"].startswith("v_toggle/") else "lines"
        counts[kind] += 1
        if count:
            counts[f"covered_{kind}"] += 1
        elif kind == "lines":
            still_lines[fields["l"]] = texts[int(fields["l"]) - 1].strip()
        else:
            bit, _, edge = fields["o"].partition(":")
            name = bit.partition("[")[0]
            unnamed = re.fullmatch(r"tmp\d+", name)
            told = bit if unnamed else bit.removeprefix(name)
            edges.setdefault("tmp" if unnamed else name, []).append(f"{told} {_EDGES[edge]}".strip())
    return Structure(
        **counts, still_lines=still_lines, still={name: ", ".join(of) for name, of in sorted(edges.items())}
    )


def _points(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    for line in path.read_text(errors="replace").splitlines():
        match = re.fullmatch(r"C '(.*)' (\d+)", line)
        if match:
            pairs = [field.partition("\x02") for field in match[1].split("\x01") if field]
            yield {key: value for key, _, value in pairs}, int(match[2])
