"""Intervals of channels: no tensor ever leaves them, and they are as narrow as can be where they claim to be."""

import numpy as np
import pytest
from networks import corners
from op_cases import CASES, Case, conv, tflm, x
from op_chains import random_chain

from golden import Graph, Requantize
from rtlgen.intervals import Interval, intervals


def assert_within(graph: Graph, batch: np.ndarray) -> None:
    found = intervals(graph)
    for name, tensor in graph.trace(batch).items():
        channels = tensor.reshape(-1, graph.types[name].inner)
        low, high = found[name].arrays
        assert (low <= channels.min(axis=0)).all(), name
        assert (channels.max(axis=0) <= high).all(), name


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_no_op_leaves_its_intervals(case: Case) -> None:
    assert_within(case.graph, corners(case.graph.input_type, 40))


@pytest.mark.parametrize("seed", range(150))
def test_no_chain_leaves_its_intervals(seed: int) -> None:
    graph = random_chain(seed)
    assert_within(graph, corners(graph.input_type, 40, seed))


def test_extremes_of_a_convolution_are_reached() -> None:
    image = x("s8", 2, 2, 3)
    op = conv(3, 2, (2, 2))
    graph = Graph.chain(image, op, Requantize(np.array([1 << 30] * 2), np.array([40, 38]), **tflm()))
    low, high = intervals(graph)["conv1"].arrays
    for channel, weight in enumerate(op.weight):
        largest = np.where(weight > 0, 127, -128)[None]
        trace = [graph.trace(batch) for batch in (largest, -1 - largest)]
        assert [t["conv1"][0, 0, 0, channel] for t in trace] == [high[channel], low[channel]]
        of_result = intervals(graph)["requantize1"]
        ends = [t["requantize1"][0, 0, 0, channel] for t in trace]
        assert ends == [of_result.high[channel], of_result.low[channel]]


def test_an_interval_that_is_too_narrow_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in CASES if case.name == "conv 3x3")
    right = intervals(case.graph)["conv1"]
    narrow = Interval(right.low, tuple(value // 4 for value in right.high))
    monkeypatch.setitem(globals(), "intervals", lambda graph: {"x": Interval.of_type(case.x), "conv1": narrow})
    with pytest.raises(AssertionError, match="conv1"):
        assert_within(case.graph, corners(case.x, 400))
