"""Mutation: the testbench is tested by faults, and the test of the testbench by faults of its own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from netlist_cells import resetting
from prover import NEEDS_ABC

import golden
from sim.effort import Effort
from sim.formal.prover import PROVEN, REFUTED, Verdict
from sim.mutation import record
from sim.mutation.campaign import (
    MutationScore,
    _Bench,
    check_results,
    measure,
)
from sim.mutation.mutants import Fault, make_mutants
from sim.mutation.place import Places
from sim.mutation.product import Way
from sim.mutation.reachable import Suspects
from sim.mutation.witness import of_verdict
from sim.op_table import has_hardware, kind_of
from sim.regression.small import GRAPHS, SMALL_SAMPLES, small_design
from sim.regression.stimulus import extreme_samples
from sim.tools import ToolError

KEPT = Path(__file__).parent.parent / "build" / "mutants"
"""What faults leave that are not killed."""
ROOT = Path(__file__).resolve().parents[1]


def design(kind):
    return small_design(kind)


def run(mutant, verdict="survived", message=""):
    return {"mutant": mutant, "verdict": verdict, "message": message, "cycles": 9}


def test_every_op_kind_has_a_network():
    assert sorted(GRAPHS) == sorted(kind for kind in map(kind_of, golden.ops.ALL) if has_hardware(kind))
    for kind, graph in GRAPHS.items():
        assert kind in {type(node.op).__name__.lower() for node in graph().nodes}


def test_samples_reach_both_ends_of_a_weighted_layer():
    graph = GRAPHS["dense"]()
    (weight, bias) = (np.asarray(graph.nodes[0].op.weight), np.asarray(graph.nodes[0].op.bias))
    y = graph(extreme_samples(graph, SMALL_SAMPLES, 0)).reshape(-1, 2)
    largest = np.where(weight > 0, 7 * weight, -8 * weight).sum(axis=1) + bias
    smallest = np.where(weight > 0, -8 * weight, 7 * weight).sum(axis=1) + bias
    np.testing.assert_array_equal(y.max(axis=0), largest)
    np.testing.assert_array_equal(y.min(axis=0), smallest)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([run(0, "killed", "off by one")], "fails before the mutants"),
        ([run(0), run(1), run(0, "killed", "stale")], "fails after the mutants"),
        ([run(0), run(1, "error", "KeyError"), run(0)], "crashed on mutant 1"),
        ([run(0), run(0)], "not on 1 mutants"),
    ],
)
def test_runs_that_say_nothing_about_the_mutants_are_refused(results, message):
    with pytest.raises(ToolError, match=message):
        check_results(results, [1])


def test_runs_that_do_are_not():
    check_results([run(0), run(1, "killed"), run(0)], [1])
    check_results([run(0), run(7), run(3), run(0)], [7, 3])


def test_a_fault_leads_to_a_named_signal():
    made = design("slice")
    places = Places(made)
    assert places.of("slice1_out_data[3]") == "slice1_out_data of slice1"
    lines = made.verilog.splitlines()
    unnamed = [line.split()[1] for line in lines if line.lstrip().startswith("assign tmp")]
    assert len(unnamed) > 20
    assert [name for name in unnamed if not places.of(f"{name}[0]")] == []
    at = next(n for n, line in enumerate(lines, 1) if line.lstrip().startswith("assign slice1_out_data"))
    assert places.of(f"$ternary$design.v:{at}$59.B[3]") == "slice1_out_data of slice1"
    assert places.of("$auto$of.nothing[1]") == ""


@pytest.mark.slow
def test_the_faults_of_every_kind_are_told_by_named_signals(tmp_path):
    for kind in ("slice", "dense", "softmax"):
        folder = tmp_path / kind
        folder.mkdir()
        faults = make_mutants(design(kind), 60, 0, folder)
        # A constant of a port has none.
        assert [str(fault) for fault in faults if not fault.signal and "replace_const_cells" not in fault.place] == []


def test_a_fault_is_told_by_its_named_signal():
    fault = Fault(3, r"-mode inv -module top -cell $add$d.v:5$1 -port \Y -portbit 2 -wire \dense1_sum -wirebit 7")
    assert str(fault) == "inv at dense1_sum[7]"
    assert Fault(1, r"-mode const0 -module top -cell $add$1 -port \Y -portbit 2").place == "$add$1.Y[2]"


@pytest.mark.slow
def test_a_bench_that_always_fails_kills_nothing():
    made = design("relu")
    x = extreme_samples(made.graph, 4, 0)
    wrong = {name: np.where(values < 127, values + 1, 0) for name, values in made.plan.live.trace(x).items()}
    with pytest.raises(ToolError, match="fails before the mutants on the design without a fault"):
        measure(made, mutants=4, x=x, expected=wrong)


@NEEDS_ABC
@pytest.mark.slow
def test_only_what_has_no_effect_is_proven_equivalent(tmp_path):
    made = design("relu")
    made.write_verilog(tmp_path / "design.v")
    faults = make_mutants(made, 12, 0, tmp_path)
    harmless = Fault(13, faults[0].arguments.replace(f"-mode {faults[0].mode}", "-mode none"))
    # The first faults change registers or pins, as the testbench shows in the test of the scores.
    visible = [fault for fault in faults if fault.place.startswith("m_axis_out")] or faults[:1]
    inverted = Fault(14, visible[0].arguments.replace(f"-mode {visible[0].mode}", "-mode inv"))
    suspects = Suspects.of([harmless, inverted], tmp_path)
    assert suspects.way(harmless) == suspects.verdict(harmless) == Verdict(PROVEN)
    assert isinstance(suspects.way(inverted), Way)
    shown = suspects.verdict(inverted)
    assert shown.kind == REFUTED
    assert any(cycle.valid for cycle in of_verdict(shown))


def test_a_witness_is_what_comes_at_the_pins_after_the_reset():
    witness = """\
