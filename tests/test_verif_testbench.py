"""The testbench against designs written by hand: a right one, and one for every fault it must catch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.simulators.cocotb_launcher import TestbenchResult, run_testbench
from verif.recorder import Recording

# x: s8[2, 3] over 2 lanes -> double1 = 2 * x: s9[2, 3] -> relu1 = max(double1, 0): u8[2, 3]; 4 beats a sample.
# Every FAULT_... is one planted error.
DESIGN = """
module handmade(
  input clk, input reset,
  input [15:0] s_axis_tdata, input s_axis_tvalid, input s_axis_tlast, output s_axis_tready,
  output [17:0] m_axis_tdata, output m_axis_tvalid, output m_axis_tlast, input m_axis_tready,
  output frame_error);

  wire [19:0] double1_out_data;
  wire double1_out_valid, double1_out_ready, double1_out_last;
  reg [19:0] d_data; reg d_valid; reg d_last;
  reg [1:0] beat; reg broken; reg bubble; reg [4:0] seen; reg [1:0] waited;

  // the input: counts beats, checks the frame
  wire moves = s_axis_tvalid & s_axis_tready;
  assign frame_error = broken;
  always @(posedge clk) begin
    seen <= seen + moves;
    bubble <= moves & (beat == 3);
    if (moves) beat <= beat + 1;
`ifndef FAULT_FRAME_ERROR_NEVER
    if (moves & (s_axis_tlast != (beat == 3))) broken <= 1;
`endif
`ifdef FAULT_FRAME_ERROR_ALWAYS
    if (moves & (beat == 3)) broken <= 1;
`endif
    if (reset) begin
