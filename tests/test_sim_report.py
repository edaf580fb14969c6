"""The page and the table: complete, self-contained, accessible, and every text in them escaped."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from golden.profiling import FLOATS
from sim.regression.cases import Case, CaseResult
from sim.regression.numerics import decibels
from sim.regression.readme import put_between_markers
from sim.regression.report import (
    html,
    main,
    markdown,
    measured_rows,
    read_results,
    rows,
    write_results,
)
from sim.regression.run_case import run_case

pytestmark = pytest.mark.slow  # it runs regressions

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Collects elements, and checks that they close as they opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(autouse=True)
def nothing_synthesized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page shows what this user has synthesized: here, nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no_cache"))


def test_what_was_synthesized_of_the_same_hardware_is_shown(results: list[CaseResult]) -> None:
    plan = results[0].plan
    row = {
        "name": "iris",
        "folding": "m64",
        "target": "xilinx",
        "critical_path": None,
        "clock_mhz": None,
        "multiplier_budget": plan["multiplier_budget"],
        "planned_multipliers": plan["multipliers"],
        "ii_cycles": plan["ii_cycles"],
        "latency_cycles": plan["latency_cycles"],
        **dict.fromkeys(("carries", "flip_flops", "block_rams", "lut_rams", "multipliers"), 1),
        "luts": 12_345,
    }
    text = html(results, [row])
    Page(text)
    assert "12,345" in text
    assert 'id="devices"' in text
    assert 'id="devices"' not in html(results, [{**row, "latency_cycles": 1}]), "of older sources"
    assert 'id="devices"' not in html(results)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> CaseResult:
    return run_case(Case.parse("iris-m64-pyrtl-all"), tmp_path_factory.mktemp("case"))


@pytest.fixture
def results(whole: CaseResult) -> list[CaseResult]:
    other = Case.parse("wine-m16-icarus-n16-stalls-s0")
    return [
        whole,
        replace(whole, case=replace(whole.case, multipliers=None), accuracy={}, network={}, samples=20),
        CaseResult(other, "passed", time_s=2.0, samples=16, cycles=99),
    ]


def failed(results: list[CaseResult]) -> list[CaseResult]:
    difference = {
        "witness": "testbench",
        "layer": "dense1",
        "sample": 3,
        "element": [7],
        "cycle": 123,
        "golden": -5,
        "hardware": "<script>x</script>",
        "register": "dense1_acc",
        "register_layer": "dense1",
        "register_cycle": 119,
        "waves": 'cases/a "b"/around_difference.vcd',
        "save_file": 'cases/a "b"/around_difference.gtkw',
        "smaller": "tensorgate verify w.graph --input x_smaller.npy",
        "pyrtl": -5,
        "window": {
            "first_cycle": 121,
            "cycle": 123,
            "signals": {"reset": ["1", "0", "0", "0"], "dense1_out_data": ["x", "00ff", "00fe", "00fe"]},
        },
    }
    case = Case.parse("wine-m64-icarus-n16-stalls-s0")
    crashed = CaseResult(replace(case, multipliers=1), "crashed", "ToolError: <img src=x onerror=y>")
    return [*results, CaseResult(case, "failed", "dense1 & co", difference=difference, files="cases/w"), crashed]


@pytest.mark.slow
def test_the_page_needs_nothing_from_anywhere(results: list[CaseResult]) -> None:
    text = html(failed(results)).replace("&lt;img src=x", "")
    for reference in ("http", "src=", "@import", "url(", "<link", "<script"):
        assert reference not in text
    for link in Page(text).every("a"):
        assert not re.match(r"\w+:|/", link["href"] or "/")


def test_the_page_is_well_formed_and_every_link_has_its_end(results: list[CaseResult]) -> None:
    page = Page(html(failed(results)))
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    inner = {(link["href"] or "")[1:] for link in page.every("a") if (link["href"] or "").startswith("#")}
    assert inner <= set(ids)
    assert {"iris", "wine", "glance", "cases", "differences"} <= set(ids)


def test_tables_have_headers_and_figures_have_words(results: list[CaseResult]) -> None:
    page = Page(html(results))
    drawings = page.every("svg")
    layers = next(len(result.network["layers"]) for result in results if result.network)
    assert len(drawings) == 4 + 2 + layers  # features, ranges and noise, values and weights of each layer
    assert all(drawing["role"] == "img" and len(drawing["aria-label"] or "") > 40 for drawing in drawings)
    assert all("scope" in header for header in page.every("th"))
    assert len(page.every("table")) == len(page.every("thead"))


def test_numerics_are_measured_against_the_floats_and_the_worst_layer_comes_first(results: list[CaseResult]) -> None:
    numerics = results[0].network["numerics"]
    assert numerics["reference"] == FLOATS
    layers = numerics["layers"]
    noise = [layer["own_sqnr_db"] for layer in layers if layer["own_sqnr_db"] is not None]
    assert 2 <= len(noise) == numerics["noisy"] < len(layers)
    assert noise == sorted(noise)
    section = html(results).split("<h3>What rounding costs</h3>")[1].split("<h3>")[0]
    rows = re.findall(r'<tr><th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', section, re.DOTALL)
    assert [name for name, _ in rows] == [layer["layer"] for layer in layers]
    for layer, (name, cells) in zip(layers, rows, strict=True):
        shown = re.findall(r"<td[^>]*>(.*?)</td>", cells)
        assert shown[2:4] == [f"{layer['values'][end]:,}" for end in ("low", "high")], name
        assert shown[4] == f"{100 * layer['range_use']:.0f} %", name
        saturated = layer["saturated_high"]
        assert (shown[6] == "") == (saturated is None), name
        assert shown[7] == decibels(layer["own_sqnr_db"], layer["exact"]), name
        title = f"How often each value occurs in {layer['layer']}: histogram of its values, "
        assert f"{title}from {layer['values']['low']} to {layer['values']['high']}" in section, name
        if layer["type"].startswith("s8"):
            assert (layer["values"]["edges"][0], layer["values"]["edges"][-1]) == (-128.5, 127.5)
            assert (layer["values"]["type_low"], layer["values"]["type_high"]) == (-128, 127)
        assert sum(layer["values"]["counts"]) % numerics["samples"] == 0


def test_the_page_shows_what_was_measured(results: list[CaseResult]) -> None:
    text = html(results)
    plan, accuracy = results[0].plan, results[0].accuracy
    for shown in ("All 3 cases passed", "sepal length (cm)", "dense1", "s8[4]", "SQNR", "versicolor"):
        assert shown in text
    assert f"<td>{plan['latency_cycles']}</td>" in text
    assert f"{accuracy['rtl']:.1%}" in text
    assert "What differs" not in text


def test_coverage_is_a_matrix_with_its_holes_by_name(results: list[CaseResult]) -> None:
    hit = {"Relu / flow / moves": 3}
    structure = {
        "lines": 10,
        "covered_lines": 9,
        "toggles": 200,
        "covered_toggles": 150,
        "still_lines": {"7": "a <= b;"},
        "still": {"dense1_out_ready": "falls"},
    }
    text = html([*results, replace(results[-1], covered=hit, structure=structure)])
    page = Page(text)
    assert all("scope" in header for header in page.every("th"))
    assert len(page.every("table")) == len(page.every("thead"))
    assert 'id="coverage"' in text
    assert "<li>Relu / flow / starved</li>" in text
    assert "<li>Relu / flow / moves</li>" not in text
    assert "it has no upper end" in text
    for shown in (
        "9 of 10",
        "90.0%",
        "75.0%",
        "line 7: <code>a &lt;= b;</code>",
        "<code>dense1_out_ready</code> falls",
    ):
        assert shown in text
    assert 'id="coverage"' not in html(results)


def test_a_failure_has_its_place_command_and_waves(results: list[CaseResult]) -> None:
    text = html(failed(results))
    drawn = [svg for svg in Page(text).every("svg") if (svg["aria-label"] or "").startswith("Waveform")]
    assert [svg["aria-label"] for svg in drawn] == [
        "Waveform around cycle 123, on which they are: reset 0; dense1_out_data 00fe"
    ]
    assert "…ff" in text
    assert "<dt>PyRTL says</dt><dd>-5</dd>" in text
    assert "tensorgate verify w.graph --input x_smaller.npy" in text
    for shown in ("2 of 5 cases failed", "dense1 &amp; co", "dense1_acc", ">123<", ">-5<", ">119<", ">7<"):
        assert shown in text
    assert "&lt;script&gt;x&lt;/script&gt;" in text
    assert "&lt;img src=x onerror=y&gt;" in text
    assert "<code>.venv/bin/python -m sim.regression --only wine-m64-icarus-n16-stalls-s0</code>" in text
    assert 'href="cases/a%20%22b%22/around_difference.vcd"' in text


@pytest.mark.slow
def test_cycles_that_are_not_as_planned_stand_out(results: list[CaseResult]) -> None:
    late = replace(results[0], verdict="failed", measured={"ii_cycles": 3, "latency_cycles": 28})
    row = rows([late, *results])[0]
    assert (row.verdict, row.measured("ii_cycles")) == ("failed", 3)
    assert '<td class="bad">3</td>' in html([late, *results[1:]])


def test_rows_come_by_network_and_size(results: list[CaseResult]) -> None:
    found = [(row.network, row.folding) for row in rows(results[::-1])]
    assert found == [("iris", "m64"), ("iris", "unrolled"), ("wine", "m16")]
    assert [(row.network, row.folding) for row in measured_rows(results)] == [("iris", "m64"), ("wine", "m16")]


def test_the_table_for_the_readme_is_made_of_results(results: list[CaseResult]) -> None:
    head, _, iris = markdown(results).splitlines()
    plan, accuracy = results[0].plan, results[0].accuracy
    assert head.split(" | ")[3:5] == ["multipliers", "II (cycles)"]
    assert iris == (
        f"| iris | 4-10-3 | 70 | {plan['multipliers']} | {plan['ii_cycles']} | {plan['latency_cycles']} | "
        f"{accuracy['float']:.1%} | {accuracy['golden']:.1%} | {accuracy['rtl']:.1%} | 30 | equal, 2/2 cases |"
    )
    wrong = replace(results[1], verdict="failed")
    assert "DIFFERENT, 1/2 cases" in markdown([results[0], wrong])


@pytest.mark.slow
def test_results_survive_their_file(
    results: list[CaseResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(results, tmp_path)
    assert read_results(tmp_path) == results
    assert main([str(tmp_path), "--markdown"]) == 0
    assert capsys.readouterr().out == markdown(results) + "\n"
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_text() == html(results)


@pytest.mark.parametrize("content", [None, "{", "[{}]", '[{"case": "iris-m1-pyrtl-all", "colour": 1}]'])
def test_no_results_are_one_line(content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    assert main(["--markdown", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_table_goes_between_the_markers_of_a_readme(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# a\n<!-- measured -->\nold\n<!-- /measured -->\nb\n")
    put_between_markers(readme, "measured", "| new |\n")
    assert readme.read_text() == "# a\n<!-- measured -->\n| new |\n<!-- /measured -->\nb\n"


def test_a_readme_without_markers_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# a\n")
    with pytest.raises(ValueError, match="must have one <!-- measured -->"):
        put_between_markers(readme, "measured", "| new |")
    assert readme.read_text() == "# a\n"
