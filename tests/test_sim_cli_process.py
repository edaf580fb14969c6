"""The command line as a process of its own: exit statuses, signals, pipes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TENSORGATE = [sys.executable, "-m", "sim.cli"]


def run(*args):
    return subprocess.run([*TENSORGATE, *args], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_mistake_ends_with_status_2():
    done = run("plan", "missing.graph")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tensorgate: MODEL: there is no file 'missing.graph'")
    assert done.stderr.count("\n") == 1


def test_help_ends_with_status_0():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "accuracy" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("simulator", ["pyrtl", "icarus"])
@pytest.mark.parametrize("verb", ["accuracy", "verify"])
def test_being_stopped_in_the_middle_of_a_simulation(verb, simulator, tmp_path):
    number, message = (signal.SIGINT, b"interrupted") if verb == "accuracy" else (signal.SIGTERM, b"stopped by SIGTERM")
    process = subprocess.Popen(
        [*TENSORGATE, verb, "mnist", "--samples", "1000", "--simulator", simulator],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, b"", b"tensorgate: " + message + b"\n")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error():
    command = f"{shlex.join(TENSORGATE)} plan iris --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (141, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("args", ["zoo", "zoo --json", "plan iris", "plan iris --json", "--help", "zoo --help"])
def test_a_full_disk_is_one_line(args):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*TENSORGATE, *args.split()],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "tensorgate: standard output: No space left on device\n")


@pytest.mark.slow
def test_the_three_witnesses_from_a_shell():
    done = run("verify", "iris", "--samples", "4", "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert content["simulators"] == ["pyrtl", "icarus"]
    assert content["cycles"] > 0
