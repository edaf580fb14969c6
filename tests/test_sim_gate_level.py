"""The netlist of every kind of op does what the Verilog does, for every family; a wrong one is found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from gate_level import check_netlists, designs_of
from networks import corners, dense
from op_cases import CASES, x

import golden.ops
import rtlgen
from golden import Graph, zoo
from sim import VerificationError, gate_level, verify
from sim.budget import cycles_of
from sim.op_table import has_hardware, kind_of
from sim.regression.small import GRAPHS, small_design
from sim.synthesis.netlist_simulator import NETLIST, check_models
from sim.synthesis.netlists import write_netlists
from sim.synthesis.targets import ECP5, FAMILIES
from sim.tools import ToolError

MULTIPLIED = ("conv", "dense", "multiply")
CHEAP = ("generic", "ecp5", "ice40")
OTHERS = [kind for kind in sorted(GRAPHS) if kind not in MULTIPLIED]
OF_FAMILY = {"xilinx": MULTIPLIED} | {family: OTHERS[place :: len(CHEAP)] for place, family in enumerate(CHEAP)}
"""The family that each kind is tried in with every change: Xilinx, which takes longest, has what it has got wrong."""
BATCH = 5
BATCHES = [CASES[start : start + BATCH] for start in range(0, len(CASES), BATCH)]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_network_of_every_kind_stands_the_testbench_as_a_netlist(family, tmp_path):
    """With every change each kind in one family; the others follow where there is time, and then all cases."""
    check_netlists([small_design(kind) for kind in OF_FAMILY[family]], family, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_network_of_every_other_kind_does_too(family, tmp_path):
    check_netlists([small_design(kind) for kind in GRAPHS if kind not in OF_FAMILY[family]], family, tmp_path)


def test_every_kind_has_its_family():
    assert sorted(kind for kinds in OF_FAMILY.values() for kind in kinds) == sorted(GRAPHS)
    assert OF_FAMILY.keys() == FAMILIES.keys()


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("cases", BATCHES, ids=lambda cases: cases[0].name)
def test_the_netlist_of_every_kind_of_op_stands_the_testbench(family, cases, tmp_path):
    check_netlists(designs_of(cases), family, tmp_path)


def test_every_kind_of_op_is_among_the_netlists():
    assert {type(case.op) for cases in BATCHES for case in cases} == {
        op for op in golden.ops.ALL if has_hardware(kind_of(op))
    }


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("network", "count"), [("iris", 8), ("digits", 4), ("digits_cnn", 2)])
def test_the_netlist_of_a_whole_network_stands_the_testbench(network, count, family):
    entry = zoo.load(network)
    design = rtlgen.generate(entry.graph, 16, name=network)
    samples = entry.graph.encode(entry.dataset["test"].x[:count])
    cycles = max(12_000, cycles_of(design.plan, count))
    result = verify(design, samples, simulators="pyrtl", netlists=[family], patterns=[("coin", "coin")], cycles=cycles)
    assert [(each.family, each.samples) for each in result.netlists] == [(family, len(samples))]
    # Of the convolutional one there is time for the run without stalls only.
    assert result.netlists[0].cut_short == () or network == "digits_cnn"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A dense layer and its netlists for ECP5."""
    design = rtlgen.generate(Graph.chain(x("s8", 3), dense(3, 2), names=["layer"]), 2, name="tiny")
    folder = tmp_path_factory.mktemp("small")
    return design, write_netlists([design], ECP5, folder)[0]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["exact", "probed"])
def test_a_wrong_netlist_is_found_and_its_layer_named(file, small, tmp_path):
    """One bit of one multiplier, in the netlist that is sold or in that which is watched."""
    design, netlists = small
    path = netlists.probed if file == "probed" else netlists.probed.with_name(NETLIST)
    right = path.read_text()
    instance = re.compile(r"(?<!module )MULT18X18D [^;]*?\.A0\(([^)]*)\)")
    match = instance.search(right)
    assert match
    path.write_text(f"{right[: match.start(1)]}{match[1]} ^ 1'b1{right[match.end(1) :]}")
    samples = corners(design.graph.input_type, 6)
    output, tensors = np.asarray(design.graph(samples)), design.plan.live.trace(samples)
    try:
        with pytest.raises(VerificationError) as caught:
            gate_level.check(design, "ecp5", samples, output, tensors, tmp_path, 0, (), netlists=netlists)
    finally:
        path.write_text(right)
    assert caught.value.difference.witness == "ecp5 netlist"
    difference = caught.value.difference
    assert difference.layer == "layer"
    if file == "probed":
        assert difference.golden == difference.pyrtl != difference.hardware
    assert Path(difference.save_file or "").exists()
    assert difference.window["signals"]["m_axis_tvalid"]


@pytest.mark.slow
def test_the_verb_takes_netlists(small, tmp_path):
    design, _ = small
    design.graph.save(tmp_path / "small.graph")
    status, out, err = tensorgate(
        "verify", tmp_path / "small.graph", "--samples", 4, "--netlist", "ecp5", "--multipliers", 2, "--json"
    )
    assert (status, err) == (0, "")
    (netlist,) = json.loads(out)["netlists"]
    assert netlist["family"] == "ecp5"
    assert netlist["samples"] == 4
    assert netlist["cycles"] > 100
    assert "stalls_coin_coin" in netlist["phases"] or len(netlist["phases"]) > 3


def test_an_unknown_family_is_refused():
    status, _, err = tensorgate("verify", "iris", "--netlist", "spartan")
    assert status == 2
    assert "generic" in err
    design = rtlgen.generate(Graph.chain(x("s8", 3), dense(3, 2)), 2)
    with pytest.raises(ValueError, match="netlists must be a list of some of generic, ecp5, ice40, xilinx"):
        verify(design, corners(design.graph.input_type), netlists="ecp5")


def test_a_parameter_that_a_model_ignores_is_an_error():
    with pytest.raises(ToolError, match="lacks a parameter"):
        check_models("netlist.v:7: warning: parameter IS_CLK_INVERTED not found in bench.dut.ram.\n")
    check_models("netlist.v:7: warning: something else\n")
