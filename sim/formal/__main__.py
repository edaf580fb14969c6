"""``python -m sim.formal``: everything is proven, and every proof is tried on hardware with a fault in it.

Exit status 1 if something is not proven, or a planted fault is not found.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sim.formal.obligations import Obligation, obligations
from sim.formal.outcomes import Outcome, proven
from sim.formal.postmortem import kept
from sim.formal.prover import ABC, PROVEN, REFUTED
from sim.regression.readme import put_between_markers
from sim.synthesis.yosys import PROGRAM
from sim.tools import ToolError, find_tool

MARKER = "proofs"


def markdown(outcomes: Sequence[Outcome]) -> str:
    """A row a property: of how many subjects it was proven."""
    properties = dict.fromkeys(outcome.obligation.what for outcome in outcomes)
    lines = ["| proven | of | planted faults found |", "|---|---|--:|"]
    for what in properties:
        own = [outcome for outcome in outcomes if outcome.obligation.what == what]
        subjects = ", ".join(o.obligation.subject for o in own if o.verdict.kind == PROVEN)
        found = sum(o.planted.kind == REFUTED for o in own)
        lines.append(f"| {what} | {subjects} | {found}/{len(own)} |")
    return "\n".join(lines)


def _chosen(subjects: Sequence[str], what: str | None) -> list[Obligation]:
    """Those of a subject called so; where there is none, of all that begin so."""
    every = [obligation for obligation in obligations() if what in (None, obligation.what)]
    names = {obligation.subject for obligation in every}
    wanted = [
        tuple(name for name in names if name == subject or (subject not in names and name.startswith(subject)))
        for subject in subjects
    ]
    return [o for o in every if not subjects or any(o.subject in own for own in wanted)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sim.formal", description="Prove properties of the hardware.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help="a name, or what names begin with; all without")
    parser.add_argument("--what", metavar="PROPERTY", help="only this of them, as the table names it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="proofs at a time (all processors)")
    parser.add_argument(
        "--build", type=Path, default=Path("build/proofs"), help="for what failing proofs leave (%(default)s)"
    )
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table there, if all is proven")
    options = parser.parse_args(arguments)
    if (options.subjects or options.what) and options.readme:
        parser.error("the README's table has everything, not some subjects")
    chosen = _chosen(options.subjects, options.what)
    try:
        if not chosen:
            looked_for = " or ".join(map(repr, options.subjects)) or "anything"
            wanted = f" with the property {options.what!r}" if options.what else ""
            raise ValueError(f"nothing to prove has a name that begins with {looked_for}{wanted}")
        for program in (PROGRAM, ABC):
            find_tool(program)
        outcomes = []
        for outcome in proven(chosen, options.jobs):
            print(outcome, flush=True)
            outcomes.append(outcome)
            if not outcome.passed:
                print(f"  {kept(outcome, options.build)}", flush=True)
        if options.readme and all(outcome.passed for outcome in outcomes):
            put_between_markers(options.readme, MARKER, markdown(outcomes))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    passed = sum(outcome.passed for outcome in outcomes)
    print(f"{passed} of {len(outcomes)} proven, each of them refuted with a fault planted")
    return int(passed < len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