`ifndef FAULT_RESET_FORGETS_COUNTER
      beat <= 0;
`endif
      broken <= 0; bubble <= 0; seen <= 0;
    end
  end
  initial beat = 0;

  // double1
  wire [9:0] even = {s_axis_tdata[7], s_axis_tdata[7:0], 1'b0};
  wire [9:0] odd = {s_axis_tdata[15], s_axis_tdata[15:8], 1'b0};
  wire d_free = ~d_valid | double1_out_ready;
`ifdef FAULT_LATE_INTERVAL
  assign s_axis_tready = d_free & ~bubble;
`elsif FAULT_LOST_BEAT
  assign s_axis_tready = 1'b1;
`elsif FAULT_STUCK_READY
  assign s_axis_tready = d_free & ~seen[4];
`elsif FAULT_UNKNOWN_READY
  assign s_axis_tready = (beat == 2) ? 1'bx : d_free;
`else
  assign s_axis_tready = d_free;
`endif
  always @(posedge clk) begin
    waited <= (d_valid & ~double1_out_ready) ? waited + 1 : 0;
    if (d_free) begin
      d_data <= {odd, even};
`ifdef FAULT_WRONG_VALUE
      if (beat == 2) d_data <= {odd + 10'd2, even};
`endif
`ifdef FAULT_UNKNOWN_DATA
      if (beat == 2) d_data <= {9'd0, 1'bx, even};
`endif
`ifdef FAULT_WRONG_EXTENSION
      d_data <= {odd, 1'b0, even[8:0]};
`endif
      d_valid <= moves;
      d_last <= beat == 3;
`ifdef FAULT_LAST_EARLY
      d_last <= beat == 2;
`endif
`ifdef FAULT_LAST_LATE
      d_last <= beat == 0;
`endif
    end
`ifdef FAULT_VALID_FALLS
    else if (waited == 2) d_valid <= 0;
`endif
`ifdef FAULT_DATA_CHANGES
    else d_data[13] <= ~d_data[13];
`endif
`ifdef FAULT_LAST_CHANGES
    else d_last <= ~d_last;
`endif
`ifndef FAULT_RESET_KEEPS_BEAT
    if (reset) d_valid <= 0;
`endif
  end
  initial d_valid = 0;
`ifdef FAULT_ONLY_THE_TAP
  assign double1_out_data = d_data ^ (beat == 1);
`else
  assign double1_out_data = d_data;
`endif
  assign double1_out_valid = d_valid;
  assign double1_out_last = d_last;

  // relu1
  reg [17:0] r_data; reg r_valid; reg r_last; reg again;
  wire r_free = ~r_valid | m_axis_tready;
`ifdef FAULT_DUPLICATED_BEAT
  wire repeats = r_valid & m_axis_tready & again & ~reset;   // a beat that had to wait is given twice
  assign double1_out_ready = r_free & ~repeats;
`else
  wire repeats = 1'b0;
  assign double1_out_ready = r_free;
`endif
  always @(posedge clk) begin
    again <= r_valid & ~m_axis_tready;
    if (r_free & ~repeats) begin
      r_data[8:0] <= d_data[9] ? 9'd0 : d_data[8:0];
      r_data[17:9] <= d_data[19] ? 9'd0 : d_data[18:10];
      r_valid <= double1_out_valid;
      r_last <= double1_out_last;
`ifdef FAULT_OUTPUT_VALUE
      if (beat == 3) r_data[8:0] <= d_data[8:0];
`endif
    end
    if (reset) begin r_valid <= 0; r_data <= 0; r_last <= 0; again <= 0; end
  end
  assign m_axis_tdata = r_data;
`ifdef FAULT_OUTPUT_UNKNOWN
  assign m_axis_tvalid = (r_valid & r_last & d_valid) ? 1'bx : r_valid;
`elsif FAULT_WAITS_FOR_READY
  assign m_axis_tvalid = r_valid & m_axis_tready;
`elsif FAULT_SPEAKS_UNASKED
  reg [5:0] calm;
  always @(posedge clk) calm <= (reset | s_axis_tvalid | r_valid) ? 0 : calm + (calm != 9 | m_axis_tready);
  assign m_axis_tvalid = r_valid | (calm == 9 & m_axis_tready);
`elsif FAULT_POWER_UP
  reg [3:0] never_reset;  // right in whatever begins with zeros, and no reset leads out of another state
  initial never_reset = 0;
  always @(posedge clk) never_reset <= never_reset;
  assign m_axis_tvalid = r_valid & (never_reset == 0);
`elsif FAULT_POWER_UP_UNKNOWN
  reg never_reset;
  always @(posedge clk) never_reset <= never_reset;
  assign m_axis_tvalid = r_valid & never_reset;
`else
  assign m_axis_tvalid = r_valid;
`endif
  assign m_axis_tlast = r_last;
endmodule
"""

PORTS: dict[str, Any] = {
    "name": "handmade",
    "top": "handmade",
    "clock": "clk",
    "reset": "reset",
    "frame_error": "frame_error",
    "input": {"tensor": "x", "prefix": "s_axis", "lanes": 2, "bits": 8, "dtype": "s8", "shape": [2, 3]},
    "output": {"tensor": "relu1", "prefix": "m_axis", "lanes": 2, "bits": 9, "dtype": "u8", "shape": [2, 3]},
    "streams": [{"tensor": "double1", "prefix": "double1_out", "lanes": 2, "bits": 10, "dtype": "s9", "shape": [2, 3]}],
    "plan": {"ii_cycles": 4, "latency_cycles": 5},
}


def stimulus(samples: int = 7) -> dict[str, np.ndarray]:
    x = np.random.default_rng(1).integers(-128, 128, (samples, 2, 3))
    x[0] = [[-128, 127, -1], [0, 1, -128]]
    return {"x": x, "double1": 2 * x, "relu1": np.maximum(2 * x, 0)}


def check(build: Path, fault: str = "", **options: Any) -> TestbenchResult:
    build.mkdir(parents=True, exist_ok=True)
    verilog, ports = build / "handmade.v", build / "handmade.json"
    verilog.write_text((f"`define FAULT_{fault}\n" if fault else "") + DESIGN)
    ports.write_text(json.dumps(PORTS))
    tensors = stimulus()
    return run_testbench(verilog, ports, tensors["x"], tensors, build / "run", **options)


@pytest.mark.slow
def test_a_right_design_passes_every_phase(tmp_path):
    result = check(tmp_path)
    assert result.passed, result
    assert not result.findings
    assert list(result.phases) == [
        "every_sample_without_stalls",
        "every_sample_under_stalls",
        "reset_in_mid_sample",
        "any_state_before_a_reset",
        "idle_output_stays_quiet",
        "broken_frame_is_flagged",
        "valid_never_waits_for_ready",
    ]
    assert (result.latency_cycles, result.ii_cycles) == (5, 4)
    for stream in ("s_axis", "double1_out", "m_axis"):  # the stalls were real
        assert result.coverage[stream]["stalled"] > 20
        assert result.coverage[stream]["starved"] > 20
        assert result.coverage[stream]["beats"] > 80
    # Clear of what a reset has broken off comes every sample.
    assert sorted(result.carried["behind a reset"]) == list(range(len(stimulus()["x"])))


# fault -> what must be found first: check, phase, stream, and whatever else is known exactly
WITHOUT_STALLS, STALLS, RESET = "every_sample_without_stalls", "every_sample_under_stalls", "reset_in_mid_sample"
POWER, IDLE, BROKEN, BLOCKED = (
    "any_state_before_a_reset",
    "idle_output_stays_quiet",
    "broken_frame_is_flagged",
    "valid_never_waits_for_ready",
)
FAULTS: dict[str, dict[str, Any]] = {
    "WRONG_VALUE": {
        "check": "value",
        "phase": WITHOUT_STALLS,
        "stream": "double1_out",
        "tensor": "double1",
        "sample": 0,
        "beat": 2,
        "lane": 1,
        "element": [1, 1],
        "golden": 2,
        "hardware": 4,
        "cycle": 5,
    },
    "WRONG_EXTENSION": {"check": "value", "phase": WITHOUT_STALLS, "stream": "double1_out", "golden": -256},
    "ONLY_THE_TAP": {"check": "value", "phase": WITHOUT_STALLS, "stream": "double1_out", "element": [0, 0]},
    "OUTPUT_VALUE": {"check": "value", "phase": WITHOUT_STALLS, "stream": "m_axis", "tensor": "relu1", "golden": 0},
    "UNKNOWN_DATA": {"check": "unknown", "phase": WITHOUT_STALLS, "stream": "double1_out", "beat": 2},
    "UNKNOWN_READY": {"check": "unknown", "phase": WITHOUT_STALLS, "stream": "s_axis", "beat": 2},
    "OUTPUT_UNKNOWN": {"check": "unknown", "phase": WITHOUT_STALLS, "stream": "m_axis"},
    "LAST_EARLY": {"check": "last", "phase": WITHOUT_STALLS, "stream": "double1_out", "beat": 2},
    "LAST_LATE": {"check": "last", "phase": WITHOUT_STALLS, "stream": "double1_out", "beat": 0},
    "LATE_INTERVAL": {"check": "ii_cycles", "phase": WITHOUT_STALLS, "golden": 4, "hardware": 5},
    "FRAME_ERROR_ALWAYS": {"check": "frame_error", "phase": WITHOUT_STALLS},
    "VALID_FALLS": {"check": "rule 2", "phase": STALLS, "stream": "double1_out"},
    "DATA_CHANGES": {"check": "rule 2", "phase": STALLS, "stream": "double1_out"},
    "LAST_CHANGES": {"check": "rule 2", "phase": STALLS, "stream": "double1_out"},
    "LOST_BEAT": {"check": "value", "phase": STALLS, "stream": "double1_out"},
    "DUPLICATED_BEAT": {"check": "value", "phase": STALLS, "stream": "m_axis"},
    "STUCK_READY": {"check": "hang", "phase": STALLS, "stream": "s_axis"},
    "RESET_FORGETS_COUNTER": {"check": "last", "phase": RESET, "stream": "double1_out"},
    "RESET_KEEPS_BEAT": {"check": "value", "phase": RESET, "stream": "double1_out", "beat": 0},
    "POWER_UP": {"check": "hang", "phase": POWER, "stream": "m_axis"},
    "POWER_UP_UNKNOWN": {"check": "unknown", "phase": WITHOUT_STALLS, "stream": "m_axis"},
    "SPEAKS_UNASKED": {"check": "extra beat", "phase": IDLE, "stream": "m_axis", "beat": 0},
    "FRAME_ERROR_NEVER": {"check": "frame_error", "phase": BROKEN},
    "WAITS_FOR_READY": {"check": "rule 3", "phase": BLOCKED, "stream": "m_axis"},
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named(fault, tmp_path):
    phases = (IDLE,) if fault == "SPEAKS_UNASKED" else ()
    result = check(tmp_path, fault, phases=phases, registers=["never_reset"] if fault == "POWER_UP" else [])
    assert not result.passed
    found, wanted = dict(result.first or {}), FAULTS[fault]
    found["phase"] = found["phase"].split("[")[0]
    assert {key: found[key] for key in wanted} == wanted, result
    assert json.loads((tmp_path / "run" / "findings.json").read_text()) == list(result.findings)


@pytest.mark.slow
def test_a_state_that_no_reset_leads_out_of_shows_with_random_registers_only(tmp_path):
    assert check(tmp_path, "POWER_UP").passed


@pytest.mark.slow
def test_a_hang_says_where_every_stream_stopped(tmp_path):
    result = check(tmp_path, "STUCK_READY", phases=[STALLS])
    message = result.first["message"]
    assert "stuck at stream s_axis (layer x), valid=1 ready=0" in message
    assert "m_axis: tensor 3 beat 3 of 4" in message


def test_every_planted_fault_is_in_the_table():
    planted = {word.removeprefix("FAULT_") for word in DESIGN.split() if word.startswith("FAULT_")}
    assert planted == set(FAULTS)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_recording(tmp_path):
    first, again, other = (check(tmp_path / str(i), seed=seed) for i, seed in enumerate((5, 5, 6)))
    pins = [Recording(result.recording) for result in (first, again, other)]
    assert first.cycles == again.cycles
    assert pins[0].words("s_axis_tdata") == pins[1].words("s_axis_tdata")
    assert pins[0].words("s_axis_tdata") != pins[2].words("s_axis_tdata")


@pytest.mark.slow
def test_the_recording_holds_every_cycle_from_before_the_first_edge(tmp_path):
    result = check(tmp_path)
    pins = Recording(result.recording)
    assert len(pins.words("reset")) == result.cycles
    assert pins.words("reset")[:3] == [1, 1, 0]
    assert pins.unknown("m_axis_tvalid")[:2] == [1, 0]  # nothing has been clocked yet in cycle 0
    assert not any(pins.unknown("s_axis_tready")[1:])
    assert set(pins.inputs) == {"reset", "s_axis_tvalid", "s_axis_tlast", "s_axis_tdata", "m_axis_tready"}
    # every register changes with the edge: frame_error follows the beat that moved by one cycle
    moved = [v & r for v, r in zip(pins.words("s_axis_tvalid"), pins.words("s_axis_tready"), strict=True)]
    rises = [c for c, now in enumerate(pins.words("frame_error")) if now and not pins.words("frame_error")[c - 1]]
    assert len(rises) == 2
    assert all(moved[cycle - 1] for cycle in rises)


@pytest.mark.slow
def test_a_design_without_a_plan_is_measured_only(tmp_path, monkeypatch):
    monkeypatch.setitem(PORTS, "plan", None)
    result = check(tmp_path)
    assert result.passed, result
    assert (result.latency_cycles, result.ii_cycles) == (5, 4)


@pytest.mark.slow
def test_a_wrong_latency_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(PORTS, "plan", {"ii_cycles": 4, "latency_cycles": 6})
    found = check(tmp_path).first
    assert (found["check"], found["golden"], found["hardware"]) == ("latency_cycles", 6, 5)
