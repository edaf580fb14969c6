"""The regression: cases, resuming, failures and interruptions, on any executor. Only one test needs Icarus."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from junitparser import JUnitXml

import sim.regression.run_case
from golden import zoo
from golden.graph import Graph, Node
from golden.ops import Dense
from rtlgen import generate, ops_without_hardware, plan
from sim.budget import DEFAULT_MULTIPLIERS
from sim.regression import exercises, small
from sim.regression.cases import Case, CaseResult
from sim.regression.executor import Store, run_all
from sim.regression.fingerprint import DRAWINGS, ROOT, behind_a_case, fingerprint, simulator_version
from sim.regression.regress import main, regress
from sim.regression.reproduction import reproduction
from sim.regression.run_case import run_case
from sim.regression.runnable import left_out, runnable, told, with_hardware, without_hardware
from sim.regression.table import STRUCTURE, estimated_s, table
from sim.tools import ToolError

pytestmark = pytest.mark.slow  # it runs regressions

IRIS = Case.parse("iris-m16-pyrtl-n4")
ARGUMENTS = ["--networks", "iris", "--simulators", "pyrtl"]
"""Four cases: one a folding."""


class Inline(Executor):
    """Runs at once, in this thread; ``outcome`` stands in for the case if there is one."""

    def __init__(self, outcome: Callable[[Case], CaseResult] | None = None) -> None:
        self.outcome, self.ran = outcome, list[Case]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.ran.append(args[0])
        future: Future[Any] = Future()
        try:
            future.set_result(self.outcome(args[0]) if self.outcome else fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def passing(case: Case) -> CaseResult:
    return CaseResult(case, "passed", time_s=0.5, samples=20, cycles=100)


def failing(message: str) -> Callable[[Case], CaseResult]:
    def outcome(case: Case) -> CaseResult:
        return replace(passing(case), verdict="failed", message=message) if case.multipliers == 16 else passing(case)

    return outcome


def untimed(results: list[CaseResult]) -> list[dict[str, Any]]:
    return [replace(result, time_s=0.0).as_json() for result in results]


def test_the_name_of_a_case_is_its_whole_configuration() -> None:
    cases = table(seeds=(0, 7), simulators=("pyrtl", "icarus", "verilator"))
    assert [Case.parse(case.id) for case in cases] == cases
    assert len({case.id for case in cases}) == len(cases)
    assert Case.parse("iris-unrolled-icarus-n3-coin.never,bursts.rare-s12") == Case(
        "iris", None, "icarus", (("coin", "never"), ("bursts", "rare")), 12, 3
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "iris", "iris-m16", "iris-m16-pyrtl-n0", "roses-m16-pyrtl-all", "iris-m16-spice-all"),
        *("iris-m16-pyrtl-all-x", "iris-m16-pyrtl-n4-stalls-s0", "iris-m16-icarus-n4-coin-s0", "../iris-m16-pyrtl-all"),
        *("iris-m0-pyrtl-n1", "iris-m16-icarus-n4-coin.sometimes-s0"),
    ],
)
def test_what_is_no_case_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"case must|case needs|pattern"):
        Case.parse(text)


def test_verilator_watches_every_op_kind_where_there_are_several_seeds() -> None:
    def watched(*seeds: int) -> set[str]:
        cases = table(seeds=seeds, simulators=("icarus", "verilator"))
        return {case.network for case in cases if case.simulator == "verilator" and case.patterns}

    assert watched(0) == {network for network, _ in STRUCTURE}
    assert watched(0, 1) - watched(0) == set(small.NAMES)


def test_every_network_is_tried_on_every_witness() -> None:
    cases = table()
    for network in runnable():
        own = [case for case in cases if case.network == network]
        assert any(case.simulator == "icarus" and not case.patterns and case.samples is None for case in own)
        for folding in {case.multipliers for case in own}:
            mine = [case for case in own if case.multipliers == folding]
            assert {case.simulator for case in mine} == {"pyrtl", "icarus"}
        assert any(case.patterns for case in own if case.multipliers == DEFAULT_MULTIPLIERS)
    assert cases == sorted(cases, key=estimated_s, reverse=True)  # the longest first
    assert {case.seed for case in table(seeds=(3,)) if len(case.patterns) > 1} == {3}


def test_every_network_is_run_or_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted([*runnable(), *left_out()]) == sorted(zoo.NAMES)
    assert {case.network for case in table() if not case.has_no_test_set} == set(runnable())
    assert {case.network for case in table() if case.is_exercise} == set(exercises.NAMES)
    assert {case.network for case in table() if case.is_small} == set(small.NAMES)
    assert all(any(name in line for line in told()) for name in left_out())
    for name, ops in without_hardware().items():  # what is said to lack hardware does, and nothing else
        assert set(ops) == set(ops_without_hardware(zoo.load(name).outline))
    for name in with_hardware():
        assert plan(zoo.load(name).outline).ii_cycles > 0
    monkeypatch.setattr("sim.regression.runnable.without_hardware", lambda: {"digits_cnn": ("Conv", "MaxPool")})
    monkeypatch.setattr("sim.regression.runnable.with_hardware", lambda: ("iris",))
    assert told() == ["not run: digits_cnn (no hardware yet for Conv, MaxPool)"]


def test_networks_that_cannot_be_run_are_named_at_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "no hardware yet for Conv, MaxPool"
    monkeypatch.setattr("sim.regression.runnable.left_out", lambda: dict.fromkeys(set(zoo.NAMES) - {"iris"}, reason))
    monkeypatch.setattr("sim.regression.regress.left_out", lambda: {"digits_cnn": reason})
    monkeypatch.setattr("sim.regression.regress.run_trainings", lambda *arguments, **options: [])
    assert main(["--simulators", "pyrtl", "--build", str(tmp_path)], Inline(passing)) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("not run: ")
    assert "digits_cnn" in last
    assert last.endswith(f"({reason})")
    assert reason in (tmp_path / "report.html").read_text()
    assert main(["--networks", "digits_cnn"], Inline(passing)) == 2
    assert capsys.readouterr().err == f"digits_cnn cannot be run: {reason}\n"


def test_a_course_of_training_that_fails_is_a_failed_regression(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = {"task": "iris", "drift": None, "verdict": "failed", "message": "a weight differs", "hardware": None}
    monkeypatch.setattr("sim.regression.regress.run_trainings", lambda *arguments, **options: [course])
    assert main(["--simulators", "pyrtl", "--build", str(tmp_path)], Inline(passing)) == 1
    assert "a weight differs" in (tmp_path / "report.html").read_text()


def test_a_case_measures_what_the_plan_says(tmp_path: Path) -> None:
    result = run_case(Case.parse("iris-m16-pyrtl-all"), tmp_path)
    assert result.passed
    assert result.measured == {name: result.plan[name] for name in ("ii_cycles", "latency_cycles")}
    assert result.accuracy["rtl"] == result.accuracy["golden"] == zoo.load("iris").integer_accuracy
    assert np.sum(result.accuracy["label_rtl"]) == result.samples == 30
    assert not (tmp_path / "cases" / result.case.id).exists()
    assert CaseResult.from_json(json.loads(json.dumps(result.as_json(), allow_nan=False))) == result


def test_hardware_that_differs_is_a_failure_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_another_network(graph: Graph, *args: Any, **kwargs: Any) -> Any:
        first = graph.nodes[0]
        assert isinstance(first.op, Dense)
        nodes = (Node(first.name, Dense(-first.op.weight, first.op.bias), first.inputs), *graph.nodes[1:])
        return replace(
            generate(Graph(dict(graph.inputs), nodes, graph.outputs, graph.encodings), *args, **kwargs), graph=graph
        )

    monkeypatch.setattr(sim.regression.run_case, "generate", of_another_network)
    result = run_case(Case.parse("iris-m16-pyrtl-all"), tmp_path)
    assert result.verdict == "failed"
    assert result.difference["layer"] == "argmax1"
    assert result.difference["golden"] != result.difference["hardware"] == result.difference["pyrtl"]
    assert result.difference["window"]["signals"]["m_axis_tvalid"]
    assert (tmp_path / result.difference["save_file"]).exists()
    assert "x_smaller.npy" in result.difference["smaller"]
    assert result.accuracy["rtl"] < result.accuracy["golden"]  # the outputs are shown all the same


def test_a_crash_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*args: Any, **kwargs: Any) -> None:
        raise ToolError("vvp failed", ["vvp", "-n"], "syntax error \x1b[31m\x00")

    monkeypatch.setattr(sim.regression.run_case, "generate", crash)
    result = run_case(IRIS, tmp_path)
    assert result.verdict == "crashed"
    assert "syntax error" in result.message
    assert "\x1b" not in result.message
    assert (tmp_path / result.files / "error.txt").exists()


def test_every_executor_gives_the_same_results(tmp_path: Path) -> None:
    cases = [replace(IRIS, multipliers=m) for m in (1, 16, None)]
    inline = run_all(cases, tmp_path, Inline(), jobs=1)
    with ThreadPoolExecutor(1) as threads:
        threaded = run_all(cases, tmp_path, threads, jobs=2)
    assert untimed(threaded) == untimed(inline)
    assert [result.case for result in threaded] == cases
    assert all(result.passed for result in inline)


def test_a_worker_that_dies_is_a_crashed_case(tmp_path: Path) -> None:
    def die(case: Case) -> CaseResult:
        raise MemoryError("out of memory")

    [result] = run_all([IRIS], tmp_path, Inline(die), jobs=1)
    assert (result.verdict, result.message) == ("crashed", "MemoryError: out of memory")


def test_no_more_cases_are_handed_over_than_run(tmp_path: Path) -> None:
    most = 0

    def watch(running: tuple[Case, ...], result: CaseResult | None) -> None:
        nonlocal most
        most = max(most, len(running))

    cases = [replace(IRIS, samples=n) for n in range(1, 8)]
    with ThreadPoolExecutor(8) as threads:
        run_all(cases, tmp_path, threads, jobs=2, watch=watch)
    assert most == 2


def test_what_has_passed_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = Inline(passing), Inline(passing)
    arguments = [*ARGUMENTS, "--build", str(tmp_path)]
    assert main(arguments, first) == main(arguments, second) == 0
    assert len(first.ran) == 4
    assert second.ran == []
    assert main([*arguments, "--fresh"], second) == 0
    assert len(second.ran) == 4
    output = capsys.readouterr().out
    assert "all 4 cases passed" in output
    assert not {character for character in output if ord(character) < 32} - {"\n"}  # no terminal, no control codes


def test_a_failure_is_shown_everywhere_and_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*ARGUMENTS, "--build", str(tmp_path)]
    assert main(arguments, Inline(failing("<b>4</b> is not [5]"))) == 1
    output = capsys.readouterr().out
    assert "1 of 4 cases failed" in output
    assert "<b>4</b> is not [5]" in output
    command = reproduction(Case.parse("iris-m16-pyrtl-n20"), tmp_path)
    assert f"reproduce with: {command}\n" in output
    assert command in (tmp_path / "junit.xml").read_text()
    assert JUnitXml.fromfile(str(tmp_path / "junit.xml")).failures == 1
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;4&lt;/b&gt; is not [5]" in page
    assert "1 of 4 cases failed" in page
    again = Inline(passing)
    assert main(arguments, again) == 0
    assert [case.id for case in again.ran] == ["iris-m16-pyrtl-n20"]


def test_other_sources_run_everything_again(tmp_path: Path) -> None:
    for package in ("golden", "rtlgen", "verif", "sim/regression"):
        (tmp_path / package).mkdir(parents=True)
    source, shown = tmp_path / "rtlgen" / "stream.py", tmp_path / "sim" / "regression" / "report.py"
    source.write_text("a = 1\n")
    before = fingerprint(tmp_path)
    shown.write_text("colour = 'green'\n")
    assert fingerprint(tmp_path) == before
    source.write_text("a = 2\n")
    assert fingerprint(tmp_path) != before
    result = passing(IRIS)
    Store(tmp_path, before).save(result)
    assert Store(tmp_path, before).load(IRIS) == result
    assert Store(tmp_path, before).load(replace(IRIS, samples=5)) is None
    assert Store(tmp_path, fingerprint(tmp_path)).load(IRIS) is None


def test_another_version_of_anything_runs_everything_again(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = {fingerprint()}
    for name in ("cocotb", "cocotb-test", "mlxtend", "numpy", "pyrtl", "scikit-learn"):
        with monkeypatch.context() as other:
            other.setattr("sim.regression.fingerprint.version", lambda own, name=name: "9" if own == name else "1")
            prints.add(fingerprint())
    with monkeypatch.context() as other:
        other.setattr("sim.regression.fingerprint.platform.python_version", lambda: "3.99.0")
        prints.add(fingerprint())
    assert len(prints) == 8


def test_another_simulator_runs_its_cases_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, cases = (
        Store(tmp_path, "sources"),
        [IRIS, *(replace(IRIS, simulator=name) for name in ("icarus", "verilator"))],
    )
    monkeypatch.setattr("sim.regression.executor.simulator_version", lambda name: "1")
    for case in cases:
        store.save(passing(case))
    assert all(store.load(case) for case in cases)
    monkeypatch.setattr("sim.regression.executor.simulator_version", lambda name: "2" if name == "icarus" else "1")
    assert [case.simulator for case in cases if not store.load(case)] == ["icarus"]


def test_the_version_of_a_simulator_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator_version.cache_clear()
    try:
        program, asked = tmp_path / "iverilog", tmp_path / "asked"
        program.write_text(f"#!/bin/sh\necho $1 >> {asked}\necho 'Icarus Verilog version 99.0'\necho more\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert [simulator_version("icarus") for _ in range(3)] == ["Icarus Verilog version 99.0"] * 3
        assert asked.read_text() == "-V\n"
        assert simulator_version("pyrtl") == ""
        simulator_version.cache_clear()
        program.unlink()
        assert simulator_version("icarus") == ""
    finally:
        simulator_version.cache_clear()


def test_a_case_is_run_again_by_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    command = ".venv/bin/python -m sim.regression --only iris-m16-pyrtl-n4"
    assert reproduction(IRIS, Path("build/sim")) == reproduction(IRIS, tmp_path / "build" / "sim") == command
    assert reproduction(IRIS, tmp_path / "my runs") == f"{command} --build 'my runs'"
    assert reproduction(IRIS, Path("/elsewhere")) == f"{command} --build /elsewhere"
    monkeypatch.setattr(sys, "executable", "/opt/bin/python3")
    assert reproduction(IRIS, Path("build/sim")).startswith("/opt/bin/python3 -m ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--networks irsi", ["--networks", "'irsi'", "did you mean 'iris'"]),
        ("--simulators pyrtl icrus", ["--simulators", "'icrus'", "did you mean 'icarus'"]),
        ("--seeds -1", ["--seeds"]),
        ("--jobs 0", ["--jobs", "at least 1"]),
        ("--nonsense", ["--nonsense", "--help"]),
        ("--only iris-m0-pyrtl-n1", ["multiplier", "not 0"]),
        ("--only iris-m16-icarus-n1-coin.sometimes-s0", ["'sometimes'", "bursts"]),
    ],
)
def test_a_mistake_is_one_line(arguments: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments.split(), Inline()) == 2
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert [word for word in words if word not in output.err] == []


def test_all_that_runs_a_case_is_in_the_fingerprint_and_what_shows_it_is_not() -> None:
    code = "import sys, sim.regression.run_case; print(*(name for name in sys.modules if name.startswith('sim.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    files = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in behind_a_case()}
    packages = {name.removesuffix(".__init__") for name in files}
    assert set(loaded) - {"sim.regression", "sim.simulators", DRAWINGS} <= packages
    assert {"sim.verify", "sim.simulators.icarus", "sim.lockstep", "sim.regression.portrait"} <= files
    shown = ("regression.report", "figures", "regression.junit", "regression.terminal", "regression.regress", "cli")
    assert not {f"sim.{name}" for name in shown} & files
    # `sim` offers the drawings, and nothing that runs a case may use them.
    assert [path for path in behind_a_case() if DRAWINGS in path.read_text()] == [ROOT / "sim" / "__init__.py"]


def test_a_damaged_result_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path, "sources")
    store.save(passing(IRIS))
    [path] = tmp_path.iterdir()
    path.write_text(path.read_text()[:-20])
    assert store.load(IRIS) is None


def test_an_interrupted_run_keeps_what_is_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished: list[Case] = []

    def interrupted(case: Case) -> CaseResult:
        if len(finished) == 2:
            raise KeyboardInterrupt
        finished.append(case)
        return passing(case)

    arguments = [*ARGUMENTS, "--build", str(tmp_path), "--jobs", "1"]
    assert main(arguments, Inline(interrupted)) == 130
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(path.stem for path in (tmp_path / "results").iterdir()) == sorted(case.id for case in finished)
    rest = Inline(passing)
    assert main(arguments, rest) == 0
    assert len(rest.ran) == 2


def test_without_icarus_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    executor = Inline(passing)
    assert main(["--networks", "iris", "--build", str(tmp_path / "build")], executor) == 2
    assert executor.ran == []
    output = capsys.readouterr()
    assert output.err == "the program 'iverilog' is not installed: apt-get install iverilog\n"
    assert output.out == ""


def test_one_case_alone_leaves_the_report_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", IRIS.id, "--build", str(tmp_path)], Inline()) == 0
    assert "passed" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    assert main(["--only", "iris", "--build", str(tmp_path)], Inline()) == 2
    assert "must look like" in capsys.readouterr().err


@pytest.mark.slow
def test_worker_processes_and_icarus_from_end_to_end(tmp_path: Path) -> None:
    names = ["iris-m16-icarus-all", "iris-m64-icarus-n8-stalls-s5", "iris-unrolled-pyrtl-n4"]
    results = regress([Case.parse(name) for name in names], tmp_path, jobs=2)
    assert [(result.case.id, result.verdict, result.message) for result in results] == [
        (name, "passed", "") for name in names
    ]
    assert results[1].cycles > 500
    assert all(result.measured["ii_cycles"] == result.plan["ii_cycles"] for result in results)
    assert untimed(regress([result.case for result in results], tmp_path, executor=Inline(), fresh=True)) == untimed(
        results
    )
