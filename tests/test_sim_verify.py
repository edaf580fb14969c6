"""Verification agrees where all is well; and every planted fault, wherever it is planted, is caught and located."""

import json
import pickle
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyrtl
import pytest
from networks import corners, perceptron

import golden
import golden.ops.requantize
import rtlgen
import rtlgen.design
import sim
from golden import Graph
from sim import witnesses
from sim.difference import Difference
from sim.simulators.icarus import Icarus
from sim.simulators.verilator import Verilator

GRAPH = perceptron((6, 5, 4), seed=11)
X = corners(GRAPH.input_type, 12, seed=1)


@pytest.fixture
def design() -> rtlgen.Design:
    return rtlgen.generate(GRAPH, 8, name="planted")


def caught(design: rtlgen.Design, build: Path, **options: object) -> Difference:
    """The difference that verification raises; files and command are in the error."""
    with pytest.raises(sim.VerificationError) as error:
        sim.verify(design, X, build=build, command="tensorgate verify planted", **options)
    text = str(error.value)
    assert "reproduce with: tensorgate verify planted" in text
    assert json.loads((build / "difference.json").read_text())["message"] == error.value.difference.message
    assert str(pickle.loads(pickle.dumps(error.value))) == text
    return error.value.difference


def patch_verilog(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """Change the emitted text, and only that."""
    emit = rtlgen.design.verilog_of

    def changed(*args: object) -> str:
        before = emit(*args)
        after = change(before)
        assert after != before, "the fault was not planted"
        return after

    monkeypatch.setattr(rtlgen.design, "verilog_of", changed)


def freeze_verilog(monkeypatch: pytest.MonkeyPatch, design: rtlgen.Design) -> None:
    """Keep the emitted text as it is, whatever happens to the PyRTL block."""
    text = design.verilog
    monkeypatch.setattr(rtlgen.design, "verilog_of", lambda *_: text)


def flip_first_rom_bit(rom: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        return re.sub(rf"({rom}\[0\] = \d+'h)([0-9a-f]+);", lambda m: f"{m[1]}{int(m[2], 16) ^ 1:x};", text, count=1)

    return change


def test_agreement_on_pyrtl(design: rtlgen.Design) -> None:
    result = sim.verify(design, X, simulators=["pyrtl"])
    assert (result.outputs == GRAPH(X)).all()
    assert (result.ii_cycles, result.latency_cycles) == (design.plan.ii_cycles, design.plan.latency_cycles)


@pytest.mark.slow
def test_agreement_of_all(design: rtlgen.Design, tmp_path: Path) -> None:
    result = sim.verify(design, X, seed=3, build=tmp_path)
    assert result.simulators == ("pyrtl", "icarus")
    assert result.cycles > 500
    assert result.stalled_cycles > 50
    assert "golden == pyrtl == icarus on 12 samples" in str(result)
    assert json.loads(json.dumps(result.as_json()))["verdict"] == "equal"


@pytest.mark.slow
def test_verilator_agrees(design: rtlgen.Design) -> None:
    assert sim.verify(design, X, simulators=["verilator"]).simulators == ("verilator",)


@pytest.mark.slow
@pytest.mark.parametrize("simulator", [Icarus(), Verilator()], ids=["icarus", "verilator"])
def test_a_relative_folder_will_do(
    simulator: sim.Simulator, design: rtlgen.Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert np.array_equal(simulator.run(design, X, Path("a/b")).outputs, GRAPH(X))


@pytest.mark.slow
def test_a_run_is_a_function_of_its_seed(design: rtlgen.Design, tmp_path: Path) -> None:
    recordings = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        sim.verify(design, X, seed=seed, simulators=["icarus"], build=tmp_path / folder)
        with np.load(tmp_path / folder / "cocotb" / "recording.npz") as file:
            recordings.append(file["m_axis_tready"].tobytes() + file["s_axis_tdata"].tobytes())
    assert recordings[0] == recordings[1] != recordings[2]


# Faults in golden


@pytest.mark.slow
def test_golden_with_another_rounding_is_caught(design: rtlgen.Design, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(golden.ops.requantize.ARITHMETICS, "half_up", lambda x, m, s: (x * m) >> s)
    difference = caught(design, tmp_path, simulators=["pyrtl"])
    assert (difference.witness, difference.layer) == ("pyrtl", "requantize1")
    assert difference.golden != difference.hardware


def test_golden_with_another_tie_is_caught(tmp_path: Path, monkeypatch) -> None:
    def last_maximum(_: golden.Argmax, x: np.ndarray) -> np.ndarray:
        return x.shape[-1] - 1 - np.argmax(x[..., ::-1], axis=-1)

    ties = Graph.chain(golden.TensorType((4,), golden.IntType(2, True)), golden.Argmax())
    tied = rtlgen.generate(ties, 4, name="planted")
    monkeypatch.setattr(golden.Argmax, "__call__", last_maximum)
    with pytest.raises(sim.VerificationError, match=r"argmax1 of sample 0: golden 3, pyrtl 0"):
        sim.verify(tied, np.zeros((1, 4), dtype=int), simulators=["pyrtl"], build=tmp_path)


# Faults in the PyRTL block, with the Verilog as it should be


def replace_driver(design: rtlgen.Design, name: str, op: str, *more: str) -> None:
    """Let the wire called ``name`` be what drove it, combined by ``op`` with the wires called ``more``."""
    block = design.block
    wire = block.wirevector_by_name[name]
    driver = next(net for net in block.logic if net.dests and net.dests[0] is wire)
    block.logic.remove(driver)
    with pyrtl.set_working_block(block, no_sanity_check=True):
        before = pyrtl.WireVector(len(wire))
        block.add_net(driver._replace(dests=(before,)))
        arguments = (before, *(block.wirevector_by_name[other] for other in more))
        block.add_net(pyrtl.LogicNet(op, None, arguments, (wire,)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ("m_axis_tlast", "m_axis_tlast is 0 at cycle"),
        ("frame_error", "frame_error is 1 at cycle"),
        ("requantize1_out_last", "requantize1_out_last is"),
    ],
)
def test_pyrtl_alone_watches_what_is_not_data(wire: str, message: str, design: rtlgen.Design, tmp_path: Path) -> None:
    replace_driver(design, wire, "~")
    difference = caught(design, tmp_path, simulators=["pyrtl"])
    assert message in difference.message
    assert Path(difference.waves or "").read_text().startswith("$timescale")


@pytest.mark.slow
def test_a_wrong_weight_in_pyrtl_is_caught(design: rtlgen.Design, tmp_path: Path, monkeypatch) -> None:
    freeze_verilog(monkeypatch, design)
    rom = next(m for m in design.block.memblock_by_name.values() if m.name == "dense1_weight_rom")
    rom.data[0] ^= 1
    difference = caught(design, tmp_path)
    assert (difference.witness, difference.layer, difference.sample) == ("pyrtl", "dense1", 0)
    assert difference.pyrtl == difference.hardware != difference.golden
    assert_told(difference, tmp_path)
    place = difference.window["cycle"] - difference.window["first_cycle"]
    assert difference.window["signals"]["dense1_out_valid"][place] == "1", "the beat that is wrong"
    assert "dense1_out_data" in Path(difference.waves or "").read_text()


@pytest.mark.slow
def test_a_pin_that_only_lockstep_sees_is_caught(design: rtlgen.Design, tmp_path: Path, monkeypatch) -> None:
    """PyRTL's ready falls while the input pauses: no value and no count is wrong, but a pin differs on some cycles."""
    freeze_verilog(monkeypatch, design)
    replace_driver(design, "s_axis_tready", "&", "s_axis_tvalid")
    difference = caught(design, tmp_path)
    assert difference.witness == "lockstep"
    assert "s_axis_tready is 0 in PyRTL and 1 in Verilog" in difference.message


@pytest.mark.slow
def test_the_first_register_that_differs_is_named(design: rtlgen.Design, tmp_path: Path, monkeypatch) -> None:
    freeze_verilog(monkeypatch, design)
    block = design.block
    register = block.wirevector_by_name["dense2_x_room_left"]
    driver = next(net for net in block.logic if net.op == "r" and net.dests[0] is register)
    block.logic.remove(driver)
    with pyrtl.set_working_block(block, no_sanity_check=True):
        block.add_net(pyrtl.LogicNet("r", None, (pyrtl.Const(3, len(register)),), (register,)))
    difference = caught(design, tmp_path)
    assert difference.witness in {"lockstep", "testbench"}
    assert (difference.register, difference.register_layer) == ("dense2_x_room_left", "dense2")
    waves = Path(difference.waves or "")
    assert waves.name == "around_difference.vcd"
    assert "dense2_x_room_left" in waves.read_text()


# Faults in the emitted Verilog, with PyRTL as it should be


VERILOG_FAULTS: dict[str, tuple[Callable[[str], str], str]] = {
    "a wrong weight": (flip_first_rom_bit("dense1_weight_rom"), "dense1"),
    "a wrong bias": (flip_first_rom_bit("dense2_bias_rom"), "dense2"),
    "a wrong multiplier": (
        lambda text: re.sub(r"(requantize1_multiplier_rom\[0\] = \d+'h)[0-9a-f]+;", r"\g<1>0;", text, count=1),
        "requantize1",
    ),
    "an argmax with a wrong index": (
        lambda text: re.sub(r"(argmax1_result <= \(reset \? 2'd0 : )\(", r"\1~(", text, count=1),
        "argmax1",
    ),
    "a state without reset": (
        lambda text: re.sub(r"(dense1_busy <= )\(reset \? \d+'d0 : (.*)\);", r"\1(\2);", text, count=1),
        "x",  # the first stream that is undefined, or stands still
    ),
    "a beat lost under back-pressure": (
        lambda text: re.sub(
            r"(m_axis_out_valid <= \(reset \? 1'd0 : )\(.*", r"\1m_axis_fetched_valid);", text, count=1
        ),
        "",
    ),
    "a layer that does not wait for room": (
        lambda text: re.sub(r"assign dense1_room = .*;", "assign dense1_room = 1'd1;", text, count=1),
        "",
    ),
    "a last that comes on every beat": (
        lambda text: re.sub(r"assign requantize1_out_last = .*;", "assign requantize1_out_last = 1'b1;", text, count=1),
        "requantize1",
    ),
    "a buffer of one word": (
        lambda text: re.sub(r"(dense1_x_write_address <= ).*;", r"\g<1>2'd0;", text, count=1),
        "dense1",
    ),
    "an engine that pauses once": (
        lambda text: re.sub(
            r"assign dense1_starts = (.*);", r"assign dense1_starts = (\1) & (planted[7:4] != 4'd6);", text, count=1
        ).replace(
            "endmodule",
            "reg [7:0] planted;\nalways @(posedge clk) planted <= reset ? 8'd0 : planted + {7'd0, planted != 8'd255};\n"
            "endmodule",
        ),
        "",
    ),
    "a last that never reaches the output": (
        lambda text: re.sub(r"assign m_axis_tlast = .*;", "assign m_axis_tlast = 1'b0;", text, count=1),
        "",
    ),
    "a valid that waits for ready": (
        lambda text: re.sub(r"assign m_axis_tvalid = (.*);", r"assign m_axis_tvalid = (\1) & m_axis_tready;", text),
        "",
    ),
    "an engine that pauses now and then": (
        lambda text: re.sub(
            r"assign dense2_starts = (.*);", r"assign dense2_starts = (\1) & ~s_axis_tlast;", text, count=1
        ),
        "",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", VERILOG_FAULTS)
def test_faults_in_verilog_are_caught_and_located(
    fault: str, design: rtlgen.Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, layer = VERILOG_FAULTS[fault]
    patch_verilog(monkeypatch, change)
    difference = caught(design, tmp_path)
    assert difference.witness in {"testbench", "lockstep", "icarus"}
    if layer:
        assert layer in {difference.layer, difference.register_layer}
    if isinstance(difference.golden, int) and difference.layer and difference.witness == "testbench":
        assert difference.golden == difference.pyrtl != difference.hardware
    assert_told(difference, tmp_path)


def assert_told(difference: sim.Difference, folder: Path) -> None:
    """What a post mortem needs: a window of waves, a save file that opens it, the same as values, fewer samples."""
    waves, save_file = Path(difference.waves or ""), Path(difference.save_file or "").read_text()
    assert waves.name == "around_difference.vcd"
    signals = difference.window["signals"]
    for name in signals:
        assert f".{name}" in save_file, name
        assert f" {name}" in waves.read_text(), name
    place = difference.window["cycle"] - difference.window["first_cycle"]
    assert all(len(values) > place for values in signals.values())
    if difference.smaller:
        assert len(np.load(folder / "x_smaller.npy")) < len(X)
        assert "x_smaller.npy" in difference.smaller


# Faults in what the testbench expects


@pytest.mark.slow
def test_a_wrong_expectation_is_caught(design: rtlgen.Design, tmp_path: Path, monkeypatch) -> None:
    hostile = witnesses.check_hostile

    def wrong(design, x, expected, *rest):
        tensors = {name: tensor.copy() for name, tensor in expected.items()}
        tensors["requantize1"][5:6, 2] ^= 1
        return hostile(design, x, tensors, *rest)

    monkeypatch.setattr(witnesses, "check_hostile", wrong)
    difference = caught(design, tmp_path)
    assert (difference.witness, difference.layer) == ("testbench", "requantize1")
    assert (difference.sample, difference.element) == (5, (2,))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["ii_cycles", "latency_cycles"])
@pytest.mark.parametrize("simulator", ["pyrtl", "icarus"])
def test_a_plan_that_is_one_cycle_off_is_caught(
    what: str, simulator: str, design: rtlgen.Design, tmp_path: Path
) -> None:
    wrong = getattr(design.plan, what) + 1
    off = replace(design, plan=replace(design.plan, **{what: wrong}))
    difference = caught(off, tmp_path, simulators=[simulator])
    assert f"the plan says {wrong}" in difference.message


# Bad input


def test_zero_samples_are_refused(design: rtlgen.Design) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        sim.verify(design, X[:0])


def test_values_outside_the_type_are_refused(design: rtlgen.Design) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[-128, 127\]"):
        sim.verify(design, X + 1000)


def test_floats_are_refused(design: rtlgen.Design) -> None:
    with pytest.raises(TypeError, match="must be integers of type s8"):
        sim.verify(design, X / 2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"simulators": "all of them"}, ValueError, "simulators must be among"),
        ({"simulators": []}, ValueError, "not none"),
        ({"patterns": [("coin",)]}, ValueError, "pairs"),
        ({"patterns": ["coin"]}, ValueError, "pairs"),
        ({"patterns": [("coin", "flip")]}, ValueError, "flip"),
        ({"seed": "a"}, TypeError, "seed must be an int"),
    ],
    ids=str,
)
def test_bad_options_are_refused_before_anything_runs(
    options: dict[str, object], error: type[Exception], message: str, design: rtlgen.Design, monkeypatch
) -> None:
    monkeypatch.setattr(witnesses, "check_bulk", lambda *_: pytest.fail("it ran"))
    with pytest.raises(error, match=message):
        sim.verify(design, X, **options)


def test_a_graph_is_not_a_design() -> None:
    with pytest.raises(TypeError, match=r"a Design, made by rtlgen\.generate, not Graph"):
        sim.verify(GRAPH, X)


def test_a_simulator_may_be_named_by_itself(design: rtlgen.Design) -> None:
    assert sim.verify(design, X, simulators="pyrtl").simulators == ("pyrtl",)


@pytest.mark.slow
def test_a_failure_leaves_a_command_that_reproduces_it(tmp_path: Path, design: rtlgen.Design, monkeypatch) -> None:
    monkeypatch.setitem(golden.ops.requantize.ARITHMETICS, "half_up", lambda x, m, s: (x * m) >> s)
    with pytest.raises(sim.VerificationError) as error:
        sim.verify(design, X, simulators="pyrtl", seed=5, build=tmp_path)
    command = shlex.split(error.value.command or "")
    assert command[:2] == ["tensorgate", "verify"]
    assert Graph.load(command[2]).output_type == GRAPH.output_type
    assert (np.load(command[command.index("--input") + 1]) == X).all()
    assert command[-6:] == ["--multipliers", "8", "--seed", "5", "--simulator", "pyrtl"]


def test_unknown_simulators_are_refused(design: rtlgen.Design) -> None:
    with pytest.raises(ValueError, match="simulators must be among pyrtl, icarus, verilator, not modelsim"):
        sim.verify(design, X, simulators=["modelsim"])


def test_without_icarus_there_is_one_line_that_says_how_to_get_it(
    design: rtlgen.Design, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"'iverilog' is not installed: apt-get install iverilog$"):
        sim.verify(design, X, simulators=["icarus"], build=tmp_path / "build")
