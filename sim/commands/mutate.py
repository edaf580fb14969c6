"""The verb ``mutate``: how many faults the testbench finds."""

from __future__ import annotations

import shlex
from pathlib import Path

from sim.commands.checks import CheckFailedError, check_tools
from sim.commands.design_argument import designed
from sim.commands.model_argument import Model
from sim.commands.printing import as_text, say, say_json, working
from sim.commands.program import program
from sim.commands.user_error import blame_user
from sim.formal.prover import ABC
from sim.mutation.campaign import MutationScore, measure
from sim.regression.small import GRAPHS, MULTIPLIERS
from sim.synthesis.yosys import PROGRAM
from sim.tools import find_tool


def mutate(
    model: str, mutants: int, seed: int, multipliers: int | None, unrolled: bool, output: Path, json: bool
) -> None:
    """The mutation score of a network, or of the small one of an op kind."""
    check_tools(["icarus"])
    with blame_user():
        find_tool(PROGRAM)
        find_tool(ABC)
    words = ["mutate", model, "--mutants", mutants, "--seed", seed]
    words += ["--unrolled"] if unrolled else ["--multipliers", multipliers] if multipliers else []
    network = Model(model, model, GRAPHS[model](), None) if model in GRAPHS else Model.load(model)
    if model in GRAPHS and not unrolled:
        multipliers = multipliers or MULTIPLIERS.get(model)
    design = designed(network, multipliers, unrolled)
    with working(f"{mutants} mutants of {design.name}"):
        score = measure(design, mutants, seed, kept=output, command=shlex.join([*program(), *map(str, words)]))
    told = as_text(score.as_json()) if json else _told(score)
    if score.undecided or score.survived:
        raise CheckFailedError(told)
    if json:
        say_json(score.as_json())
    else:
        say(told)


def _told(score: MutationScore) -> str:
    lines = [
        f"{score.name}: {score.killed} of {score.killable} killable mutants killed: {score.score:.1%}",
        f"  {score.mutants} mutants, {len(score.equivalent)} of them proven to be without effect, "
        f"{len(score.survived)} survived, {len(score.undecided)} undecided; {score.cycles:,} cycles",
    ]
    lines += [f"  survived: {fault}" for fault in score.survived]
    lines += [f"  undecided: {fault}" for fault in score.undecided]
    lines += [f"  files: {folder}" for folder in score.kept]
    return "\n".join(lines)
