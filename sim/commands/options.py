"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from golden.arithmetic import ARITHMETICS
from sim.commands.design_argument import AtLeast

Verb = TypeVar("Verb", bound=Callable[..., None])


def model_argument(verb: Verb) -> Verb:
    """The MODEL argument."""
    return click.argument("model")(verb)


def multipliers_option(verb: Verb) -> Verb:
    """How the hardware is folded."""
    unrolled = click.option("--unrolled", is_flag=True, help="Constant weights as adder graphs, without multipliers.")
    budget = click.option(
        "--multipliers", type=AtLeast(1), metavar="N", help="Most multipliers of the whole network.  [default: 64]"
    )
    return budget(unrolled(verb))


def latency_option(verb: Verb) -> Verb:
    """How early the first result has to be."""
    help = "Most intervals until the first result is out, at least 1; a sample may take longer for it."
    kind = click.FloatRange(min=1)
    return click.option("--latency-intervals", type=kind, metavar="X", help=help)(verb)


def json_option(verb: Verb) -> Verb:
    """Print JSON."""
    return click.option("--json", is_flag=True, help="Print one JSON object and nothing else.")(verb)


def arithmetic_option(verb: Verb) -> Verb:
    """How requantizing rounds."""
    help = "How requantizing rounds; a .tflite file leaves the choice.  [default: tflm]"
    return click.option("--arithmetic", type=click.Choice(sorted(ARITHMETICS)), help=help)(verb)


def samples_option(default: str) -> Callable[[Verb], Verb]:
    """How many samples; ``default`` says what happens without it."""
    return click.option("--samples", type=AtLeast(1), metavar="N", help=f"The first N samples.  [default: {default}]")


def simulator_option(names: Sequence[str], default: str) -> Callable[[Verb], Verb]:
    """One of ``names``."""
    return click.option("--simulator", type=click.Choice(names), default=default, show_default=True)


def cycles_option(default: str) -> Callable[[Verb], Verb]:
    """A budget of cycles; ``default`` says what happens without it."""
    help = f"Most cycles to simulate: so many samples fewer, one at least.  [default: {default}]"
    return click.option("--cycles", type=AtLeast(1), metavar="N", help=help)


def path_option(*names: str, metavar: str = "FILE", **more: Any) -> Callable[[Verb], Verb]:
    """A file or folder."""
    return click.option(*names, type=Path, metavar=metavar, **more)
