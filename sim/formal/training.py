"""What has to hold at the pins of hardware that trains, as Verilog around small trainers.

Its frames are of four kinds, by ``mode`` (see ``rtlgen/training/frames.py``), which stays the same within a frame. That
it does is assumed where places in frames are counted, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from golden import IntegerTrainer, Linear, ReLU, Sequential
from rtlgen.training import TrainerDesign, generate_trainer
from rtlgen.training.frames import LEARNING_RATE_SHIFTS, LOAD, READ, TRAIN
from sim.formal.aig import make_aig
from sim.formal.control import INPUTS as HANDSHAKES
from sim.formal.prover import Verdict, optimised, search, with_fault
from sim.formal.streams import LAST, ONCE, OPTIMISED, STABLE
from sim.formal.visits import never_bad

TRAINERS: Mapping[str, tuple[int, ...]] = {"trainer of one layer": (2, 2), "trainer of two layers": (2, 2, 2)}
"""By a name: the inputs of dense layers, and the outputs of the last one."""
INPUTS, OUTPUTS, LANES = 2, 2, 2
"""Of each; lanes as of ``generate_trainer``."""
SEARCH_S, SLACK_CYCLES = 120, 16
ERROR = "frame_error tells of every misplaced last, label and rate, and of nothing else"
FAULTS: Mapping[str, tuple[str, str]] = {
    STABLE: ("assign output_room = (~((results_underway == 2'd2))", "assign output_room = (1'd1"),
    LAST: ("assign result_beat_ends = (result_beat == 2'd2)", "assign result_beat_ends = (result_beat == 2'd1)"),
    ERROR: ("s_axis_tdata < 8'd2", "s_axis_tdata < 8'd3"),
    ONCE: ("results_underway <= (reset ? 2'd0 : ", "results_underway <= (reset ? 2'd0 : 2'd1 | "),
    OPTIMISED: ("assign m_axis_tlast = ", "assign m_axis_tlast = ~"),
}
"""By property: a text in the Verilog, and what it becomes."""
TOO_LONG: Mapping[str, tuple[str, ...]] = {STABLE: ("trainer of two layers",)}
"""By property: where a search takes minutes; nothing is said of it."""

_CUT = ("has_error", "any_error", "logit")
"""Wires that may be anything, whatever is computed: more is possible then, and nothing less. A way to a failure that a
refutation shows may need values that the hardware never computes."""

_OPENED = (
    ("module trainer(clk, ", "module trainer(has_error, clk, "),
    ("    wire has_error;\n", "    input has_error;\n"),
    ("    assign has_error = any_error;\n", ""),
)
"""What makes ``has_error`` an input: by it data decides how long a step takes, and nothing else of control."""
_HEAD = """\
module harness(input clk, reset, s_axis_tlast, s_axis_tvalid, m_axis_tready, has_error,
        input [7:0] s_axis_tdata, input [1:0] {mode}, input [3:0] learning_rate_shift, output bad);
    reg has_been_reset = 0;
    always @(posedge clk) has_been_reset <= has_been_reset | reset;
    wire counts = has_been_reset & !reset;
"""
_INSTANCE = """\
    wire ready{n}, valid{n}, last{n}, error{n};
    wire [15:0] data{n};
    wire [31:0] signature{n};
    {module} dut{n}({opened}.clk(clk), .reset(reset), .mode(mode), .learning_rate_shift(learning_rate_shift),
        .s_axis_tdata(s_axis_tdata), .s_axis_tlast(s_axis_tlast), .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(ready{n}), .m_axis_tready(m_axis_tready), .m_axis_tvalid(valid{n}), .m_axis_tlast(last{n}),
        .m_axis_tdata(data{n}), .frame_error(error{n}), .signature(signature{n}));
"""
_STABLE = """\
    reg stalled;
    reg [17:0] before;
    wire [17:0] beat = {valid0, last0, data0};
    always @(posedge clk) begin
        stalled <= !reset & valid0 & !m_axis_tready;
        before <= beat;
    end
    assign bad = counts & stalled & beat != before;
"""
_FRAMES = f"""\
    reg [5:0] place;
    reg [1:0] kind;
    wire [1:0] mode = place == 0 ? offered : kind;
    wire moves = s_axis_tvalid & ready0;
    wire ends = place == (mode == {READ} ? 0 : mode == {LOAD} ? load_beats - 1 : {INPUTS});
    always @(posedge clk)
        if (reset) place <= 0;
        else if (moves) begin
            place <= ends ? 0 : place + 1;
            kind <= mode;
        end
"""
_ERROR = f"""\
    reg wrong;
    wire none = ends & mode == {TRAIN} & (s_axis_tdata >= {OUTPUTS}
        | learning_rate_shift < {LEARNING_RATE_SHIFTS[0]} | learning_rate_shift > {LEARNING_RATE_SHIFTS[1]});
    always @(posedge clk)
        if (reset) wrong <= 0;
        else if (moves) wrong <= wrong | (s_axis_tlast != ends) | none;
    assign bad = counts & error0 != wrong;
