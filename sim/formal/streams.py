"""What has to hold at the pins of any network's hardware, as Verilog around it."""

from __future__ import annotations

from rtlgen import Design
from sim.simulators.beats import Beats

_PORTS = """\
.clk(clk), .reset(reset), .s_axis_tdata(s_axis_tdata), .s_axis_tlast(s_axis_tlast),
        .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(ready{n}), .m_axis_tready(m_axis_tready),
        .m_axis_tvalid(valid{n}), .m_axis_tlast(last{n}), .m_axis_tdata(data{n}), .frame_error(error{n})"""
_HEAD = """\
module harness(input clk, reset, s_axis_tlast, s_axis_tvalid, m_axis_tready,
        input [{in_bits} - 1:0] s_axis_tdata, output bad);
    reg has_been_reset = 0;
    always @(posedge clk) has_been_reset <= has_been_reset | reset;
    wire counts = has_been_reset & !reset;
"""
_STABLE = """\
    reg stalled;
    reg [{out_bits} + 1:0] before;
    wire [{out_bits} + 1:0] beat = {{valid0, last0, data0}};
    always @(posedge clk) begin
        stalled <= !reset & valid0 & !m_axis_tready;
        before <= beat;
    end
    assign bad = counts & stalled & beat != before;
"""
_LAST = """\
    reg [31:0] place;
    always @(posedge clk)
        if (reset) place <= 0;
        else if (valid0 & m_axis_tready) place <= place == {beats} - 1 ? 0 : place + 1;
    assign bad = counts & valid0 & (last0 != (place == {beats} - 1));
"""
_ERROR = """\
    reg [31:0] place;
    reg wrong;
    wire moves = s_axis_tvalid & ready0;
    wire ends = place == {in_beats} - 1;
    always @(posedge clk)
        if (reset) begin
            place <= 0;
            wrong <= 0;
        end else if (moves) begin
            place <= ends ? 0 : place + 1;
            wrong <= wrong | (s_axis_tlast != ends);
        end
    assign bad = counts & (error0 != wrong);
"""
_SAME = """\
    assign bad = counts & (ready0 != ready1 | valid0 != valid1 | error0 != error1
        | (valid0 & (last0 != last1 | data0 != data1)));
"""

# What is owed: output beats of samples that are whole inside, less those that are out already.
_ONCE = """\
    reg [31:0] place;
    reg signed [7:0] owed;
    reg [{wait_bits} - 1:0] waits;
    wire moves = s_axis_tvalid & ready0;
    wire whole = moves & place == {in_beats} - 1;
    wire taken = valid0 & m_axis_tready;
    wire stuck = m_axis_tready & !valid0 & (owed > 0 | !ready0);
    always @(posedge clk)
        if (reset) begin
            place <= 0;
            owed <= 0;
            waits <= 0;
        end else begin
            if (moves) place <= whole ? 0 : place + 1;
            owed <= owed + (whole ? {beats} : 0) - taken;
            waits <= stuck ? waits + 1 : 0;
        end
    assign bad = counts & (waits > {most_waits} | (place == 0 & owed < 0));
"""

STABLE, LAST, ERROR, ONCE, OPTIMISED = (
    "an output beat is stable while nobody takes it",
    "last is in its place",
    "frame_error tells of every misplaced last, and of nothing else",
    "what comes in comes out once, and in bounded time",
    "PyRTL's optimisation changes no pin",
)
BODIES = {STABLE: _STABLE, LAST: _LAST, ERROR: _ERROR, ONCE: _ONCE, OPTIMISED: _SAME}
"""Properties, to the Verilog that watches them."""


def harness(design: Design, what: str, modules: tuple[str, ...]) -> str:
    """The module ``harness`` whose output ``bad`` is high where ``what``, a key of ``BODIES``, does not hold.

    Args:
        design: whose ports the modules have.
        what: the property.
        modules: the hardware, once, or two that have to do the same.
    """
    source, sink = Beats.of(design.ports["input"]), Beats.of(design.ports["output"])
    bits = {"in_bits": source.word_bits, "out_bits": sink.word_bits}
    most_waits = design.plan.latency_cycles + design.plan.ii_cycles
    lines = [_HEAD.format(**bits)]
    for n, module in enumerate(modules):
        lines.append(f"    wire ready{n}, valid{n}, last{n}, error{n};\n    wire [{sink.word_bits} - 1:0] data{n};\n")
        lines.append(f"    {module} dut{n}({_PORTS.format(n=n)});\n")
    counts = {"beats": sink.count, "in_beats": source.count}
    body = BODIES[what].format(**bits, **counts, most_waits=most_waits, wait_bits=most_waits.bit_length() + 1)
    # Counters as wide as what they count.
    widest = max(2, source.count.bit_length(), sink.count.bit_length())
    return "".join([*lines, body.replace("[31:0]", f"[{widest - 1}:0]"), "endmodule\n"])
