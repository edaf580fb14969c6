"""What yosys is known to get wrong: the check sees it, and nothing that we generate runs into it."""

from __future__ import annotations

import numpy as np
import pyrtl
import pytest
from gate_level import check_netlists, designs_of, wrong_cycles
from networks import corners
from op_cases import CASES

from golden.ops import Conv, Dense, Multiply
from sim.synthesis import yosys
from sim.synthesis.netlist_simulator import NetlistIcarus
from sim.synthesis.targets import ICE40, XILINX
from sim.tools import run_tool

PORTS = "input clk, reset, input signed [7:0] a, b, c, d, output reg signed [23:0] y"
PRESET_ACCUMULATOR = f"""\
module preset ({PORTS});
    always @(posedge clk) if (reset) y <= 24'sd1234; else y <= y + a * b;
endmodule
"""
SUM_OF_REGISTERED_PRODUCTS = f"""\
module sum ({PORTS});
    reg signed [15:0] p, q;
    always @(posedge clk) begin
        p <= a * b;
        q <= c * d;
        y <= p + q;
    end
endmodule
"""
SHARED_SUM = f"""\
module shared ({PORTS});
    reg signed [7:0] x, e, f, g;
    reg signed [8:0] s;
    reg signed [16:0] p, q, r;
    always @(posedge clk) begin
        {{x, e, f, g}} <= {{a, b, c, d}};
        s <= x + 8'sd3;
        p <= s * e;
        q <= s * f;
        r <= s * g;
        y <= {{p[9:2], q[9:2], r[9:2]}};
    end
endmodule
"""
STOCK_XILINX = "synth_xilinx -family xc7 -noiopad -noclkbuf -top {top}"
STOCK_ICE40 = "synth_ice40 -dsp -device u -top {top}"


@pytest.mark.slow
def test_an_accumulator_with_a_preset_value_is_lost_in_a_dsp48_and_found(tmp_path):
    assert wrong_cycles(PRESET_ACCUMULATOR, "preset", STOCK_XILINX, XILINX, tmp_path) > 300
    cleared = PRESET_ACCUMULATOR.replace("1234", "0")
    assert wrong_cycles(cleared, "preset", STOCK_XILINX, XILINX, tmp_path) == 0


@pytest.mark.slow
def test_a_sum_of_registered_products_loses_one_with_dsp_of_ice40_and_is_found(tmp_path):
    assert wrong_cycles(SUM_OF_REGISTERED_PRODUCTS, "sum", STOCK_ICE40, ICE40, tmp_path) > 300


@pytest.mark.slow
def test_a_sum_before_several_products_is_lost_to_all_but_one_dsp48_and_found(tmp_path):
    """Found by the netlist of the case 'multiply lanes'."""
    assert wrong_cycles(SHARED_SUM, "shared", STOCK_XILINX, XILINX, tmp_path) > 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verilog", "top"), [(PRESET_ACCUMULATOR, "preset"), (SHARED_SUM, "shared")], ids=["preset", "shared"]
)
def test_our_commands_for_xilinx_keep_presets_and_sums(verilog, top, tmp_path):
    ours = "; ".join(list(yosys.synthesis(top, [], XILINX))[1:])
    assert wrong_cycles(verilog, top, ours, XILINX, tmp_path) == 0


@pytest.mark.slow
def test_our_commands_for_ice40_keep_both_products(tmp_path):
    ours = "; ".join(list(yosys.synthesis("sum", [], ICE40))[1:])
    assert " -dsp" not in ours
    assert wrong_cycles(SUM_OF_REGISTERED_PRODUCTS, "sum", ours, ICE40, tmp_path) == 0


@pytest.mark.exhaustive
def test_our_commands_for_xilinx_get_the_op_right_that_shares_a_sum(tmp_path):
    check_netlists(designs_of([case for case in CASES if case.name == "multiply lanes"]), "xilinx", tmp_path)


def presets_of_products(block: pyrtl.Block) -> list[str]:
    """Registers with a product behind them that are also loaded with a constant other than 0."""
    driver = {dest: net for net in block.logic for dest in net.dests if net.op != "@"}

    def behind(wire: pyrtl.WireVector, seen: set[pyrtl.WireVector]) -> bool:
        net = driver.get(wire)
        if net is None or net.op in "rm" or wire in seen:
            return False
        seen.add(wire)
        return net.op == "*" or any(behind(arg, seen) for arg in net.args)

    def loads(wire: pyrtl.WireVector) -> bool:
        """Whether a chain of multiplexers ends in such a constant."""
        if isinstance(wire, pyrtl.Const):
            return wire.val != 0
        net = driver.get(wire)
        if net is None or net.op not in "wx":
            return False
        return any(map(loads, net.args[1:] if net.op == "x" else net.args))

    registers = block.logic_subset("r")
    return [net.dests[0].name for net in registers if loads(net.args[0]) and behind(net.args[0], set())]


@pytest.mark.slow
def test_no_register_with_a_product_behind_it_is_preset():
    weighted = [case for case in CASES if isinstance(case.op, Dense | Conv | Multiply)]
    assert len(weighted) >= 30
    for design in designs_of(weighted):
        assert presets_of_products(design.block) == [], design.graph


def test_a_preset_accumulator_is_seen():
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        a, b, reset = pyrtl.Input(8, "a"), pyrtl.Input(8, "b"), pyrtl.Input(1, "reset")
        for name, value in (("preset", 1234), ("cleared", 0)):
            y = pyrtl.Register(24, name)
            y.next <<= pyrtl.select(reset, pyrtl.Const(value, 24), (y + a * b)[:24])
    assert presets_of_products(block) == ["preset"]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("family", "command", "names"),
    [(XILINX, STOCK_XILINX, ("dense 7x5",)), (ICE40, STOCK_ICE40, ("dense 7x5",))],
    ids=["xilinx", "ice40"],
)
def test_the_stock_commands_get_our_dense_layers_right(family, command, names, tmp_path):
    """Whoever does not synthesize by ``tensorgate synth`` is spared the traps of accumulators and sums of products."""
    cases = [case for case in CASES if case.name in names]
    designs = designs_of(cases, multipliers=4)
    lines = []
    for design in designs:
        folder = tmp_path / design.name
        folder.mkdir()
        (folder / "design.v").write_text(design.verilog)
        lines += ["design -reset", f"read_verilog {design.name}/design.v", command.format(top=design.name)]
        lines.append(f"write_verilog -noattr -noexpr {design.name}/netlist.v")
    (tmp_path / "stock.ys").write_text("\n".join(lines) + "\n")
    run_tool([yosys.PROGRAM, "-q", "-s", "stock.ys"], cwd=tmp_path, timeout=300)
    for design in designs:
        x = corners(design.graph.input_type)
        run = NetlistIcarus(family, tmp_path / design.name).run(design, x, tmp_path / design.name)
        np.testing.assert_array_equal(run.outputs, design.graph(x))
        assert run.first_off(design.plan.due_cycles(len(run.cycles))) is None
