from __future__ import annotations

import importlib.util
import json
import logging
import os
import pickle
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from test_verif_testbench import DESIGN, PORTS, check, stimulus

from sim.simulators.cocotb_launcher import run_testbench
from sim.tools import ToolError, find_tool, run_tool

QUICK = {"phases": ["every_sample_without_stalls"]}


def test_a_missing_simulator_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(FileNotFoundError, match="'iverilog' is not installed: apt-get install iverilog"):
        check(tmp_path)


def test_a_missing_design_is_named(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps(PORTS))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.v"):
        run_testbench(tmp_path / "nowhere.v", tmp_path / "p.json", stimulus()["x"], stimulus(), tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patterns": [("coin", "often")]}, "a pause pattern must be one of never, "),
        ({"unstalled": 1}, "unstalled >= 2"),
        ({"seed": -1}, "seed >= 0"),
    ],
)
def test_a_bad_configuration_is_refused_at_once(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        check(tmp_path, **options)


def test_a_design_may_not_be_named_like_a_file_of_the_testbench(tmp_path):
    (tmp_path / "d.v").write_text(DESIGN)
    (tmp_path / "testbench.json").write_text(json.dumps(PORTS))
    with pytest.raises(ValueError, match="name the design otherwise"):
        run_testbench(tmp_path / "d.v", tmp_path / "testbench.json", stimulus()["x"], stimulus(), tmp_path)
    assert json.loads((tmp_path / "testbench.json").read_text()) == PORTS


def test_golden_tensors_are_checked_before_the_simulation(tmp_path):
    (tmp_path / "d.v").write_text(DESIGN)
    (tmp_path / "p.json").write_text(json.dumps(PORTS))
    tensors = stimulus()
    with pytest.raises(ValueError, match="the tensor 'double1' must lie in"):
        run_testbench(
            tmp_path / "d.v", tmp_path / "p.json", tensors["x"], tensors | {"double1": tensors["double1"] * 9}, tmp_path
        )
    del tensors["relu1"]
    with pytest.raises(ValueError, match="expected must hold the tensor 'relu1'"):
        run_testbench(tmp_path / "d.v", tmp_path / "p.json", tensors["x"], tensors, tmp_path)


def test_a_design_that_does_not_compile_is_a_tool_error(tmp_path):
    (tmp_path / "d.v").write_text("module handmade(; endmodule")
    (tmp_path / "p.json").write_text(json.dumps(PORTS))
    with pytest.raises(ToolError, match=r"(?s)iverilog.*command: .*iverilog .*syntax error"):
        run_testbench(tmp_path / "d.v", tmp_path / "p.json", stimulus()["x"], stimulus(), tmp_path / "run")


@pytest.mark.slow
def test_a_testbench_that_crashes_is_a_tool_error_not_a_failure(tmp_path, monkeypatch):
    narrow = {**PORTS["streams"][0], "bits": 9}
    monkeypatch.setitem(PORTS, "streams", [narrow])
    with pytest.raises(ToolError, match=r"(?s)double1_out_data must have 18 bits, not 20"):
        check(tmp_path, **QUICK)


@pytest.mark.slow
def test_an_unknown_phase_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(ToolError, match="a phase must be one of every_sample_without_stalls, "):
        check(tmp_path, phases=["nothing_at_all"])


@pytest.mark.slow
def test_it_is_quiet_and_leaves_the_process_as_it_was(tmp_path, capfd):
    def state():
        loggers = logging.getLogger(), logging.getLogger("cocotb")
        return (
            dict(os.environ),
            Path.cwd(),
            signal.getsignal(signal.SIGINT),
            signal.getsignal(signal.SIGTERM),
            [(logger.level, list(logger.handlers), logger.propagate) for logger in loggers],
        )

    before = state()
    result = check(tmp_path, **QUICK)
    assert state() == before
    assert capfd.readouterr() == ("", "")
    assert "every_sample_without_stalls passed" in result.log.read_text()
    assert result.waves is None


@pytest.mark.slow
def test_waves_show_the_design_and_the_next_run_starts_afresh(tmp_path):
    result = check(tmp_path, waves=True, **QUICK)
    assert result.waves is not None
    text = result.waves.read_text()
    assert "$scope module dut" in text
    assert "double1_out_data" in text
    assert not check(tmp_path, "WRONG_VALUE", **QUICK).passed
    assert check(tmp_path, **QUICK).passed
    assert not result.waves.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_several_processes_at_once(tmp_path):
    faults = ["", "WRONG_VALUE", "", "LATE_INTERVAL"]
    with ProcessPoolExecutor(2) as pool:
        results = list(pool.map(check, (tmp_path / str(i) for i in range(4)), faults))
    assert [result.passed for result in results] == [not fault for fault in faults]


@pytest.mark.slow
def test_a_result_prints_as_one_line(tmp_path):
    assert str(check(tmp_path, **QUICK)).startswith("passed: 1 phases, ")
    assert str(check(tmp_path, "WRONG_VALUE", **QUICK)).startswith(
        "FAILED: every_sample_without_stalls: value: stream double1_out (layer double1), beat 2, cycle 5: "
    )


def test_a_tool_that_fails_shows_its_command_and_the_end_of_its_log(tmp_path):
    program = "print(*range(100), sep='\\n'); raise SystemExit(3)"
    with pytest.raises(ToolError, match=r"(?s)exit status 3\ncommand: .* -c .*\n98\n99$") as error:
        run_tool([sys.executable, "-c", program], cwd=tmp_path)
    assert "\n42\n" not in str(error.value)
    assert "\n42\n" in error.value.log
    again = pickle.loads(pickle.dumps(error.value))
    assert str(again) == str(error.value)


def test_a_tool_is_stopped_after_its_time(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(ToolError, match=r"(?s)stopped after 0.5 seconds.*started"):
        run_tool(
            [sys.executable, "-uc", "print('started'); import time; time.sleep(60)"], cwd=tmp_path, timeout=0.5, log=log
        )
    assert log.read_text() == "started\n"


def test_a_log_file_collects_several_runs(tmp_path):
    log = tmp_path / "log"
    runs = [run_tool([sys.executable, "-c", f"print({i})"], cwd=tmp_path, log=log) for i in range(2)]
    assert [run.log for run in runs] == ["0\n", "1\n"]
    assert log.read_text() == "0\n1\n"


def test_an_unknown_program_is_not_found():
    with pytest.raises(FileNotFoundError, match=r"'no-such-program' is not installed$"):
        find_tool("no-such-program")


def test_the_testbench_is_named_by_a_module_that_exists():
    from sim.simulators import cocotb_launcher

    for name in (cocotb_launcher.TESTBENCH, cocotb_launcher.HARNESS, cocotb_launcher.PORTS, cocotb_launcher.PAUSES):
        assert importlib.util.find_spec(name) is not None
