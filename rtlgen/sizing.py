"""The depth of every buffer: deep enough that nothing ever waits for room, found with the exact timing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from golden.graph import Graph
from rtlgen.arrivals import Arrivals
from rtlgen.choice import Chosen
from rtlgen.lowering import LayerPlan, departures, walk, widths
from rtlgen.stream import beats_of, rows_of
from rtlgen.timing import OUTPUT, Stage, Taker, Timing, solve
from rtlgen.walk import Walk

_MOST_DEPTHS = 40
_FEWEST_SAMPLES, _MOST_SAMPLES = 4, 1 << 14


@dataclass(frozen=True)
class Sized:
    """A network whose buffers have their depth, and its exact timing.

    Args:
        layers: the choice for each layer by name, in network order.
        input_lanes: elements a beat of the input stream.
        output_words: beats in the FIFO of the output.
        ii_cycles: initiation interval, cycles from one sample to the next in steady state without stalls.
        latency_cycles: from the cycle on which the first beat of a first sample moves to that of its last output beat.
        ahead_cycles: by how much the second sample comes before ``latency_cycles + ii_cycles``, the third one before
            ``latency_cycles + 2 * ii_cycles``, and so on, all others as the last one of these; mostly there is none.
            It need not grow from each to the next.
    """

    layers: dict[str, LayerPlan]
    input_lanes: int
    output_words: int
    ii_cycles: int
    latency_cycles: int
    ahead_cycles: tuple[int, ...]


@dataclass(frozen=True)
class _Network:
    """What timing needs to know that does not depend on the depths."""

    graph: Graph
    layers: Mapping[str, LayerPlan]
    walks: Mapping[str, Walk]
    arrivals: Mapping[str, Arrivals]
    input_lanes: int

    def lanes(self, name: str) -> int:
        return self.input_lanes if name in self.graph.inputs else self.layers[name].lanes_out

    def taker(self, name: str, layer: str, place: int, words: int, width: int) -> Taker:
        """The buffer of ``words`` words of ``width`` elements in front of a layer."""
        type, lanes = self.graph.types[name], self.lanes(name)
        row_beats, word_beats = ceil(type.inner / lanes), width // lanes
        capacity = words // ceil(row_beats / word_beats)
        return Taker(layer, place, self.arrivals[name], row_beats, word_beats, rows_of(type), capacity)


def sized(graph: Graph, chosen: Chosen) -> Sized:
    """Depths with which the network is as fast as its slowest layer, each as small as a power of two allows."""
    network = _network(graph, chosen.layers, chosen.input_lanes)
    depths = _least_depths(network)
    ideal = chosen.ii_cycles
    for _ in range(_MOST_DEPTHS):
        timing = _steady(network, depths, ideal)
        intervals = np.diff(timing.departures)
        # Where ways of different lengths join, the first samples may come sooner: one way is late, another one slow. A
        # sample that room has held up for some of that time, and that later ones catch up with, needs no more room.
        short = timing.short
        if not timing.hangs and ((intervals <= ideal).all() or not short):
            if chosen.latency_cycles is None or timing.departures[0] <= chosen.latency_cycles:
                break
            short = solve(*_stages(network, depths), 1).short
        for buffer in short:
            depths[buffer] *= 2
    else:
        raise AssertionError(f"no depths of the buffers make a sample take {ideal} cycles: {intervals}")
    layers = {}
    for name, layer in chosen.layers.items():
        words = (
            tuple(depths[name, place] for place in range(len(network.walks[name].buffers)))
            if name in network.walks
            else ()
        )
        bits = 0
        if words:
            node = graph.node(name)
            types = [graph.types[x] for x in node.inputs]
            bits = sum(
                depth * width * type.dtype.bits
                for depth, width, type in zip(words, widths(node.op, layer, types), types, strict=True)
            )
        layers[name] = replace(layer, buffer_words=words, buffer_bits=bits)
    latency = int(timing.departures[0])
    ahead = latency + ideal * np.arange(len(timing.departures)) - timing.departures
    unsettled = np.flatnonzero(ahead != ahead[-1])
    first = int(unsettled[-1]) + 1 if len(unsettled) else 0
    return Sized(layers, network.input_lanes, depths[OUTPUT, 0], ideal, latency, tuple(ahead[1 : first + 1].tolist()))


def stages_of(
    graph: Graph, layers: Mapping[str, LayerPlan], input_lanes: int, output_words: int
) -> tuple[list[Stage], Taker]:
    """What the timing of a plan is found of: the stages, and the FIFO of the output."""
    depths = {(name, place): words for name, layer in layers.items() for place, words in enumerate(layer.buffer_words)}
    return _stages(_network(graph, layers, input_lanes), {**depths, (OUTPUT, 0): output_words})


def stages_with_room(graph: Graph, layers: Mapping[str, LayerPlan], input_lanes: int) -> tuple[list[Stage], Taker]:
    """The same before the buffers have a depth, as if there were always room."""
    return _stages(_network(graph, layers, input_lanes), defaultdict(lambda: 1 << 40))


def _network(graph: Graph, layers: Mapping[str, LayerPlan], lanes: int) -> _Network:
    (source,) = graph.inputs
    beats = beats_of(graph.input_type, lanes)
    row_beats = ceil(graph.input_type.inner / lanes)
    token, offset = np.divmod(np.arange(beats), row_beats)
    arrivals = {source: Arrivals(source, token, offset, beats // row_beats)}
    walks = {}
    for node in graph.nodes:
        types = [graph.types[x] for x in node.inputs]
        path = walk(node.op, layers[node.name], types)
        out = departures(node.op, layers[node.name], types, [arrivals[x] for x in node.inputs])
        if path is not None:
            walks[node.name] = path
            out = replace(out, maker=node.name)
        arrivals[node.name] = out
    return _Network(graph, layers, walks, arrivals, lanes)


def _least_depths(network: _Network) -> dict[tuple[str, int], int]:
    """The smallest powers of two with which every position can be made, and a token finds room."""
    depths = {}
    for name, path in network.walks.items():
        node = network.graph.node(name)
        for place, (reach, source) in enumerate(zip(path.buffers, node.inputs, strict=True)):
            arriving = network.arrivals[source]
            # One token more than it takes: hardly ever is it enough that the next one comes when a place is free.
            rows = reach.rows_at_once(path.positions[1].count) + ceil(arriving.token_rows)
            depths[name, place] = max(2, _power(rows * reach.row_words))
    (output,) = network.graph.outputs
    row_beats = ceil(network.graph.output_type.inner / network.lanes(output))
    rows = ceil(network.arrivals[output].token_rows)
    depths[OUTPUT, 0] = max(2, _power(rows * row_beats))
    return depths


def _power(words: int) -> int:
    return 1 << (words - 1).bit_length()


def _steady(network: _Network, depths: Mapping[tuple[str, int], int], ii_cycles: int) -> Timing:
    """The timing of as many samples as it takes for all layers to be at work at once, and to go on as they do then."""
    samples = _FEWEST_SAMPLES
    while True:
        timing = solve(*_stages(network, depths), samples)
        needed = int(timing.departures[0]) // ii_cycles + _FEWEST_SAMPLES
        intervals = np.diff(timing.departures)
        if (intervals[-2:] != ii_cycles).any():
            # Intervals may alternate, and only with a long one at the end is it seen what it waits for: even numbers
            # of samples in turn with odd ones.
            needed = max(needed, 2 * samples + 1 - samples % 2)
        elif timing.pace_cycles < ii_cycles:
            needed = max(needed, 2 * samples)
        slow = timing.short and (intervals > ii_cycles).any()
        if timing.hangs or samples >= needed or slow:
            return timing
        assert samples < _MOST_SAMPLES, f"the network takes {intervals} instead of {ii_cycles} cycles for no reason"
        samples = needed


def _stages(network: _Network, depths: Mapping[tuple[str, int], int]) -> tuple[list[Stage], Taker]:
    graph = network.graph
    (source,), (output,) = graph.inputs, graph.outputs
    type = graph.input_type
    stages = [Stage(source, rows_of(type), ceil(type.inner / network.input_lanes))]
    for node in graph.nodes:
        if node.name not in network.walks:
            continue
        path = network.walks[node.name]
        takers = []
        of_node = widths(node.op, network.layers[node.name], [graph.types[x] for x in node.inputs])
        for place, (reach, x, width) in enumerate(zip(path.buffers, node.inputs, of_node, strict=True)):
            taker = network.taker(x, node.name, place, depths[node.name, place], width)
            takers.append((taker, reach))
        columns = path.positions[1].count
        stages.append(Stage(node.name, path.count, path.position_cycles, columns, tuple(takers)))
    lanes = network.lanes(output)
    fifo = network.taker(output, OUTPUT, 0, depths[OUTPUT, 0], lanes)
    return stages, fifo
