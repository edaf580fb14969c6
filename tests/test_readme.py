"""The README's example runs, and prints what the README says; its commands and folders exist."""

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyrtl
import pytest
from prover import NEEDS_ABC

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else ""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_example_prints_what_stands_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = blocks("python")[0], blocks("text")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == output


def test_the_circuit_example_is_as_wide_as_it_says() -> None:
    names: dict[str, Any] = {}
    with pyrtl.temp_working_block():
        exec(compile(blocks("python")[1], "README.md", "exec"), names)
    assert str(names["y"].dtype) == "u8"
    assert names["x"].shape == (4,)


def test_the_map_names_every_folder_and_nothing_else() -> None:
    folders = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    assert folders == {"golden", "rtlgen", "verif", "sim", "tests"}


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][\w-]*)", README))
    assert {"sim", "test"} <= named <= targets


def test_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def commands() -> list[list[str]]:
    """The words of every command line in the README's shell blocks that calls ``tensorgate``."""
    lines = [line.partition("#")[0].split() for block in blocks("sh") for line in block.splitlines()]
    return [words for words in lines if words and words[0] == "tensorgate"]


def test_commands_exist() -> None:
    from sim.commands.command_line import tensorgate

    assert {words[1] for words in commands()} == set(tensorgate.commands)


FAST = ("zoo", "plan", "generate", "golden")
SLOW, SLOWEST = ("profile", "verify", "accuracy", "fuzz", "mutate", "train"), ("synth",)
MARKS = dict.fromkeys(SLOW, pytest.mark.slow) | dict.fromkeys(SLOWEST, pytest.mark.exhaustive)


