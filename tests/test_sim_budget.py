"""Budgets of cycles: fewer samples and phases that are cut short, always told; and what is run is still compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyrtl
import pytest
from command_line import tensorgate
from networks import corners, perceptron

import rtlgen
import rtlgen.design
import sim
from golden import zoo
from sim.budget import SPEEDS, budget_cycles, cycles_of, estimated_nets, samples_within
from sim.lockstep import Pins, replay
from sim.regression import table as regression_table
from sim.regression.cases import Case, CaseResult
from sim.regression.regress import _simulators
from sim.regression.report import Row, markdown
from sim.regression.run_case import run_case
from sim.regression.table import estimated_s, table
from sim.simulators import pyrtl_compiled
from sim.simulators.pyrtl_compiled import CompiledBlock
from sim.simulators.pyrtl_simulator import Pyrtl, taps

pytestmark = pytest.mark.slow  # it measures simulators

MINUTES = 12


@pytest.fixture(scope="module")
def design() -> rtlgen.Design:
    return rtlgen.generate(perceptron((40, 24, 10), seed=5), 4, name="bounded")


def test_a_budget_of_cycles_is_as_many_samples_as_come_out_in_it(design: rtlgen.Design) -> None:
    plan = design.plan
    for samples in (1, 2, 7):
        cycles = cycles_of(plan, samples)
        assert samples_within(plan, cycles, 100) == samples
        assert samples_within(plan, cycles - 1, 100) == max(1, samples - 1)
    assert samples_within(plan, 1, 100) == 1  # one always runs
    assert samples_within(plan, 1 << 60, 100) == 100
    run = Pyrtl().run(design, corners(design.graph.input_type, 3, seed=0), Path())
    assert int(run.cycles[-1]) + 1 == cycles_of(plan, 3)


def test_budgets_are_round_and_fall_with_the_size() -> None:
    for name in SPEEDS:
        budgets = [budget_cycles(name, nets, 60) for nets in (1_000, 3_333, 10_000, 100_000)]
        assert budgets == sorted(budgets, reverse=True)
        assert all(int(str(budget).rstrip("0")) < 100 for budget in budgets)
    assert budget_cycles("icarus", 7_000, 60) > 100_000


@pytest.mark.parametrize("multipliers", [1, 16, 64, None])
def test_nets_are_known_within_a_factor_of_two_without_hardware(multipliers: int | None) -> None:
    made = rtlgen.generate(zoo.load("digits").graph, multipliers or 64, unrolled=multipliers is None, name="digits")
    assert 0.5 < estimated_nets(made.plan) / len(made.block.logic) < 2


# The regression


@pytest.fixture
def long_networks(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """As if networks with convolutions had hardware: 50,000 cycles a sample with 64 multipliers, 7,000 nets."""
    found = tuple(name for name in zoo.NAMES if rtlgen.ops_without_hardware(zoo.load(name).outline)) or zoo.NAMES[-5:]
    outline, nets = regression_table._outline, regression_table._nets
    like = outline("mnist", 64)[0]

    def outlined(network: str, multipliers: int | None) -> tuple[rtlgen.Plan, int]:
        if network not in found:
            return outline(network, multipliers)
        slower = 64 / (multipliers or 64)
        plan = replace(like, ii_cycles=int(50_000 * slower), latency_cycles=int(60_000 * slower))
        return plan, zoo.load(network).figures.test_samples

    monkeypatch.setattr(regression_table, "_outline", outlined)
    monkeypatch.setattr(regression_table, "_nets", lambda case: 7_000 if case.network in found else nets(case))
    return found


@pytest.mark.parametrize("simulators", [("pyrtl", "icarus"), ("pyrtl", "icarus", "verilator")])
def test_the_regression_of_all_networks_has_an_end(long_networks: tuple[str, ...], simulators: tuple[str, ...]) -> None:
    cases = table(zoo.NAMES, simulators)
    assert sum(map(estimated_s, cases)) / 2 < 60 * MINUTES
    for network in long_networks:
        own = [case for case in cases if case.network == network]
        assert all(case.budget_cycles for case in own if case.simulator == "icarus")
        assert any(case.patterns for case in own)
        [tested] = [case for case in own if case.samples is None]
        assert tested.simulator == simulators[-1]
        samples = tested.samples_of(*regression_table._outline(network, 64))
        assert samples >= 200 if "verilator" in simulators else samples == 1
    # Of the short ones only those go through Verilator whose test set is too long for Icarus.
    by_verilator = {case.network for case in cases if case.simulator == "verilator"} - set(long_networks)
    for case in cases:
        if case.network in by_verilator and case.samples is None:
            assert estimated_s(replace(case, simulator="icarus")) > regression_table.TEST_SET_S


def test_the_regression_takes_verilator_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*names: str) -> None:
        raise FileNotFoundError("the program 'verilator' is not installed")

    monkeypatch.setattr("sim.regression.regress.require_programs", lambda *names: None)
    assert _simulators() == ("pyrtl", "icarus", "verilator")
    monkeypatch.setattr("sim.regression.regress.require_programs", missing)
    assert _simulators() == ("pyrtl", "icarus")


def bounded_case(tmp_path: Path) -> CaseResult:
    plan = rtlgen.plan(zoo.load("digits").graph, 64)
    return run_case(Case("digits", 64, "pyrtl", budget_cycles=cycles_of(plan, 30)), tmp_path)


def test_a_case_runs_what_its_budget_allows_and_says_so(tmp_path: Path) -> None:
    result = bounded_case(tmp_path)
    entry = zoo.load("digits")
    test = entry.dataset["test"]
    assert result.passed, result.message
    assert (result.samples, result.test_samples) == (30, len(test))
    first = test.take(range(30))
    correct = float((entry.graph(entry.graph.encode(first.x)) == np.asarray(first.y)).mean())
    assert result.accuracy["rtl"] == result.accuracy["golden_on_rtl_samples"] == correct
    assert result.accuracy["golden"] == entry.integer_accuracy  # over all of it
    assert np.sum(result.accuracy["float_rtl"]) == 30
    assert result.cycles <= (result.case.budget_cycles or 0)
    assert CaseResult.from_json(json.loads(json.dumps(result.as_json()))) == result
    row = Row((result,))
    assert row.samples_told == "30 of 359"
    assert row.accuracies_told[2] == f"{correct:.1%} (golden on these: {correct:.1%})"
    assert "| 30 of 359 | equal, 1/1 cases |" in markdown([result])


def test_a_budget_is_part_of_the_name_of_a_case() -> None:
    for name in ("mnist-m64-icarus-all-c500000", "mnist-m64-icarus-n16-c83000-stalls-s0"):
        assert Case.parse(name).id == name
    assert Case.parse("mnist-m64-icarus-all-c500000").budget_cycles == 500_000
    with pytest.raises(ValueError, match="at least one cycle"):
        Case.parse("mnist-m64-icarus-all-c0")


# The command line


def test_accuracy_within_a_budget() -> None:
    cycles = cycles_of(rtlgen.plan(zoo.load("digits").graph, 64), 20)
    arguments = ["accuracy", "digits", "--simulator", "pyrtl", "--cycles", cycles]
    content = json.loads(tensorgate(*arguments, "--json").out)
    assert (content["samples"], content["rtl_samples"], content["budget_cycles"]) == (359, 20, cycles)
    assert content["golden_accuracy"] == zoo.load("digits").integer_accuracy
    assert content["rtl_accuracy"] == content["golden_accuracy_on_rtl_samples"]
    told = tensorgate(*arguments).out
    assert "hardware under pyrtl, on the first 20" in told
    assert "integers, on the first 20" in told
    assert f"more samples would take more than {cycles:,} cycles" in told


def test_accuracy_without_a_wish_states_its_budget() -> None:
    content = json.loads(tensorgate("accuracy", "iris", "--simulator", "pyrtl", "--json").out)
    assert content["rtl_samples"] == content["samples"] == 30
    assert content["budget_cycles"] >= 1_000_000


def test_verify_within_a_budget(design: rtlgen.Design) -> None:
    x = corners(design.graph.input_type, 12, seed=1)
    result = sim.verify(design, x, simulators="pyrtl", cycles=cycles_of(design.plan, 5))
    assert (result.samples, result.given_samples, len(result.outputs)) == (5, 12, 5)
    assert "samples after the first 5 of 12 were not run" in str(result)
    assert "budget" not in str(sim.verify(design, x, simulators="pyrtl"))


@pytest.mark.slow
def test_the_testbench_within_a_budget(design: rtlgen.Design, tmp_path: Path) -> None:
    x = corners(design.graph.input_type, 4, seed=1)
    everything = sim.verify(design, x, simulators="icarus", build=tmp_path / "all")
    budget = 2 * design.plan.latency_cycles + 2 * design.plan.ii_cycles
    result = sim.verify(design, x, simulators="icarus", cycles=budget, build=tmp_path / "some")
    assert everything.cut_short == ()
    assert "every_sample_without_stalls" not in result.cut_short
    assert "valid_never_waits_for_ready" in result.cut_short
    assert result.cycles < 2 * budget < everything.cycles
    assert result.stalled_cycles > 0
    assert f"within a budget of {budget:,} cycles" in str(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "layer"),
    [
        ((r"(dense2_bias_rom\[0\] = \d+'h)([0-9a-f]+);", lambda m: f"{m[1]}{int(m[2], 16) ^ 1:x};"), "dense2"),
        ((r"(assign m_axis_tvalid = )(.*);", r"\1(\2) & m_axis_tready;"), None),
    ],
    ids=["a wrong bias", "a valid that waits for ready"],
)
def test_a_fault_is_caught_within_a_small_budget(
    change: tuple[str, str], layer: str | None, design: rtlgen.Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit = rtlgen.design.verilog_of
    monkeypatch.setattr(rtlgen.design, "verilog_of", lambda *args: re.sub(*change, emit(*args), count=1))
    x = corners(design.graph.input_type, 2, seed=1)
    with pytest.raises(sim.VerificationError) as error:
        sim.verify(design, x, simulators="icarus", cycles=3 * design.plan.latency_cycles, build=tmp_path)
    assert layer in {error.value.difference.layer, error.value.difference.register_layer, None}


# PyRTL's simulation as a C program


def test_compiled_hardware_is_the_interpreted_one(design: rtlgen.Design, monkeypatch: pytest.MonkeyPatch) -> None:
    x = corners(design.graph.input_type, 6, seed=2)
    runs, seen = [], []
    for compiled in (False, True):
        monkeypatch.setattr("sim.simulators.pyrtl_simulator.is_worth_compiling", lambda *_, yes=compiled: yes)
        runs.append(Pyrtl().run(design, x, Path()))
        seen.append(taps(design, x))
    np.testing.assert_array_equal(runs[0].outputs, runs[1].outputs)
    np.testing.assert_array_equal(runs[0].cycles, runs[1].cycles)
    for layer, tap in seen[0].items():
        np.testing.assert_array_equal(tap.tensors, seen[1][layer].tensors)
        np.testing.assert_array_equal(tap.cycles, seen[1][layer].cycles)


def test_lockstep_compiled_finds_what_lockstep_interpreted_finds(
    design: rtlgen.Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pin of 300 random cycles, wide ones too; then a bit is wrong, and another one unknown."""
    random, block, cycles = np.random.default_rng(0), design.block, 300
    sizes = {w.name: (len(w) + 7) // 8 for w in block.wirevector_subset((pyrtl.Input, pyrtl.Output))}
    octets = {name: random.integers(0, 256, (cycles, size), dtype=np.uint8) for name, size in sizes.items()}
    for wire in block.wirevector_subset(pyrtl.Input):
        octets[wire.name][:, -1] &= (1 << ((len(wire) - 1) % 8 + 1)) - 1
    octets["reset"][:] = random.random((cycles, 1)) < 0.02
    octets["reset"][0] = 1
    unknown = {name: np.zeros_like(words) for name, words in octets.items()}
    driven = tuple(wire.name for wire in block.wirevector_subset(pyrtl.Input))
    simulation = pyrtl.FastSimulation(tracer=None, block=block)
    for cycle in range(cycles):
        simulation.step({name: int.from_bytes(octets[name][cycle].tobytes(), "little") for name in driven})
        for name in set(sizes) - set(driven):
            octets[name][cycle] = np.frombuffer(simulation.inspect(name).to_bytes(sizes[name], "little"), np.uint8)

    def found(pins: Pins) -> list[str]:
        texts = []
        for compiled in (False, True):
            monkeypatch.setattr("sim.lockstep.is_worth_compiling", lambda *_, yes=compiled: yes)
            texts.append(str(replay(design, pins)))
        return texts

    assert found(Pins(octets, unknown, driven)) == ["None"] * 2
    octets["m_axis_tdata"][200, 0] ^= 1
    first, second = found(Pins(octets, unknown, driven))
    assert first == second
    assert first.startswith("cycle 200: m_axis_tdata is ")
    unknown["s_axis_tready"][100] = 1
    first, second = found(Pins(octets, unknown, driven))
    assert first == second
    assert re.fullmatch(r"cycle 100: s_axis_tready is \d in PyRTL and x in Verilog", first)


def test_without_gcc_pyrtl_is_interpreted(design: rtlgen.Design, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pyrtl_compiled.is_worth_compiling(design.block, 10_000_000)
    assert not pyrtl_compiled.is_worth_compiling(design.block, 1_000)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not pyrtl_compiled.is_worth_compiling(design.block, 10_000_000)


def test_a_compiled_block_leaves_the_design_and_the_disk_as_they_were(
    design: rtlgen.Design, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(design.block.wirevector_by_name)
    with CompiledBlock(design.block, ["dense1_out_valid"]) as block:
        block.step({"reset": 1, "s_axis_tvalid": 0, "m_axis_tready": 1})
        block.step({"reset": 0})
        assert block.inspect("dense1_out_valid") == 0
        assert block.inspect("s_axis_tready") == 1
        assert any(tmp_path.iterdir())
    assert set(design.block.wirevector_by_name) == before
    assert not any(tmp_path.iterdir())
