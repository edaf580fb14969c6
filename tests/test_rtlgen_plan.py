"""The plan is exact: what it predicts is what the simulation measures, for every shape and every budget."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import corners, perceptron
from op_chains import random_chain
from op_graphs import random_graph

import rtlgen
from golden import Dense, Graph, IntType, Node, Relu, Reshape, TensorType, zoo
from rtlgen import foldings
from rtlgen.choice import Chooser
from rtlgen.conditions import _Series
from rtlgen.fastest import _least_cycles
from rtlgen.live import live
from rtlgen.lowering import Goal
from sim.simulators.pyrtl_simulator import Pyrtl

pytestmark = pytest.mark.slow  # it plans and simulates hundreds of networks

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
S8 = IntType(8, True)


def assert_exact(graph: Graph, **folding: int) -> None:
    """Outputs equal golden's, latency and initiation interval the plan's."""
    design = rtlgen.generate(graph, **folding)
    x = corners(graph.input_type, 12)
    run = Pyrtl().run(design, x, Path())
    assert (run.outputs == graph(x)).all()
    plan = design.plan
    assert run.cycles.tolist() == [plan.latency_cycles + plan.ii_cycles * sample for sample in range(len(x))]


networks = st.builds(
    perceptron,
    st.lists(st.integers(1, 12), min_size=2, max_size=4).map(tuple),
    bits=st.sampled_from([2, 4, 8]),
    per_channel=st.booleans(),
    powers=st.booleans(),
    argmax=st.booleans(),
    seed=st.integers(0, 99),
)


@PROPERTY
@given(graph=networks, share=st.floats(0, 1))
def test_simulation_measures_what_the_plan_predicts(graph: Graph, share: float) -> None:
    fully_parallel = rtlgen.plan(graph, 1 << 20).multipliers
    assert_exact(graph, multipliers=1 + round(share**2 * max(0, fully_parallel - 1)))


@pytest.mark.slow
@settings(PROPERTY, max_examples=20)
@given(graph=networks)
def test_unrolled_measures_what_the_plan_predicts(graph: Graph) -> None:
    assert_exact(graph, unrolled=True)


@pytest.mark.slow
def test_every_budget_of_iris_is_exact() -> None:
    graph = perceptron((4, 10, 3), seed=5)
    for multipliers in range(1, rtlgen.plan(graph, 1000).multipliers + 1):
        assert_exact(graph, multipliers=multipliers)


@settings(PROPERTY, max_examples=80)
@given(seed=st.integers(0, 1 << 32), multipliers=st.integers(1, 40), unrolled=st.booleans())
def test_any_chain_of_ops_is_exact(seed: int, multipliers: int, unrolled: bool) -> None:
    folding = {"unrolled": True} if unrolled else {"multipliers": multipliers}
    assert_exact(random_chain(seed, convolutions=not unrolled), **folding)


def test_images_are_flattened_on_the_way_in() -> None:
    flat = perceptron((12, 5, 3), seed=3)
    ops = [Reshape((12,)), *(node.op for node in flat.nodes)]
    graph = Graph.chain(TensorType((3, 4), S8), *ops)
    for multipliers in (1, 7, 30, 200):
        assert_exact(graph, multipliers=multipliers)


@PROPERTY
@given(graph=networks, budgets=st.lists(st.integers(1, 400), min_size=2, max_size=2).map(sorted))
def test_more_multipliers_are_never_slower_and_the_budget_holds(graph: Graph, budgets: list[int]) -> None:
    few, many = (rtlgen.plan(graph, budget) for budget in budgets)
    assert many.ii_cycles <= few.ii_cycles
    assert few.multipliers <= budgets[0]
    assert many.multipliers <= budgets[1]


@pytest.mark.parametrize("budget", [6, 9, 20, 41, 70])
def test_no_other_folding_of_the_dense_layers_is_faster(budget: int) -> None:
    """Against brute force over all foldings of a network whose requantisers cost nothing."""
    graph = perceptron((6, 5, 3), per_channel=False, seed=1)
    best = min(
        max(-(-6 // q1) * -(-5 // p1), -(-5 // q2) * -(-3 // p2))
        for q1 in range(1, 7)
        for p1 in range(1, 6)
        for q2 in range(1, 6)
        for p2 in range(1, 4)
        if p1 * q1 + p2 * q2 <= budget
    )
    # The plan also needs lanes that fit together: it may fall behind brute force, but here it never does.
    assert rtlgen.plan(graph, budget).ii_cycles == best


def test_totals() -> None:
    graph = perceptron((4, 10, 3))
    plan = rtlgen.plan(graph, 16)
    assert plan.macs == 4 * 10 + 10 * 3
    dense = [plan.layers["dense1"], plan.layers["dense2"]]
    assert plan.utilisation == 70 / (plan.ii_cycles * sum(layer.outputs * layer.inputs for layer in dense))
    assert plan.multipliers == sum(layer.multipliers for layer in plan.layers.values())
    fields = json.loads(json.dumps(plan.as_json()))
    assert {"ii_cycles", "latency_cycles", "multipliers", "utilisation"} <= set(fields)
    assert [layer["layer"] for layer in fields["layers"]] == list(plan.layers)


def test_a_budget_beyond_use_changes_nothing() -> None:
    graph = perceptron((4, 10, 3))
    useful = rtlgen.plan(graph, 10_000)
    assert useful.ii_cycles == 1
    assert rtlgen.plan(graph, useful.multipliers).layers == useful.layers


def test_unrolled_has_no_multipliers_and_takes_a_sample_a_cycle() -> None:
    plan = rtlgen.plan(perceptron((4, 10, 3)), unrolled=True)
    assert (plan.multipliers, plan.ii_cycles) == (0, 1)


@pytest.mark.parametrize("bad", [0, -3])
def test_budgets_must_be_positive(bad: int) -> None:
    with pytest.raises(ValueError, match=f"multipliers must be at least 1, not {bad}"):
        rtlgen.plan(perceptron((2, 2)), bad)


@pytest.mark.parametrize("bad", [2.5, "8", True, None])
def test_budgets_must_be_ints(bad: object) -> None:
    with pytest.raises(TypeError, match="multipliers must be an int"):
        rtlgen.plan(perceptron((2, 2)), bad)


def test_a_layer_that_nobody_reads_is_refused_by_name() -> None:
    x = TensorType((2,), S8)
    graph = Graph({"x": x}, (Node("a", Relu(), ("x",)), Node("b", Relu(), ("x",))), ("b",))
    with pytest.raises(NotImplementedError, match="layer 'a' is read by no other layer"):
        rtlgen.plan(graph)


def test_an_output_in_the_middle_is_refused() -> None:
    x = TensorType((2,), S8)
    nodes = (Node("a", Relu(), ("x",)), Node("b", Dense([[1, 1]], [0]), ("a",)), Node("c", Relu(), ("b",)))
    with pytest.raises(NotImplementedError, match="layer 'c' is read by no other layer"):
        rtlgen.plan(Graph({"x": x}, nodes, ("b",)))


def shapes_of(seed: int) -> Graph:
    """Chains and graphs, as random as they come."""
    return random_graph(seed) if seed % 2 else random_chain(seed, convolutions=True)


@PROPERTY
@given(seed=st.integers(0, 1 << 32), multipliers=st.integers(1, 150))
def test_nothing_is_faster_than_what_the_search_finds(seed: int, multipliers: int) -> None:
    graph = live(shapes_of(seed)).graph
    found = rtlgen.plan(shapes_of(seed), multipliers).ii_cycles
    assert _least_cycles(graph, multipliers) <= found
    for logic in (False, True):
        if found > 1 and not (logic and Chooser(graph).cheapest(Goal(1 << 40, multipliers))):
            assert Chooser(graph).cheapest(Goal(found - 1, multipliers, logic)) is None


def test_the_lower_bound_counts_every_layer() -> None:
    graph = perceptron((64, 32, 10))
    assert _least_cycles(graph, 1 << 20) == 1
    # 32 and 5 products: 64 cycles of each layer; with one product less one of them takes longer.
    assert _least_cycles(graph, 37) == 64
    assert _least_cycles(graph, 36) > 64


def test_the_search_asks_few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, asked = zoo.load("fashion_resnet").graph, []
    cheapest = Chooser.cheapest
    monkeypatch.setattr(Chooser, "cheapest", lambda *args, **more: asked.append(args) or cheapest(*args, **more))
    for multipliers in (16, 64, 200):
        asked.clear()
        rtlgen.plan(graph, multipliers)
        assert len(asked) <= 20 + 20, "for the interval, and for the latency"


def test_the_timing_asks_no_series_that_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, go_on = [], _Series.go_on

    def counted(series: _Series, first: int, known: dict[str, int]) -> int:
        reached = go_on(series, first, known)
        steps.append(reached - first)
        return reached

    monkeypatch.setattr(_Series, "go_on", counted)
    rtlgen.plan(zoo.load("fashion_resnet").graph, 64)
    assert steps.count(0) < 0.1 * len(steps)


def test_a_folding_is_made_once_whatever_the_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    made, folding = [], foldings._folding
    monkeypatch.setattr(foldings, "_folding", lambda *args: made.append(args) or folding(*args))
    foldings._foldings.cache_clear()
    foldings._made.cache_clear()
    rtlgen.plan(zoo.load("fashion_resnet").graph, 64)
    assert made
    assert len(made) == len(set(made))
