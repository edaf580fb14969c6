"""What is the same in every schedule: an accumulator with a fault, and others in which one thing is not so."""

from dataclasses import replace

import pytest

from sim.formal.aig import make_aig
from sim.formal.control import Control
from sim.mutation.accumulator import Accumulator
from sim.mutation.any_schedule import never_shows
from sim.mutation.every_input import Effect
from sim.mutation.one_fault import FAULTY
from sim.mutation.pipe import Reach
from sim.mutation.transitions import Transitions

# A sum of the words of the four cycles that a start sets off, without its lowest bit, in which the fault is.
SUM = """
module sum (input clock, input reset, input s_axis_tvalid, input m_axis_tready, input faulty, input [3:0] s_axis_tdata,
            output m_axis_tvalid, output [2:0] m_axis_tdata);
  reg [1:0] count;
  reg runs, adds, first, done, late, reads;
  reg [3:0] word, sum, behind;
  reg [2:0] result;
  wire start = !runs && s_axis_tvalid && m_axis_tready;
  assign m_axis_tvalid = reads;
  assign m_axis_tdata = result;
  always @(posedge clock) begin
    runs <= !reset && (start || (runs && count != 3));
    count <= reset || start ? 0 : count + runs;
    adds <= !reset && GOES;
    first <= !reset && runs && count == 0;
    done <= !reset && DONE;
    late <= !reset && done;
    reads <= !reset && late;
    word <= s_axis_tdata;
    if (adds) sum <= (first ? LOADED : sum + word) ^ {3'b0, faulty};
    else sum <= HELD;
    behind <= sum;
    if (reads) result <= behind[3:1];
  end
endmodule
"""
AS_IT_IS = {
    "GOES": "runs",
    "DONE": "adds && !runs",
    "LOADED": "word",
    "HELD": "sum",
}


def machine(text, folder):
    """Its graph, its control, and what leads where."""
    (folder / "sum.v").write_text(text)
    made = make_aig(["read_verilog sum.v", "prep -top sum"], "sum", folder)
    aig = replace(made, inputs={name.replace("faulty[0]", FAULTY): literal for name, literal in made.inputs.items()})
    control = Control.of(aig)
    assert control.states is not None
    return aig, control, Transitions(aig, control)


def verdict(folder, **changed):
    """Whether the accumulator does the same in any schedule, and whether the fault is said never to show."""
    text = SUM
    for name, value in {**AS_IT_IS, **changed}.items():
        text = text.replace(name, value)
    aig, control, transitions = machine(text, folder)
    reach = Reach.of(aig, [aig.inputs[FAULTY] >> 1])
    bits = {name for name in reach.remembering if name.rpartition("[")[0] == "sum"}
    assert len(bits) == 4
    same = Accumulator(reach, bits, transitions).is_the_same_in_any_schedule()
    effect = Effect(reach, escaped=bits)
    assert never_shows(effect, control.reset_to, transitions) == same
    assert not never_shows(effect, control.reset_to)
    return same


def test_a_fault_of_an_accumulator_is_the_same_in_every_schedule(tmp_path):
    assert verdict(tmp_path)


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        pytest.param("GOES", "runs && (s_axis_tvalid || count == 0)", id="what it does depends on who gives"),
        pytest.param("DONE", "adds && !runs && m_axis_tready", id="whether it is read depends on who takes"),
        pytest.param("DONE", "!runs && !adds && m_axis_tready && !m_axis_tvalid", id="it is read when it is old"),
        pytest.param("LOADED", "(word ^ {4{faulty & sum[0]}})", id="a load with what it held"),
        pytest.param("HELD", "sum ^ {4{faulty & word[0]}}", id="while it holds, words come in"),
    ],
)
def test_what_is_not_the_same_is_seen(changed, value, tmp_path):
    assert not verdict(tmp_path, **{changed: value})


