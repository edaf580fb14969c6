"""Proofs: they hold, and each fails on hardware with a fault."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prover import NEEDS_ABC

import rtlgen
from golden import Graph
from sim.formal import __main__ as command
from sim.formal import training
from sim.formal.__main__ import main, markdown
from sim.formal.aig import make_aig
from sim.formal.fifo import MONITORS
from sim.formal.kinds import GRAPHS, VARIANTS, design_of
from sim.formal.obligations import FIFO_FAULTS, MANY_STATES, PIN_FAULTS, POWER_UP, Obligation, obligations
from sim.formal.outcomes import Outcome, prove
from sim.formal.postmortem import keep, kept
from sim.formal.power_up import independent_of_power_up
from sim.formal.prover import PROVEN, REFUTED, UNDECIDED, Verdict, search
from sim.formal.ranges import BITS, OPS, Form, equal_everywhere, forms
from sim.formal.streams import BODIES, ERROR, ONCE, OPTIMISED, STABLE, harness
from sim.formal.visits import never_bad
from sim.formal.words import INTACT, SAMPLES, _told_apart, streams_of, words_harness
from sim.fuzzing.case import Case
from sim.simulators.beats import Beats
from sim.tools import ToolError

KEPT = Path(__file__).parent.parent / "build" / "proofs"
"""What proofs leave that do not come out as they have to."""
ALL = list(obligations())
LONG = ("FIFO of 8", "FIFO of 4, rows of 2", "add of two tables", "multiply, ", "trainer of two layers")
LONGER = (
    *((POWER_UP, "softmax"), (OPTIMISED, "softmax"), (INTACT, "maxpool")),
    *((STABLE, "trainer of one layer"), (ONCE, "trainer of one layer")),
)


def _is_quick(obligation: Obligation) -> bool:
    """Of op kinds every fourth property; of variants those of a single one; of others what does not take long."""
    subject, what = obligation.subject, obligation.what
    if (what, subject) in LONGER:
        return False
    if subject in GRAPHS:
        return (sorted(GRAPHS).index(subject) + list(PIN_FAULTS).index(what)) % 4 == 0
    return subject == "dense, unrolled" if subject in VARIANTS else not subject.startswith(LONG)


QUICK = [o for o in ALL if _is_quick(o)]
"""With every change: something of every kind of hardware, and every property of several kinds."""


def name(obligation: Obligation) -> str:
    return f"{obligation.subject}: {obligation.what}"


@NEEDS_ABC
@pytest.mark.slow
@pytest.mark.parametrize("obligation", QUICK, ids=name)
def test_it_is_proven_and_a_planted_fault_refutes_it(obligation: Obligation) -> None:
    outcome = prove(obligation)
    assert outcome.passed, kept(outcome, KEPT)
    assert outcome.verdict.kind == PROVEN
    assert outcome.planted.kind == REFUTED
    assert outcome.planted.witness


@NEEDS_ABC
@pytest.mark.exhaustive
@pytest.mark.parametrize("obligation", [o for o in ALL if o not in QUICK], ids=name)
def test_all_others_are_too(obligation: Obligation) -> None:
    outcome = prove(obligation)
    assert outcome.passed, kept(outcome, KEPT)


def test_something_of_every_kind_is_proven_with_every_change() -> None:
    assert {o.subject for o in QUICK} >= GRAPHS.keys() | {"trainer of one layer"}
    assert all(sum(o.what == what and o.subject in GRAPHS for o in QUICK) >= 3 for what in PIN_FAULTS)


def test_every_property_has_a_fault() -> None:
    assert FIFO_FAULTS.keys() == MONITORS.keys()
    assert PIN_FAULTS.keys() == {*BODIES, POWER_UP, INTACT}
    assert training.FAULTS.keys() == training.BODIES.keys()
    assert len({name(o) for o in ALL}) == len(ALL)


def test_the_hardware_of_every_op_kind_has_every_proof() -> None:
    kinds = {path.stem for path in (Path(rtlgen.__file__).parent / "ops").glob("[a-z]*.py")}
    assert kinds == GRAPHS.keys()
    for kind in (*kinds, *VARIANTS):
        proven = {o.what for o in ALL if o.subject == kind}
        assert proven == PIN_FAULTS.keys() - {what for what, of in MANY_STATES.items() if kind in of}


def test_a_form_that_the_plan_does_not_take_is_told(monkeypatch) -> None:
    monkeypatch.setitem(VARIANTS, "other", VARIANTS["requantize, in phases"]._replace(multipliers=8))
    with pytest.raises(ValueError, match=r"other: the plan of requantize1 must have .*phases.*, it has .*pipeline"):
        design_of("other")


def test_every_form_of_a_requantiser_is_tried_in_every_arithmetic_that_has_it() -> None:
    made = {(form.op, form.form) for form in forms()}
    assert {op for op, _ in made} == OPS.keys()
    assert {form for _, form in made} == BITS.keys()
    for arithmetic in ("tflm", "single", "float32"):
        assert {form for op, form in made if op == arithmetic} == BITS.keys() - {"shift"}


def test_a_form_that_is_wrong_for_one_input_is_found(monkeypatch) -> None:
    """Golden's answer is changed for one of four thousand numbers."""
    monkeypatch.setitem(BITS, "product", 12)
    form = Form("tflm", "product")
    assert equal_everywhere(form, False) == Verdict(PROVEN)
    right = Graph.__call__

    def wrong(self: Graph, x: np.ndarray) -> np.ndarray:
        y = right(self, x)
        y[x == 1234] += 1
        return y

    monkeypatch.setattr(Graph, "__call__", wrong)
    found = equal_everywhere(form, False)
    assert found.kind == REFUTED
    assert found.witness.startswith("x = 1234 in channel 1: golden ")


