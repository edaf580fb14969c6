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


def verdict(folder, **changed):
    """Whether the accumulator does the same in any schedule, and whether the fault is said never to show."""
    text = SUM
    for name, value in {**AS_IT_IS, **changed}.items():
        text = text.replace(name, value)
    (folder / "sum.v").write_text(text)
    made = make_aig(["read_verilog sum.v", "prep -top sum"], "sum", folder)
    aig = replace(made, inputs={name.replace("faulty[0]", FAULTY): literal for name, literal in made.inputs.items()})
    control = Control.of(aig)
    assert control.states is not None
    reach = Reach.of(aig, [aig.inputs[FAULTY] >> 1])
    bits = {name for name in reach.remembering if name.rpartition("[")[0] == "sum"}
    assert len(bits) == 4
    transitions = Transitions(aig, control)
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
