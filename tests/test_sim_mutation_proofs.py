"""The proofs that a fault has no effect: each is tried on hardware, or on a fault, where it has to fail."""

from dataclasses import replace

import numpy as np
import pytest
from prover import NEEDS_ABC

import golden
import rtlgen
from sim.formal.aig import Aig, And, Latch, make_aig
from sim.formal.aiger import Builder
from sim.formal.control import Control, unpacked
from sim.formal.prover import PROVEN, REFUTED, Verdict, decided
from sim.mutation.campaign import measure
from sim.mutation.held import Held
from sim.mutation.mutants import Fault, make_mutants
from sim.mutation.one_fault import FAULTY, aig_of, with_one_fault
from sim.mutation.product import Way, shortest_way
from sim.mutation.reachable import Suspects
from sim.mutation.transitions import Transitions
from sim.mutation.witness import Cycle, of_way, replays
from sim.regression.small import small_design


def design(kind):
    return small_design(kind)


def control_of(verilog, top, folder):
    (folder / "design.v").write_text(verilog)
    reading = [f"read_verilog design.v; hierarchy -check -top {top}; proc; flatten; opt_clean"]
    return Control.of(make_aig(reading, "control", folder))


def values_of(control, word):
    """All that a register of control can be."""
    names = list(control.reset_to)
    places = [names.index(name) for name in sorted(n for n in names if n.rpartition("[")[0] == word)]
    bits = unpacked(control.states, len(names))[:, places]
    return set((bits @ (1 << np.arange(len(places)))).tolist())


@pytest.mark.slow
def test_states_are_all_those_that_buffers_can_come_to_and_no_others(tmp_path):
    verilog = design("relu").verilog
    assert values_of(control_of(verilog, "relu", tmp_path), "m_axis_filled") == set(range(5))
    full = verilog.replace("x_room = ((m_axis_room_left[", "x_room = 1'd1 | ((m_axis_room_left[")
    assert full != verilog
    assert values_of(control_of(full, "relu", tmp_path), "m_axis_filled") == set(range(8))


def test_control_is_what_does_not_depend_on_data(tmp_path):
    control = control_of(design("relu").verilog, "relu", tmp_path)
    words = {name.rpartition("[")[0] for name in control.reset_to}
    assert {"m_axis_filled", "m_axis_out_valid", "m_axis_read_address"} <= words
    assert not words & {"m_axis_out", "m_axis_fetched", "s_axis_frame_error"}


@NEEDS_ABC
@pytest.mark.slow
def test_a_flag_that_no_reset_sets_is_control_and_begins_with_anything(monkeypatch, tmp_path):
    """Where the walk is tells that a word lies outside of a tensor, and then it does not matter what was fetched."""
    graph = golden.Graph.chain(golden.TensorType((1,), golden.IntType(4, True)), golden.ops.Pad(((0, 3),), 5))
    make_mutants(rtlgen.generate(graph, name="pad"), 1, 0, tmp_path)
    netlist = (tmp_path / "netlist.il").read_text()
    cells = [cell.partition("\n  end")[0] for cell in netlist.split("\n  cell $mux ")[1:]]
    (fetched,) = [cell.partition("\n")[0] for cell in cells if r"connect \Y $0\pad1_x_fetched" in cell]
    (chosen,) = [cell.partition("\n")[0] for cell in cells if r"connect \S \pad1_x_outside" in cell]
    held = Fault(1, rf"-mode inv -module pad -cell {fetched} -port A -portbit 1")
    padding = Fault(2, rf"-mode inv -module pad -cell {chosen} -port S -portbit 0")
    suspects = Suspects.of([held, padding], tmp_path)
    control, flag = suspects.control, "pad1_x_outside[0]"
    assert control.reset_to[flag] is None
    assert set(control.first[:, list(control.reset_to).index(flag)].tolist()) == {0, 1}
    assert suspects.way(held) == Verdict(PROVEN)
    assert isinstance(suspects.way(padding), Way)
    monkeypatch.setattr("sim.formal.control.MOST_FLAGS", -1)
    assert isinstance(Suspects.of([held], tmp_path).way(held), Way)


