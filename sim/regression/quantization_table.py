"""What ways of quantization cost the built-in networks: the table of the README.

``python -m sim.regression.quantization_table`` prints what ``python -m golden.zoo --study`` does, a quarter of an hour
for all networks; ``--readme FILE`` puts it there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from golden.zoo import NAMES
from golden.zoo.study import study
from sim.regression.readme import put_between_markers

MARKER = "quantization"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 with a line on standard error for a missing data set or file."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.quantization_table", description=__doc__)
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    options = parser.parse_args(arguments)
    try:
        table = study(NAMES)
        if options.readme:
            put_between_markers(options.readme, MARKER, table)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
