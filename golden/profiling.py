"""Where a quantized network loses accuracy: ranges, saturation and noise of every tensor, the worst first.

The signal-to-quantization-noise ratio (SQNR) of a tensor is ``10 log10(sum(r**2) / sum((d - r)**2))`` in decibels,
``d`` the real numbers that its integers stand for and ``r`` those that they should. About six decibels are a bit.
There are two of them:

* ``sqnr_db``: ``r`` is what the tensor would be if nothing before it had been rounded either, all the noise up to here;
* ``own_sqnr_db``: ``r`` comes from the integers that the layer was really given: the noise that this layer adds.

With the float network at hand ``r`` is its result; for a network that was imported as integers, ``r`` is what its own
integer ops would compute without rounding (``golden/unrounded.py``), so that the rounding of weights is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.graph import Graph, Node
from golden.ops import Add, Conv, Dense, Multiply, Requantize
from golden.types import FloatArray, IntArray, IntType
from golden.unrounded import unrounded

BINS = 32
FLOATS = "the float network"
INTEGERS = (
    "its own integers without rounding: no float network is there, so what the rounding of weights cost is not in it"
)
_WIDE = IntType(62, True)


@dataclass(frozen=True, eq=False)
class Histogram:
    """``counts[i]`` values lie in ``edges[i]..edges[i + 1]``; ``low`` and ``high`` are what the type could hold."""

    counts: IntArray
    edges: FloatArray
    low: int
    high: int
    seen_low: int
    seen_high: int

    @classmethod
    def of(cls, values: IntArray, dtype: IntType) -> Histogram:
        """At most ``BINS`` bins, edges between two integers: over the whole type, or what occurs if it is wide."""
        seen_low, seen_high = int(values.min()), int(values.max())
        low, high = (dtype.min, dtype.max) if dtype.bits <= 8 else (seen_low, seen_high)
        width = max(1, -(-(high - low + 1) // BINS))
        bins = -(-(high - low + 1) // width)
        counts = np.bincount(((values - low) // width).ravel(), minlength=bins)
        edges = low - 0.5 + width * np.arange(bins + 1.0)
        return cls(counts, edges, dtype.min, dtype.max, seen_low, seen_high)

    @property
    def range_use(self) -> float:
        """Share of the type's values between the smallest and the largest that occur, 0 to 1."""
        return (self.seen_high - self.seen_low + 1) / (self.high - self.low + 1)


@dataclass(frozen=True, eq=False)
class TensorProfile:
    """One tensor of a graph over a batch of samples.

    Args:
        name: of the tensor and the layer that makes it.
        origin: what it is called in the file or model that the graph comes from; may be empty.
        op: class of the layer; ``input`` for an input.
        type: as text, like ``s8[10]``.
        values: of the tensor.
        weights: of the layer, if it has any.
        saturated_low, saturated_high: share of the values that would be below (above) the limits of the layer, 0 to 1.
            Zeroing by a fused ReLU is no saturation. None for a layer that does not saturate.
        sqnr_db, own_sqnr_db: see the top of the file; infinite without noise, None where there is nothing to compare.
    """

    name: str
    origin: str
    op: str
    type: str
    values: Histogram
    weights: Histogram | None
    saturated_low: float | None
    saturated_high: float | None
    sqnr_db: float | None
    own_sqnr_db: float | None


@dataclass(frozen=True, eq=False)
class Profile:
    """All tensors in the order of the network over ``samples``; ``reference`` says what noise is measured by."""

    tensors: tuple[TensorProfile, ...]
    samples: int
    reference: str

    @property
    def worst_first(self) -> list[TensorProfile]:
        """The layers that add noise, the one that adds most, relative to its signal, first."""
        noisy = [t for t in self.tensors if t.own_sqnr_db is not None and np.isfinite(t.own_sqnr_db)]
        return sorted(noisy, key=lambda tensor: tensor.own_sqnr_db or 0.0)


