"""The Verilog around the design: clock, pins that change with the rising edge, one wire with all that is watched.

The testbench wakes up once a cycle, at the falling edge, reads ``observed`` in one piece, and writes what the pins
shall be in the next cycle to ``next_*``. That makes a cycle mean the same to everybody, and costs Python one trigger
and one read a cycle however many streams there are. ::

             | cycle 0 | cycle 1 | cycle 2
    clk      _____|~~~~|____|~~~~|____|~~~       rising edges at 10, 20, ... ns
    sample      ^         ^         ^            at 5, 15, 25, ... ns
    pins     =====|=========|=========|===
"""

from __future__ import annotations

from collections.abc import Mapping

from verif import coverage
from verif.ports import Ports

TOP = "tensorgate_bench"
"""The module to simulate; the design is its instance ``dut``."""

HALF_PERIOD_NS = 5

TEMPLATE = """\
// Testbench of {name}: clock, pins and probes. The testing itself is done in Python.
`timescale 1ns/1ps
module {module};
  reg clk;
  initial begin
    clk = 1'b0;
    #{half} #{half};
    forever begin
      clk = 1'b1;
      #{half} clk = 1'b0;
      #{half};
    end
  end

  // {{reset, ready of the output, valid and last of the input}}, now and from the next rising edge on
  reg [3:0] next_control, control;
  reg [{x_top}:0] next_data, data;
  initial begin
    next_control = 4'b1000;
    control = 4'b1000;
    next_data = 0;
    data = 0;
  end
  always @(posedge clk) begin
    control <= next_control;
    data <= next_data;
  end

{mutant}  wire frame_error, x_ready, y_valid, y_last;
  wire [{y_top}:0] y_data;
  {top} dut (
    .{clock}(clk),{select}
    .{reset}(control[3]),
    .{x}_tdata(data),
    .{x}_tvalid(control[1]),
    .{x}_tlast(control[0]),
    .{x}_tready(x_ready),
    .{y}_tdata(y_data),
    .{y}_tvalid(y_valid),
    .{y}_tlast(y_last),
    .{y}_tready(control[2]),
    .{frame_error}(frame_error)
  );

  wire [{observed_top}:0] observed = {{
    control[3], frame_error,
    control[1], x_ready, control[0],
    y_valid, control[2], y_last,
    data, y_data{probes}
  }};

{coverage}  initial if ($test$plusargs("waves")) begin
    $dumpfile("waves.vcd");
    $dumpvars(0, dut);
  end
endmodule
"""


MUTANT = "mutsel"
"""The input of a netlist with mutants that chooses one of them; 0 is the design as it was."""


def verilog(ports: Ports, mutant_bits: int = 0, *, watched: bool = False) -> str:
    """The bench for a design with these ports.

    Args:
        ports: of the design.
        mutant_bits: of an input that chooses a mutant; 0 for none.
        watched: whether rooms and buffers are, for coverage: in a netlist they may be gone.
    """
    return TEMPLATE.format(
        module=TOP,
        name=ports.name,
        top=ports.top,
        half=HALF_PERIOD_NS,
        clock=ports.clock,
        reset=ports.reset,
        frame_error=ports.frame_error,
        mutant=f"  reg [{mutant_bits - 1}:0] {MUTANT} = 0;\n" if mutant_bits else "",
        select=f"\n    .{MUTANT}({MUTANT})," if mutant_bits else "",
        x=ports.input.prefix,
        y=ports.output.prefix,
        x_top=ports.input.width - 1,
        y_top=ports.output.width - 1,
        observed_top=sum(pins(ports).values()) + 3 * len(ports.streams) - 1,
        probes="".join(
            f",\n    dut.{stream.wire('valid')}, dut.{stream.wire('ready')}, dut.{stream.wire('last')}"
            for stream in ports.streams
        ),
        coverage=coverage.verilog(ports) if watched else "",
    )


def pins(ports: Ports) -> Mapping[str, int]:
    """The top pins but the clock, with their widths, in the order in which ``observed`` begins with them."""
    x, y = ports.input, ports.output
    return {
        ports.reset: 1,
        ports.frame_error: 1,
        **{port.wire(kind): 1 for port in (x, y) for kind in ("valid", "ready", "last")},
        x.wire("data"): x.width,
        y.wire("data"): y.width,
    }


def driven_pins(ports: Ports) -> list[str]:
    """Those of the pins which are inputs of the design."""
    return [ports.reset, *(ports.input.wire(kind) for kind in ("valid", "last", "data")), ports.output.wire("ready")]
