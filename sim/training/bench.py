"""The plain Verilog bench of a trainer, for long runs: frames back to back from a file, every beat with its cycle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.training.frames import Frame

TOP = "tensorgate_training_bench"
STIMULUS, OUTPUT = "stimulus.bin", "output.txt"

_BENCH = """\
`timescale 1ns/1ps
module tensorgate_training_bench;
    reg clk = 1'b0;
    reg reset = 1'b1;
    reg [15:0] word;  // there is one, mode, learning rate, last, data
    integer taken = 0, quiet = 0, cycle = 0, stimulus, file;
    wire valid = !reset && word[15];
    wire ready, out_valid, out_last, frame_error;
    wire [15:0] out_data;
    wire [31:0] signature;

    {top} dut (
        .clk(clk), .reset(reset), .frame_error(frame_error), .signature(signature),
        .mode(word[14:13]), .learning_rate_shift(word[12:9]),
        .s_axis_tdata(word[7:0]), .s_axis_tlast(word[8]), .s_axis_tvalid(valid), .s_axis_tready(ready),
        .m_axis_tdata(out_data), .m_axis_tlast(out_last), .m_axis_tvalid(out_valid), .m_axis_tready(1'b1));

    task fetch;
        begin
            word[15:8] = $fgetc(stimulus);
            word[7:0] = $fgetc(stimulus);
        end
    endtask

    initial begin
        stimulus = $fopen("{stimulus}", "rb");
        file = $fopen("{output}", "w");
        fetch;
    end
    always #5 clk = !clk;
{waves}    // Everything is sampled at the rising edge, and changes at the falling one.
    reg moved = 1'b0;
    always @(posedge clk) begin
        moved <= valid && ready;
        if (!reset) begin
            cycle <= cycle + 1;
            if (out_valid) begin
                $fwrite(file, "%0d %b %h\\n", cycle, out_last, out_data);
                taken <= taken + 1;
            end
            quiet <= out_valid ? 0 : quiet + 1;
            // For a while nothing more may come.
            if ((taken >= {expected} && quiet == {settle}) || cycle == {limit} || frame_error !== 1'b0) begin
                $fwrite(file, "end %0d %b %h\\n", cycle, frame_error, signature);
                $fclose(file);
                $finish;
            end
        end
    end
    always @(negedge clk) begin
        reset <= 1'b0;
        if (moved) fetch;
    end
endmodule
"""

_THERE, _MODE, _RATE, _LAST = 1 << 15, 13, 9, 1 << 8


_WAVES = """\
    always @(negedge clk) begin
        if (cycle == {first}) begin
            $dumpfile("waves.vcd");
            $dumpvars(0, dut);
        end
        if (cycle == {last}) $finish;
    end
"""


def write_bench(
    top: str,
    frames: Iterable[Frame],
    beats: int,
    settle: int,
    most_cycles: int,
    build: Path,
    waves: tuple[int, int] | None = None,
) -> Path:
    """Write the bench and its stimulus into ``build``; returns the bench.

    Args:
        top: module of the trainer.
        frames: one after the other.
        beats: that come back in all.
        settle: cycles after the last of them, in which nothing may come.
        most_cycles: after which it has hung.
        build: folder.
        waves: the first and the last cycle of a VCD file, with which the run ends; None for none.
    """
    with (build / STIMULUS).open("wb") as file:
        for frame in frames:
            kind = _THERE | frame.mode << _MODE | frame.rate << _RATE
            ends = len(frame.data) - 1
            for place, byte in enumerate(frame.data):
                file.write((kind | byte | (_LAST if place == ends else 0)).to_bytes(2, "big"))
        file.write(b"\0\0" * 2)
    (build / OUTPUT).unlink(missing_ok=True)
    bench = build / f"{TOP}.v"
    bench.write_text(
        _BENCH.format(
            top=top,
            stimulus=STIMULUS,
            output=OUTPUT,
            expected=beats,
            settle=settle,
            limit=most_cycles,
            waves=_WAVES.format(first=waves[0], last=waves[1]) if waves else "",
        )
    )
    return bench