@pytest.mark.parametrize(
    "verb",
    [*FAST, *(pytest.param(verb, marks=[mark, *[NEEDS_ABC] * (verb == "mutate")]) for verb, mark in MARKS.items())],
)
def test_commands_run_as_they_stand_there(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from command_line import tensorgate

    from golden import zoo

    monkeypatch.chdir(tmp_path)
    Path("build").mkdir()  # where `make sim` writes to
    digits = zoo.load("digits")
    np.save("x.npy", digits.graph.encode(digits.dataset["test"].x)[:5])
    shown = [words[1:] for words in commands() if words[1] == verb]
    assert shown
    for words in shown:
        status, out, err = tensorgate(*words)
        assert (status, err) == (0, ""), out
        assert out


def test_every_verb_with_json_prints_it_as_the_readme_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from command_line import tensorgate

    from sim.commands.command_line import tensorgate as group

    assert [name for name, verb in group.commands.items() if "json" not in {p.name for p in verb.params}] == []
    monkeypatch.chdir(tmp_path)
    status, out, err = tensorgate("generate", "iris", "-o", "made", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["module"] == "iris"


def table(marker: str = "measured") -> list[dict[str, str]]:
    """A measured table, a row a network, by heading."""
    lines = README.split(f"<!-- {marker} -->")[1].split(f"<!-- /{marker} -->")[0].strip().splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_table_of_quantization_is_of_these_weights() -> None:
    from golden import zoo
    from golden.zoo.study import WAYS

    lines = README.split("<!-- quantization -->")[1].split("<!-- /quantization -->")[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    figures = {name: zoo.load(name).figures for name in zoo.NAMES}
    assert [row[:2] for row in rows] == [[name, f"{own.float_accuracy:.2%}"] for name, own in figures.items()]
    assert [row[2].split()[0] for row in rows] == [f"{own.integer_accuracy:.2%}" for own in figures.values()]
    assert lines[0] == f"| network | float | {' | '.join(WAYS)} |"
    assert len(rows[0]) == 2 + len(WAYS)


def test_the_measured_table_has_every_network_that_has_hardware() -> None:
    from sim.regression.runnable import with_hardware

    assert [row["network"] for row in table()] == list(with_hardware())
    for row in table():
        found = re.fullmatch(r"equal, (\d+)/(\d+) cases", row["verdict"])
        assert found
        assert found[1] == found[2]


@pytest.mark.slow
@pytest.mark.parametrize("row", table(), ids=lambda row: row["network"])
def test_the_measured_table_is_of_these_sources(row: dict[str, str]) -> None:
    """Its numbers are measured; but cycles are as planned and accuracies golden's, or the table is an old one."""
    import golden
    import rtlgen
    from golden import zoo
    from sim.budget import DEFAULT_MULTIPLIERS

    entry = zoo.load(row["network"])
    if not entry.data.is_installed:
        pytest.skip(f"needs {entry.data.title}: {entry.data.installing}")
    plan = rtlgen.plan(entry.graph, DEFAULT_MULTIPLIERS)
    sizes = [entry.graph.input_type.size, *(n.op.outputs for n in entry.graph.nodes if isinstance(n.op, golden.Dense))]
    ran, _, available = row["samples"].replace(",", "").partition(" of ")
    test = entry.dataset["test"]
    assert int(available or ran) == len(test)
    figures = entry.figures  # which another test reproduces
    reached = f"{figures.integer_accuracy:.1%}"
    if available:  # within its budget of cycles
        reached = f"{golden.accuracy(entry.graph, test.take(range(int(ran)))):.1%}"
        reached += f" (golden on these: {reached})"
    expected = {
        "layers": "-".join(map(str, sizes)),
        "MACs": f"{entry.macs:,}",
        "multipliers": str(plan.multipliers),
        "II (cycles)": str(plan.ii_cycles),
        "latency (cycles)": str(plan.latency_cycles),
        "float": f"{figures.float_accuracy:.1%}",
        "golden": f"{figures.integer_accuracy:.1%}",
        "RTL": reached,
    }
    assert {name: row[name] for name in expected} == expected


def test_the_table_of_third_party_networks_has_all_of_them_and_all_are_equal() -> None:
    from tflite_models import NAMES

    rows = table("third-party")
    assert sorted(row["network"] for row in rows) == sorted(NAMES)
    assert {row["equal"] for row in rows} == {"all"}


@pytest.mark.parametrize("row", table("third-party"), ids=lambda row: row["network"])
def test_the_table_of_third_party_networks_is_of_these_sources(row: dict[str, str]) -> None:
    from tflite_models import model

    from sim.regression.third_party import examine

    found = examine(model(row["network"]), hardware=False).row()
    assert [cell.strip() for cell in found.strip("|").split("|")][:-1] == list(row.values())[:-1]


def test_the_tables_of_runtimes_have_all_networks_and_golden_equals_each_in_its_arithmetic() -> None:
    rows = table("tflite-runtimes")
    assert [row["network"] for row in rows] == [row["network"] for row in table("third-party")]
    for row in rows:
        own = {name.split()[0]: number for name, number in row.items()}
        (micro,) = [number for name, number in row.items() if "tflite-micro" in name]
        assert micro == own["`float32`,"] == "0"
    rows = table("onnx-runtime")
    assert {row["network"].split(":")[0] for row in rows} == {"lenet", "residual"}
    assert {row["equal"] for row in rows} == {"all"}
    assert all(row["hardware"].startswith(("Verilog equal on", "refused: Requantize has no")) for row in rows)
    assert any(row["hardware"].startswith("Verilog equal on") for row in rows)


@pytest.mark.slow
def test_the_table_of_onnx_runtime_is_of_these_sources() -> None:
    from sim.regression.onnx_networks import WAYS, examine

    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    files = [ROOT / "tests" / "data" / f"{name}.onnx" for name in ("lenet", "residual")]
    found = [examine(path, way, hardware=False).row() for path in files for way in WAYS]
    lines = README.split("<!-- onnx-runtime -->")[1].splitlines()[3 : 3 + len(found)]
    assert [line.rsplit(" | ", 1)[0] for line in lines] == [row.rsplit(" | ", 1)[0] for row in found]


@pytest.mark.exhaustive
def test_the_table_of_silicon_is_of_these_sources() -> None:
    from tflite_models import NAMES, model

    from sim.regression.silicon import HEAD, ROWS, design_of, graph_of, line

    rows = table("silicon")
    assert [row["network"] for row in rows] == [row.network for row in ROWS]
    for shown, row in zip(rows, ROWS, strict=True):
        folder = model(row.network).parent if row.network in NAMES else None
        plan = design_of(row, graph_of(row, folder)).plan
        cells = [cell.strip() for cell in line(row, plan, None).strip("|").split("|")]
        expected = dict(zip(HEAD, cells, strict=True))
        assert {name: shown[name] for name in HEAD[:6]} == {name: expected[name] for name in HEAD[:6]}
        assert shown["published (multipliers)"] == row.published


def test_the_table_of_proofs_has_all_that_is_proven_today() -> None:
    from sim.formal.obligations import obligations

    every = list(obligations())
    table = README.split("<!-- proofs -->")[1]
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \| \d+/\d+ \|$", table, re.MULTILINE))
    assert rows == {o.what: ", ".join(each.subject for each in every if each.what == o.what) for o in every}


def test_the_table_of_faults_has_every_op_kind_and_all_of_its_faults() -> None:
    from sim.mutation.record import MUTANTS, rows_in
    from sim.regression.small import GRAPHS

    rows = rows_in(README)
    assert rows.keys() == GRAPHS.keys()
    assert {numbers[0] for numbers in rows.values()} == {MUTANTS}
    assert [kind for kind, (*_, survived, undecided, _) in rows.items() if survived or undecided] == []
