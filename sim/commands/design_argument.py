"""The hardware that a command line asks for: ``--multipliers``, ``--latency-intervals``, or ``--unrolled``."""

from __future__ import annotations

from contextlib import suppress

import click

import rtlgen
from golden.graph import Graph
from rtlgen import Design, Plan
from sim.budget import DEFAULT_MULTIPLIERS
from sim.commands.model_argument import Model
from sim.commands.printing import note, working
from sim.commands.user_error import blame_user
from sim.synthesis.fit import fitting
from sim.synthesis.targets import Target


class AtLeast(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on
    """An integer that is not smaller than ``least``."""

    name = "integer"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, or click's error."""
        try:
            number = int(str(value))
        except ValueError:
            number = self.least - 1
        if number < self.least:
            self.fail(f"must be an integer of at least {self.least}, not {value!r}", param, ctx)
        return number


def planned(model: Model, multipliers: int | None, unrolled: bool, intervals: float | None = None) -> Plan:
    """The plan for the hardware of ``model``.

    Raises:
        UsageError, UserError: if both are asked for, or the network has no hardware yet.
    """
    _check(multipliers, unrolled, intervals)
    with blame_user(f"MODEL {model.argument!r}"):
        budget = multipliers or DEFAULT_MULTIPLIERS
        plan = rtlgen.plan(model.graph, budget, unrolled=unrolled, latency_intervals=intervals)
    _note_useless(model.graph, plan, multipliers)
    return plan


def designed(model: Model, multipliers: int | None, unrolled: bool, intervals: float | None = None) -> Design:
    """The hardware of ``model``; errors as of ``planned``."""
    _check(multipliers, unrolled, intervals)
    with working(f"generating {model.name}"), blame_user(f"MODEL {model.argument!r}"):
        budget = multipliers or DEFAULT_MULTIPLIERS
        design = rtlgen.generate(model.graph, budget, unrolled=unrolled, latency_intervals=intervals, name=model.name)
    _note_useless(model.graph, design.plan, multipliers)
    return design


def fitted(
    model: Model, multipliers: int | None, unrolled: bool, target: Target, intervals: float | None = None
) -> Design:
    """The hardware of ``model`` for a device: if nobody says how many multipliers, or how early the first result has to
    be, as many as fit, up to the default.

    Raises:
        UsageError, UserError: as of ``planned``; and if nothing fits.
    """
    if unrolled or multipliers is not None or intervals is not None:
        return designed(model, multipliers, unrolled, intervals)
    with working(f"generating {model.name}"), blame_user(f"MODEL {model.argument!r}"):
        design = fitting(model.graph, target, DEFAULT_MULTIPLIERS, model.name)
    budget = design.plan.budget
    if budget != DEFAULT_MULTIPLIERS:
        note(f"--multipliers {budget}: with {DEFAULT_MULTIPLIERS}, the default, it would not fit on {target.name}")
    return design


def hardware_words(multipliers: int | None, unrolled: bool, intervals: float | None = None) -> list[str]:
    """The part of a command line that asks for this hardware."""
    if unrolled:
        return ["--unrolled"]
    words = ["--multipliers", str(multipliers or DEFAULT_MULTIPLIERS)]
    return words if intervals is None else [*words, "--latency-intervals", str(intervals)]


def _check(multipliers: int | None, unrolled: bool, intervals: float | None) -> None:
    if unrolled and multipliers is not None:
        raise click.UsageError(
            f"--unrolled hardware has no multipliers: give it or --multipliers {multipliers}, not both"
        )
    if unrolled and intervals is not None:
        raise click.UsageError(
            f"--unrolled hardware has one latency: give it or --latency-intervals {intervals}, not both"
        )


def _note_useless(graph: Graph, plan: Plan, asked: int | None) -> None:
    if asked is None or plan.multipliers == asked:
        return
    with suppress(NotImplementedError):
        # Unrolled hardware takes a sample as fast as its beats arrive: no plan is faster.
        if plan.ii_cycles <= rtlgen.plan(graph, unrolled=True).ii_cycles:
            note(f"{plan.multipliers} multipliers are useful for this network, {asked} make it no faster")
