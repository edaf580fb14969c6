"""Synthesis with yosys and nextpnr themselves, on small designs; netlists are simulated and compared bit by bit."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from networks import perceptron

import rtlgen
from golden import zoo
from rtlgen.memories import Memory
from sim.synthesis import yosys
from sim.synthesis.estimate import block_rams, estimate
from sim.synthesis.netlist_simulator import NETLIST, NetlistIcarus, without_argmax
from sim.synthesis.result import SynthesisError
from sim.synthesis.synthesize import check_planned, synthesize
from sim.synthesis.targets import ECP5, ICE40, XILINX
from sim.tools import run_tool

pytestmark = pytest.mark.slow
# With every change the other families have a small network of each op kind, see test_sim_gate_level.py.
ECP5_FIRST = (ECP5, *(pytest.param(family, marks=pytest.mark.exhaustive) for family in (ICE40, XILINX)))
SHAPES = [(64, 64), (512, 36), (512, 37), (1024, 19), (4096, 1)]
"""Words and bits; deeper ones take yosys long to read."""


@pytest.fixture(scope="module")
def iris():
    entry = zoo.load("iris")
    return rtlgen.generate(entry.graph, 16, name="iris"), entry.graph.encode(entry.dataset["test"].x)


@pytest.mark.parametrize("family", ECP5_FIRST, ids=lambda family: family.name)
def test_the_netlist_gives_the_logits_of_golden_and_a_wrong_one_does_not(family, tmp_path):
    """Of one-bit faults in each of the 16 multipliers (ECP5) the classes show none, and the logits all."""
    graph = without_argmax(zoo.load("iris").graph)
    design = rtlgen.generate(graph, 16, name="iris")
    x = np.random.default_rng(0).integers(-128, 128, (100, 4))
    yosys.run_yosys(design, family, tmp_path, timeout=300)
    check_planned(yosys.read_netlist(design, family, tmp_path), estimate(design, family), design)
    simulator, expected, build = NetlistIcarus(family, tmp_path), graph(x), tmp_path / "run"
    run = simulator.run(design, x, build)
    np.testing.assert_array_equal(run.outputs, expected)
    assert run.first_off(design.plan.due_cycles(len(run.cycles))) is None
    _invert_a_bit_of_a_multiplier(build / NETLIST)
    assert not np.array_equal(simulator.run(design, x, build).outputs, expected)


def _invert_a_bit_of_a_multiplier(netlist: Path) -> None:
    """The lowest bit of one operand of the first multiplier."""
    text = netlist.read_text()
    match = re.search(r"(?:MULT18X18D|SB_MAC16|DSP48E1) [^;]*?\.(?:A0|A)\(([^)]*)\)", text)
    assert match
    netlist.write_text(f"{text[: match.start(1)]}{match[1]} ^ 1'b1{text[match.end(1) :]}")


@pytest.mark.parametrize("family", ECP5_FIRST, ids=lambda family: family.name)
def test_the_netlist_of_iris_names_the_classes_of_golden(family, iris, tmp_path):
    design, x = iris
    yosys.run_yosys(design, family, tmp_path, timeout=300)
    check_planned(yosys.read_netlist(design, family, tmp_path), estimate(design, family), design)
    run = NetlistIcarus(family, tmp_path).run(design, x, tmp_path / "run")
    np.testing.assert_array_equal(run.outputs, design.graph(x))
    assert run.first_off(design.plan.due_cycles(len(run.cycles))) is None


@pytest.mark.parametrize("family", ECP5_FIRST, ids=lambda family: family.name)
def test_block_rams_of_a_netlist_hold_the_weights(family, tmp_path):
    design = rtlgen.generate(perceptron((64, 32, 10), argmax=False), 8, name="deep")
    yosys.run_yosys(design, family, tmp_path, timeout=300)
    netlist = yosys.read_netlist(design, family, tmp_path)
    check_planned(netlist, estimate(design, family), design)
    assert netlist.counts["block_ram"] >= 3
    x = np.random.default_rng(0).integers(-128, 128, (3, 64))
    np.testing.assert_array_equal(
        NetlistIcarus(family, tmp_path).run(design, x, tmp_path / "run").outputs, design.graph(x)
    )


@pytest.mark.parametrize("family", ECP5_FIRST, ids=lambda family: family.name)
@pytest.mark.parametrize("is_rom", [True, False], ids=["rom", "ram"])
def test_yosys_chooses_the_block_rams_that_are_expected(family, is_rom, tmp_path):
    stop = {"ecp5": "map_ffs", "ice40": "map_gates", "xilinx": "map_ffram"}[family.name]
    stop = "map_gates" if family is ECP5 else stop
    lines, names = [], []
    for words, bits in SHAPES:
        top = f"m{words}x{bits}"
        (tmp_path / f"{top}.v").write_text(_memory_verilog(top, words, bits, is_rom))
        command = yosys._COMMANDS[family.name].format(top=top).replace(" -top", f" -run begin:{stop} -top")
        lines += ["design -reset", f"read_verilog {top}.v", command, f"tee -q -o {top}.json stat -json"]
        names.append(top)
    (tmp_path / "all.ys").write_text("\n".join(lines))
    run_tool([yosys.PROGRAM, "-q", "-s", "all.ys"], cwd=tmp_path, timeout=300)
    for top, (words, bits) in zip(names, SHAPES, strict=True):
        text = (tmp_path / f"{top}.json").read_text()
        cells = json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]
        found = sum(n * yosys.weight_of(cell) for cell, n in cells.items() if family.resource_of(cell) == "block_ram")
        assert found == block_rams(Memory("m", "", words, bits, bits, is_rom), family), (top, cells)


def _memory_verilog(top: str, words: int, bits: int, is_rom: bool) -> str:
    address = (words - 1).bit_length() - 1
    ports = f"input clk, input we, input [{address}:0] ra, wa, input [{bits - 1}:0] d, output reg [{bits - 1}:0] q"
    style = "rom_style" if is_rom else "ram_style"
    text = f'module {top}({ports});\n    (* {style} = "block" *) reg [{bits - 1}:0] m [0:{words - 1}];\n'
    if is_rom:
        values = np.random.default_rng(bits).integers(0, 2, (words, bits)).astype(str)
        text += "    initial begin\n"
        text += "".join(f"        m[{i}] = {bits}'b{''.join(word)};\n" for i, word in enumerate(values))
        text += "    end\n"
        return text + "    always @(posedge clk) q <= m[ra];\nendmodule\n"
    return text + "    always @(posedge clk) begin\n        if (we) m[wa] <= d; else q <= m[ra];\n    end\nendmodule\n"


def test_a_memory_without_a_register_behind_it_is_named(tmp_path):
    design = rtlgen.generate(perceptron((64, 32, 10)), 8, name="deep")
    text = design.verilog
    spoilt = re.sub(r"(dense1_weight_fetched) <= (.*);", r"\1 <= \2 ^ {dense1_weight_fetched};", text)
    assert "dense1_weight_rom" in spoilt
    direct = spoilt.replace("endmodule", "    assign leak = dense1_weight_rom[s_axis_tdata];\nendmodule")
    direct = direct.replace("s_axis_tready);", "s_axis_tready, leak);", 1).replace(
        "    output ", "    output leak;\n    output ", 1
    )
    (tmp_path / "deep.v").write_text(direct)

    class Leaking:
        name, block, plan, verilog = design.name, design.block, design.plan, direct

    with pytest.raises(SynthesisError, match="layer 'dense1': the memory dense1_weight_rom"):
        yosys.run_yosys(Leaking, ECP5, tmp_path, timeout=300)


def test_the_command_measures_a_clock(tmp_path, monkeypatch):
    # Not by XDG_CACHE_HOME: there the programs keep what they have compiled of themselves, which takes minutes.
    monkeypatch.setattr("sim.synthesis.synthesize.default_folder", lambda: tmp_path)
    status, out, err = tensorgate("synth", "iris", "--target", "ecp5-25k", "--multipliers", "8", "--json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result["multipliers"] == result["planned_multipliers"] == 8
    assert 40 < result["clock_mhz"] < 200
    path = result["critical_path"]
    assert {path["from_layer"], path["to_layer"]} <= {*zoo.load("iris").graph.types, "top"}
    assert path["delay_ns"] == pytest.approx(1000 / result["clock_mhz"], rel=0.01)


@pytest.mark.exhaustive
def test_a_seed_gives_the_same_clock_again(iris, tmp_path):
    design, _ = iris
    first = synthesize(design, "ecp5-25k", seed=3, cache=tmp_path)
    (routed,) = tmp_path.glob("iris-ecp5-25k-*")
    shutil.rmtree(routed)
    second = synthesize(design, "ecp5-25k", seed=3, cache=tmp_path)
    assert not second.kept
    assert first.timing == second.timing