def test_too_many_states_are_none(tmp_path):
    aig = aig_of_counter()
    assert len(Control.of(aig).states) == 8
    assert Control.of(aig, most=7).states is None


def aig_of_counter():
    """Three bits that count the cycles without a reset."""
    builder = Builder()
    reset = builder.input("reset[0]")
    bits = [builder.latch(f"count[{place}]") for place in range(3)]
    carry = 1
    nexts = []
    for bit in bits:
        nexts.append(builder.both(builder.differ(bit, carry), reset ^ 1))
        carry = builder.both(bit, carry)
    ands = [And(number, a, b) for (a, b), number in builder._gates.items()]
    latches = {
        f"count[{place}]": Latch(bit, following) for place, (bit, following) in enumerate(zip(bits, nexts, strict=True))
    }
    return Aig({"reset[0]": reset}, latches, {}, ands, 5 + len(ands))


@NEEDS_ABC
@pytest.mark.parametrize(("never", "kind"), [(5, REFUTED), (4, PROVEN)])
def test_what_is_written_for_abc_is_what_was_built(never, kind, tmp_path):
    """A counter of two bits from 1 on goes through 1, 2, 3, 0, 1; with the third bit it is never 4."""
    builder = Builder()
    enable = builder.input("enable")
    low, high, seen = (builder.latch(name) for name in ("low", "high", "seen"))
    builder.drive("low", builder.differ(low, enable))
    builder.drive("high", builder.differ(high, builder.both(low, enable)))
    wraps = builder.both(builder.both(low, high), enable)
    builder.drive("seen", builder.either(seen, wraps))
    bad = (
        builder.both(seen, builder.both(low, high ^ 1))
        if never == 5
        else builder.both(seen, builder.both(low, low ^ 1))
    )
    builder.write(bad, tmp_path / "counter.aig")
    verdict = decided("counter", tmp_path, 5)
    assert verdict.kind == kind
    if kind == REFUTED:
        assert verdict.witness.count("enable@") == 6
        assert all(f"enable@{cycle}=1" in verdict.witness for cycle in range(5))


@pytest.mark.slow
def test_one_fault_is_left_of_many(tmp_path):
    made = design("relu")
    faults = make_mutants(made, 30, 0, tmp_path)
    every = aig_of(faults, tmp_path)
    none, one = with_one_fault(every, 0), with_one_fault(every, faults[0].mutant)
    assert not [name for name in one.inputs if name.startswith("mutsel")]
    faulty = one.inputs[FAULTY] >> 1
    assert any(faulty in (gate.a >> 1, gate.b >> 1) for gate in one.ands)
    assert all(faulty not in (gate.a >> 1, gate.b >> 1) for gate in none.ands)
    assert len(none.ands) < len(one.ands) < len(every.ands)


def compare_of_addresses(folder):
    """The cell that says whether the word that is written is the one to be read next."""
    netlist = (folder / "netlist.il").read_text()
    cells = [cell.partition("\n  end")[0] for cell in netlist.split("\n  cell $eq ")[1:]]
    (found,) = [cell for cell in cells if "m_axis_write_address" in cell and "m_axis_read_address" in cell]
    return found.partition("\n")[0]


@NEEDS_ABC
@pytest.mark.slow
def test_reading_what_is_written_is_no_fault_and_not_reading_another_word_is_one(tmp_path):
    """The first follows from how full the FIFO is; the second shows with so many beats in it, and is found so."""
    made = design("relu")
    make_mutants(made, 4, 0, tmp_path)
    cell = compare_of_addresses(tmp_path)
    never = Fault(1, rf"-mode const0 -module relu -cell {cell} -port Y -portbit 0")
    other = Fault(2, rf"-mode const1 -module relu -cell {cell} -port B -portbit 1")
    suspects = Suspects.of([never, other], tmp_path)
    assert suspects.way(never) == Verdict(PROVEN)
    way = suspects.way(other)
    assert isinstance(way, Way)
    assert way.certain
    assert suspects.verdict(other).kind == REFUTED
    # From more states than there are nothing is proven: the FIFO is empty, and the word is read.
    states = suspects.control.states
    assert states is not None
    anything = replace(
        suspects.control, states=np.random.default_rng(0).integers(0, 256, (4096, states.shape[1]), np.uint8)
    )
    assert shortest_way(with_one_fault(suspects.aig, 1), suspects.control) is None
    assert not is_proven_from(with_one_fault(suspects.aig, 1), anything)