# Four cycles that a start sets off, and a word that somebody takes; ``waited`` counts while nobody gives anything.
FOUR = """
module sum (input clock, input reset, input s_axis_tvalid, input m_axis_tready, input faulty, input [1:0] s_axis_tdata,
            output s_axis_tready, output m_axis_tvalid, output [3:0] m_axis_tdata);
  reg cycle0, cycle1, cycle2, cycle3, full0, full1;
  reg [2:0] waited;
  reg [1:0] word, garbage, lane, twin, behind;
  reg a, b, trash, junk;
  reg [3:0] sum, passed, result0, result1;
  assign s_axis_tready = !(cycle0 | cycle1 | cycle2 | cycle3) && !full1;
  assign m_axis_tvalid = full0 | full1;
  assign m_axis_tdata = full0 ? result0 : result1;
  always @(posedge clock) begin
    cycle0 <= !reset && s_axis_tready && s_axis_tvalid;
    cycle1 <= !reset && cycle0;
    cycle2 <= !reset && cycle1;
    cycle3 <= !reset && cycle2;
    if (reset || cycle3) waited <= 0;
    else if (s_axis_tready && !s_axis_tvalid && !(&waited)) waited <= waited + 1;
    word <= s_axis_tdata;
    garbage <= &waited ? word : 0;
    full0 <= !reset && ((cycle3 && !full0) || (full0 && !m_axis_tready));
    full1 <= !reset && ((cycle3 && full0) || (full1 && !(m_axis_tready && !full0)));
    BODY
  end
endmodule
"""
BODIES = {
    # Whoever clamps takes the sum into one of two places, and nobody does on the way to the other one.
    "two that read, each at times": """
    if (cycle0) sum <= (word + {word, 1'b0}) ^ {2'b0, faulty & (&word), 1'b0};
    if (cycle3 && !full0) result0 <= sum > 9 ? 9 : sum;
    if (cycle3 && full0) result1 <= sum;
    """,
    # In the design nobody uses what b is loaded with, until it is loaded once more.
    "garbage that is loaded": """
    if (cycle0) begin a <= word[0]; b <= word[1] ^ faulty; end
    if (cycle1) begin b <= garbage[0]; a <= a ^ (faulty & garbage[0]); end
    if (cycle2) b <= !a;
    if (cycle3) result0 <= {b, a};
    """,
    "garbage that is held": """
    if (cycle0) begin a <= word[0]; b <= word[1] ^ faulty; end
    if (cycle1) b <= garbage[0];
    if (cycle2) begin b <= !a; a <= a ^ (faulty & b); end
    if (cycle3) result0 <= {b, a};
    """,
    "garbage in a pipe": """
    passed <= {word[1], word[0] ^ (faulty & garbage[1])};
    if (cycle1) result0 <= passed;
    """,
    "a register that no reset sets, and no data": """
    lane <= waited[2:1];
    passed <= {word[1], word[0] ^ (faulty & lane[1])};
    if (cycle1) result0 <= passed;
    """,
    "a pipe that is taken at times": """
    passed <= {word[1], word[0] ^ faulty};
    twin <= word;
    if (cycle1) result0 <= &waited ? passed : twin;
    """,
    "two that take a pipe, each at times": """
    passed <= {word[1], word[0] ^ faulty};
    if (cycle1 && !full0) result0 <= passed[1] ? 2 : passed;
    if (cycle1 && full0) result1 <= passed;
    """,
    "garbage in the pipe before a sum": """
    passed <= {word[1], word[0] ^ (faulty & ((&word) | garbage[1]))};
    if (cycle1) sum <= passed;
    if (cycle3) result0 <= sum[1] ? 2 : {1'b0, sum[0]};
    """,
    "garbage that somebody takes and nobody uses": """
    passed <= {word[1], word[0] ^ (faulty & garbage[1])};
    junk <= garbage[1];
    if (cycle1) result0 <= passed;
    if (cycle1) trash <= passed[0] & junk;
    if (cycle3) trash <= word[0];
    if (cycle0) result1[2] <= trash;
    """,
    "two that take a pipe, each at times, and a sum": """
    passed <= {word[1], word[0] & word[1] & !faulty};
    if (cycle1 && !full0) result0 <= passed[1] ? 2 : passed;
    if (cycle1 && full0) result1 <= passed;
    if (cycle1) sum <= passed;
    behind <= {sum[1], sum[0] & !sum[1]};
    if (cycle3) trash <= ^behind;
    if (cycle0) junk <= trash;
    if (cycle1) result1[3] <= junk;
    """,
    "what is added to what is there": """
    passed <= {word[1], word[0] ^ faulty};
    if (cycle1) result0 <= result0 | passed;
    """,
    "what waits in a pipe": """
    passed <= {word[1], word[0] ^ (faulty & waited[2])};
    if (cycle1) result0 <= passed;
    """,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_the_design_does_not_use_is_not_used_by_a_fault_that_never_shows(body, tmp_path):
    """Each of these shows in some schedules only, and not in those that are simulated."""
    aig, control, transitions = machine(FOUR.replace("BODY", body), tmp_path)
    reach = Reach.of(aig, [aig.inputs[FAULTY] >> 1])
    assert reach.is_data(control.reset_to)
    own = {name for name in reach.remembering if name[:3] in ("sum", "a[0", "b[0")}
    assert not never_shows(Effect(reach, escaped=own), control.reset_to, transitions)


def test_a_fault_that_only_the_design_s_own_words_come_to_may_be_one(tmp_path):
    """The same pipe, with nothing but what goes through it anyway."""
    body = "passed <= {word[1], word[0] ^ (faulty & word[1])}; if (cycle1) result0 <= passed[0] ^ passed[1];"
    aig, control, transitions = machine(FOUR.replace("BODY", body), tmp_path)
    reach = Reach.of(aig, [aig.inputs[FAULTY] >> 1])
    assert never_shows(Effect(reach), control.reset_to, transitions)