def is_found_in_words(design: rtlgen.Design, verilog: str, folder: Path) -> bool:
    """Whether one of the streams comes out wrong."""
    (folder / "design.v").write_text(verilog)
    reading = ["read_verilog harness.v design.v", "hierarchy -check -top harness; proc -noopt; flatten"]
    for x in streams_of(design):
        (folder / "harness.v").write_text(words_harness(design, x))
        verdict = never_bad(make_aig(reading, "words", folder))
        assert verdict.witness.count("s_axis_tvalid[0]@") == len(verdict.witness.splitlines())
        if verdict.kind == REFUTED:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["averagepool", "concat", "conv", "maxpool", "pad", "slice", "sum", "transpose"])
def test_a_buffer_that_takes_more_than_it_has_room_for_is_found_in_what_comes_out(kind: str, tmp_path: Path) -> None:
    """A word is overwritten before it was read for the last time."""
    design = design_of(kind)
    full = re.compile(r"= \(\((\w+_x\d?_room_left\[)")
    assert full.search(design.verilog)
    assert is_found_in_words(design, full.sub(r"= 1'd1 | ((\1", design.verilog), tmp_path)


@pytest.mark.slow
def test_a_buffer_that_takes_one_word_too_many_is_found_in_what_comes_out(tmp_path: Path) -> None:
    """Most words of a maximum are small enough not to be missed: there are samples in which each is the largest."""
    design = design_of("maxpool")
    room = re.compile(r"(maxpool1_x_room_left <= \(reset \? \d+'d)(\d+)")
    assert room.search(design.verilog)
    more = room.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", design.verilog)
    assert is_found_in_words(design, more, tmp_path)


def test_the_samples_that_are_sent_are_told_apart() -> None:
    """Wherever an input word is used, each of those that come up to two samples later shows in its place."""
    for kind in (*GRAPHS, *VARIANTS):
        design = design_of(kind)
        count = Beats.of(design.ports["input"]).count
        told = set[tuple[int, int]]().union(*(_told_apart(design, x) for x in streams_of(design)))
        places = {place for place, _ in told}
        assert told == {(place, later) for place in places for later in range(1, (SAMPLES - 1) * count + 1)}, kind
        assert kind == "slice" or len(places) == count