def is_proven_from(aig, control):
    from sim.mutation import product

    machines = product.Machines(aig, control)
    return product._is_harmless(machines, product._resets(machines), control.states)


@NEEDS_ABC
@pytest.mark.slow
def test_what_the_testbench_kills_is_never_proven_harmless(tmp_path):
    made = design("wrap")
    score = measure(made, mutants=24)
    faults = make_mutants(made, 24, 0, tmp_path)
    killed = [fault for fault in faults if fault not in score.equivalent]
    assert len(killed) == score.killed
    suspects = Suspects.of(killed, tmp_path)
    ways = suspects.ways(killed)
    assert not [str(fault) for fault in killed if ways[fault] == Verdict(PROVEN)]


def test_a_way_is_repeated_in_the_same_cycles(tmp_path):
    """What is offered in vain is not offered, and a reset begins a new stretch."""
    made = design("relu")
    make_mutants(made, 1, 0, tmp_path)
    aig = with_one_fault(aig_of([], tmp_path), 0)
    stalled = ((1, 0, 0),) * 20
    x, (first, *_) = replays(
        made, aig, [of_way(Way((*stalled, (0, 1, 1), (1, 1, 0)), True))], np.array([[1, 2], [3, 4]])
    )
    filled, after = first
    assert filled.source_pauses.index(True) == 6
    assert filled.source_pauses == (False,) * 6 + (True,) * 14
    assert filled.sink_pauses == (True,) * 20
    assert (filled.first, filled.samples, after.first) == (0, 7, 7)
    assert (after.source_pauses, after.sink_pauses) == ((False,), (False,))
    np.testing.assert_array_equal(x[:4], [[1, 2], [3, 4], [1, 2], [3, 4]])
    known = [Cycle(True, False, False, 0x7F01), Cycle(False, False, False, 0x1111)]
    x, ((only,),) = replays(made, aig, [known], np.array([[5, 6]]))
    np.testing.assert_array_equal(x, [[1, 127], [5, 6]])
    assert only.source_pauses == (False, True)


@pytest.mark.slow
def test_what_registers_are_said_to_hold_is_what_they_hold(tmp_path):
    """Each claim about the word that a buffer has fetched, in a random run with random data."""
    made = design("transpose")
    make_mutants(made, 1, 0, tmp_path)
    aig = with_one_fault(aig_of([], tmp_path), 0)
    control = Control.of(aig)
    held = Held(Transitions(aig, control))
    random = np.random.default_rng(0)
    register = aig.latches["transpose1_x_fetched[0]"].value
    state = {name: value or 0 for name, value in aig.after({"reset[0]": 1}).items()}
    known = 0
    for cycle in range(400):
        values = {0: 0} | {literal >> 1: int(random.integers(2)) for literal in aig.inputs.values()}
        values[aig.inputs["reset[0]"] >> 1] = int(cycle % 150 == 0)
        values[aig.inputs[FAULTY] >> 1] = 0
        values |= {latch.value >> 1: state[name] for name, latch in aig.latches.items()}
        row = np.packbits(np.array([[state[name] for name in control.reset_to]], np.uint8), axis=1)
        (other,) = held.by(register, held.places_of(row)).tolist()
        if other > 0:
            known += 1
            assert values[register >> 1] == values[other >> 1] ^ other & 1, cycle
        for gate in aig.ands:
            values[gate.node] = (values[gate.a >> 1] ^ gate.a & 1) & (values[gate.b >> 1] ^ gate.b & 1)
        state = {n: values[latch.following >> 1] ^ latch.following & 1 for n, latch in aig.latches.items()}
    assert known > 100
