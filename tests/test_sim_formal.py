"""Proofs: they hold, and each fails on hardware with a fault."""

from __future__ import annotations

import pytest
from prover import NEEDS_ABC

from sim.formal import __main__ as command
from sim.formal.__main__ import Outcome, main, markdown, prove
from sim.formal.fifo import MONITORS
from sim.formal.obligations import FIFO_FAULTS, PIN_FAULTS, Obligation, obligations
from sim.formal.prover import PROVEN, REFUTED, UNDECIDED, Verdict, search
from sim.formal.streams import BODIES, harness
from sim.tools import ToolError

ALL = list(obligations())
QUICK = [o for o in ALL if o.subject in ("relu", "requantiser tflm") or o.subject.startswith("FIFO of 4, rows of 1")]


def name(obligation: Obligation) -> str:
    return f"{obligation.subject}: {obligation.what}"


@NEEDS_ABC
@pytest.mark.slow
@pytest.mark.parametrize("obligation", QUICK, ids=name)
def test_it_is_proven_and_a_planted_fault_refutes_it(obligation: Obligation) -> None:
    outcome = prove(obligation)
    assert outcome.verdict.kind == PROVEN
    assert outcome.planted.kind == REFUTED
    assert outcome.planted.witness


@NEEDS_ABC
@pytest.mark.exhaustive
@pytest.mark.parametrize("obligation", [o for o in ALL if o not in QUICK], ids=name)
def test_all_others_are_too(obligation: Obligation) -> None:
    assert prove(obligation).passed


def test_every_property_has_a_fault() -> None:
    assert FIFO_FAULTS.keys() == MONITORS.keys()
    assert PIN_FAULTS.keys() == BODIES.keys()
    assert len({name(o) for o in ALL}) == len(ALL)


@NEEDS_ABC
@pytest.mark.slow
def test_an_invariant_that_needs_unknown_registers_is_not_taken_for_proven(tmp_path) -> None:
    """A register without a reset may begin with anything; from zero it never is one."""
    (tmp_path / "m.v").write_text(
        "module m(input clk, input x, output bad); reg r;\n"
        "always @(posedge clk) if (x) r <= 0; assign bad = r; endmodule\n"
    )
    assert search(["read_verilog m.v"], "m", "free", tmp_path, 5).kind == REFUTED
    assert search(["read_verilog m.v"], "m", "zero", tmp_path, 5, from_zero=True).kind == PROVEN


@NEEDS_ABC
@pytest.mark.slow
def test_the_log_of_another_search_proves_nothing(tmp_path) -> None:
    for constant, verdict in (("0", PROVEN), ("1", REFUTED), ("0", PROVEN)):
        text = f"module m(input clk, input x, output bad); assign bad = x & {constant}; endmodule\n"
        (tmp_path / "m.v").write_text(text)
        assert search(["read_verilog m.v"], "m", "same", tmp_path, 5).kind == verdict


@NEEDS_ABC
@pytest.mark.slow
def test_a_broken_file_is_an_error_of_the_tool(tmp_path) -> None:
    (tmp_path / "m.v").write_text("module m(")
    with pytest.raises(ToolError, match="failed with exit status"):
        search(["read_verilog m.v"], "m", "broken", tmp_path, 5)


def outcome(verdict: str, planted: str) -> Outcome:
    obligation = Obligation("this", "that", lambda folder, fault: Verdict(verdict))
    return Outcome(obligation, Verdict(verdict), Verdict(planted), 1.5)


@pytest.mark.parametrize(
    ("verdict", "planted", "passed"),
    [(PROVEN, REFUTED, True), (PROVEN, PROVEN, False), (PROVEN, UNDECIDED, False), (UNDECIDED, REFUTED, False)],
)
def test_a_proof_that_cannot_fail_is_none(verdict: str, planted: str, passed: bool, capsys, monkeypatch) -> None:
    made = outcome(verdict, planted)
    assert made.passed is passed
    assert str(made).startswith(verdict)
    assert ("with a fault" in str(made)) is not passed
    monkeypatch.setattr(command, "prove", lambda obligation: made)
    monkeypatch.setattr(command, "find_tool", lambda program: program)
    assert main(["relu"]) == int(not passed)
    assert f"{len(BODIES) if passed else 0} of {len(BODIES)} proven" in capsys.readouterr().out


def test_the_table_names_what_was_proven() -> None:
    lines = markdown([outcome(PROVEN, REFUTED), outcome(UNDECIDED, REFUTED)]).splitlines()
    assert lines[2:] == ["| that | this | 2/2 |"]


def test_nothing_to_prove_is_a_mistake(capsys) -> None:
    assert main(["nosuch"]) == 2
    assert "begins with nosuch" in capsys.readouterr().err


def test_a_missing_prover_is_told_with_its_package(monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(command, "PROGRAM", command.ABC)
    assert main(["relu"]) == 2
    assert "apt-get install berkeley-abc" in capsys.readouterr().err


def test_counters_of_a_harness_are_as_wide_as_their_counts() -> None:
    import rtlgen
    from sim.mutation.ops import GRAPHS

    design = rtlgen.generate(GRAPHS["averagepool"](), name="averagepool")
    assert "reg [4:0] place" in harness(design, "last is in its place", ("averagepool",))