def profile(graph: Graph, x: IntArray | Mapping[str, IntArray], network: Any = None, x_real: Any = None) -> Profile:
    """The profile of ``graph`` on a batch.

    Args:
        graph: the integers.
        x: integer inputs, as ``graph.trace`` takes them.
        network: the float ``Network`` that the graph was made of, if known; ``graph.origins`` says which of its steps a
            tensor stands for.
        x_real: the float inputs that ``x`` encodes; needed with ``network``.

    Raises:
        TypeError, ValueError: for inputs that are not a batch of the graph's, or an empty one.
    """
    tensors = graph.trace(x)
    samples = len(next(iter(tensors.values())))
    if not samples:
        raise ValueError("a profile needs at least one sample")
    if network is None:
        whole, own = _of_integers(graph, tensors)
    else:
        whole, own = _of_network(graph, tensors, network, x_real)
    found = []
    for name, values in tensors.items():
        node = None if name in graph.inputs else graph.node(name)
        low, high = (None, None) if node is None else _saturation(graph, node, tensors)
        decoded = _decoded(graph, name, values)
        found.append(
            TensorProfile(
                name,
                graph.origins.get(name, ""),
                "input" if node is None else type(node.op).__name__,
                str(graph.types[name]),
                Histogram.of(values, graph.types[name].dtype),
                Histogram.of(node.op.weight, node.op.weight_type)
                if node and isinstance(node.op, Conv | Dense)
                else None,
                low,
                high,
                _sqnr_db(whole.get(name), decoded),
                _sqnr_db(own.get(name), decoded),
            )
        )
    return Profile(tuple(found), samples, INTEGERS if network is None else FLOATS)


def _of_integers(graph: Graph, tensors: Mapping[str, IntArray]) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """References by tensor, in real numbers: the whole graph unrounded, and each op unrounded on real integers."""
    ideal: dict[str, FloatArray] = {name: tensors[name].astype(np.float64) for name in graph.inputs}
    whole, own = {}, {}
    for node in graph.nodes:
        ideal[node.name] = unrounded(node.op, *(ideal[name] for name in node.inputs))
        alone = unrounded(node.op, *(tensors[name].astype(np.float64) for name in node.inputs))
        whole[node.name] = _decoded(graph, node.name, ideal[node.name])
        own[node.name] = _decoded(graph, node.name, alone)
    return whole, own


def _of_network(
    graph: Graph, tensors: Mapping[str, IntArray], network: Any, x_real: Any
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """References by tensor: the float network's own steps, and each step on the decoded integers before it."""
    steps = network.trace(x_real)
    by_step = {origin: name for name, origin in graph.origins.items()}
    given = {step: _decoded(graph, name, tensors[name]) for step, name in by_step.items() if name in graph.encodings}
    for name in network.inputs:
        given[name] = _decoded(graph, name, tensors[name]) if name in graph.encodings else steps[name]
    alone: dict[str, FloatArray] = dict(given)
    own = {}
    for step in network.steps:
        made = step.layer(*(alone[name] for name in step.inputs))
        if step.name in given:
            own[by_step[step.name]] = made
        else:
            alone[step.name] = made
    whole = {name: steps[step] for step, name in by_step.items() if step in steps and name in graph.encodings}
    whole |= {name: steps[name] for name in network.inputs if name in graph.encodings}
    return whole, own


def _decoded(graph: Graph, name: str, values: npt.NDArray[Any]) -> FloatArray:
    """What integers, or numbers in their units, stand for; themselves where the graph does not know."""
    if name in graph.encodings:
        return graph.encodings[name].decode(values)
    return np.asarray(values, dtype=np.float64)


def _sqnr_db(reference: FloatArray | None, decoded: FloatArray) -> float | None:
    if reference is None or reference.shape != decoded.shape:
        return None
    signal, noise = float(np.square(reference).sum()), float(np.square(decoded - reference).sum())
    if noise == 0.0:
        return float("inf")
    return float(10.0 * np.log10(signal / noise)) if signal > 0.0 else None


def _saturation(graph: Graph, node: Node, tensors: Mapping[str, IntArray]) -> tuple[float | None, float | None]:
    op = node.op
    if not isinstance(op, Requantize | Add | Multiply):
        return None, None
    low, high = op.limits
    free = replace(op, dtype=_WIDE, clamp=None)(*(tensors[name] for name in node.inputs))
    rectified = low == op.zero_point
    return 0.0 if rectified else float((free < low).mean()), float((free > high).mean())
