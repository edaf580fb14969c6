"""Streams that fork and join: every plan is exact, whatever ways there are around its layers."""

from pathlib import Path
from random import Random

import numpy as np
import pyrtl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import corners
from op_graphs import GRAPHS, dense_residual, random_graph, residual
from test_rtlgen_stalls import run_stalled

import rtlgen
from golden import Graph
from rtlgen.occupancy import peak_rows
from rtlgen.timing import OUTPUT
from sim.simulators.beats import Beats
from sim.simulators.icarus import Icarus
from sim.simulators.pyrtl_simulator import Pyrtl

pytestmark = pytest.mark.slow  # it simulates whole networks

QUICK = ("around 1 with stride", "of the input", "doubled", "squeeze and excite", "dense")
BROADCAST = tuple(name for name in GRAPHS if name.startswith("broadcast"))
SLOWER = [pytest.param(name, marks=[] if name in QUICK + BROADCAST else pytest.mark.slow, id=name) for name in GRAPHS]


def assert_exact(graph: Graph, multipliers: int, samples: int = 7) -> None:
    """Outputs equal golden's, and every one on its cycle."""
    design = rtlgen.generate(graph, multipliers)
    x = corners(graph.input_type, samples)
    run = Pyrtl().run(design, x, Path())
    np.testing.assert_array_equal(run.outputs, graph(x))
    assert run.cycles.tolist() == design.plan.due_cycles(samples).tolist()


@pytest.mark.parametrize("multipliers", [pytest.param(6, marks=pytest.mark.exhaustive), 60])
@pytest.mark.parametrize("name", SLOWER)
def test_forks_and_joins_are_exact(name: str, multipliers: int) -> None:
    assert_exact(GRAPHS[name], multipliers)


@pytest.mark.exhaustive
@pytest.mark.parametrize("multipliers", [1, 20, 300])
@pytest.mark.parametrize("name", GRAPHS)
def test_forks_and_joins_are_exact_at_other_budgets(name: str, multipliers: int) -> None:
    assert_exact(GRAPHS[name], multipliers, 5)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [6, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_any_graph_is_exact(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 1 << 32), multipliers=st.sampled_from([3, 8, 20, 50, 200]))
    def is_exact(seed: int, multipliers: int) -> None:
        assert_exact(random_graph(seed), multipliers, 4)

    is_exact()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["around 2 with stride", "two into one", "squeeze and excite", "broadcast rows"])
def test_the_verilog_of_a_join_is_exact(name: str, tmp_path: Path) -> None:
    design, x = rtlgen.generate(GRAPHS[name], 20), corners(GRAPHS[name].input_type, 5)
    run = Icarus().run(design, x, tmp_path)
    np.testing.assert_array_equal(run.outputs, GRAPHS[name](x))
    assert run.cycles.tolist() == design.plan.due_cycles(5).tolist()


@pytest.mark.parametrize("share", [pytest.param(0.5, marks=pytest.mark.exhaustive), 0.9])
@pytest.mark.parametrize("name", ["around 1 with stride", "squeeze and excite", "doubled", "dense", "broadcast rows"])
def test_outputs_of_joins_do_not_depend_on_stalls(name: str, share: float) -> None:
    graph = GRAPHS[name]
    design, x = rtlgen.generate(graph, 60), corners(graph.input_type, 5, seed=4)
    np.testing.assert_array_equal(run_stalled(design, x, Random(name).randrange(99), share), graph(x))


def test_a_reset_in_the_middle_of_a_join_forgets_everything() -> None:
    graph = GRAPHS["around 1 with stride"]
    design, x = rtlgen.generate(graph, 60), corners(graph.input_type, 3)
    for reset_at in (40, 300, 517):
        np.testing.assert_array_equal(run_stalled(design, x, 1, 0.5, reset_at), graph(x))


def measured_peaks(design: rtlgen.Design, x: np.ndarray) -> dict[tuple[str, int], int]:
    """The most rows that the counters of room have seen in each buffer."""
    source = Beats.of(design.ports["input"])
    words = source.pack(x)
    simulation = pyrtl.FastSimulation(tracer=None, block=design.block)
    pins = {"reset": 1, "s_axis_tdata": 0, "s_axis_tvalid": 0, "s_axis_tlast": 0, "m_axis_tready": 1}
    simulation.step(pins)
    counters = {(OUTPUT, 0): "m_axis"}
    for name, layer in design.plan.layers.items():
        labels = "ab" if len(layer.buffer_words) > 1 else "x"
        counters |= {(name, place): f"{name}_{labels[place]}" for place in range(len(layer.buffer_words))}
    left = {key: design.block.get_wirevector_by_name(f"{prefix}_room_left") for key, prefix in counters.items()}
    fewest: dict[tuple[str, int], int] = {}
    first: dict[tuple[str, int], int] = {}
    sent, end = 0, int(design.plan.due_cycles(len(x))[-1]) + 20
    for _ in range(end):
        offers = sent < len(words)
        pins |= {"reset": 0, "s_axis_tvalid": int(offers), "s_axis_tdata": words[sent] if offers else 0}
        pins["s_axis_tlast"] = int(offers and (sent + 1) % source.count == 0)
        simulation.step(pins)
        sent += int(offers and simulation.inspect("s_axis_tready"))
        for key, wire in left.items():
            value = simulation.inspect(wire.name)
            value -= (value >> len(wire) - 1) << len(wire)
            first.setdefault(key, value)
            fewest[key] = min(value, fewest.get(key, value))
    return {key: first[key] - fewest[key] for key in left}


@pytest.mark.parametrize("multipliers", [6, 60])
@pytest.mark.parametrize("name", ["around 1 with stride", "of the input", "squeeze and excite", "dense", "doubled"])
def test_buffers_are_as_full_as_predicted(name: str, multipliers: int) -> None:
    graph = GRAPHS[name]
    design = rtlgen.generate(graph, multipliers)
    assert measured_peaks(design, corners(graph.input_type, 5)) == peak_rows(design.plan, 5)


def test_buffers_of_a_prompt_plan_are_as_full_as_predicted() -> None:
    graph = residual(2)
    usual = rtlgen.plan(graph, 20)
    design = rtlgen.generate(graph, 20, latency_intervals=0.8 * usual.latency_cycles / usual.ii_cycles)
    assert design.plan.layers != usual.layers
    assert measured_peaks(design, corners(graph.input_type, 5)) == peak_rows(design.plan, 5)


def test_a_way_around_many_layers_has_a_deep_buffer() -> None:
    plans = [rtlgen.plan(residual(convs), 60) for convs in (1, 4)]
    short, long = (next(layer for name, layer in plan.layers.items() if name.startswith("add")) for plan in plans)
    assert max(long.buffer_words) > max(short.buffer_words)
    plan = rtlgen.plan(dense_residual(), 300)
    add = next(layer for name, layer in plan.layers.items() if name.startswith("add"))
    # More samples are on their way than the way around has layers.
    assert max(add.buffer_words) >= plan.latency_cycles // 2
