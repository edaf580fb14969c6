"""The table of silicon: what stands in its columns, and what happens where hardware is not as it has to be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rtlgen
from golden import zoo
from rtlgen.macs import macs_of
from sim.difference import Difference, VerificationError
from sim.regression import silicon
from sim.regression.silicon import ROWS, Row, design_of, graph_of, line, main, measure
from sim.synthesis.result import SynthesisError

FOUND = {"luts": 1000, "carries": 50, "block_rams": 7, "clock_mhz": 99.5, "samples_per_s": 12345}


@pytest.fixture
def without_tools(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No simulator and no synthesis; what was asked of synthesis."""
    asked: list[str] = []

    def synthesize_fastest(design: rtlgen.Design, device: object, placements: int) -> SimpleNamespace:
        asked.append(design.name)
        return SimpleNamespace(as_json=lambda: FOUND)

    monkeypatch.setattr(silicon, "require_tools", lambda device: None)
    monkeypatch.setattr(silicon, "check_in_bulk", lambda design, x: None)
    monkeypatch.setattr(silicon, "synthesize_fastest", synthesize_fastest)
    monkeypatch.setattr(silicon, "ROWS", (Row("iris", 16, "7 cycles (3)"), Row("a_file", 16)))
    return asked


def test_a_row_has_what_the_head_says() -> None:
    plan = rtlgen.plan(zoo.load("iris").graph, 16)
    cells = [cell.strip() for cell in line(Row("iris", 16, "7 cycles (3)"), plan, FOUND).strip("|").split("|")]
    assert dict(zip(silicon.HEAD, cells, strict=True)) == {
        "network": "iris",
        "MACs": "70",
        "multipliers": str(plan.multipliers),
        "II (cycles)": str(plan.ii_cycles),
        "latency (cycles)": str(plan.latency_cycles),
        "utilisation": f"{70 / plan.ii_cycles / plan.multipliers:.0%}",
        "LUT + 2 carry": "1,100",
        "block RAM": "7",
        "clock (MHz)": "99.5",
        "inferences/s": "12,345",
        "published (multipliers)": "7 cycles (3)",
    }


def test_more_multipliers_than_the_device_has_are_simulated_only(without_tools: list[str]) -> None:
    row = Row("mnist", 400)
    assert design_of(row, graph_of(row, None)).plan.multipliers > 156
    assert measure(row, None).count("| - ") == 5
    assert without_tools == []


def test_a_perceptron_is_the_same_every_time() -> None:
    row = Row("6-4-3", 4)
    assert design_of(row, graph_of(row, None)).verilog == design_of(row, graph_of(row, None)).verilog
    assert design_of(row, graph_of(row, None)).name == "mlp_6_4_3"


def test_without_a_folder_the_networks_of_others_are_left_out_and_named(
    without_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- silicon -->\nold\n<!-- /silicon -->\nafter\n")
    assert main(["--readme", str(readme)]) == 0
    assert without_tools == ["iris"]
    out, err = capsys.readouterr()
    assert "a_file: no folder was given" in err
    assert out.strip() in readme.read_text()
    assert "old" not in readme.read_text()


def test_a_difference_ends_with_status_1_and_leaves_the_file(
    without_tools: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differ(design: rtlgen.Design, x: object) -> None:
        raise VerificationError(Difference("icarus", "a value"))

    monkeypatch.setattr(silicon, "check_in_bulk", differ)
    readme = tmp_path / "README.md"
    readme.write_text("<!-- silicon -->\nold\n<!-- /silicon -->\n")
    assert main(["--readme", str(readme)]) == 1
    assert "iris: icarus: a value" in capsys.readouterr().err
    assert "old" in readme.read_text()


def test_other_multipliers_than_planned_end_with_status_1(
    without_tools: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise SynthesisError("17 multipliers, 16 were planned")

    monkeypatch.setattr(silicon, "synthesize_fastest", refuse)
    assert main([]) == 1
    assert "16 were planned" in capsys.readouterr().err


def test_a_missing_file_ends_with_status_2(
    without_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "a_file.tflite" in capsys.readouterr().err


def test_only_some_rows_are_made_anew(
    without_tools: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(silicon, "ROWS", (Row("iris", 16), Row("a_file", 16), Row("iris", 4), Row("wine", 8)))
    readme = tmp_path / "README.md"
    old = ["| iris | old 16 |", "| a_file | old |", "| iris | old 4 |", "| wine | old |"]
    readme.write_text(f"<!-- silicon -->\n{silicon.markdown(old)}\n<!-- /silicon -->\n")
    assert main(["--readme", str(readme), "--only", "iris:4", "--only", "wine"]) == 0
    assert without_tools == ["iris", "wine"]
    lines = readme.read_text().splitlines()[3:-1]
    assert lines[:2] == old[:2]
    assert [line.split("|")[1].strip() for line in lines] == ["iris", "a_file", "iris", "wine"]
    assert not {*lines[2:]} & {*old}
    assert main(["--only", "wine"]) == 0
    assert without_tools == ["iris", "wine", "wine"]
    readme.write_text(f"<!-- silicon -->\n{silicon.markdown(old[3:])}\n<!-- /silicon -->\n")
    assert main(["--readme", str(readme), "--only", "iris:4"]) == 0
    assert [line.split("|")[1].strip() for line in readme.read_text().splitlines()[3:-1]] == ["iris", "wine"]
    capsys.readouterr()


def test_lines_that_belong_to_no_row_are_not_kept_for_another(
    without_tools: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(silicon, "ROWS", (Row("iris", 16), Row("iris", 4)))
    readme = tmp_path / "README.md"
    readme.write_text(f"<!-- silicon -->\n{silicon.markdown(['| iris | old |'])}\n<!-- /silicon -->\n")
    assert main(["--readme", str(readme), "--only", "iris:4"]) == 2
    assert "iris has 1 lines in the file and 2 rows: make all of them" in capsys.readouterr().err
    assert main(["--readme", str(readme), "--only", "flowers"]) == 2
    assert "not 'flowers': iris" in capsys.readouterr().err
    assert "old" in readme.read_text()
    assert without_tools == []
    assert main(["--readme", str(readme), "--only", "iris"]) == 0
    assert without_tools == ["iris", "iris"]


def test_a_mobilenet_is_the_same_every_time() -> None:
    row = Row(silicon.MOBILENET, 64)
    one, two = (graph_of(row, None) for _ in range(2))
    x = np.zeros((1, *one.input_type.shape), np.int64)
    assert (one(x) == two(x)).all()
    assert sum(macs_of(one, node.name) for node in one.nodes) == 7_489_664


def test_every_network_of_the_table_is_known() -> None:
    from tflite_models import NAMES

    assert {row.network for row in ROWS if row.is_file} <= set(NAMES)
