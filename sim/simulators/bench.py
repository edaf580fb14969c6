"""The plain Verilog bench for bulk runs: samples back to back, outputs always taken, each beat with its cycle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from golden.types import IntArray
from sim.simulators.beats import Beats
from sim.simulators.simulator import Run, most_cycles, run_of
from sim.waves import Clock

if TYPE_CHECKING:
    from rtlgen import Design

TOP = "tensorgate_bulk_bench"
STIMULUS, OUTPUT = "stimulus.hex", "output.txt"

_BENCH = """\
`timescale 1ns/1ps
module tensorgate_bulk_bench;
    reg clk = 1'b0;
    reg reset = 1'b1;
    reg [{last}:0] stimulus [0:{beats} - 1];  // last, data
    integer sent = 0, taken = 0, cycle = 0, file;
    wire [{last}:0] word = stimulus[sent < {beats} ? sent : 0];
    wire valid = !reset && sent < {beats};
    wire ready, out_valid, out_last, frame_error;
    wire [{out_bits} - 1:0] out_data;

    {top} dut (
        .clk(clk), .reset(reset), .frame_error(frame_error),
        .s_axis_tdata(word[{last} - 1:0]), .s_axis_tlast(word[{last}]), .s_axis_tvalid(valid), .s_axis_tready(ready),
        .m_axis_tdata(out_data), .m_axis_tlast(out_last), .m_axis_tvalid(out_valid), .m_axis_tready(1'b1));

    initial begin
        $readmemh("{stimulus}", stimulus);
        file = $fopen("{output}", "w");
    end
    always #5 clk = !clk;
{waves}    always @(posedge clk) begin
        reset <= 1'b0;
        if (!reset) begin
            cycle <= cycle + 1;
            if (valid && ready) sent <= sent + 1;
            if (out_valid) begin
                $fwrite(file, "%0d %b %h\\n", cycle, out_last, out_data);
                taken <= taken + 1;
            end
            if (taken == {expected} || cycle == {limit} || frame_error !== 1'b0) begin
                $fclose(file);
                $finish;
            end
        end
    end
endmodule
"""


WAVES = "waves.vcd"
CLOCK = Clock(10_000, 4_000, -1)
"""Of its waves: the reset takes one cycle, and everything is settled right before the rising edge."""
_WAVES = """\
    always @(negedge clk) begin
        if (cycle == {first}) begin
            $dumpfile("waves.vcd");
            $dumpvars(0, dut);
        end
        if (cycle == {last}) $dumpoff;
    end
"""
Window = tuple[int, int]
"""The first and the last cycle of waves."""
WHOLE: Window = (0, 1 << 30)
"""Waves of a whole run."""


def write_bench(design: Design, x: IntArray, build: Path, *, waves: Window | None = None) -> Path:
    """Write the bench and its stimulus into ``build``, one that leaves ``WAVES`` if they are wanted; the bench."""
    source, sink = Beats.of(design.ports["input"]), Beats.of(design.ports["output"])
    words = source.pack(x)
    flag = 1 << source.word_bits
    lines = [f"{word | (flag if (place + 1) % source.count == 0 else 0):x}" for place, word in enumerate(words)]
    (build / STIMULUS).write_text("\n".join(lines) + "\n")
    for old in (OUTPUT, WAVES):
        (build / old).unlink(missing_ok=True)
    bench = build / "tensorgate_bulk_bench.v"
    bench.write_text(
        _BENCH.format(
            top=design.ports["top"],
            last=source.word_bits,
            beats=len(words),
            out_bits=sink.word_bits,
            stimulus=STIMULUS,
            output=OUTPUT,
            expected=len(x) * sink.count,
            limit=most_cycles(design, len(x)),
            waves=_WAVES.format(first=max(0, waves[0]), last=waves[1]) if waves else "",
        )
    )
    return bench


def read_run(design: Design, samples: int, build: Path, simulator: str) -> Run:
    """What the bench wrote.

    Raises:
        TimeoutError: if beats are missing.
        ValueError: if an output bit is neither 0 nor 1.
    """
    lines = (build / OUTPUT).read_text().split("\n")[:-1]
    port = Beats.of(design.ports["output"])
    expected = samples * port.count
    words, cycles = [], []
    for place, line in enumerate(lines):
        cycle, last, data = line.split()
        if set(data + last) - set("0123456789abcdef"):
            raise ValueError(f"{design.name} under {simulator}: undefined output {data} at cycle {cycle}")
        if int(last) != ((place + 1) % port.count == 0):
            raise ValueError(f"{design.name} under {simulator}: m_axis_tlast is {last} at cycle {cycle}, beat {place}")
        words.append(int(data, 16))
        cycles.append(int(cycle))
    if len(words) != expected:
        raise TimeoutError(f"{design.name} under {simulator} gave {len(words)} of {expected} output beats")
    return run_of(words, cycles, design)
