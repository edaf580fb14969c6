"""The command line: what each verb does when all is well, and exit status 1 where witnesses differ."""

import ast
import inspect
import io
import json
import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import tensorgate
from networks import perceptron

import rtlgen
import sim
from golden import Graph, load_fashion_mnist, zoo
from golden.zoo import recipes
from rtlgen.occupancy import peak_rows, room_rows, steady_samples
from rtlgen.timing import OUTPUT
from sim import cli
from sim.cli import POLITE, main
from sim.commands import design_argument
from sim.commands.model_argument import corner_samples
from sim.commands.module_name import module_name
from sim.commands.program import program
from sim.simulators.cocotb_launcher import WRITTEN
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl

VERBS = ("zoo", "golden", "plan", "generate", "verify", "profile", "accuracy", "train", "synth", "fuzz", "mutate")
LAYER_FIELDS = {"layer", "op", "type", "engine", "outputs", "inputs", "ii_cycles", "multipliers", "store_bits"}


@pytest.fixture
def graph():
    return perceptron((4, 3, 2))


@pytest.fixture
def saved(graph, tmp_path, monkeypatch):
    """A saved graph and its name; the test runs in its folder, which is also where temporary files go."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    graph.save("my-net 2.graph")
    return "my-net 2.graph"


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    """The command line was started as ``tensorgate``."""
    monkeypatch.setattr("sim.commands.verbs.program", lambda: ["tensorgate"])


def names(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def wrong_hardware(monkeypatch):
    """From now on the hardware is that of another network than the graph."""
    generate = design_argument.rtlgen.generate

    def generate_wrong(graph, *args, **options):
        first = graph.nodes[0]
        other = replace(first, op=replace(first.op, bias=first.op.bias + 10_000))
        return replace(generate(replace(graph, nodes=(other, *graph.nodes[1:])), *args, **options), graph=graph)

    monkeypatch.setattr(design_argument.rtlgen, "generate", generate_wrong)


def test_zoo_lists_every_network_with_its_accuracy():
    status, out, err = tensorgate("zoo", "--json")
    networks = json.loads(out)["networks"]
    assert (status, err) == (0, "")
    assert [network["name"] for network in networks] == list(zoo.NAMES)
    iris = networks[0]
    assert iris["parameters"] == 83
    assert iris["macs"] == 70
    assert iris["data"] == "iris"
    assert iris["data_installed"] is True
    assert iris["integer_accuracy"] == zoo.load("iris").integer_accuracy
    assert iris["float_accuracy"] == zoo.load("iris").float_accuracy
    assert iris["test_samples"] == 30
    assert networks[-1]["data"] == "Fashion-MNIST"


@pytest.fixture
def without_fashion(monkeypatch):
    """As on a machine without the package of Fashion-MNIST."""
    recipe = recipes.RECIPES["fashion_lenet"]

    def load(seed):
        return load_fashion_mnist(seed, folder="nowhere")

    missing = replace(recipe.data, file=Path("nowhere"), load=load)
    monkeypatch.setitem(recipes.RECIPES, "fashion_lenet", replace(recipe, data=missing))


def test_zoo_says_how_to_install_the_data_that_is_missing(monkeypatch, without_fashion):
    monkeypatch.setattr(zoo, "NAMES", ("iris", "fashion_lenet"))
    status, out, err = tensorgate("zoo")
    assert (status, err) == (0, "")
    assert out.endswith("\n\nFashion-MNIST is not installed: apt-get install dataset-fashion-mnist\n")
    assert "fashion_lenet" in out
    installed = [network["data_installed"] for network in json.loads(tensorgate("zoo", "--json").out)["networks"]]
    assert installed == [True, False]


@pytest.mark.parametrize("verb", ["accuracy", "plan"])
def test_a_network_without_its_data_says_what_to_install(verb, without_fashion):
    status, out, err = tensorgate(verb, "fashion_lenet")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "apt-get install dataset-fashion-mnist" in err


def test_a_table_into_a_pipe_is_plain_and_has_one_row_a_line(monkeypatch):
    monkeypatch.setattr(zoo, "NAMES", ("iris", "wine"))
    status, out, err = tensorgate("zoo")
    head, *rows = out.splitlines()
    assert (status, err) == (0, "")
    assert head.split() == [
        "name",
        "task",
        "data",
        "set",
        "parameters",
        "MACs",
        "float",
        "accuracy",
        "integer",
        "accuracy",
    ]
    assert [row.split()[0] for row in rows] == ["iris", "wine"]
    assert rows[0].endswith(f"{zoo.load('iris').integer_accuracy:.1%}")
    assert out.isascii()
    assert out.isprintable() or set(out) - set(map(chr, range(32, 127))) == {"\n"}


def test_golden_turns_integers_into_integers(saved, graph):
    x = corner_samples(graph.input_type, 9, seed=1)
    np.save("x.npy", x.astype(np.int8))
    status, out, err = tensorgate("golden", saved, "--input", "x.npy", "--output", "y.npy")
    assert (status, out, err) == (0, "y.npy: 9 samples of u1[]\n", "")
    np.testing.assert_array_equal(np.load("y.npy"), graph(x))


def test_golden_as_json(saved, graph):
    np.save("x.npy", corner_samples(graph.input_type, 9, seed=1))
    status, out, err = tensorgate("golden", saved, "--input", "x.npy", "--output", "y.npy", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"name": "my_net_2", "output": "y.npy", "samples": 9, "type": "u1[]"}
    assert np.load("y.npy").shape == (9,)


def test_golden_writes_to_the_very_name_and_replaces_it(saved, graph):
    np.save("x.npy", corner_samples(graph.input_type, 2, seed=1))
    Path("result").write_text("old")
    arguments = ("golden", saved, "--input", "x.npy", "--output", "result", "--arithmetic", "half_up")
    assert tensorgate(*arguments).status == 0
    assert np.load("result").shape == (2,)
    assert names() == ["my-net 2.graph", "result", "x.npy"]


def test_what_the_encoding_of_the_output_lacks_is_escaped(saved, graph, monkeypatch):
    np.save("x.npy", corner_samples(graph.input_type, 2, seed=1))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert main(["golden", saved, "--input", "x.npy", "--output", "größe.npy"]) == 0
    assert sys.stdout.buffer.getvalue() == b"gr\\xf6\\xdfe.npy: 2 samples of u1[]\n"


def test_plan_as_json_is_the_plan(saved, graph):
    status, out, err = tensorgate("plan", saved, "--multipliers", 3, "--json")
    content, plan = json.loads(out), design_argument.rtlgen.plan(graph, 3)
    assert (status, err) == (0, "")
    assert content["name"] == "my_net_2"
    for field in ("ii_cycles", "latency_cycles", "multipliers", "utilisation", "multiplier_budget"):
        assert content[field] == plan.as_json()[field]
    assert [layer["layer"] for layer in content["layers"]] == list(plan.layers)
    assert all(layer.keys() >= LAYER_FIELDS for layer in content["layers"])


def test_plan_shows_every_layer_and_the_totals(saved, graph):
    status, out, err = tensorgate("plan", saved)
    plan = design_argument.rtlgen.plan(graph)
    assert (status, err) == (0, "")
    for name, layer in plan.layers.items():
        (line,) = (line for line in out.splitlines() if line.startswith(f"{name} "))
        assert str(graph.types[name]) in line
        assert f" {layer.engine} " in line
        assert f" {layer.outputs} x {layer.inputs} " in line or not layer.outputs
    totals = dict(line.split(maxsplit=1) for line in out.splitlines()[-4:])
    assert totals["ii_cycles"] == str(plan.ii_cycles)
    assert totals["latency_cycles"] == str(plan.latency_cycles)
    assert totals["multipliers"] == f"{plan.multipliers} of 64"
    assert totals["utilisation"] == f"{plan.utilisation:.1%}"


def test_a_limit_of_the_latency_is_kept_or_refused(saved: str) -> None:
    usual, prompt = (
        json.loads(tensorgate("plan", "digits_cnn", *more, "--json").out) for more in ([], ["--latency-intervals", 1.8])
    )
    assert usual["latency_cycles"] > 1.8 * usual["ii_cycles"]
    assert prompt["latency_cycles"] <= 1.8 * prompt["ii_cycles"]
    status, out, err = tensorgate("plan", saved, "--unrolled", "--latency-intervals", 2)
    assert (status, out) == (2, "")
    assert "--unrolled hardware has one latency" in err
    status, out, err = tensorgate("plan", saved, "--multipliers", 3, "--latency-intervals", 1)
    assert (status, out) == (2, "")
    assert "with 3 multipliers no latency of at most 1.0 intervals is found" in err


def test_unrolled_plan_has_no_budget(saved):
    content = json.loads(tensorgate("plan", saved, "--unrolled", "--json").out)
    assert content["multiplier_budget"] is None
    assert content["layers"][0]["engine"] == "unrolled"


def test_a_plan_tells_how_full_its_buffers_get(saved: str) -> None:
    content = json.loads(tensorgate("plan", saved, "--multipliers", 3, "--json").out)
    plan = rtlgen.plan(Graph.load(saved), 3)
    peaks, room = peak_rows(plan, steady_samples(plan)), room_rows(plan)
    found = {
        (layer["layer"], place): (buffer["peak_rows"], buffer["rows"])
        for layer in [*content["layers"], {"layer": OUTPUT, "buffers": [content["output_buffer"]]}]
        for place, buffer in enumerate(layer["buffers"])
    }
    assert found == {key: (peaks[key], room[key]) for key in room}
    assert all(0 < peak <= rows for peak, rows in found.values())
    assert len(found) == 3, "two dense layers and the output"


@pytest.mark.parametrize("verb", [["plan", "--json"], ["generate", "-o", "made"]])
def test_more_multipliers_than_useful_are_noted(verb, saved, graph):
    useful = design_argument.rtlgen.plan(graph, 100_000).multipliers
    status, out, err = tensorgate(verb[0], saved, *verb[1:], "--multipliers", 100_000)
    assert status == 0
    assert out
    assert err == f"note: {useful} multipliers are useful for this network, 100000 make it no faster\n"
    assert tensorgate("plan", saved, "--multipliers", useful).err == ""
    left_over = 11  # 10 of them are taken, and 15 would make it faster
    assert design_argument.rtlgen.plan(graph, left_over).multipliers < left_over
    assert tensorgate("plan", saved, "--multipliers", left_over).err == ""


def test_generate_writes_verilog_and_ports_and_may_do_so_again(saved, graph):
    status, out, err = tensorgate("generate", saved, "-o", "made", "--multipliers", 2)
    design = design_argument.rtlgen.generate(graph, 2, name="my_net_2")
    assert (status, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()[:2]] == ["made/my_net_2.v", "made/my_net_2.json"]
    assert Path("made/my_net_2.v").read_text() == design.verilog
    assert json.loads(Path("made/my_net_2.json").read_text()) == design.ports
    assert tensorgate("generate", saved, "-o", "made", "--unrolled").status == 0
    assert Path("made/my_net_2.v").read_text() != design.verilog
    Graph.load(saved).save("second.graph")
    assert tensorgate("generate", "second.graph", "-o", "made").status == 0
    assert names("made") == ["my_net_2.json", "my_net_2.v", "second.json", "second.v"]


def test_generate_as_json(saved, graph):
    status, out, err = tensorgate("generate", saved, "-o", "made", "--multipliers", 2, "--json")
    content, plan = json.loads(out), design_argument.rtlgen.plan(graph, 2)
    assert (status, err) == (0, "")
    assert (content["verilog"], content["ports"]) == ("made/my_net_2.v", "made/my_net_2.json")
    assert Path(content["verilog"]).is_file()
    assert Path(content["ports"]).is_file()
    assert content["module"] == "my_net_2"
    assert content["ii_cycles"] == plan.ii_cycles
    assert content["latency_cycles"] == plan.latency_cycles
    assert content["multipliers"] == plan.multipliers


def test_verify_a_saved_graph_on_corners_and_random_samples(saved):
    status, out, err = tensorgate("verify", saved, "--simulator", "pyrtl", "--samples", 7, "--json")
    content = json.loads(out)
    assert (status, err) == (0, "")
    assert content["verdict"] == "equal"
    assert (content["name"], content["samples"], content["simulators"]) == ("my_net_2", 7, ["pyrtl"])
    assert names() == [saved]


@pytest.mark.parametrize("options", [["--unrolled"], ["--multipliers", "1"]])
def test_verify_prints_who_agrees(options, saved):
    status, out, err = tensorgate("verify", saved, "--simulator", "pyrtl", *options)
    assert (status, err) == (0, "")
    assert out.startswith("my_net_2: golden == pyrtl on 32 samples\n")


def seen_by_verify(monkeypatch):
    """The arguments of every ``sim.verify`` from now on, which runs PyRTL only."""
    calls, verify = [], sim.verify

    def recorded(design, x, **options):
        calls.append((design, x, options))
        return verify(design, x, **{**options, "simulators": ["pyrtl"]})

    monkeypatch.setattr(sim, "verify", recorded)
    return calls


@pytest.mark.slow
def test_verify_takes_the_test_set_from_its_start(monkeypatch):
    calls, iris = seen_by_verify(monkeypatch), zoo.load("iris")
    assert tensorgate("verify", "iris", "--samples", 5, "--seed", 7).status == 0
    ((design, x, options),) = calls
    assert design.name == "iris"
    np.testing.assert_array_equal(x, iris.graph.encode(iris.dataset["test"].x)[:5])
    assert options["seed"] == 7
    assert tuple(options["simulators"]) == ("pyrtl", "icarus")


@pytest.mark.slow
def test_random_samples_of_a_saved_graph_follow_the_seed(saved, monkeypatch):
    calls = seen_by_verify(monkeypatch)
    for seed in (1, 1, 2):
        assert tensorgate("verify", saved, "--seed", seed).status == 0
    first, again, other = (x for _, x, _ in calls)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_verify_passes_on_a_command_that_reproduces_it(saved, graph, monkeypatch):
    np.save("x y.npy", corner_samples(graph.input_type, 9, seed=1))
    calls = seen_by_verify(monkeypatch)
    assert (
        tensorgate("verify", saved, "--input", "x y.npy", "--samples", 4, "--multipliers", 5, "--seed", 3).status == 0
    )
    program, *again = shlex.split(calls[0][2]["command"])
    assert program == "tensorgate"
    assert tensorgate(*again).status == 0
    assert calls[1][2]["command"] == calls[0][2]["command"]
    assert calls[1][0].plan == calls[0][0].plan
    assert calls[1][2]["seed"] == calls[0][2]["seed"] == 3
    np.testing.assert_array_equal(calls[0][1], np.load("x y.npy")[:4])
    np.testing.assert_array_equal(calls[1][1], calls[0][1])


@pytest.mark.parametrize(("options", "count"), [(["--samples", "500"], 9), ([], 9), (["--samples", "9"], 9)])
def test_more_samples_than_there_are_is_a_note_and_all(options, count, saved, graph, monkeypatch):
    np.save("x.npy", corner_samples(graph.input_type, 9, seed=1))
    calls = seen_by_verify(monkeypatch)
    status, _, err = tensorgate("verify", saved, "--input", "x.npy", *options)
    assert status == 0
    assert len(calls[0][1]) == count
    assert err == ("note: there are 9 samples in 'x.npy', not 500: taking them all\n" if "500" in options else "")


def test_corner_samples_reach_the_ends_of_the_type(graph):
    type = graph.input_type
    x = corner_samples(type, 40, seed=0)
    type.check(x)
    assert x[0].tolist() == [type.dtype.min] * 4
    assert x[1].tolist() == [type.dtype.max] * 4
    assert x[4].tolist() == [0] * 4
    np.testing.assert_array_equal(corner_samples(type, 40, seed=0), x)
    assert (corner_samples(type, 40, seed=1) != x).any()
    assert len(corner_samples(type, 2, seed=0)) == 2


@pytest.mark.slow
def test_a_difference_is_printed_with_exit_status_1_and_its_files_stay(saved, monkeypatch):
    wrong_hardware(monkeypatch)
    status, out, err = tensorgate("verify", saved, "--simulator", "pyrtl", "--samples", 3)
    (folder,) = (path for path in Path.cwd().iterdir() if path.is_dir())
    assert (status, err) == (1, "")
    assert out.startswith("pyrtl: ")
    assert "golden" in out
    assert f"files: {folder}" in out
    assert "reproduce with: tensorgate verify 'my-net 2.graph' --samples 3 --seed 0 --simulator pyrtl" in out
    assert (folder / "difference.json").is_file()


@pytest.mark.slow
def test_a_difference_as_json(saved, monkeypatch):
    wrong_hardware(monkeypatch)
    status, out, err = tensorgate("verify", saved, "--simulator", "pyrtl", "--json")
    content = json.loads(out)
    assert (status, err) == (1, "")
    assert content["verdict"] == "different"
    assert content["witness"] == "pyrtl"
    assert Path(content["folder"]).is_dir()
    assert content["command"].startswith("tensorgate verify ")


def test_accuracy_of_float_integers_and_hardware(monkeypatch):
    iris = zoo.load("iris")
    status, out, err = tensorgate("accuracy", "iris", "--simulator", "pyrtl", "--json")
    content = json.loads(out)
    assert (status, err) == (0, "")
    assert content["samples"] == len(iris.dataset["test"])
    assert content["float_accuracy"] == iris.float_accuracy
    assert content["golden_accuracy"] == content["rtl_accuracy"] == iris.integer_accuracy
    assert content["simulator"] == "pyrtl"
    assert content["time_s"] > 0


@pytest.mark.slow
def test_accuracy_on_the_first_samples_runs_them_in_pieces(monkeypatch):
    monkeypatch.setattr("sim.commands.checks.PIECE_SAMPLES", 4)
    sizes, run = [], Pyrtl.run
    monkeypatch.setattr(
        Pyrtl, "run", lambda self, design, x, build: sizes.append(len(x)) or run(self, design, x, build)
    )
    status, out, err = tensorgate("accuracy", "iris", "--simulator", "pyrtl", "--samples", 10)
    assert (status, err) == (0, "")
    assert sizes == [4, 4, 2]
    assert "10 test samples" in out
    assert "hardware under pyrtl" in out


def test_accuracy_without_hardware_is_that_of_float_and_golden(monkeypatch):
    monkeypatch.setattr("sim.commands.verbs.ops_without_hardware", lambda graph: {"MaxPool": ["pool1"], "Conv": ["c1"]})
    digits_cnn = zoo.load("digits_cnn")
    status, out, err = tensorgate("accuracy", "digits_cnn", "--json")
    content = json.loads(out)
    assert (status, err) == (0, "")
    assert content["float_accuracy"] == digits_cnn.float_accuracy
    assert content["golden_accuracy"] == digits_cnn.integer_accuracy
    assert content["rtl_accuracy"] is None
    assert content["ops_without_hardware"] == ["Conv", "MaxPool"]
    status, out, err = tensorgate("accuracy", "digits_cnn", "--samples", 20)
    assert (status, err) == (0, "")
    assert "20 test samples" in out
    assert out.endswith("\nthere is no hardware for Conv and MaxPool yet\n")


def test_accuracy_of_wrong_hardware_is_a_failed_check(saved, monkeypatch):
    wrong_hardware(monkeypatch)
    status, out, err = tensorgate("accuracy", "iris", "--simulator", "pyrtl")
    assert (status, err) == (1, "")
    assert "sample" in out
    assert "reproduce with: tensorgate accuracy iris" in out


def test_a_crashing_tool_is_told_with_its_log(saved, monkeypatch):
    def crash(self, design, x, build):
        raise sim.ToolError("vvp failed with exit status 3", ["vvp", "-n"], "out of luck")

    monkeypatch.setattr(Icarus, "run", crash)
    monkeypatch.setattr("sim.simulators.programs.find_tool", lambda name: Path(name))
    status, out, err = tensorgate("accuracy", "iris")
    assert (status, out) == (1, "")
    assert err.startswith("tensorgate: vvp failed with exit status 3")
    assert "out of luck" in err
    (folder,) = (path for path in Path.cwd().iterdir() if path.is_dir())
    assert err.endswith(f"\nfiles: {folder}\n")
    assert "simulator crashed" in tensorgate("--help").out


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb_has_examples(verb, flag):
    status, out, err = tensorgate(verb, flag)
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: tensorgate {verb} ")
    assert f"\n    tensorgate {verb}" in out


def test_help_lists_the_verbs_in_order_and_whole():
    status, out, err = tensorgate("--help")
    listed = [line.split()[0] for line in out.split("Commands:\n")[1].splitlines()]
    assert (status, err) == (0, "")
    assert listed == list(VERBS)
    assert "..." not in out.split("Commands:\n")[1]
    assert tensorgate() == (status, out, err)


def test_version():
    status, out, err = tensorgate("--version")
    assert (status, err) == (0, "")
    assert out.startswith("tensorgate")


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("iris", "iris"),
        ("my-net 2", "my_net_2"),
        ("größe", "gr__e"),
        ("2nd", "net_2nd"),
        ("", "net_"),
        ("module", "module_net"),
        ("logic", "logic_net"),
        ("bench", "bench"),
        ("tensorgate_bulk_bench", "tensorgate_bulk_bench_net"),
        ("x" * 500, "x" * 64),
    ],
)
def test_module_names_are_free_identifiers(stem, name):
    assert module_name(stem) == name


def test_module_names_avoid_the_files_of_the_testbench():
    names = {module_name(Path(file).stem) for file in WRITTEN}
    assert not names & {Path(file).stem for file in WRITTEN}


def test_ctrl_c_is_one_line_and_leaves_nothing(saved, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sim, "verify", interrupted)
    assert tensorgate("verify", saved, "--simulator", "pyrtl") == (130, "", "tensorgate: interrupted\n")
    monkeypatch.setattr(design_argument.rtlgen, "generate", interrupted)
    assert tensorgate("generate", saved, "-o", "made") == (130, "", "tensorgate: interrupted\n")
    assert names() == [saved]


def test_a_signal_is_one_line_and_leaves_nothing(saved, monkeypatch):
    before = [signal.getsignal(number) for number in POLITE]
    for number in POLITE:
        monkeypatch.setattr(sim, "verify", lambda *args, number=number, **options: signal.raise_signal(number))
        ended = tensorgate("verify", saved, "--simulator", "pyrtl")
        assert ended == (128 + number, "", f"tensorgate: stopped by {number.name}\n")
        assert names() == [saved]
    assert [signal.getsignal(number) for number in POLITE] == before


def test_a_signal_that_is_to_be_ignored_is_ignored(saved, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        generate = design_argument.rtlgen.generate
        monkeypatch.setattr(
            design_argument.rtlgen, "generate", lambda *a, **o: signal.raise_signal(signal.SIGHUP) or generate(*a, **o)
        )
        assert tensorgate("generate", saved, "-o", "made").status == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_while_it_still_imports(monkeypatch):
    class Interrupted:
        def find_spec(self, name, path=None, target=None):
            if name == "sim.commands.command_line":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "sim.commands.command_line")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert tensorgate("zoo") == (130, "", "tensorgate: interrupted\n")


def test_the_way_in_imports_late():
    top = [node for node in ast.parse(inspect.getsource(cli)).body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {getattr(node, "module", None) or node.names[0].name for node in top}
    assert {module.split(".")[0] for module in modules} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("started", "path", "words"),
    [
        ("bin/tensorgate", "bin", ["tensorgate"]),
        ("bin/tensorgate", "elsewhere", ["bin/tensorgate"]),
        ("bin/tensorgate", "other", ["bin/tensorgate"]),  # another one is on the PATH
        ("sim/cli.py", "bin", [".venv/bin/python", "-m", "sim.cli"]),
    ],
)
def test_what_is_to_be_typed_again_can_be_typed(started, path, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("bin", "other"):
        Path(folder).mkdir()
        Path(folder, "tensorgate").write_text("#!/bin/sh\n")
        Path(folder, "tensorgate").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / path))
    monkeypatch.setattr("sys.argv", [str(tmp_path / started), "verify"])
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv/bin/python"))
    assert program() == words


@pytest.mark.slow
def test_accuracy_of_the_emitted_verilog():
    content = json.loads(tensorgate("accuracy", "digits", "--json").out)
    assert content["simulator"] == "icarus"
    assert content["rtl_accuracy"] == content["golden_accuracy"] > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["bench", "tensorgate_bulk_bench", "module", "logic", "testbench"])
def test_any_file_name_makes_a_design_that_verifies(stem, graph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph.save(f"{stem}.graph")
    assert tensorgate("verify", f"{stem}.graph", "--samples", 3, "--simulator", "icarus").status == 0
