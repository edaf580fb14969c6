"""The first sample: the longest way is its latency, plans keep to a limit of it, and none is below the bound."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import corners
from op_chains import random_chain
from op_graphs import Builder, random_graph

import rtlgen
from golden import Graph, zoo
from golden.ops import MaxPool, Reshape
from rtlgen.choice import Chosen
from rtlgen.first_sample import FirstSample
from rtlgen.latency import least_multipliers
from rtlgen.plan import Plan
from rtlgen.sizing import stages_with_room
from sim.regression.mobilenet import mobilenet
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl
from sim.simulators.simulator import Simulator

pytestmark = pytest.mark.slow  # it plans whole networks


def first_sample(plan: Plan) -> FirstSample:
    return FirstSample.of(*stages_with_room(plan.live.graph, plan.layers, plan.input_lanes))


def products(plan: Plan) -> int:
    return sum(layer.outputs * layer.inputs for layer in plan.layers.values())


def late(seed: int = 0) -> Graph:
    """Convolutions on an image that becomes small, and dense layers: of one speed they take two intervals and more."""
    made = Builder(8, 8, 2, seed=seed)
    x = made(MaxPool((2, 2)), made.conv(made.conv("x", 4), 6, stride=2))
    x = made.conv(made.conv(x, 8), 8)
    x = made(Reshape((made.types[x].size,)), x)
    return made.graph(made.dense(made.dense(x, 12), 5))


@pytest.mark.parametrize(
    ("name", "multipliers"),
    [
        ("digits_cnn", 64),
        ("mnist_lenet", 16),
        pytest.param("fashion_dscnn", 188, marks=pytest.mark.exhaustive),
    ],
)
def test_the_longest_way_is_the_latency(name: str, multipliers: int) -> None:
    plan = rtlgen.plan(zoo.load(name).graph, multipliers)
    assert first_sample(plan).latency_cycles() == plan.latency_cycles


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), multipliers=st.integers(1, 100))
def test_no_latency_is_below_the_longest_way(seed: int, multipliers: int) -> None:
    """Room may hold up a first sample where later ones catch up; nothing makes it come sooner."""
    graph = random_graph(seed) if seed % 2 else random_chain(seed, convolutions=True)
    plan = rtlgen.plan(graph, multipliers)
    sample = first_sample(plan)
    assert sample.latency_cycles() <= plan.latency_cycles
    way = sample.longest(sample.cycles)
    assert round(way.positions @ sample.cycles + way.further_cycles) == sample.latency_cycles()
    assert sample.without_pipelines.latency_cycles() <= sample.latency_cycles()


@pytest.mark.parametrize(
    ("name", "multipliers"),
    [
        ("digits_cnn", 64),
        ("digits_cnn", 128),
        ("mnist_lenet", 64),
        *(
            pytest.param(*long, marks=pytest.mark.exhaustive)
            for long in (("digits_cnn", 188), ("fashion_lenet", 64), ("fashion_resnet", 64), ("fashion_dscnn", 128))
        ),
    ],
)
def test_multipliers_that_are_left_over_shorten_the_latency(
    name: str, multipliers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = zoo.load(name).graph
    plan, asked = rtlgen.plan(graph, multipliers), rtlgen.plan(graph, multipliers, latency_intervals=1.6)
    monkeypatch.setattr("rtlgen.fastest.LATENCY_INTERVALS", 1e9)
    late = rtlgen.plan(graph, multipliers)
    assert late.latency_cycles > 1.6 * late.ii_cycles
    assert asked.latency_cycles <= 1.6 * asked.ii_cycles
    assert plan.multipliers <= multipliers
    if (name, multipliers) == ("digits_cnn", 64):
        assert asked.ii_cycles > late.ii_cycles, "all multipliers are at work for the interval"
        assert plan.layers == late.layers
    else:
        assert asked.ii_cycles == late.ii_cycles
        assert plan.layers == asked.layers


@pytest.mark.parametrize("simulator", [Pyrtl(), Icarus()], ids=lambda simulator: simulator.name)
@pytest.mark.parametrize(
    ("intervals", "multipliers"),
    [
        pytest.param(1.2, 128, marks=pytest.mark.exhaustive),
        pytest.param(1.3, 20, marks=pytest.mark.exhaustive),
        (1.6, 9),
    ],
)
def test_a_limit_of_the_latency_is_kept_and_exact(
    intervals: float, multipliers: int, simulator: Simulator, tmp_path: Path
) -> None:
    graph = late()
    design = rtlgen.generate(graph, multipliers, latency_intervals=intervals, name="prompt")
    plan, usual = design.plan, rtlgen.plan(graph, multipliers)
    assert plan.multipliers <= multipliers
    assert usual.ii_cycles <= plan.ii_cycles
    assert plan.latency_cycles <= intervals * plan.ii_cycles
    assert plan.layers != usual.layers
    x = corners(graph.input_type, 5)
    run = simulator.run(design, x, tmp_path)
    np.testing.assert_array_equal(run.outputs, graph(x))
    assert run.cycles.tolist() == plan.due_cycles(len(x)).tolist()


def asked_for(graph: Graph, multipliers: int, intervals: float) -> rtlgen.Design | str:
    """The design, or why there is none."""
    try:
        return rtlgen.generate(graph, multipliers, latency_intervals=intervals)
    except ValueError as error:
        return str(error)


def test_plans_with_a_limit_are_exact() -> None:
    """Of random networks; some are all pipeline, and then refused."""
    exact = 0
    for seed in range(10):
        graph = random_graph(seed) if seed % 2 else random_chain(seed, convolutions=True)
        design = asked_for(graph, 30, 2.5)
        if isinstance(design, str):
            assert "no latency of at most 2.5 intervals is found" in design
            continue
        x = corners(graph.input_type, 5)
        run = Pyrtl().run(design, x, Path())
        np.testing.assert_array_equal(run.outputs, graph(x))
        assert run.cycles.tolist() == design.plan.due_cycles(len(x)).tolist()
        assert design.plan.latency_cycles <= 2.5 * design.plan.ii_cycles
        exact += 1
    assert exact > 2


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), multipliers=st.integers(1, 100))
def test_no_plan_has_fewer_multipliers_than_the_bound(seed: int, multipliers: int) -> None:
    graph = random_graph(seed) if seed % 2 else random_chain(seed, convolutions=True)
    plan = rtlgen.plan(graph, multipliers)
    chosen = Chosen(plan.layers, plan.input_lanes, plan.ii_cycles, plan.multipliers)
    bound = least_multipliers(plan.live.graph, chosen, plan.ii_cycles, plan.latency_cycles)
    assert bound <= products(plan) * 2, "a product of wide numbers takes two"


@pytest.mark.parametrize(("multipliers", "cycles"), [(128, 70_000)])
def test_a_mobilenet_cannot_be_both_prompt_and_busy(multipliers: int, cycles: int) -> None:
    """80 % of the multipliers busy and a latency of 1.6 intervals: no plan has both, however folded."""
    plan = rtlgen.plan(mobilenet(), multipliers)
    chosen = Chosen(plan.layers, plan.input_lanes, plan.ii_cycles, plan.multipliers)
    needed = least_multipliers(plan.live.graph, chosen, cycles, 1.6 * cycles)
    assert needed > 1.8 * multipliers
    assert plan.macs / cycles / needed < 0.5
    # Of layers of one speed, the latency that they have is no matter of pipelines.
    bound = least_multipliers(plan.live.graph, chosen, plan.ii_cycles, plan.latency_cycles)
    assert 0.9 * multipliers < bound <= multipliers


def test_what_cannot_be_asked_for_is_refused() -> None:
    graph = late()
    for bad in ("2", True):
        with pytest.raises(TypeError, match="latency_intervals must be a number"):
            rtlgen.plan(graph, latency_intervals=bad)
    for few in (0.9, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="latency_intervals must be at least 1"):
            rtlgen.plan(graph, latency_intervals=few)
    with pytest.raises(ValueError, match="with 9 multipliers no latency of at most 1 intervals is found; the lowest"):
        rtlgen.plan(graph, 9, latency_intervals=1)
    with pytest.raises(ValueError, match="latency_intervals or unrolled, not both"):
        rtlgen.plan(graph, unrolled=True, latency_intervals=2)
