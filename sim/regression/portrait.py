"""What a report shows of a network itself, as plain values: layers, ranges, quantization, accuracies."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from golden import Network, predict, profile, zoo
from golden.data import Dataset, Histograms, Quality
from golden.graph import Graph
from golden.ops import Conv, Dense
from golden.types import IntArray
from sim.regression.numerics import as_plain

MOST_FEATURES = 4
"""Histograms of input features in a report."""
LARGEST_TABLE = 32
"""Features up to which an input is taken for a table of measurements; above, for an image."""
BINS = 20
PROFILE_SAMPLES = 256
PIECE_SAMPLES = 250


def portrait(entry: zoo.Entry) -> dict[str, Any]:
    """Task, size, layers with types and the ranges that occur on the test set, and what quantization does to inputs.

    The quantization is the graph's own, ``graph.encode``, on all splits of the data set.
    """
    graph, data = entry.graph, entry.dataset
    seen = _ranges(graph, data["test"].x)
    widths = [graph.input_type.size, *(node.op.outputs for node in graph.nodes if isinstance(node.op, Dense))]
    layers = []
    for name, type in graph.types.items():
        layer: dict[str, Any] = {
            "name": name,
            "op": "input" if name in graph.inputs else _op_name(graph.node(name).op),
            "type": str(type),
            "bits": type.dtype.bits,
            "type_low": type.dtype.min,
            "type_high": type.dtype.max,
            "seen_low": seen[name][0],
            "seen_high": seen[name][1],
        }
        op = None if name in graph.inputs else graph.node(name).op
        if isinstance(op, Conv | Dense):
            layer["weights"] = {"type": str(op.weight_type), "count": op.weight.size}
        layers.append(layer)
    return {
        "task": entry.task,
        "shape": "-".join(map(str, widths)),
        "parameters": entry.parameters,
        "macs": entry.macs,
        "classes": list(graph.classes),
        "splits": {name: len(split) for name, split in data.items()},
        "layers": layers,
        "quantization": _quantization(entry, data),
        "numerics": _numerics(entry, data),
    }


def accuracies(entry: zoo.Entry, outputs: IntArray) -> dict[str, Any]:
    """How often float, golden and hardware name the right class; and who named what, as counts.

    Float and golden on the whole test set, by the entry's figures where the hardware did not see all of it; the
    hardware on its first samples, those that ``outputs`` are of, and as ``golden_on_rtl_samples`` golden on the same.
    ``float_rtl[i][j]`` counts samples that the float model calls ``i`` and the hardware ``j``; ``label_rtl[i][j]``
    those that are ``i`` and the hardware calls ``j``.
    """
    ran = len(outputs)
    test = entry.dataset["test"].take(range(ran))
    labels = np.asarray(test.y, dtype=np.int64)
    named = {
        "float": predict(entry.model, test),
        "golden_on_rtl_samples": predict(entry.graph, test),
        "rtl": np.asarray(outputs.argmax(axis=1) if outputs.ndim == 2 else outputs, dtype=np.int64),
    }
    count = len(entry.graph.classes) or 1 + max(int(y.max()) for y in (labels, *named.values()))
    right = {who: float((y == labels).mean()) for who, y in named.items()}
    whole = {"float": right.pop("float"), "golden": right["golden_on_rtl_samples"]}
    if ran < len(entry.dataset["test"]):
        whole = {"float": entry.figures.float_accuracy, "golden": entry.figures.integer_accuracy}
    return {
        **whole,
        **right,
        "float_rtl": _confusion(named["float"], named["rtl"], count),
        "label_rtl": _confusion(labels, named["rtl"], count),
    }


def _ranges(graph: Graph, x: npt.NDArray[Any]) -> dict[str, tuple[int, int]]:
    """Smallest and largest value of each tensor, some samples at a time: all of them would not fit into memory."""
    lows: dict[str, list[int]] = {name: [] for name in graph.types}
    highs: dict[str, list[int]] = {name: [] for name in graph.types}
    for start in range(0, len(x), PIECE_SAMPLES):
        for name, tensor in graph.trace(graph.encode(x[start : start + PIECE_SAMPLES])).items():
            lows[name].append(int(tensor.min()))
            highs[name].append(int(tensor.max()))
    return {name: (min(lows[name]), max(highs[name])) for name in lows}


def _numerics(entry: zoo.Entry, data: Dataset) -> dict[str, Any]:
    """What rounding costs, layer by layer, on the first samples of the test set."""
    x = data["test"].x[:PROFILE_SAMPLES]
    network = Network.of(entry.model, entry.graph.input_type.shape)
    return as_plain(profile(entry.graph, entry.graph.encode(x), network, x))


def _op_name(op: object) -> str:
    return type(op).__name__


def _confusion(rows: IntArray, columns: IntArray, classes: int) -> list[list[int]]:
    size = max(classes, int(columns.max()) + 1)  # broken hardware may name a class that there is not
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts.tolist()


def _quantization(entry: zoo.Entry, data: Dataset) -> dict[str, Any]:
    graph = entry.graph
    real = np.concatenate([split.x for split in data.values()]).astype(np.float64)
    integers = graph.encode(real)
    decoded = graph.encodings[next(iter(graph.inputs))].decode(integers)
    columns, codes = real.reshape(-1, real.shape[-1]), integers.reshape(-1, real.shape[-1])
    quality = Quality.measure(columns, decoded.reshape(columns.shape))
    finite = quality.sqnr_db_per_feature[np.isfinite(quality.sqnr_db_per_feature)]
    return {
        "features": columns.shape[1],
        "type": str(graph.input_type.dtype),
        "sqnr_db": _finite(quality.sqnr_db),
        "mse": _finite(quality.mse),
        "sqnr_db_worst": _finite(finite.min()) if len(finite) else None,
        "sqnr_db_best": _finite(finite.max()) if len(finite) else None,
        "histograms": [
            _histograms(data, feature, columns[:, feature], codes[:, feature], quality) for feature in _telling(columns)
        ],
    }


def _telling(columns: npt.NDArray[np.float64]) -> list[int]:
    """The features to show: the first ones of a table; of an image the pixels that vary most, not its empty corner."""
    if columns.shape[1] <= LARGEST_TABLE:
        return list(range(min(MOST_FEATURES, columns.shape[1])))
    varied = np.argsort(-columns.std(axis=0), kind="stable")
    return sorted(varied[:MOST_FEATURES].tolist())


def _histograms(
    data: Dataset, feature: int, before: npt.NDArray[np.float64], after: IntArray, quality: Quality
) -> dict[str, Any]:
    name = data.feature_names[feature] if data.feature_names else f"input {feature}"
    found = Histograms.count(name, before, after, BINS)
    return {
        "feature": name,
        "counts_before": found.counts_before.tolist(),
        "edges_before": found.edges_before.tolist(),
        "counts_after": found.counts_after.tolist(),
        "edges_after": found.edges_after.tolist(),
        "sqnr_db": _finite(quality.sqnr_db_per_feature[feature]),
    }


def _finite(value: float) -> float | None:
    """None instead of an infinity, which JSON does not have: no error at all."""
    return float(value) if np.isfinite(value) else None
