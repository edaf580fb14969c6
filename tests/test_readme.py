"""The README's example runs, and prints what the README says; its commands and folders exist."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pyrtl
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else ""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_example_prints_what_stands_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = blocks("python")[0], blocks("text")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == output


def test_the_circuit_example_is_as_wide_as_it_says() -> None:
    names: dict[str, Any] = {}
    with pyrtl.temp_working_block():
        exec(compile(blocks("python")[1], "README.md", "exec"), names)
    assert str(names["y"].dtype) == "u8"
    assert names["x"].shape == (4,)


def test_the_map_names_every_folder_and_nothing_else() -> None:
    folders = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    assert folders == {"golden", "rtlgen", "verif", "sim", "tests"}


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][\w-]*)", README))
    assert {"sim", "test"} <= named <= targets


def test_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_commands_exist() -> None:
    from sim.cli import tensorgate

    named = set(re.findall(r"^(?:\$ )?tensorgate (\w+)", README, re.MULTILINE))
    assert named
    assert named <= set(tensorgate.commands)


def test_the_measured_table_has_every_network() -> None:
    from golden import zoo

    table = README.split("<!-- measured -->")[1].split("<!-- /measured -->")[0]
    rows = [line.split("|")[1].strip(" `") for line in table.splitlines() if line.startswith("|")]
    assert set(zoo.NAMES) <= set(rows)