# COUNTEREXAMPLE LENGTH: 4
s_axis_tvalid[0]@0=1
s_axis_tvalid[0]@2=1
s_axis_tdata[1]@2=1
s_axis_tdata[12]@2=1
s_axis_tdata[0]@3=1
s_axis_tvalid[0]@3=0
m_axis_tready[0]@3=1
reset[0]@3=1
first_m_axis_out[0]@0=1
"""
    cycles = of_verdict(Verdict(REFUTED, witness))
    assert [(c.valid, c.ready, c.reset, c.word) for c in cycles] == [
        (False, False, False, 0),
        (True, False, False, 4098),
        (False, True, True, 1),
    ]


@NEEDS_ABC
@pytest.mark.slow
@pytest.mark.parametrize("register", ["m_axis_out_valid", "s_axis_frame_error"])
def test_a_register_that_is_no_longer_reset_is_not_proven_harmless(register, tmp_path):
    """The mutant begins with anything there: its own reset counts, not that of the design."""
    made = design("relu")
    make_mutants(made, 4, 0, tmp_path)
    cell = resetting((tmp_path / "netlist.il").read_text(), register)
    fault = Fault(1, rf"-mode const0 -module relu -cell {cell} -port \S -portbit 0")
    suspects = Suspects.of([fault], tmp_path)
    assert isinstance(suspects.way(fault), Way)
    assert suspects.verdict(fault).kind == REFUTED


COMPARING_VALUES = ("scoreboard.py", "differ = word ^ self._packed(monitor, sample)[beat]", "differ = 0")
COMPARING_PINS = ("mutation.py", "elif line != self._reference[self.now]:", "elif False:")
CRASHING = (
    "mutation.py",
    "bench = MutantBench(dut, config, reference)",
    "bench = MutantBench(dut, config, [reference, 0][mutant > 0])",
)


@pytest.fixture
def change(tmp_path, monkeypatch):
    """A function that has the simulator take a copy of the testbench in which some texts are others."""

    def changed(*changes):
        shutil.copytree(ROOT / "verif", tmp_path / "verif")
        for name, before, after in changes:
            text = (tmp_path / "verif" / name).read_text()
            assert text.count(before) == 1
            (tmp_path / "verif" / name).write_text(text.replace(before, after))
        # The simulator's Python looks where this one does, in the same order.
        monkeypatch.syspath_prepend(tmp_path)

    return changed


@pytest.mark.slow
def test_a_crash_of_the_testbench_is_no_kill(change):
    change(CRASHING)
    with pytest.raises(ToolError, match="the testbench crashed on mutant 1"):
        measure(design("relu"), mutants=4)


@NEEDS_ABC
@pytest.mark.slow
def test_a_testbench_without_its_checks_is_seen_and_what_it_misses_is_shown(change, tmp_path):
    """It finds what hangs. Of the others a search finds what shows them, and that is kept with waves around it."""
    change(COMPARING_VALUES, COMPARING_PINS)
    score = measure(design("relu"), mutants=20, kept=tmp_path / "kept", command="again")
    assert score.score < 0.7
    assert len(score.survived) >= 5
    told = [json.loads(file.read_text()) for file in (tmp_path / "kept").glob("*/difference.json")]
    assert len(told) == len(score.survived) + len(score.undecided)
    shown = [each for each in told if each["cycle"] is not None]
    assert len(shown) >= 5
    for each in shown:
        assert each["golden"] != each["hardware"]
        assert each["command"] == "again"
        assert Path(each["save_file"]).exists()
        assert each["window"]["signals"]["m_axis_tvalid"]
        assert (Path(each["folder"]) / "difference.html").exists()


@NEEDS_ABC
@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(GRAPHS))
def test_some_faults_of_every_kind_are_killed_or_proven_to_be_none(kind):
    """With every change; many more of each where there is time, which is ``make mutate``."""
    score = measure(design(kind), mutants=12, kept=KEPT, command=f"tensorgate mutate {kind} --mutants 12")
    assert score.killable >= 6
    assert (score.survived, score.undecided, score.score) == ((), (), 1.0)


@NEEDS_ABC
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relu", pytest.param("requantize", marks=pytest.mark.exhaustive)])
def test_every_fault_is_killed_or_proven_to_be_none(kind):
    """Some have no effect in states that a reset leads to; of ``requantize`` some need samples that a search finds."""
    score = measure(design(kind), mutants=120, kept=KEPT, command=f"tensorgate mutate {kind} --mutants 120")
    assert score.mutants == 120
    assert (score.survived, score.undecided, score.score) == ((), (), 1.0)
    assert score.killed + len(score.equivalent) == 120
    assert score.equivalent


@NEEDS_ABC
@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", sorted(GRAPHS))
def test_no_fault_that_is_proven_to_be_none_is_killed_by_another_stimulus(kind, tmp_path):
    """The whole of the testbench, with samples, pauses and resets that the proofs have never seen."""
    made = design(kind)
    harmless = measure(made, mutants=200).equivalent
    faults = make_mutants(made, 200, 0, tmp_path)
    for seed in (5, 6):
        bench = _Bench(made, tmp_path, len(faults).bit_length(), seed)
        samples = extreme_samples(made.graph, SMALL_SAMPLES, seed)
        effort = Effort.thorough(made)
        assert bench.alive(harmless, samples, None, effort.stalled, effort.resets) == list(harmless)


def score(name, killed, equivalent=(), survived=(), undecided=()):
    faults = [tuple(Fault(n, "") for n in range(count)) for count in (len(equivalent), len(survived), len(undecided))]
    return MutationScore(
        name, killed + sum(map(len, faults)), killed, 4, faults[0], len(equivalent), *faults[1:], 0, 9, 1.5
    )


def test_the_table_has_a_row_a_kind_and_their_sum():
    lines = record.markdown([score("relu", 8, "ab"), score("dense", 5, "c", "d", "ef")]).splitlines()
    assert lines[2] == "| dense | 9 | 1 | 1 | 5 | 4 | 1 | 2 | 62.5% | 2 |"
    assert lines[3] == "| relu | 10 | 2 | 2 | 8 | 4 | 0 | 0 | 100.0% | 2 |"
    assert lines[4] == "| all | 19 | 3 | 3 | 13 | 8 | 1 | 2 | 81.2% | 4 |"


def test_rows_of_other_op_kinds_can_stay(monkeypatch, tmp_path):
    monkeypatch.setattr(record, "find_tool", lambda program: program)
    monkeypatch.setattr(record, "measure", lambda *arguments, **named: score("clamp", 8, "ab"))
    readme = tmp_path / "README.md"
    table = record.markdown([score("relu", 8, "ab", "", "u"), score("clamp", 5, "c", "d", "ef")])
    readme.write_text(f"<!-- mutation -->\n{table}\n<!-- /mutation -->\n")
    assert record.main(["clamp", "--readme", str(readme), "--keep"]) == 0
    together = record.markdown([score("clamp", 8, "ab"), score("relu", 8, "ab", "", "u")])
    assert readme.read_text() == f"<!-- mutation -->\n{together}\n<!-- /mutation -->\n"
    assert record.main(["clamp", "--readme", str(readme)]) == 0
    assert "relu" not in readme.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [(["gru"], "an op kind must be one of add, argmax"), (["--mutants", "x"], "invalid int value")],
)
def test_mistakes_of_the_record_are_told(words, message, capsys):
    with pytest.raises(SystemExit) as end:
        record.main(words)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_what_survived_or_is_undecided_is_exit_status_one(monkeypatch, capsys):
    monkeypatch.setattr(record, "find_tool", lambda program: program)
    for made, status in (
        (score("relu", 8, "ab"), 0),
        (score("relu", 8, "", "", "u"), 1),
        (score("relu", 8, "", "a"), 1),
    ):
        monkeypatch.setattr(record, "measure", lambda *arguments, made=made, **named: made)
        assert record.main(["relu"]) == status
    assert "| relu | 9 | 0 | 0 | 8 | 4 | 1 | 0 | 88.9% | 2 |" in capsys.readouterr().out


@NEEDS_ABC
@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", sorted(GRAPHS))
def test_the_score_of_every_op_kind_is_perfect(kind):
    score = measure(design(kind))
    assert score.mutants == 200
    assert score.score == 1.0
