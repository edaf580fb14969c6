"""Damaged ONNX files in a process of their own, with a limit of memory and an alarm for each: the fuzzer in short."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

import onnx_mutations
from onnx_mutations import attempt, mutated, seeds

import golden

FUZZER = Path(__file__).with_name("fuzz_onnx.py")


@pytest.mark.parametrize(
    "time", [pytest.param("8s", marks=pytest.mark.slow), pytest.param("2m", marks=pytest.mark.exhaustive)]
)
def test_every_damaged_file_is_a_clear_error_or_a_network_that_runs(time: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", FUZZER, "--time", time, "--keep", tmp_path, "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " 0 failures" in done.stdout
    for outcome in ("ValueError", "NotImplementedError", "runs"):
        assert outcome in done.stdout


def raising(error: Exception) -> Any:
    def from_onnx(path: Path) -> None:
        raise error

    return from_onnx


def test_what_is_no_clear_error_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.onnx"
    for error, found in (
        (ValueError("this is not a valid ONNX model: it has no nodes"), AssertionError),
        (ValueError(f"{str(path)!r}: bad"), AssertionError),
        (KeyError("none of ours"), KeyError),
        (MemoryError(), MemoryError),
    ):
        monkeypatch.setattr(golden, "from_onnx", raising(error))
        with pytest.raises(found):
            attempt(path, b"")


def test_damages_are_seeded_and_of_many_kinds() -> None:
    name, content = next(iter(seeds().items()))
    made = [mutated(content, seed) for seed in range(60)]
    assert made == [mutated(content, seed) for seed in range(60)], name
    assert len(set(made)) > 45
    parsed = [data for data in made if parses(data)]
    assert len(made) > len(parsed) > 30


def parses(data: bytes) -> bool:
    try:
        onnx_mutations.onnx.ModelProto.FromString(data)
    except Exception:  # of protobuf, which has several implementations
        return False
    return True