"""
# What comes out are answers, the logits and the loss, or all weights, for which none of the former is still to come.
_LAST = f"""\
    reg reading;
    reg [5:0] beat;
    wire taken = valid0 & m_axis_tready;
    wire final = beat == (reading ? read_beats : answer_beats) - 1;
    always @(posedge clk)
        if (reset) begin
            beat <= 0;
            reading <= 0;
        end else begin
            if (taken) beat <= final ? 0 : beat + 1;
            reading <= (s_axis_tvalid & ready0 & mode == {READ}) | (reading & !(taken & final));
        end
    assign bad = counts & valid0 & last0 != final;
"""
# What is owed: beats of answers to samples, and of weights, that are not out yet.
_ONCE = f"""\
    reg signed [7:0] owed;
    reg [15:0] waits;
    wire whole = moves & ends & mode != {LOAD};
    wire stuck = m_axis_tready & !valid0 & (owed > 0 | !ready0);
    always @(posedge clk)
        if (reset) begin
            owed <= 0;
            waits <= 0;
        end else begin
            owed <= owed + (whole ? (mode == {READ} ? read_beats : answer_beats) : 0) - (valid0 & m_axis_tready);
            waits <= stuck ? waits + 1 : 0;
        end
    assign bad = counts & (waits > most_waits | (valid0 & owed <= 0));
"""
_SAME = """\
    assign bad = counts & (ready0 != ready1 | valid0 != valid1 | error0 != error1 | signature0 != signature1
        | (valid0 & (last0 != last1 | data0 != data1)));
"""
BODIES: Mapping[str, str] = {
    STABLE: _STABLE,
    LAST: _LAST,
    ERROR: _FRAMES + _ERROR,
    ONCE: _FRAMES + _ONCE,
    OPTIMISED: _SAME,
}
"""Properties, to the Verilog that watches them."""


def trainer_design(subject: str) -> TrainerDesign:
    """The hardware of one of ``TRAINERS``."""
    layers: list[Linear | ReLU] = []
    for inputs, outputs in pairwise(TRAINERS[subject]):
        layers += [Linear(inputs, outputs), ReLU()]
    return generate_trainer(IntegerTrainer(Sequential(layers[:-1])), LANES, name="trainer")


def harness(design: TrainerDesign, what: str) -> str:
    """The module ``harness`` whose output ``bad`` is high where ``what``, a key of ``BODIES``, does not hold."""
    weights = LANES * sum(layer.words for layer in design.schedule.layers)
    most_waits = design.schedule.training_cycles + design.schedule.inference_cycles + SLACK_CYCLES
    counts = {
        "load_beats": 2 * weights, "read_beats": weights, "answer_beats": OUTPUTS + 1, "most_waits": most_waits
    }  # fmt: skip
    modules = (design.name, "optimised") if what == OPTIMISED else (design.name,)
    opened = ".has_error(has_error), " if what == ONCE else ""
    return "".join(
        [
            _HEAD.format(mode="offered" if _FRAMES in BODIES[what] else "mode"),
            *(f"    localparam {name} = {count};\n" for name, count in counts.items()),
            *(_INSTANCE.format(n=n, module=module, opened=opened) for n, module in enumerate(modules)),
            BODIES[what].replace("[15:0] waits", f"[{most_waits.bit_length()}:0] waits"),
            "endmodule\n",
        ]
    )


def of_trainer(subject: str, what: str, folder: Path, planted: bool) -> Verdict:
    """Whether ``what``, a key of ``BODIES``, holds of one of ``TRAINERS``, or of one with a fault planted in it."""
    design = trainer_design(subject)
    verilog = with_fault(design.verilog, FAULTS[what]) if planted else design.verilog
    for change in _OPENED if what == ONCE else ():
        verilog = with_fault(verilog, change)
    (folder / "design.v").write_text(verilog)
    (folder / "harness.v").write_text(harness(design, what))
    files = ["harness.v", "design.v"]
    if what == OPTIMISED:
        (folder / "optimised.v").write_text(optimised(design.block))
        files.append("optimised.v")
    reading = [f"read_verilog {' '.join(files)}", "hierarchy -check -top harness; proc -noopt; flatten"]
    if what == ONCE:
        inputs = (*HANDSHAKES, "offered[0]", "offered[1]", "has_error[0]")
        return never_bad(make_aig(reading, "trainer", folder), inputs)
    if what != OPTIMISED:
        reading.append(f"cutpoint {' '.join(f'w:dut0.{wire}' for wire in _CUT)}; opt_clean")
    return search(reading, "harness", "trainer", folder, SEARCH_S, from_zero=what == OPTIMISED)
