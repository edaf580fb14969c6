"""The README's table of mutation scores: ``python -m sim.mutation.record [KIND...]``.

Runs a campaign on the small network of each op kind, prints the table, and with ``--readme FILE`` puts it there. Exit
status 1 if a fault has survived, or if of one nothing is known.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from golden.serialize import write_atomically
from sim.formal.prover import ABC
from sim.mutation.campaign import MutationScore, measure
from sim.regression.readme import put_between_markers
from sim.regression.reproduction import python
from sim.regression.small import GRAPHS, small_design
from sim.simulators.programs import require_programs
from sim.synthesis.yosys import PROGRAM
from sim.tools import ToolError, find_tool

MARKER = "mutation"
MUTANTS = 200
COUNT = r" (\d+) \|"
Counts = tuple[int, ...]
"""Of a row: faults, without effect, of them by every input, killed, of them by search, survived, undecided, seconds."""
_COUNTS = ("faults", "without effect", "by every input", "killed", "by search", "survived", "undecided")
HEAD = ("op", *_COUNTS, "score", "time (s)")


def markdown(scores: Sequence[MutationScore], kept: Mapping[str, Counts] | None = None) -> str:
    """A row an op kind, and their sum; ``kept`` are rows of other op kinds."""
    rows = dict(kept or {})
    for score in scores:
        counts = score.mutants, len(score.equivalent), score.by_every_input, score.killed, score.by_search
        numbers = (*counts, len(score.survived), len(score.undecided))
        rows[score.name] = (*numbers, round(score.time_s))
    names = [name for name in GRAPHS if name in rows] + [name for name in rows if name not in GRAPHS]
    rows["all"] = tuple(sum(column) for column in zip(*(rows[name] for name in names), strict=True))
    lines = [f"| {' | '.join(HEAD)} |", f"|---|{'--:|' * (len(HEAD) - 1)}"]
    return "\n".join([*lines, *(_row(name, rows[name]) for name in (*names, "all"))])


def rows_in(text: str) -> dict[str, Counts]:
    """The rows of the op kinds in a text with such a table."""
    found = {}
    for name, *cells in re.findall(rf"^\| (\w+) \|{COUNT * 7} [-\d.%]+ \|{COUNT}$", text, re.MULTILINE):
        if name in GRAPHS:
            found[name] = tuple(int(cell) for cell in cells)
    return found


def _row(name: str, counts: Counts) -> str:
    *numbers, time_s = counts
    mutants, equivalent, _, killed, *_ = numbers
    score = f"{killed / (mutants - equivalent):.1%}" if mutants > equivalent else "-"
    return f"| {' | '.join([name, *map(str, numbers), score, str(time_s)])} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sim.mutation.record", description="Test the testbench.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(GRAPHS)}; all without any")
    parser.add_argument("--mutants", type=int, default=MUTANTS, help="faults in each (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of faults and stimulus (%(default)s)")
    parser.add_argument(
        "--build", type=Path, default=Path("build/mutants"), help="where faults not found are kept (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all that was found")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    parser.add_argument("--keep", action="store_true", help="leave the rows there that are of other op kinds")
    options = parser.parse_args(arguments)
    if wrong := [kind for kind in options.kinds if kind not in GRAPHS]:
        parser.error(f"an op kind must be one of {', '.join(GRAPHS)}, not {wrong[0]!r}")
    try:
        require_programs("icarus")
        for program in (PROGRAM, ABC):
            find_tool(program)
        scores = []
        for kind in options.kinds or GRAPHS:
            again = ["-m", "sim.mutation.record", kind, "--mutants", options.mutants, "--seed", options.seed]
            command = shlex.join([python(), *map(str, again)])
            scores.append(
                measure(small_design(kind), options.mutants, options.seed, kept=options.build, command=command)
            )
            for folder in scores[-1].kept:
                print(f"files: {folder}", file=sys.stderr)
            print(markdown(scores[-1:]).splitlines()[2], file=sys.stderr, flush=True)
        if options.json:
            write_atomically(options.json, json.dumps([s.as_json() for s in scores], indent=1).encode() + b"\n")
        if options.readme:
            kept = rows_in(options.readme.read_text()) if options.keep else {}
            put_between_markers(options.readme, MARKER, markdown(scores, kept))
        else:
            print(markdown(scores))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return int(any(score.survived or score.undecided for score in scores))


if __name__ == "__main__":
    sys.exit(main())
