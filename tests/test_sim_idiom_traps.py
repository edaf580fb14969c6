"""What synthesis makes of memories and products that are written a little differently; and that ours are written right.

The traps are shown on small modules, in the numbers of yosys for an ECP5; what we generate is looked through for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import numpy as np
import pyrtl
import pytest
from gate_level import designs_of
from op_cases import CASES

from rtlgen import Design
from sim.simulators.pyrtl_compiled import CompiledBlock
from sim.synthesis import yosys
from sim.synthesis.targets import ECP5, FAMILIES, TARGETS
from sim.tools import run_tool

RAM = """\
module {name} (input clk, reset, we, input [8:0] wa, ra, input [15:0] d, output reg [15:0] q);
    reg [15:0] m [0:511];
    always @(posedge clk) if (we) m[wa] <= d;
    {read}
endmodule
"""
RAMS = {
    "apart": "always @(posedge clk) if (!(we && wa == ra)) q <= m[ra];",
    "meeting": "always @(posedge clk) q <= we && wa == ra ? d : m[ra];",
    "asynchronous": "reg [8:0] r; always @(posedge clk or posedge reset) if (reset) r <= 0; else r <= ra;\n"
    "    always @* q = m[r];",
    "unregistered": "always @* q = m[ra];",
    "initialised": "reg [8:0] r = 9'd1; always @(posedge clk) if (reset) r <= 9'd1; else r <= ra;\n"
    "    always @* q = m[r];",
}
ROM = """\
module {name} (input clk, input [4:0] a, output reg [63:0] q);
    {style}reg [63:0] m [0:31];
    integer i;
    initial for (i = 0; i < 32; i = i + 1) m[i] = (64'd1 << i) * 64'd2654435761 + i * 64'd40503;
    always @(posedge clk) q <= m[a];
endmodule
"""
PRODUCT = """\
module {name} (input clk, input signed [15:0] a, output reg signed [31:0] q);
    always @(posedge clk) q <= {value};
endmodule
"""
PORTS = """\
module {name} (input clk, we, ve, input [5:0] wa, va, ra, sa, input [7:0] d, e, output reg [7:0] q, p);
    reg [7:0] m [0:63];
    {write}
    {read}
endmodule
"""
WRITE, WRITE_TWICE = "always @(posedge clk) if (we) m[wa] <= d;", "always @(posedge clk) if (ve) m[va] <= e;"
READ, READ_TWICE = "always @(posedge clk) if (!we) q <= m[ra];", "always @(posedge clk) if (!we) p <= m[sa];"
SIGNED = """\
module {name} (input clk, input signed [15:0] a, b, output reg signed [31:0] q);
    wire [15:0] c = a[15] ? -a : a, d = b[15] ? -b : b;
    wire [31:0] y = c * d;
    always @(posedge clk) q <= {value};
endmodule
"""
MIXED = """\
module mixed_signs (input clk, input [7:0] a, input signed [7:0] b, output reg signed [15:0] q);
    wire signed [8:0] wide = {1'b0, a};
    always @(posedge clk) q <= wide * b;
endmodule
"""
MODULES = {
    "two_writes": PORTS.format(name="two_writes", write=WRITE + WRITE_TWICE, read=READ),
    "two_reads": PORTS.format(name="two_reads", write=WRITE, read=READ + READ_TWICE),
    "own_sign": SIGNED.format(name="own_sign", value="a[15] ^ b[15] ? -y : y"),
    "mixed_signs": MIXED,
    "own_product": SIGNED.format(name="own_product", value="a * b"),
    **{name: RAM.format(name=name, read=read) for name, read in RAMS.items()},
    "plain_rom": ROM.format(name="plain_rom", style=""),
    "block_rom": ROM.format(name="block_rom", style='(* rom_style = "block" *) '),
    "constant": PRODUCT.format(name="constant", value="a * 16'sd12345"),
    "shifts": PRODUCT.format(name="shifts", value="(a <<< 7) - a"),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> Mapping[str, Mapping[str, int]]:
    """Of each module the number of cells by kind."""
    folder = tmp_path_factory.mktemp("idioms")
    lines = []
    for name, text in MODULES.items():
        (folder / f"{name}.v").write_text(text)
        lines += ["design -reset", f"read_verilog {name}.v", f"synth_ecp5 -top {name}"]
        lines.append(f"tee -q -o {name}.json stat -json")
    (folder / "idioms.ys").write_text("\n".join(lines) + "\n")
    run_tool([yosys.PROGRAM, "-q", "-s", "idioms.ys"], cwd=folder, timeout=300)
    texts = {name: (folder / f"{name}.json").read_text() for name in MODULES}
    return {name: json.loads(text[text.index("{") :])["design"]["num_cells_by_type"] for name, text in texts.items()}


@pytest.mark.slow
def test_a_memory_whose_read_is_reset_or_not_registered_silently_becomes_logic(cells):
    assert cells["apart"].get("DP16KD") == 1
    for wrong in ("asynchronous", "unregistered", "initialised"):
        assert "DP16KD" not in cells[wrong], wrong
        assert cells[wrong]["TRELLIS_DPR16X4"] >= 100, wrong


@pytest.mark.slow
def test_a_read_that_may_meet_a_write_takes_logic_beside_the_memory(cells):
    assert cells["meeting"].get("DP16KD") == 1
    assert cells["meeting"]["TRELLIS_FF"] >= 16
    assert cells["meeting"]["LUT4"] > cells["apart"]["LUT4"] + 10
    assert cells["apart"].get("TRELLIS_FF", 0) == 0


@pytest.mark.slow
def test_a_shallow_memory_of_constants_becomes_logic_without_an_attribute(cells):
    assert "DP16KD" not in cells["plain_rom"]
    assert cells["plain_rom"]["LUT4"] >= 64
    assert cells["block_rom"]["DP16KD"] >= 1
    assert cells["block_rom"].get("LUT4", 0) == 0


@pytest.mark.slow
def test_a_product_with_a_constant_takes_a_multiplier_and_shifts_take_none(cells):
    assert cells["constant"].get("MULT18X18D") == 1
    assert "MULT18X18D" not in cells["shifts"]


@pytest.mark.slow
def test_a_memory_with_two_writes_becomes_registers_and_with_two_reads_two_memories(cells):
    memories = ("DP16KD", "TRELLIS_DPR16X4")
    assert not any(cells["two_writes"].get(memory) for memory in memories)
    assert cells["two_writes"]["TRELLIS_FF"] >= 64 * 8
    assert cells["two_reads"]["TRELLIS_DPR16X4"] == 2 * (64 // 16) * (8 // 4)
    assert cells["two_reads"].get("TRELLIS_FF", 0) < 64


@pytest.mark.slow
def test_an_own_correction_of_signs_takes_logic_beside_the_multiplier(cells):
    assert cells["own_sign"]["MULT18X18D"] == cells["own_product"]["MULT18X18D"] == 1
    assert logic(cells["own_sign"]) > logic(cells["own_product"]) + 40


@pytest.mark.slow
def test_a_product_of_an_unsigned_and_a_signed_number_is_one_multiplier_and_nothing_else(cells):
    assert cells["mixed_signs"]["MULT18X18D"] == 1
    assert logic(cells["mixed_signs"]) == 0


def logic(cells: Mapping[str, int]) -> int:
    """Lookup tables, two more for each cell of a carry chain."""
    return cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0)


def readers_of(block: pyrtl.Block) -> dict[pyrtl.WireVector, list[pyrtl.LogicNet]]:
    """The gates, registers and memories that read each wire."""
    readers: dict[pyrtl.WireVector, list[pyrtl.LogicNet]] = {}
    for net in block.logic:
        for wire in net.args:
            readers.setdefault(wire, []).append(net)
    return readers


def wrong_memories(block: pyrtl.Block) -> Iterator[str]:
    """Memories that are written from two places, or read other than into a register that nothing resets."""
    readers = readers_of(block)
    for net in block.logic_subset("m"):
        memory = net.op_param[1]
        if isinstance(memory, pyrtl.RomBlock):
            continue
        if len(memory.readport_nets) != 1 or len(memory.writeport_nets) != 1:
            yield f"{memory.name} has {len(memory.readport_nets)} reads, {len(memory.writeport_nets)} writes"
        taken = readers[net.dests[0]]
        held = [register for choice in taken if choice.op == "x" for register in readers[choice.dests[0]]]
        if [choice.op for choice in taken] != ["x"] or [register.op for register in held] != ["r"]:
            yield f"{memory.name} is not read into a register"


def products_with_constants(block: pyrtl.Block) -> Iterator[str]:
    """Products of which an operand is a constant."""
    return (str(net) for net in block.logic_subset("*") if any(isinstance(arg, pyrtl.Const) for arg in net.args))


def multiplied_right_behind_a_memory(block: pyrtl.Block) -> Iterator[str]:
    """Memories whose read word goes from the first register into a multiplier: 5.8 ns of a block RAM are in its way."""
    readers = readers_of(block)
    for net in block.logic_subset("m"):
        ahead = [(net.dests[0], 0)]
        seen = set(ahead)
        while ahead:
            wire, registers = ahead.pop()
            for reader in readers.get(wire, []):
                if reader.op == "*":
                    yield f"{net.op_param[1].name} -> {reader.dests[0].name}"
                following = registers + (reader.op == "r")
                # The first register is part of the block RAM.
                if reader.op not in "m@" and following < 2 and (reader.dests[0], following) not in seen:
                    seen.add((reader.dests[0], following))
                    ahead.append((reader.dests[0], following))


@pytest.fixture(scope="module")
def every_design() -> list[Design]:
    """The hardware of a case of each op kind."""
    return designs_of(list({type(case.op): case for case in CASES}.values()))


@pytest.mark.slow
def test_our_memories_have_one_write_and_one_registered_read(every_design):
    for design in every_design:
        assert list(wrong_memories(design.block)) == [], design.graph


@pytest.mark.slow
def test_ours_register_what_a_memory_gives_once_more_before_a_multiplier(every_design):
    for design in every_design:
        assert list(multiplied_right_behind_a_memory(design.block)) == [], design.graph


@pytest.mark.slow
def test_ours_multiply_no_constants_and_reset_nothing_asynchronously(every_design):
    for design in every_design:
        assert list(products_with_constants(design.block)) == [], design.graph
        assert set(re.findall(r"always @\((.*?)\)", design.verilog)) == {"posedge clk"}
        # Only memories of constants begin with anything.
        started = set(re.findall(r"^ +(\w+)\[\d+\]\s*=", design.verilog, flags=re.MULTILINE))
        assert all(name.endswith("_rom") for name in started), design.graph
        assert design.verilog.count("initial") == len(started)


def test_wrong_memories_and_products_are_seen():
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        a, d, y = pyrtl.Input(4, "a"), pyrtl.Input(8, "d"), pyrtl.Output(8, "y")
        memory = pyrtl.MemBlock(8, 4, "two_writes", max_write_ports=2, asynchronous=True)
        memory[a] <<= d
        memory[~a] <<= d
        y <<= memory[a]
        z = pyrtl.Output(16, "z")
        z <<= d * pyrtl.Const(77, 8)
    assert list(wrong_memories(block)) == ["two_writes has 1 reads, 2 writes", "two_writes is not read into a register"]
    assert len(list(products_with_constants(block))) == 1


@pytest.mark.parametrize(("registers", "wrong"), [(1, ["weights -> y"]), (2, [])])
def test_a_memory_right_in_front_of_a_multiplier_is_seen(registers, wrong):
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        a, x, y = pyrtl.Input(4, "a"), pyrtl.Input(8, "x"), pyrtl.WireVector(16, "y")
        read = pyrtl.RomBlock(8, 4, list(range(16)), name="weights", asynchronous=True)[a]
        for _ in range(registers):
            register = pyrtl.Register(8)
            register.next <<= read
            read = register
        product = read * x
        y <<= product
    found = [line.split(" -> ")[0] + " -> y" for line in multiplied_right_behind_a_memory(block)]
    assert found == wrong


def test_the_router_that_comes_to_an_end_is_asked_for():
    """The default one of nextpnr stalled on a unit of 16 multipliers."""
    routed = [target for target in TARGETS.values() if target.family is ECP5]
    assert routed
    for target in routed:
        words = target.router
        assert words[words.index("--router") + 1] == "router2"


def test_the_packing_that_miscompiles_is_in_no_command():
    scripts = {name: " ".join(yosys.synthesis("top", [], family)) for name, family in FAMILIES.items()}
    assert "synth_xilinx -family xc7 -nodsp" in scripts["xilinx"]
    assert "-dsp" not in scripts["ice40"].replace("dsp_map", "")


@pytest.mark.slow
def test_compiled_simulation_shows_every_step():
    """PyRTL 1.0.3's ``run`` gives the values of the first step for all of them; ours takes its C code only."""
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        a, y = pyrtl.Input(8, "a"), pyrtl.Output(8, "y")
        before = pyrtl.Register(8, "before")
        before.next <<= a
        y <<= before
    values = np.array([[3], [1], [4], [1], [5]], dtype=np.uint64)
    with CompiledBlock(block) as compiled:
        assert compiled.run({"a": values}, ["y"])["y"][:, 0].tolist() == [0, 3, 1, 4, 1]
