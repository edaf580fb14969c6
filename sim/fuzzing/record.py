"""The README's line on random networks, of what campaigns gave.

``python -m sim.fuzzing.record RESULT...`` adds up files that ``tensorgate fuzz --json`` has printed, and prints the
line; ``--readme FILE`` puts it there. Campaigns of the same seed try the same networks, and are refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.regression.readme import put_between_markers

MARKER = "fuzz"


def line(results: Sequence[dict[str, Any]]) -> str:
    """A sentence with the numbers of all campaigns.

    Raises:
        ValueError: if one of them failed, two have the same seed, or one is no result of a campaign.
    """
    try:
        seeds = Counter(result["seed"] for result in results)
        failed = [result["seed"] for result in results if result["verdict"] != "equal"]
        left_out = [result["left_out"] for result in results if "left_out" in result]
        totals = {name: sum(result[name] for result in results) for name in ("networks", "icarus", "netlist")}
        refused = sum(sum(result["refused"].values()) for result in results)
        least = {
            kind: min(sum(result[kind][name] for result in results) for name in results[0][kind])
            for kind in ("ops", "arithmetics")
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"a result must be what tensorgate fuzz --json printed: {error} is missing") from error
    if failed:
        raise ValueError(f"the campaign of seed {failed[0]} has a network that fails: repair that first")
    if left_out:
        raise ValueError(f"a campaign has left something out: {left_out[0]}")
    if max(seeds.values()) > 1:
        raise ValueError(f"campaigns must have different seeds, not {seeds.most_common(1)[0][0]} twice")
    return (
        f"{totals['networks']:,} random networks, golden and PyRTL equal on every layer and cycle of each; "
        f"{totals['icarus']:,} of them also stalled under Icarus, {totals['netlist']:,} as netlists of yosys. "
        f"Every op was in at least {least['ops']:,} of them, every arithmetic in {least['arithmetics']:,}. "
        f"{refused:,} more have no hardware, and were refused with the name of a layer."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: exit status 2 for results that cannot be told."""
    parser = argparse.ArgumentParser(prog="python -m sim.fuzzing.record", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULT", help="what tensorgate fuzz --json printed")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the line into FILE, between its markers")
    options = parser.parse_args(arguments)
    try:
        told = line([json.loads(path.read_text()) for path in options.results])
        if options.readme:
            put_between_markers(options.readme, MARKER, told)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
