"""The architecture, held to its word: who imports whom, how deep folders go, how large files are."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "golden": set(),
    "rtlgen": {"golden"},
    "verif": {"golden"},
    "sim": {"golden", "rtlgen"},
}
THIRD_PARTY = {
    "golden": {"numpy"},
    "rtlgen": {"numpy", "pyrtl"},
    "verif": {"numpy", "cocotb"},
    "sim": {
        "numpy",
        "pyrtl",
        "click",
        "rich",
        "jinja2",
        "matplotlib",
        "junitparser",
        "vcdvcd",
        "cocotb_test",
    },
}
LATE_AND_ONLY_THERE = {
    "golden/data/sources.py": {"sklearn", "mlxtend"},
    "golden/importers/tflite_file.py": {"tflite"},
    "golden/importers/onnx_file.py": {"onnx"},
    "golden/zoo/torch_training.py": {"torch"},
    "golden/importers/torch.py": {"torch"},
    "sim/fuzzing/campaign.py": {"hypothesis"},
    "sim/regression/dask_cluster.py": {"distributed"},
    "sim/regression/onnx_networks.py": {"onnx", "onnxruntime"},
    "sim/regression/runtimes.py": {"ai_edge_litert", "onnxruntime", "tflite_micro"},
}
"""Packages of loaders: imported inside the function that needs them, by these files only."""

ALLOWED_AT_THE_TOP = {
    *MAY_IMPORT,
    "tests",
    "README.md",
    "pyproject.toml",
    "Makefile",
    "LICENSE",
    ".gitignore",
    ".ci",
    ".github",
}
FILES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of everything that is imported, at the top of the file or later."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    late = LATE_AND_ONLY_THERE.get(str(path.relative_to(ROOT)), set())
    allowed = {package} | MAY_IMPORT[package] | THIRD_PARTY[package] | late | set(sys.stdlib_module_names)
    assert imported(ast.parse(path.read_text())) <= allowed


@pytest.mark.parametrize("path", LATE_AND_ONLY_THERE, ids=str)
def test_loaders_import_their_packages_late(path: str) -> None:
    top = [node for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not imported(ast.Module(top, [])) & LATE_AND_ONLY_THERE[path]


def test_the_arrows_test_can_fail() -> None:
    assert imported(ast.parse("def f():\n    from rtlgen.plan import plan\n")) == {"rtlgen"}
    assert "rtlgen" not in MAY_IMPORT["verif"]


def test_hardware_does_not_call_golden_ops() -> None:
    """An op in ``rtlgen/ops`` uses its op's parameters and result type, never its arithmetic."""
    for path in (ROOT / "rtlgen" / "ops").glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "op"], path


def test_oracles_share_nothing_with_golden() -> None:
    """They import Python's own library and each other; what they are asked about is told by its parameters."""
    paths = sorted((ROOT / "sim" / "oracles").glob("*.py"))
    assert len(paths) > 4
    for path in paths:
        tree = ast.parse(path.read_text())
        own = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported(tree) <= {"sim", *sys.stdlib_module_names}, path
        assert all(name.startswith("sim.oracles.") for name in own if name.startswith("sim")), path
        assert "sim" not in imported(ast.Module([n for n in ast.walk(tree) if isinstance(n, ast.Import)], [])), path


def test_only_one_module_knows_cocotb_test() -> None:
    users = [path.name for path in FILES if "cocotb_test" in imported(ast.parse(path.read_text()))]
    assert users == ["cocotb_launcher.py"]


def test_nothing_else_stands_at_the_top() -> None:
    ignored = {".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())}
    extra = {p.name for p in ROOT.iterdir()} - ALLOWED_AT_THE_TOP - ignored
    assert {name for name in extra if not name.endswith(".egg-info")} == set()


def test_folders_are_two_levels_deep_and_have_telling_names() -> None:
    for path in FILES:
        assert len(path.relative_to(ROOT).parts) <= 3, path
        assert path.stem not in {"utils", "util", "helpers", "common", "base", "misc"}, path


def test_files_stay_readable() -> None:
    long = {str(path.relative_to(ROOT)): n for path in FILES if (n := len(path.read_text().splitlines())) > 400}
    assert not long, "a file this long holds more than one idea"


def test_every_module_and_package_says_what_it_is() -> None:
    silent = [path for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_tests_are_flat_and_named_after_what_they_test() -> None:
    tests = list((ROOT / "tests").rglob("test_*.py"))
    assert {path.parent for path in tests} == {ROOT / "tests"}
    packages = (*MAY_IMPORT, "structure", "readme", "setup")
    assert not [path.name for path in tests if path.stem.split("_")[1] not in packages]
