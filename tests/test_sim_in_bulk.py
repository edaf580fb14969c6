"""A difference in a long run leaves what any other one leaves, also where few samples do not show it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from networks import corners, perceptron

import rtlgen
from golden import Graph
from sim.difference import Difference, VerificationError
from sim.regression import in_bulk, third_party
from sim.regression.in_bulk import check_in_bulk
from sim.regression.third_party import hardware_verdict

GRAPH = perceptron((6, 5, 4), argmax=False, seed=11)
X = corners(GRAPH.input_type, 400, seed=1)
OUTPUT = "assign m_axis_tdata = "
CYCLES = "reg [12:0] planted;\nalways @(posedge clk) planted <= reset ? 13'd0 : planted + {12'd0, !(&planted)};\n"
LATE = 3500


@pytest.fixture
def design() -> rtlgen.Design:
    return rtlgen.generate(GRAPH, 8, name="planted")


def plant(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """A wrong bit at the output, always or after ``LATE`` cycles without a reset; in what is emitted only."""
    right = rtlgen.Design.write_verilog

    def wrong(self: rtlgen.Design, path: Path) -> Path:
        written = right(self, path)
        text = written.read_text()
        assert text.count(OUTPUT) == 1
        wrong_bit = f"{OUTPUT}{{7'd0, planted >= 13'd{LATE if late else 0}}} ^ "
        written.write_text(text.replace(OUTPUT, wrong_bit).replace("endmodule", CYCLES + "endmodule"))
        return written

    monkeypatch.setattr(rtlgen.Design, "write_verilog", wrong)


def failed(design: rtlgen.Design) -> Difference:
    """The difference of a check that fails; what it leaves is there, and then gone."""
    with pytest.raises(VerificationError) as caught:
        check_in_bulk(design, X)
    error, folder = caught.value, caught.value.folder
    assert folder is not None
    try:
        told = json.loads((folder / "difference.json").read_text())
        assert told["golden"] != told["hardware"]
        assert told["pyrtl"] == told["golden"]
        page = (folder / "difference.html").read_text()
        assert "<svg" in page
        assert "tensorgate verify" in page
        assert str(error.command) in str(error)
        difference = error.difference
        assert (folder / "around_difference.vcd").stat().st_size > 1000
        assert Path(difference.save_file or "").read_text().count("m_axis_tdata") == 1
        assert "m_axis_tdata" in difference.window["signals"]
        assert difference.window["cycle"] == difference.cycle
        return difference
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_a_wrong_value_is_looked_at_with_the_testbench(design, monkeypatch) -> None:
    plant(monkeypatch, late=False)
    difference = failed(design)
    assert difference.layer == GRAPH.outputs[0]
    assert "in the bulk run under icarus" in difference.message
    assert "--simulator icarus" in (difference.smaller or "")
    assert "x_smaller.npy" in (difference.smaller or "")


@pytest.mark.slow
def test_what_few_samples_do_not_show_is_run_again_with_waves(design, monkeypatch) -> None:
    plant(monkeypatch, late=True)
    difference = failed(design)
    assert difference.cycle is not None
    assert difference.cycle >= LATE
    shown = difference.window["signals"]["m_axis_tdata"]
    before = difference.cycle - difference.window["first_cycle"]
    assert int(shown[before], 16) & 1 != difference.golden & 1


@pytest.mark.exhaustive
def test_so_it_is_under_verilator(design, monkeypatch) -> None:
    plant(monkeypatch, late=True)
    monkeypatch.setattr(in_bulk, "ICARUS_S", 0.0)
    assert failed(design).witness == "verilator"


def test_the_table_tells_a_difference_and_where_its_files_are(monkeypatch, capsys, tmp_path) -> None:
    def differ(design: rtlgen.Design, x: np.ndarray) -> None:
        raise VerificationError(Difference("icarus", "one value"), tmp_path)

    monkeypatch.setattr(third_party, "check_in_bulk", differ)
    graph: Graph = GRAPH
    assert hardware_verdict("net", graph, X) == "DIFFERENT: one value"
    assert str(tmp_path) in capsys.readouterr().err