HARNESS = """\
module harness(input clk, reset, s_axis_tvalid, m_axis_tready, data, output bad);
    reg [3:0] count;
    reg seen;
    always @(posedge clk) begin
        count <= reset ? 0 : count + (s_axis_tvalid & m_axis_tready & count < {most});
        seen <= reset ? 0 : data;
    end
    assign bad = !reset & {bad};
endmodule
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "bad", "verdict", "cycles"),
    [(5, "count == 6", PROVEN, 0), (6, "count == 6", REFUTED, 7), (6, "count == 6 & seen", UNDECIDED, 0)],
)
def test_every_state_is_visited_and_the_way_to_a_bad_one_is_told(
    most: int, bad: str, verdict: str, cycles: int, tmp_path
) -> None:
    """What depends on data is not decided by visiting states of control."""
    (tmp_path / "harness.v").write_text(HARNESS.format(most=most, bad=bad))
    aig = make_aig(["read_verilog harness.v", "hierarchy -check -top harness; proc -noopt; flatten"], "m", tmp_path)
    found = never_bad(aig)
    assert found.kind == verdict
    assert len(found.witness.splitlines()) == cycles
    assert found.witness.count("s_axis_tvalid[0]") == cycles


MEMORY = """\
module memory(input clk, reset, s_axis_tvalid, m_axis_tready, input [1:0] s_axis_tdata,
        output m_axis_tvalid, output [1:0] m_axis_tdata);
    reg [1:0] words [0:1];
    reg write, read, there;
    always @(posedge clk) begin
        write <= reset ? 0 : write ^ s_axis_tvalid;
        read <= reset ? 0 : read ^ (m_axis_tready & m_axis_tvalid);
        there <= reset ? 0 : {there};
        if (s_axis_tvalid) words[write] <= s_axis_tdata;
    end
    assign m_axis_tvalid = there & (read != write);
    assign m_axis_tdata = words[read{other}];
endmodule
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("there", "other", "verdict"), [("1", "", PROVEN), ("1", " ^ 1", REFUTED), ("there", "", PROVEN)]
)
def test_a_word_that_is_read_before_it_is_written_depends_on_the_power_up(
    there: str, other: str, verdict: str, tmp_path
) -> None:
    (tmp_path / "memory.v").write_text(MEMORY.format(there=there, other=other))
    aig = make_aig(["read_verilog memory.v", "hierarchy -check -top memory; proc -noopt; flatten"], "m", tmp_path)
    assert independent_of_power_up(aig).kind == verdict


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
def test_a_proof_that_cannot_fail_is_none(
    verdict: str, planted: str, passed: bool, capsys, monkeypatch, tmp_path
) -> None:
    made = outcome(verdict, planted)
    assert made.passed is passed
    assert str(made).startswith(verdict)
    assert ("with a fault" in str(made)) is not passed
    monkeypatch.setattr(command, "proven", lambda chosen, jobs: [made] * len(chosen))
    monkeypatch.setattr(command, "find_tool", lambda program: program)
    assert main(["relu", "--build", str(tmp_path)]) == int(not passed)
    told = capsys.readouterr().out
    assert f"{len(PIN_FAULTS) if passed else 0} of {len(PIN_FAULTS)} proven" in told
    assert (f"files: {tmp_path / 'this-that'}" in told) is not passed
    assert (tmp_path / "this-that" / "difference.html").exists() is not passed


def with_its_fault(obligation: Obligation) -> Outcome:
    """As if the fault that is planted in an obligation were in the hardware."""
    wrong = replace(obligation, decide=lambda folder, planted: obligation.decide(folder, True))
    return Outcome(wrong, Verdict(REFUTED), Verdict(REFUTED), 0.0)


