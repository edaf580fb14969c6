"""The pins of a testbench under Verilator: what of the Verilog they move, from random registers on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rtlgen
from sim import structure
from sim.difference import VerificationError
from sim.lockstep import Pins
from sim.regression.cases import Case, CaseResult
from sim.regression.coverage_page import Coverage
from sim.regression.exercises import exercise, exercise_samples
from sim.regression.report import html
from sim.regression.run_case import run_case
from sim.structure import replayed
from sim.witnesses import check_hostile


@pytest.fixture(scope="module")
def design() -> rtlgen.Design:
    return rtlgen.generate(exercise("scales_scalar"), 4, name="watched")


@pytest.fixture(scope="module")
def pins(design: rtlgen.Design, tmp_path_factory: pytest.TempPathFactory) -> Pins:
    x = exercise_samples(design.graph.input_type, 8, 0)
    return check_hostile(
        design, x, design.plan.live.trace(x), tmp_path_factory.mktemp("bench"), 0, (("coin", "coin"),)
    )[1]


@pytest.mark.slow
def test_what_moves_is_counted_and_what_does_not_is_named(design: rtlgen.Design, pins: Pins, tmp_path: Path) -> None:
    found = replayed(design, pins, tmp_path, seed=1)
    assert 0.9 * found.lines < found.covered_lines <= found.lines
    assert 0.8 * found.toggles < found.covered_toggles < found.toggles
    assert found.still["requantize2_out_ready"] == "falls", "between layers it is always high"
    assert not [name for name in found.still if name.endswith("_rom")]
    assert all(text for text in found.still_lines.values())


@pytest.mark.exhaustive
def test_a_pin_that_depends_on_the_power_up_differs(
    design: rtlgen.Design, pins: Pins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register that nothing resets: whatever begins with zeros in it works."""
    right = rtlgen.Design.write_verilog

    def wrong(self: rtlgen.Design, path: Any) -> Path:
        written = right(self, path)
        text = written.read_text().replace("assign m_axis_tvalid =", "assign m_axis_tvalid = (planted == 8'd0) &")
        register = "reg [7:0] planted;\nalways @(posedge clk) planted <= planted;\nendmodule"
        written.write_text(text.replace("endmodule", register))
        return written

    monkeypatch.setattr(rtlgen.Design, "write_verilog", wrong)
    with pytest.raises(VerificationError, match="m_axis_tvalid is 1 under Icarus") as caught:
        replayed(design, pins, tmp_path, seed=1)
    difference = caught.value.difference
    assert difference.witness == "verilator"
    assert Path(difference.save_file or "").exists()
    # Zeros are shown from the first reset on, where the other simulator has ones.
    assert difference.window["cycle"] == difference.cycle
    assert difference.window["signals"]["m_axis_tvalid"][-8:][0] == "0"
    assert {len(values) for values in difference.window["signals"].values()} == {24}


POINT = "C '\x01f\x02{file}\x01l\x02{line}\x01page\x02{page}/m\x01o\x02{name}\x01h\x02b.dut' {count}\n"


def test_points_are_counted_by_kind_and_named_by_signal(tmp_path: Path) -> None:
    (tmp_path / "m.v").write_text("one;\ntwo;\n")
    points = [
        ("m.v", 1, "v_line", "block", 3),
        ("m.v", 2, "v_branch", "if", 0),
        ("m.v", 2, "v_toggle", "r[0]:0->1", 1),
        ("m.v", 2, "v_toggle", "r[1]:0->1", 0),
        ("m.v", 2, "v_toggle", "r[1]:1->0", 0),
        ("m.v", 2, "v_toggle", "tmp7[2]:1->0", 0),
        ("m.v", 2, "v_toggle", "rom[3][1]:1->0", 0),
        ("bench.v", 2, "v_toggle", "clk:1->0", 0),
    ]
    fields = ("file", "line", "page", "name", "count")
    (tmp_path / "c.dat").write_text("".join(POINT.format(**dict(zip(fields, point, strict=True))) for point in points))
    found = structure._read(tmp_path / "c.dat", tmp_path / "m.v", {"rom"})
    assert (found.lines, found.covered_lines, found.toggles, found.covered_toggles) == (2, 1, 4, 1)
    assert found.still_lines == {"2": "two;"}
    assert found.still == {"r": "[1] rises, [1] falls", "tmp": "tmp7[2] falls"}


def test_a_page_without_verilator_says_so() -> None:
    case = Case.parse("iris-m16-icarus-n16-stalls-s0")
    text = html([CaseResult(case, "passed", covered={"Relu / flow / moves": 1})])
    assert "Not measured: Verilator is missing" in text
    assert not Coverage({}, {}).structures


@pytest.mark.exhaustive
def test_a_case_tells_what_moved(tmp_path: Path) -> None:
    result = run_case(Case.parse("chain_unrolled-unrolled-verilator-n4-stalls-s0"), tmp_path)
    assert result.passed, result.message
    assert result.cycles > 100
    assert CaseResult.from_json(json.loads(json.dumps(result.as_json()))) == result
    assert 0.8 < result.structure["covered_lines"] / result.structure["lines"] <= 1
    text = html([replace(result, covered={"Relu / flow / moves": 1})])
    assert f"{result.case.id}: what did not move" in text
