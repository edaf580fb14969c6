"""The numerics of a network for people and programs: plain values, rows of a table, and a page of their own.

``write_page(...)`` is what ``tensorgate profile --html`` writes; the regression's report shows the same section.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from golden.graph import Graph
from golden.profiling import Histogram, Profile, TensorProfile
from sim.regression.page import render

COLUMNS = {
    "layer": "left",
    "op": "left",
    "type": "left",
    "called": "left",
    "lowest": "right",
    "highest": "right",
    "range used": "right",
    "saturated low": "right",
    "saturated high": "right",
    "SQNR own": "right",
    "SQNR": "right",
}
"""Columns of the table and the side that their text is on."""


def as_plain(found: Profile) -> dict[str, Any]:
    """A profile as plain values that survive JSON; the layers that add most noise first, then the exact ones."""
    noisy = found.worst_first
    rest = [tensor for tensor in found.tensors if tensor not in noisy]
    return {
        "samples": found.samples,
        "reference": found.reference,
        "noisy": len(noisy),
        "layers": [_plain(tensor) for tensor in (*noisy, *rest)],
    }


def _plain(tensor: TensorProfile) -> dict[str, Any]:
    return {
        "layer": tensor.name,
        "op": tensor.op,
        "type": tensor.type,
        "origin": tensor.origin,
        "own_sqnr_db": _finite(tensor.own_sqnr_db),
        "sqnr_db": _finite(tensor.sqnr_db),
        "exact": tensor.own_sqnr_db == float("inf"),
        "exact_so_far": tensor.sqnr_db == float("inf"),
        "range_use": tensor.values.range_use,
        "saturated_low": tensor.saturated_low,
        "saturated_high": tensor.saturated_high,
        "values": _histogram(tensor.values),
        "weights": _histogram(tensor.weights) if tensor.weights else None,
    }


def _histogram(found: Histogram) -> dict[str, Any]:
    return {
        "counts": found.counts.tolist(),
        "edges": found.edges.tolist(),
        "type_low": found.low,
        "type_high": found.high,
        "low": found.seen_low,
        "high": found.seen_high,
    }


def _finite(value: float | None) -> float | None:
    """None instead of an infinity, which JSON does not have."""
    return None if value is None or not isfinite(value) else round(value, 3)


def rows(plain: Mapping[str, Any]) -> list[list[str]]:
    """The rows of ``COLUMNS``."""
    return [
        [
            layer["layer"],
            layer["op"],
            layer["type"],
            _short(layer["origin"]),
            f"{layer['values']['low']:,}",
            f"{layer['values']['high']:,}",
            f"{layer['range_use']:.0%}",
            _share(layer["saturated_low"]),
            _share(layer["saturated_high"]),
            decibels(layer["own_sqnr_db"], layer["exact"]),
            decibels(layer["sqnr_db"], layer["exact_so_far"]),
        ]
        for layer in plain["layers"]
    ]


def decibels(value: float | None, exact: bool) -> str:
    """``37.9 dB``; ``exact`` for a layer that adds no noise, empty where nothing is known."""
    return "exact" if exact else "" if value is None else f"{value:.1f} dB"


def _share(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.2%}" if value >= 0.0001 else "<0.01%"


def _short(name: str, width: int = 36) -> str:
    return name if len(name) <= width else f"…{name[1 - width :]}"


def page(name: str, graph: Graph, plain: Mapping[str, Any]) -> str:
    """A self-contained HTML page about one network."""
    from sim import figures

    return render("profile.html", name=name, graph=graph, numerics=plain, figures=figures, decibels=decibels)
