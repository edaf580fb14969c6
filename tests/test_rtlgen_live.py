"""Dead channels cost nothing, and what is left equals the given network on every value."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import corners
from op_chains import random_chain
from op_graphs import GRAPHS, S8, Builder, random_graph

import rtlgen
import sim
from golden import Dense, Graph, Node, Relu, Reshape
from golden.ops import AveragePool, Clamp, Concat, Conv, Lookup, MaxPool, Pad, Slice, Sum, Transpose
from rtlgen.intervals import intervals
from rtlgen.live import Live, live
from sim.regression.mobilenet import mobilenet
from sim.simulators.pyrtl_simulator import Pyrtl

pytestmark = pytest.mark.slow  # it generates whole networks


def killed(graph: Graph, seed: int = 0, constant: int | None = None) -> Graph:
    """``graph`` with some outputs of its weighted layers, at random, that are their bias only."""
    random = np.random.default_rng(seed)
    nodes = []
    for node in graph.nodes:
        op = node.op
        if isinstance(op, Conv | Dense):
            weight, bias = op.weight.copy(), op.bias.copy()
            dead = random.random(len(bias)) < 0.5
            weight[dead] = 0
            if constant is not None:
                bias[dead] = constant
            op = replace(op, weight=weight, bias=bias)
        nodes.append(Node(node.name, op, node.inputs))
    return Graph(graph.inputs, tuple(nodes), graph.outputs)


def assert_equal_in_what_is_left(graph: Graph, batch: int = 8, seed: int = 0) -> Live:
    left = live(graph)
    x = corners(graph.input_type, batch, seed)
    of_given, of_left = left.trace(x), left.graph.trace(x)
    assert of_given.keys() == of_left.keys()
    for name, tensor in of_left.items():
        np.testing.assert_array_equal(tensor, of_given[name], err_msg=name)
    return left


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), convolutions=st.booleans())
def test_any_chain(seed: int, convolutions: bool) -> None:
    assert_equal_in_what_is_left(killed(random_chain(seed, convolutions=convolutions), seed), seed=seed)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32))
def test_any_graph(seed: int) -> None:
    graph = killed(random_graph(seed), seed)
    assert_equal_in_what_is_left(graph, seed=seed)
    for name, tensor in graph.trace(corners(graph.input_type, 8, seed)).items():
        low, high = intervals(graph)[name].arrays
        assert (tensor >= low).all(), name
        assert (tensor <= high).all(), name


@pytest.mark.parametrize("name", GRAPHS)
def test_forks_and_joins(name: str) -> None:
    assert_equal_in_what_is_left(killed(GRAPHS[name], 1))


def body(made: Builder, of: str = "x", kernel: int = 3) -> str:
    """Channels 1 and 4 of five are always -7, the others vary."""
    x = made.conv(of, 5, kernel)
    conv, requantize = made.nodes[-2:]
    weight, bias = conv.op.weight.copy(), conv.op.bias.copy()
    weight[[1, 4]], bias[[1, 4]] = 0, 0
    made.nodes[-2] = Node(conv.name, replace(conv.op, weight=weight, bias=bias), conv.inputs)
    made.nodes[-1] = Node(requantize.name, replace(requantize.op, zero_point=-7), requantize.inputs)
    return x


def depthwise(channels: int, padding_value: int = 0) -> Conv:
    weight = np.random.default_rng(channels).integers(-128, 127, (channels, 3, 3, 1))
    around = ((1, 1), (1, 1))
    return Conv(weight, np.zeros(channels, np.int64), padding=around, groups=channels, padding_value=padding_value)


def only(kept: list[int]) -> Dense:
    """A layer after which it does not matter what the other elements were."""
    weight = np.zeros((4, 5), np.int64)
    weight[:, kept] = 3
    return Dense(weight, np.zeros(4, np.int64))


WAYS = {
    "relu": (Relu(), [0, 2, 3]),
    "clamp": (Clamp(-100, 100), [0, 2, 3]),
    "lookup": (Lookup(np.arange(128, -128, -1).clip(-128, 127), -128, S8), [0, 2, 3]),
    "lookup per channel": (Lookup(np.random.default_rng(1).integers(-128, 127, (5, 256)), -128, S8), [0, 2, 3]),
    "max pool": (MaxPool((2, 2)), [0, 2, 3]),
    "max pool with a border": (MaxPool((3, 3), (1, 1), ((1, 1), (1, 1))), [0, 2, 3]),
    "average pool": (AveragePool((2, 2)), [0, 2, 3]),
    "sum": (Sum((0,), keep=True), [0, 2, 3]),
    "transpose of places": (Transpose((1, 0, 2)), [0, 2, 3]),
    "transpose of channels": (Transpose((2, 0, 1)), [0, 1, 2, 3, 4]),
    "sum of channels": (Sum((2,), keep=True), [0, 1, 2, 3, 4]),
    "pad of places": (Pad(((1, 0), (0, 2), (0, 0)), -7), [0, 2, 3]),
    "pad of places with another value": (Pad(((1, 0), (0, 2), (0, 0)), 5), [0, 1, 2, 3, 4]),
    "pad of channels": (Pad(((0, 0), (0, 0), (2, 1)), 5), [0, 2, 3]),
    "slice": (Slice((0, 0, 1), (2, 2, 4), (1, 1, 1)), [2, 3]),
    "slice with a stride": (Slice((0, 0, 0), (2, 2, 3), (1, 1, 2)), [0, 1, 2, 3, 4]),
    "depthwise": (depthwise(5, -7), [0, 2, 3]),
    "depthwise with another border": (depthwise(5, 3), [0, 1, 2, 3, 4]),
    "flatten": (Reshape((5 * 5 * 4,)), [0, 2, 3]),
    "reshape of rows": (Reshape((20, 5)), [0, 2, 3]),
    "reshape that mixes": (Reshape((25, 4)), [0, 1, 2, 3, 4]),
}


@pytest.mark.parametrize(("op", "kept"), WAYS.values(), ids=WAYS)
def test_a_dead_channel_goes_with_all_that_is_made_of_it(op: object, kept: list[int]) -> None:
    made = Builder(5, 4, 2, seed=3)
    x = body(made)
    y = made(op, x)
    type = made.types[y]
    weight = np.random.default_rng(2).integers(-9, 9, (3, type.inner))
    if len(type.shape) == 3:
        end = made(Conv(weight.reshape(3, 1, 1, -1), np.zeros(3, np.int64)), y)
    else:
        end = made(Dense(weight, np.zeros(3, np.int64)), y)
    left = assert_equal_in_what_is_left(made.graph(end))
    assert left.channels.get(x, np.arange(5)).tolist() == kept


def test_both_ways_of_a_sum_have_to_be_dead() -> None:
    for other_is_dead in (True, False):
        made = Builder(5, 4, 2, seed=3)
        a, b = body(made), body(made) if other_is_dead else made.conv("x", 5)
        left = assert_equal_in_what_is_left(made.graph(made.conv(made.add(a, b), 3, 1)))
        assert left.dead(a) == left.dead(b) == (2 if other_is_dead else 0)


def test_of_tensors_side_by_side_each_loses_its_own() -> None:
    made = Builder(5, 4, 2, seed=3)
    a, b, c = body(made), made.conv("x", 2), body(made)
    joined = made(Concat(2), a, b, c)
    left = assert_equal_in_what_is_left(made.graph(made.conv(joined, 3, 1)))
    assert left.channels[joined].tolist() == [0, 2, 3, 5, 6, 7, 9, 10]
    assert b not in left.channels


def test_a_channel_that_nobody_uses_is_dead_as_well() -> None:
    made = Builder(5, 4, 2, seed=3)
    x = made.conv("x", 5)
    last = made(Conv(only([0, 3]).weight.reshape(4, 1, 1, 5), np.zeros(4, np.int64), padding=((1, 1), (1, 1))), x)
    left = assert_equal_in_what_is_left(made.graph(last))
    assert left.channels[x].tolist() == [0, 3]


def test_at_a_border_of_another_value_a_channel_is_not_constant() -> None:
    for border, dead in ((-7, 2), (0, 0)):
        made = Builder(5, 4, 2, seed=3)
        x = body(made)
        weight = np.random.default_rng(5).integers(-9, 9, (3, 3, 3, 5))
        conv = Conv(weight, np.zeros(3, np.int64), padding=((1, 1), (1, 1)), padding_value=border)
        assert assert_equal_in_what_is_left(made.graph(made(conv, x))).dead(x) == dead


def test_inputs_and_outputs_stay_and_no_tensor_is_empty() -> None:
    made = Builder(4, seed=1)
    zero = made(Dense(np.zeros((3, 4), np.int64), np.array([1, -2, 3])), "x")
    left = assert_equal_in_what_is_left(made.graph(made(Relu(), zero)))
    assert not left.channels, "the output is constant, and it is what was asked for"
    end = made(Dense(np.ones((2, 3), np.int64), np.array([5, 6])), zero)
    made.nodes = [node for node in made.nodes if not isinstance(node.op, Relu)]
    left = assert_equal_in_what_is_left(made.graph(end))
    assert left.channels[zero].tolist() == [0]
    assert left.graph.input_type.shape == (4,)


def test_a_table_of_exact_sums_leaves_the_network_as_it_is() -> None:
    made = Builder(3, seed=1)
    x = made(Dense(np.array([[9, 2, 1], [0, 0, 0]]), np.array([5, 3])), "x")
    y = made(Dense(np.array([[1, 4]]), np.array([0])), x)
    assert made.types[y] != live(made.graph(made.dense(y, 2))).graph.types[y], "of a narrower type without it"
    values = 1 << made.types[y].dtype.bits
    graph = made.graph(made(Lookup(np.arange(values) % 100, made.types[y].dtype.min, S8), y))
    assert not assert_equal_in_what_is_left(graph).channels


def small() -> Graph:
    """Full and depthwise convolutions, a way around, a mean, a dense layer; two of five channels dead everywhere."""
    made = Builder(6, 5, 3, seed=11)
    first = body(made)
    own = made.scaled(made(depthwise(5, -7), first))
    main = made.add(body(made, own, 1), first)
    mean = made(Reshape((5,)), made.pool(made(Relu(), main)))
    return made.graph(made.dense(mean, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    "multipliers", [12, pytest.param(4, marks=pytest.mark.exhaustive), pytest.param(80, marks=pytest.mark.exhaustive)]
)
def test_hardware_without_dead_channels_is_exact(multipliers: int, tmp_path: Path) -> None:
    graph = small()
    design = rtlgen.generate(graph, multipliers, name="dead")
    assert design.plan.live_macs < design.plan.macs
    assert sum(layer["dead_channels"] for layer in design.plan.as_json()["layers"]) == 2 * 10, "ten layers"
    result = sim.verify(design, corners(graph.input_type, 5), build=tmp_path)
    assert result.ii_cycles == design.plan.ii_cycles


def test_a_bias_without_the_dead_channels_is_caught_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = Builder(5, 4, 2, seed=3)
    x = body(made)
    graph = made.graph(made.conv(x, 3, 1))
    monkeypatch.setattr("rtlgen.narrowing._constant", lambda weight, x: 0)
    design = rtlgen.generate(graph, 12, name="forgot")
    with pytest.raises(sim.VerificationError, match=r"conv2\[0, 0, 0\] of sample 0"):
        sim.verify(design, corners(graph.input_type, 3), simulators=["pyrtl"], build=tmp_path)


def test_an_element_is_named_as_the_network_counts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = Builder(5, 4, 2, seed=3)
    x = body(made)
    graph = made.graph(made.conv(x, 3, 1))
    design = rtlgen.generate(graph, 12, name="wrong")
    trace = Live.trace

    def changed(self: Live, batch: np.ndarray) -> dict[str, np.ndarray]:
        tensors = trace(self, batch)
        tensors[x] = tensors[x].copy()
        tensors[x][-1, 2, 3, 2] += 1
        return tensors

    monkeypatch.setattr(Live, "trace", changed)
    with pytest.raises(sim.VerificationError, match=r"\[2, 3, 2\].*in the network it is \[2, 3, 3\]") as error:
        sim.verify(design, corners(graph.input_type, 3), simulators=["pyrtl"], build=tmp_path)
    assert error.value.difference.element == (2, 3, 3)


@pytest.mark.parametrize(("multipliers", "cycles"), [(64, 150_000), (128, 70_000), (188, 45_000)])
def test_the_plan_of_a_mobilenet(multipliers: int, cycles: int) -> None:
    plan = rtlgen.plan(mobilenet(), multipliers)
    assert plan.macs == plan.live_macs
    assert plan.ii_cycles <= cycles
    assert plan.macs / plan.ii_cycles / plan.multipliers >= 0.8


@pytest.mark.exhaustive
@pytest.mark.parametrize("alive", [1, 0.4])
def test_a_mobilenet_takes_the_cycles_of_its_plan(alive: float) -> None:
    graph = mobilenet(alive)
    design = rtlgen.generate(graph, 188)
    if alive < 1:
        assert design.plan.live_macs < design.plan.macs / 3
        assert design.plan.ii_cycles < 25_000
    x = corners(graph.input_type, 2)
    run = Pyrtl().run(design, x, Path())
    np.testing.assert_array_equal(run.outputs, graph(x))
    assert run.cycles.tolist() == design.plan.due_cycles(2).tolist()