@NEEDS_ABC
@pytest.mark.slow
@pytest.mark.parametrize(
    ("subject", "what"),
    [
        ("relu", STABLE),
        ("relu", ERROR),
        ("relu", OPTIMISED),
        ("FIFO of 4, rows of 2, 3 cycles away", "no beat comes without room"),
    ],
)
def test_the_way_to_what_must_not_be_is_shown_as_waves(subject: str, what: str, tmp_path) -> None:
    """Icarus repeats what the search, or the visit of all states, has found: there it is as bad."""
    (obligation,) = [o for o in ALL if (o.subject, o.what) == (subject, what)]
    folder = keep(with_its_fault(obligation), tmp_path)
    told = json.loads((folder / "difference.json").read_text())
    assert (told["layer"], told["golden"], told["hardware"]) == (subject, 0, "1")
    assert told["command"].endswith(shlex.join(["-m", "sim.formal", subject, "--what", what]))
    bad = told["window"]["signals"]["bad"]
    assert bad[told["cycle"] - told["window"]["first_cycle"]] == "1"
    assert "1" not in bad[: told["cycle"] - told["window"]["first_cycle"]]
    assert Path(told["save_file"]).exists()
    assert "<svg" in (folder / "difference.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["by constants, s24", "phases, s22"])
def test_a_form_that_is_wrong_shows_what_it_makes_of_a_number(form: str, tmp_path) -> None:
    folder = keep(with_its_fault(next(o for o in ALL if o.subject == f"requantiser tflm, {form}")), tmp_path)
    told = json.loads((folder / "difference.json").read_text())
    x, golden, hardware = map(int, re.findall(r"(?:x =|golden|hardware) (-?\d+)", told["message"]))
    assert golden != hardware
    signals = told["window"]["signals"]
    (cycle,) = [cycle for cycle, done in enumerate(signals["done"]) if done == "1"][:1]
    if form.startswith("phases"):  # of two beats the first one is channel 0
        assert int(signals["y"][cycle], 16) in (hardware % 256, golden % 256)
    assert f"{x % (1 << 22):06x}"[-5:] in "".join(signals["data"])


@pytest.mark.slow
def test_a_requantiser_that_is_wrong_is_kept_as_a_case(tmp_path) -> None:
    folder = keep(with_its_fault(next(o for o in ALL if o.subject == "requantiser single")), tmp_path)
    case = Case.load(folder)
    assert case.x.shape == (1, 1)
    assert f"refuted; x = [{case.x[0, 0]}]: golden" in json.loads((folder / "difference.json").read_text())["message"]


def test_the_table_names_what_was_proven() -> None:
    lines = markdown([outcome(PROVEN, REFUTED), outcome(UNDECIDED, REFUTED)]).splitlines()
    assert lines[2:] == ["| that | this | 2/2 |"]


def test_nothing_to_prove_is_a_mistake(capsys) -> None:
    assert main(["nosuch"]) == 2
    assert "begins with 'nosuch'" in capsys.readouterr().err


def test_a_subject_is_asked_for_by_its_name_or_by_what_names_begin_with() -> None:
    def subjects(*wanted: str, what: str | None = None) -> list[str]:
        return [o.subject for o in command._chosen(wanted, what)]

    assert subjects("add") == ["add"] * len(PIN_FAULTS)
    assert {name.split()[0] for name in subjects("FIFO")} == {"FIFO"}
    assert subjects("add", "relu", what=STABLE) == ["add", "relu"]
    assert subjects(what=STABLE) == [*GRAPHS, *VARIANTS, "trainer of one layer"]
    assert len(subjects()) == len(ALL)


def test_a_missing_prover_is_told_with_its_package(monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(command, "PROGRAM", command.ABC)
    assert main(["relu"]) == 2
    assert "apt-get install berkeley-abc" in capsys.readouterr().err


def test_counters_of_a_harness_are_as_wide_as_their_counts() -> None:
    design = design_of("averagepool")
    assert "reg [4:0] place" in harness(design, "last is in its place", ("averagepool",))
