"""Courses of training for people: rows of a table, and the page with the learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.regression.page import render

COLUMNS = {"epoch": "right", "loss": "right", "training split": "right", "test split": "right", "in floats": "right"}
"""Columns of a course's table and the side that their text is on."""


def rows(course: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row an epoch."""
    return [
        (
            str(number),
            f"{epoch['loss']:.1f}",
            *(f"{epoch[name]:.1%}" for name in ("train_accuracy", "test_accuracy", "float_test_accuracy")),
        )
        for number, epoch in enumerate(course["epochs"], 1)
    ]


def page(courses: Sequence[Mapping[str, Any]]) -> str:
    """The page: everything inside, nothing loaded from anywhere."""
    from sim import figures

    return render("training.html", courses=courses, figures=figures, columns=COLUMNS, rows=rows)
