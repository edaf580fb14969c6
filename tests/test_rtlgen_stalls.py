"""Streams under random stalls: no beat lost, doubled or changed; and a reset forgets everything."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pyrtl
import pytest
from networks import corners, perceptron
from op_cases import CASES

import rtlgen
from golden import Graph
from golden.ops import Conv
from sim.simulators.beats import Beats

pytestmark = pytest.mark.slow  # it simulates every op in every pattern of stalls


def pauses(seed: int, share: float) -> Iterator[bool]:
    random = Random(seed)
    while True:
        paused = random.random() < share
        for _ in range(random.choice([1, 1, 2, 7])):
            yield paused


def run_stalled(
    design: rtlgen.Design, x: np.ndarray, seed: int, share: float, reset_at: int | None = None
) -> np.ndarray:
    """Outputs of a batch with pauses on both sides; after ``reset_at`` cycles a reset, and the whole batch again."""
    source, sink = Beats.of(design.ports["input"]), Beats.of(design.ports["output"])
    words = source.pack(x)
    simulation = pyrtl.FastSimulation(tracer=None, block=design.block)
    source_pauses, sink_pauses = pauses(seed, share), pauses(seed + 1, share)
    pins = {"reset": 1, "s_axis_tdata": 0, "s_axis_tvalid": 0, "s_axis_tlast": 0, "m_axis_tready": 0}
    simulation.step(pins)
    taken: list[int] = []
    sent = 0
    held: tuple[int, int] | None = None
    for cycle in range(200_000):
        if len(taken) == len(x) * sink.count:
            return sink.unpack(taken)
        if reset_at is not None and cycle == reset_at:
            taken, sent, held = [], 0, None
            pins |= {"reset": 1, "s_axis_tvalid": 0}
            simulation.step(pins)
        moved = pins["s_axis_tvalid"] == 0 or simulation.inspect("s_axis_tready") == 1
        if pins["reset"] or moved:
            offers = sent < len(words) and not next(source_pauses)
            pins |= {
                "s_axis_tvalid": int(offers),
                "s_axis_tdata": words[sent] if offers else 0,
                "s_axis_tlast": int(offers and (sent + 1) % source.count == 0),
            }
        pins |= {"reset": 0, "m_axis_tready": int(not next(sink_pauses))}
        simulation.step(pins)
        sent += pins["s_axis_tvalid"] and simulation.inspect("s_axis_tready")
        offered = (simulation.inspect("m_axis_tdata"), simulation.inspect("m_axis_tlast"))
        if held is not None:
            assert simulation.inspect("m_axis_tvalid"), "rule 2: valid fell before the beat moved"
            assert offered == held, "rule 2: data changed before the beat moved"
        if simulation.inspect("m_axis_tvalid"):
            held = None if pins["m_axis_tready"] else offered
            if pins["m_axis_tready"]:
                taken.append(offered[0])
                assert offered[1] == (len(taken) % sink.count == 0)
        assert not simulation.inspect("frame_error")
    raise TimeoutError(f"{len(taken)} beats came out, {sent} went in")


GRAPHS = {
    "mlp": perceptron((5, 7, 6, 3), argmax=False),
    "classifier": perceptron((9, 4, 5), seed=2),
    "wide and short": perceptron((3, 12, 2), seed=3, argmax=False),
}


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(
    "folding", [{"multipliers": 1}, {"multipliers": 12}, {"multipliers": 500}, {"unrolled": True}], ids=str
)
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_outputs_do_not_depend_on_stalls(graph: Graph, folding: dict[str, int], share: float) -> None:
    design = rtlgen.generate(graph, **folding)
    x = corners(graph.input_type, 8, seed=4)
    np.testing.assert_array_equal(run_stalled(design, x, 7, share), graph(x))


@pytest.mark.parametrize("reset_at", [1, 3, 6, 11, 17, 29, 40])
@pytest.mark.parametrize("folding", [{"multipliers": 12}, {"unrolled": True}], ids=str)
def test_a_reset_at_any_phase_forgets_everything(folding: dict[str, int], reset_at: int) -> None:
    graph = GRAPHS["mlp"]
    design = rtlgen.generate(graph, **folding)
    x = corners(graph.input_type, 6, seed=5)
    np.testing.assert_array_equal(run_stalled(design, x, 3, 0.4, reset_at), graph(x))


RULE_4 = [(case.name, case.graph) for case in CASES] + [*GRAPHS.items()]


@pytest.mark.parametrize("folding", [{"multipliers": 1}, {"multipliers": 12}, {"unrolled": True}], ids=str)
@pytest.mark.parametrize("graph", [graph for _, graph in RULE_4], ids=[name for name, _ in RULE_4])
def test_ready_does_not_depend_on_ready_nor_data_on_data_within_a_cycle(graph: Graph, folding: dict[str, int]) -> None:
    """Rule 4, on the netlist: no combinational path through a layer, nor from one end of the network to the other."""
    if "unrolled" in folding and any(type(node.op) is Conv for node in graph.nodes):
        return  # there is none, see test_rtlgen_ops.py
    design = rtlgen.generate(graph, **folding)
    assert not broken_paths(design)


def test_a_combinational_path_would_be_seen() -> None:
    design = rtlgen.generate(GRAPHS["classifier"], 12)
    block = design.block
    ready = block.wirevector_by_name["s_axis_tready"]
    driver = next(net for net in block.logic if net.dests and net.dests[0] is ready)
    block.logic.remove(driver)
    taken = block.wirevector_by_name["m_axis_tready"]
    with pyrtl.set_working_block(block, no_sanity_check=True):
        block.add_net(pyrtl.LogicNet("&", None, (driver.args[0], taken), (ready,)))
    assert broken_paths(design) == ["m_axis_tready -> s_axis_tready"]


def broken_paths(design: rtlgen.Design) -> list[str]:
    """Combinational paths that rule 4 of streams forbids."""
    readers: dict[str, set[str]] = {}
    for net in design.block.logic:
        if net.op not in "r@":
            for arg in net.args:
                readers.setdefault(arg.name, set()).update(dest.name for dest in net.dests)

    def reach(start: str) -> set[str]:
        seen, todo = set(), [start]
        while todo:
            for name in readers.get(todo.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    todo.append(name)
        return seen

    forbidden = [("m_axis_tready", ["s_axis_tready"])]
    results = ["m_axis_tdata", "m_axis_tvalid", "m_axis_tlast", "s_axis_tready"]
    forbidden += [(f"s_axis_{wire}", results) for wire in ("tdata", "tvalid", "tlast")]
    before = next(iter(design.graph.inputs))
    for layer, choice in design.plan.layers.items():
        if choice.engine != "wires":
            forbidden.append((f"{layer}_out_ready", [f"{before}_out_ready"]))
            after = [f"{layer}_out_{wire}" for wire in ("data", "valid", "last")]
            forbidden += [(f"{before}_out_{wire}", after) for wire in ("data", "valid", "last")]
        before = layer
    return [f"{start} -> {end}" for start, ends in forbidden for end in ends if end in reach(start)]
