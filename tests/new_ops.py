"""Two ops that Tensorgate does not have, of two files and a row each: for the test that this is all an op needs."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]

HALVE = '''\
"""Half of each element, within an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.types import FloatArray, IntArray, IntType, TensorType


@dataclass(frozen=True)
class Halve:
    """``y = min(max(floor((x + 1) / 2), low), high)``"""

    low: int
    high: int

    @property
    def limits(self) -> tuple[int, int]:
        return self.low, self.high

    def out_type(self, x: TensorType) -> TensorType:
        ends = (min(max((end + 1) >> 1, self.low), self.high) for end in (x.dtype.min, x.dtype.max))
        return TensorType(x.shape, IntType.holding(*ends))

    def __call__(self, x: IntArray) -> IntArray:
        return np.clip(self.unlimited(x), *self.limits)

    def unlimited(self, x: IntArray) -> IntArray:
        return (x + 1) >> 1

    def ties(self, x: IntArray) -> tuple[IntArray, IntArray]:
        return x % 2 == 1, np.sign(x)

    def unrounded(self, x: FloatArray) -> FloatArray:
        return np.clip(x / 2, *self.limits)
'''
HALVE_ROW = """\
    "halve": Row(
        lambda draw, x: ops.Halve(draw.integer(-30, -1), draw.integer(0, 30)),
        lambda op, x: nested.each(x, lambda value: min(max((value + 1) // 2, op.low), op.high)),
    ),
"""
MIN_POOL_ROW = """\
    "minpool": Row(
        lambda draw, x: ops.MinPool(*layers.pool(draw, x)), lambda op, x: sums.windows(op, x, min), _IMAGE
    ),
"""
WRONG = (("(value + 1)", "value"), ("x, min)", "x, max)"))
"""What to change in the rows for oracles that mean something else."""


def files_of(kind: str) -> dict[str, str]:
    """Both files of a new op, by their path: made of those that are there, as an author would."""
    if kind == "halve":
        hardware = _read("rtlgen/ops/clamp.py").replace("Clamp", "Halve").replace("def clamp", "def halve")
        return {
            "golden/ops/halve.py": HALVE,
            "rtlgen/ops/halve.py": hardware.replace("beat.clip(", "((beat + 1) >> 1).clip("),
        }
    assert kind == "minpool"
    meaning = _read("golden/ops/maxpool.py").replace("MaxPool", "MinPool").replace("np.maximum", "np.minimum")
    hardware = (
        _read("rtlgen/ops/maxpool.py").replace("MaxPool", "MinPool").replace("HDLTensor.maximum", "HDLTensor.minimum")
    )
    return {
        "golden/ops/minpool.py": meaning.replace(".min,", ".max,"),
        "rtlgen/ops/minpool.py": hardware.replace("padding=dtype.min", "padding=dtype.max"),
    }


def project_with(folder: Path, files: dict[str, str], rows: str = "") -> None:
    """A copy of the project with more files, and more rows in the table of ops."""
    for package in ("golden", "rtlgen", "verif", "sim"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path, text in files.items():
        assert not (folder / path).exists(), path
        (folder / path).write_text(text)
    table = folder / "sim" / "op_table.py"
    before, end, after = table.read_text().partition('}\n"""By kind')
    assert end
    table.write_text(before + rows + end + after)


def _read(path: str) -> str:
    return (ROOT / path).read_text()
