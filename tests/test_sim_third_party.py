"""The table of third-party networks: what is counted, and what is said where something differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden import Graph, IntType, Requantize, TensorType
from golden.ops import Conv, Dense
from sim.regression import third_party
from sim.regression.third_party import examine, main

S8 = IntType(8, True)


def network() -> Graph:
    scale = (np.array(1 << 30), np.array(36))
    ops = [
        Conv(np.ones((2, 3, 3, 1), int), [5, -5], padding=((1, 1), (1, 1))),
        Requantize(*scale, 0, S8, "tflm"),
    ]
    return Graph.chain(TensorType((4, 4, 1), S8), *ops)


def dense() -> Graph:
    ops = [Dense(np.array([[3, -4], [100, 7]]), [5, -5]), Requantize(np.array(1 << 30), np.array(36), 1, S8, "tflm")]
    return Graph.chain(TensorType((2,), S8), *ops)


def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph: Graph, wrong: int = 0) -> Path:
    """A folder with one network and its reference outputs, of which ``wrong`` are."""
    x = np.random.default_rng(0).integers(-128, 128, (3, *graph.input_type.shape))
    y = graph(x)
    y.flat[:wrong] += 1
    np.savez(tmp_path / "net.npz", x=x.astype(np.int8), y=y)
    (tmp_path / "net.tflite").write_bytes(b"stands for a file")
    (tmp_path / "alone.tflite").write_bytes(b"has no outputs beside it")
    monkeypatch.setattr("golden.from_tflite", lambda path: graph)
    return tmp_path


def test_everything_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine(folder(tmp_path, monkeypatch, network()) / "net.tflite", hardware=False)
    assert (found.layers, found.macs, found.parameters) == (2, 4 * 4 * 18, 20)
    assert found.compared == found.equal == 3 * 4 * 4 * 2


@pytest.mark.slow
def test_hardware_is_verified_where_there_is_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine(folder(tmp_path, monkeypatch, dense()) / "net.tflite")
    assert found.hardware.startswith("Verilog equal on 3 samples; ")
    assert "a sample every" in found.hardware


def test_what_has_no_hardware_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError("Conv has no hardware yet: add a file; Add has no hardware yet: add a file")

    monkeypatch.setattr("rtlgen.generate", refuse)
    assert examine(folder(tmp_path, monkeypatch, network()) / "net.tflite").hardware == "not yet: Add, Conv"


@pytest.mark.parametrize(("wrong", "status"), [(0, 0), (1, 1)])
def test_a_value_that_differs_is_an_exit_status_of_1(
    wrong: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(third_party, "hardware_verdict", lambda *_: "equal")
    monkeypatch.setattr(third_party, "KEPT", tmp_path / "kept")
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- third-party -->\nold\n<!-- /third-party -->\nafter\n")
    assert main([str(folder(tmp_path, monkeypatch, dense(), wrong)), "--readme", str(readme)]) == status
    row = readme.read_text().splitlines()[4]
    assert row.split(" | ")[-3:] == ["6", str(6 - wrong) if wrong else "all", "equal |"]
    told = capsys.readouterr()
    assert row in told.out
    assert ("golden" in told.err) == bool(wrong)
    for name in ("difference.html", "difference.json", "x.npy"):
        assert (tmp_path / "kept" / "net" / name).exists() == bool(wrong)
    assert "old" not in readme.read_text()
    assert "alone" not in readme.read_text()


def test_a_folder_without_networks_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "there is no NAME.tflite" in capsys.readouterr().err
