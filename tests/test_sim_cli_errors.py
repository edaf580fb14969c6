"""Users' mistakes at the command line: exit status 2, nothing on standard output, one line that says what and where."""

import os
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from networks import perceptron

from golden import Graph, IntType, Node, Relu, Requantize, TensorType, zoo
from sim.commands.user_error import one_line
from sim.tools import TOOLS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to be in, with good and bad files."""
    monkeypatch.chdir(tmp_path)
    graph = perceptron((4, 3, 2))
    graph.save("good.graph")
    good = Path("good.graph").read_bytes()
    Path("half.graph").write_bytes(good[: len(good) // 2])
    Path("empty.graph").write_bytes(b"")
    for name in ("text.graph", "text.tflite", "text.onnx"):
        Path(name).write_text("not a graph\n")
    with zipfile.ZipFile("foreign.graph", "w") as file:
        file.writestr("letter.txt", "dear reader")
    Path("folder.graph").mkdir()
    Path("dangling").symlink_to("gone.graph")
    x = TensorType((4,), IntType(8, True))
    Graph({"x": x}, (Node("one", Relu(), ("x",)), Node("two", Relu(), ("x",))), ("two",)).save("branches.graph")

    wide = TensorType((3,), IntType(26, True))
    inexact = Requantize([3, 12345677, 1 << 23], [3, 31, 24], 1, IntType(8, True), "float32")
    Graph.chain(wide, inexact).save("wide.graph")

    np.save("x.npy", np.zeros((3, 4), dtype=np.int64))
    np.save("float.npy", np.zeros((3, 4)))
    np.save("shape.npy", np.zeros((3, 5), dtype=np.int64))
    np.save("one.npy", np.zeros(4, dtype=np.int64))
    np.save("large.npy", np.full((3, 4), 200))
    np.save("none.npy", np.zeros((0, 4), dtype=np.int64))
    np.save("object.npy", np.array([[1, 2, 3, None]]), allow_pickle=True)
    np.savez("many.npz", x=np.zeros((3, 4), dtype=np.int64))
    Path("text.npy").write_text("1 2 3 4\n")
    Path("empty.npy").write_bytes(b"")
    Path("half.npy").write_bytes(Path("x.npy").read_bytes()[:150])
    Path("header.npy").write_bytes(Path("x.npy").read_bytes().replace(b"(3, 4)", b"(3, 4("))

    os.mkfifo("pipe")  # in place of a real device, which a missing check would replace

    Path("full").mkdir()
    Path("full/thesis.txt").write_text("irreplaceable\n")
    Path("theirs").mkdir()
    Path("theirs/good.v").write_text("module good; endmodule\n")
    Path("theirs/good.json").write_text('{"name": "good"}\n')
    return tmp_path


GOLDEN = ["golden", "good.graph", "--output", "y.npy", "--input"]

MISTAKES = [
    # verbs and options
    (["zop"], ["verb 'zop'", "zoo, golden, plan, generate, verify, profile, accuracy", "did you mean 'zoo'"]),
    (["deploy", "iris"], ["verb 'deploy'", "zoo, golden"]),
    (["synth", "iris"], ["Missing option '--target'", "ecp5-85k"]),
    (["synth", "iris", "--target", "spartan"], ["'spartan'", "ecp5-85k"]),
    (["--nonsense"], ["--nonsense"]),
    (["plan"], ["MODEL"]),
    (["plan", "good.graph", "extra"], ["extra"]),
    (["plan", "good.graph", "--nonsense"], ["--nonsense", "tensorgate plan --help"]),
    (["plan", "good.graph", "--multipliers"], ["--multipliers", "argument"]),
    (["plan", "good.graph", "--multipliers", "0"], ["--multipliers", "at least 1", "'0'"]),
    (["plan", "good.graph", "--multipliers", "-3"], ["--multipliers", "at least 1", "'-3'"]),
    (["plan", "good.graph", "--multipliers", "many"], ["--multipliers", "integer", "'many'"]),
    (["plan", "good.graph", "--multipliers", "2.5"], ["--multipliers", "integer", "'2.5'"]),
    (["plan", "good.graph", "--unrolled", "--multipliers", "4"], ["--unrolled", "--multipliers 4", "not both"]),
    (["generate", "good.graph", "-o", "new", "--unrolled", "--multipliers", "4"], ["--unrolled", "not both"]),
    (["verify", "good.graph", "--unrolled", "--multipliers", "4"], ["--unrolled", "not both"]),
    (["verify", "good.graph", "--samples", "0"], ["--samples", "at least 1", "'0'"]),
    (["verify", "good.graph", "--samples", "999999999999999"], ["--samples 999999999999999"]),
    (["verify", "good.graph", "--seed", "-1"], ["--seed", "at least 0", "'-1'"]),
    (["verify", "good.graph", "--simulator", "spice"], ["--simulator", "spice", "icarus", "verilator", "pyrtl", "all"]),
    (["accuracy", "iris", "--samples", "0"], ["--samples", "at least 1"]),
    (["accuracy", "iris", "--simulator", "all"], ["--simulator", "'all'", "icarus"]),
    # MODEL
    (["plan", "irsi"], ["zoo", "'irsi'", "did you mean 'iris'"]),
    (["plan", "transformer"], ["zoo", "'transformer'", *zoo.NAMES]),
    (["plan", ""], ["MODEL", "not ''", "graph file", *zoo.NAMES]),
    (["plan", "dangling"], ["no file 'dangling'"]),
    (["verify", "./dangling", "--simulator", "pyrtl"], ["no file './dangling'"]),
    (["plan", "./irsi"], ["no file './irsi'"]),
    (["plan", "missing.graph"], ["no file 'missing.graph'"]),
    (["plan", "there/iris"], ["no file 'there/iris'"]),
    (["plan", "folder.graph"], ["'folder.graph'", "is a folder", "graph file"]),
    (["plan", "/dev/null"], ["'/dev/null'", "device"]),
    (["plan", "half.graph"], ["'half.graph'", "truncated"]),
    (["plan", "empty.graph"], ["'empty.graph'", "zip"]),
    (["plan", "text.graph"], ["'text.graph'", "zip"]),
    (["plan", "foreign.graph"], ["'foreign.graph'", "graph.json", "letter.txt"]),
    (["plan", "branches.graph"], ["branches.graph", "layer 'one' is read by no other layer"]),
    (["generate", "branches.graph", "-o", "new"], ["layer 'one'"]),
    (["plan", "wide.graph"], ["'wide.graph'", "Requantize has no hardware", "in layer 'requantize1'"]),
    (["plan", "x.npy"], ["'x.npy'", "graph file"]),
    (["plan", "net.tflite"], ["no file 'net.tflite'"]),
    (["golden", "NET.ONNX", "--input", "x.npy", "--output", "y.npy"], ["no file 'NET.ONNX'"]),
    (["profile", "text.tflite"], ["MODEL", "text.tflite"]),
    (["golden", "text.onnx", "--input", "x.npy", "--output", "y.npy"], ["MODEL", "text.onnx"]),
    (["profile", "good.graph", "--html", "no/p.html"], ["--html", "no/p.html", "does not exist"]),
    (["profile", "good.graph", "--samples", "0"], ["--samples", "at least 1"]),
    (["profile", "good.graph", "--input", "shape.npy"], ["'shape.npy'", "(batch, 4)"]),
    (["accuracy", "good.graph"], ["'good.graph'", "no task", "iris"]),
    # x.npy
    ([*GOLDEN, "missing.npy"], ["--input 'missing.npy'", "No such file"]),
    ([*GOLDEN, "folder.graph"], ["--input 'folder.graph'", "directory"]),
    ([*GOLDEN, "text.npy"], ["--input 'text.npy'", "npy file", "s8[4]"]),
    ([*GOLDEN, "empty.npy"], ["--input 'empty.npy'", "npy file"]),
    ([*GOLDEN, "half.npy"], ["--input 'half.npy'", "npy file"]),
    ([*GOLDEN, "header.npy"], ["--input 'header.npy'", "npy file"]),
    ([*GOLDEN, "many.npz"], ["--input 'many.npz'", "npy file"]),
    ([*GOLDEN, "object.npy"], ["--input 'object.npy'", "Object arrays"]),
    ([*GOLDEN, "float.npy"], ["--input 'float.npy'", "integers", "s8[4]", "float64"]),
    ([*GOLDEN, "shape.npy"], ["--input 'shape.npy'", "(batch, 4)", "(3, 5)"]),
    ([*GOLDEN, "one.npy"], ["--input 'one.npy'", "(batch, 4)", "(4,)"]),
    ([*GOLDEN, "large.npy"], ["--input 'large.npy'", "[-128, 127]", "200"]),
    ([*GOLDEN, "none.npy"], ["--input 'none.npy'", "at least one sample", "(0, 4)"]),
    (["verify", "good.graph", "--simulator", "pyrtl", "--input", "shape.npy"], ["'shape.npy'", "(batch, 4)"]),
    (["verify", "good.graph", "--simulator", "pyrtl", "--input", "none.npy"], ["'none.npy'", "at least one"]),
    (["golden", "good.graph", "--output", "y.npy"], ["--input"]),
    # --arithmetic
    ([*GOLDEN, "x.npy", "--arithmetic", "tflm"], ["half_up", "tflm", "'good.graph'", ".tflite"]),
    ([*GOLDEN, "x.npy", "--arithmetic", "single"], ["half_up", "single", "'good.graph'"]),
    ([*GOLDEN, "x.npy", "--arithmetic", "exact"], ["--arithmetic", "'exact'", "half_up"]),
    # places to write to
    (["golden", "good.graph", "--input", "x.npy"], ["--output"]),
    (["golden", "good.graph", "--input", "x.npy", "--output", "no/y.npy"], ["no/y.npy", "does not exist"]),
    (["golden", "good.graph", "--input", "x.npy", "--output", "full"], ["'full'", "must be a file"]),
    (["golden", "good.graph", "--input", "x.npy", "--output", "pipe"], ["'pipe'", "must be a file"]),
    (["golden", "good.graph", "--input", "x.npy", "--output", "/proc/y.npy"], ["--output", "/proc/"]),
    (["generate", "good.graph"], ["-o"]),
    (["generate", "good.graph", "-o", "full"], ["'full'", "empty", "holds other files"]),
    (["generate", "good.graph", "-o", "theirs"], ["'theirs'", "holds other files"]),
    (["generate", "good.graph", "-o", "text.npy"], ["'text.npy'", "must be a folder"]),
    (["generate", "good.graph", "-o", "no/new"], ["'no/new'", "'no'", "does not exist"]),
    (["generate", "good.graph", "-o", "/proc/new"], ["--output", "/proc/new"]),
]


def assert_one_line(ended, words):
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("tensorgate: ")
    assert ended.err.endswith("\n")
    assert ended.err.count("\n") == 1
    assert "Usage:" not in ended.err
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("args", "words"), MISTAKES, ids=lambda value: " ".join(value))
def test_a_mistake_is_one_line_and_changes_nothing(args, words, folder):
    before = snapshot(folder)
    assert_one_line(tensorgate(*args), words)
    assert snapshot(folder) == before
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("args", "programs"),
    [
        (["verify", "good.graph"], ["iverilog"]),
        (["verify", "good.graph", "--simulator", "icarus", "--json"], ["iverilog"]),
        (["verify", "good.graph", "--simulator", "verilator"], ["verilator"]),
        (["accuracy", "iris"], ["iverilog"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_missing_program_is_told_with_how_to_install_it_before_any_work(args, programs, folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sim.tools.sys.executable", str(folder / "python"))
    monkeypatch.setattr("sim.simulators.programs.program", lambda: "verilator")
    monkeypatch.setattr("sim.commands.verbs.Model.load", lambda argument: pytest.fail("the model was loaded first"))
    assert_one_line(tensorgate(*args), [f"'{program}' is not installed: {TOOLS[program]}" for program in programs])


def test_pyrtl_needs_no_program(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    assert tensorgate("verify", "good.graph", "--simulator", "pyrtl", "--samples", "2").status == 0


def test_files_that_only_look_like_ours_are_not_replaced(folder):
    assert tensorgate("generate", "good.graph", "-o", "ours").status == 0
    Path("ours/other.v").write_text("module other; endmodule\n")
    Path("good.graph").rename("other.graph")
    before = snapshot(folder)
    assert_one_line(tensorgate("generate", "other.graph", "-o", "ours"), ["ours/other.v", "would be replaced"])
    assert snapshot(folder) == before


def test_an_unwritable_folder(folder, monkeypatch):
    monkeypatch.setattr("sim.commands.output_argument.os.access", lambda path, mode: False)
    Path("closed").mkdir()
    assert_one_line(tensorgate("generate", "good.graph", "-o", "closed"), ["'closed'", "writable"])
    assert_one_line(tensorgate("generate", "good.graph", "-o", "closed/new"), ["'closed'", "writable"])
    assert_one_line(tensorgate(*GOLDEN[:3], "closed/y.npy", "--input", "x.npy"), ["closed", "writable"])


@pytest.mark.parametrize("verb", [["generate", "good.graph", "-o", "new"], [*GOLDEN, "x.npy"]], ids=lambda v: v[0])
def test_a_write_that_fails_leaves_nothing(verb, folder, monkeypatch):
    before = snapshot(folder)

    def full(self, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert_one_line(tensorgate(*verb), ["--output", "No space left on device"])
    assert snapshot(folder) == before
    assert not Path("new").exists()


def test_a_folder_that_was_there_stays_after_a_write_that_fails(folder, monkeypatch):
    Path("new").mkdir()

    def full(self, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert_one_line(tensorgate("generate", "good.graph", "-o", "new"), ["--output", "No space left on device"])
    assert list(Path("new").iterdir()) == []


def test_an_encrypted_or_absurd_graph_file(folder):
    content = bytearray(Path("good.graph").read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        content[place + offset] |= 1  # the flag of encryption
    Path("locked.graph").write_bytes(content)
    assert_one_line(tensorgate("plan", "locked.graph"), ["'locked.graph'", "not a valid graph file"])


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_never_show_a_traceback(seed, folder):
    random = np.random.default_rng(seed)
    graph, npy = Path("good.graph").read_bytes(), BytesIO()
    np.save(npy, np.zeros((3, 4), dtype=np.int64))
    for _ in range(25):
        for path, content, first in (("damaged.graph", graph, len(graph)), ("damaged.npy", npy.getvalue(), 128)):
            damaged = bytearray(content)
            for place in random.integers(first, size=3):
                damaged[place] = random.integers(256)
            Path(path).write_bytes(damaged)
        for ended in (tensorgate("plan", "damaged.graph"), tensorgate(*GOLDEN, "damaged.npy")):
            if ended.status:
                assert_one_line(ended, [])


def test_an_error_of_many_lines_becomes_one():
    error = ValueError("first\n  second\n")
    error.add_note("in layer\n'x'")
    assert one_line(error) == "first second, in layer 'x'"
    assert one_line(FileNotFoundError(2, "No such file", "a.npy")) == "No such file: 'a.npy'"
    assert one_line(MemoryError()) == "MemoryError"


def test_the_zoo_wins_over_a_file_and_a_path_is_the_file(folder):
    Path("good.graph").rename("iris")
    assert "s8[4] -> u2[]" in tensorgate("plan", "iris").out
    assert "s8[4] -> u1[]" in tensorgate("plan", "./iris").out
