"""Tables of the README: ONNX Runtime's quantizer, TensorFlow Lite and TensorFlow Lite Micro, measured by command."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tflite_models import model, needed

import golden
from sim.regression import onnx_networks, quantization_table, tflite_runtimes
from sim.regression.runtimes import LITERT, MICRO, ONNX, runtime

DATA = Path(__file__).parent / "data"
README = "before\n<!-- {0} -->\nold\n<!-- /{0} -->\nafter\n"


@pytest.fixture
def no_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_networks, "hardware_verdict", lambda *_: "not tried")


@pytest.mark.slow
def test_networks_of_onnx_runtime_are_quantized_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], no_hardware: None
) -> None:
    needed(ONNX)
    readme = tmp_path / "README.md"
    readme.write_text(README.format("onnx-runtime"))
    assert onnx_networks.main([str(DATA / "lenet.onnx"), "--readme", str(readme)]) == 0
    rows = readme.read_text().splitlines()[4:-2]
    assert [row.split(" | ")[0] for row in rows] == [f"| lenet: {way}" for way in onnx_networks.WAYS]
    assert all(row.split(" | ")[-3:] == ["10,000", "all", "not tried |"] for row in rows)
    assert rows[0] in capsys.readouterr().out
    assert "old" not in readme.read_text()


@pytest.mark.slow
def test_a_value_that_differs_from_onnx_runtime_is_an_exit_status_of_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_hardware: None, capsys: pytest.CaptureFixture[str]
) -> None:
    needed(ONNX)
    monkeypatch.setattr(onnx_networks, "KEPT", tmp_path)
    call = golden.Graph.run
    monkeypatch.setattr(
        golden.Graph, "run", lambda self, x: {name: y + (y < 0) - (y > 0) for name, y in call(self, x).items()}
    )
    assert onnx_networks.main([str(DATA / "lenet.onnx")]) == 1
    told = capsys.readouterr()
    assert "| all |" not in told.out
    assert told.err.count("output values are not those of ONNX Runtime") == len(onnx_networks.WAYS)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == len(onnx_networks.WAYS)
    for folder in kept:
        assert "lenet.onnx" in json.loads((folder / "difference.json").read_text())["command"]
        assert (folder / "difference.html").exists()
        graph = golden.from_onnx(folder / "quantized.onnx")
        assert len(graph.input_type.check(np.load(folder / "x.npy"))) == onnx_networks.SAMPLES
    monkeypatch.undo()
    monkeypatch.setattr(onnx_networks, "KEPT", tmp_path)
    assert onnx_networks.examine(DATA / "lenet.onnx", onnx_networks.WAYS[0], hardware=False).hardware == ""
    assert len(list(tmp_path.iterdir())) == len(kept) - 1  # what is right now


@pytest.mark.slow
def test_what_is_no_float_network_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needed(ONNX)
    made = tmp_path / "integers.onnx"
    made.write_bytes(onnx_networks.quantized(DATA / "lenet.onnx", onnx_networks.WAYS[0]).SerializeToString())
    (tmp_path / "none.onnx").write_bytes(b"no network")
    for name, told in (("integers.onnx", "must hold a float network"), ("none.onnx", "not an ONNX file")):
        assert onnx_networks.main([str(tmp_path / name)]) == 2
        assert told in capsys.readouterr().err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published network by itself, with its stored inputs."""
    for package in (LITERT, MICRO):
        needed(package)
    for file in (model("hello_world_int8"), model("hello_world_int8").with_suffix(".npz")):
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_published_networks_are_compared_with_both_runtimes(folder: Path) -> None:
    readme = folder / "README.md"
    readme.write_text(README.format("tflite-runtimes"))
    assert tflite_runtimes.main([str(folder), "--readme", str(readme)]) == 0
    head, row = readme.read_text().splitlines()[2], readme.read_text().splitlines()[4]
    assert [cell.split(",")[0] for cell in head.strip("| ").split(" | ")[2:]] == [
        *("`tflm`", "`tflm`", "`single`", "`float32`"),
    ]
    name, values, micro, tflm, single, float32 = row.strip("| ").split(" | ")
    assert (name, values, micro, single, float32) == ("hello_world_int8", "556", "0", "0", "0")
    assert int(tflm) > 0


@pytest.mark.slow
def test_another_arithmetic_than_promised_is_an_exit_status_of_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = {"tflm": "tflm", "single": "single", "float32": "tflm"}
    original = golden.from_tflite
    monkeypatch.setattr("golden.from_tflite", lambda path, arithmetic: original(path, swapped[arithmetic]))
    assert tflite_runtimes.main([str(folder)]) == 1
    swapped |= {"tflm": "single", "float32": "float32"}
    assert tflite_runtimes.main([str(folder)]) == 1


def test_the_study_of_quantization_goes_between_its_markers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quantization_table, "NAMES", ("iris",))
    readme = tmp_path / "README.md"
    readme.write_text(README.format("quantization"))
    assert quantization_table.main(["--readme", str(readme)]) == 0
    assert readme.read_text().splitlines()[4] in capsys.readouterr().out
    assert readme.read_text().splitlines()[4].startswith("| iris | ")
    assert quantization_table.main(["--readme", str(tmp_path / "none")]) == 2


def test_a_folder_without_networks_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tflite_runtimes.main([str(tmp_path)]) == 2
    assert "there is no NAME.tflite" in capsys.readouterr().err


def test_bad_inputs_beside_a_network_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = golden.Graph.chain(golden.TensorType((3,), golden.IntType(8, True)), golden.Relu())
    monkeypatch.setattr("golden.from_tflite", lambda *_: graph)
    (tmp_path / "net.tflite").write_bytes(b"")
    np.savez(tmp_path / "net.npz", other=np.zeros(3))
    assert tflite_runtimes.main([str(tmp_path)]) == 2
    assert "must hold inputs x" in capsys.readouterr().err


@pytest.mark.parametrize("package", [MICRO, LITERT, ONNX])
def test_a_runtime_that_is_not_there_says_what_to_install(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tflite_micro.python.tflite_micro", "ai_edge_litert.interpreter", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {package}"):
        runtime(package)
