"""Networks of which one thing was changed: what golden takes must compute what TensorFlow Lite Micro computes.

Example: ``python tests/compare_tflite_mutants.py 0 400``, the seeds. A process of its own, because the interpreter
trusts what a file says and may crash where golden is too generous; the seed is the last line then. Prints what came of
the seeds, one JSON object, as the last line; the exit status is 1 for a difference.
"""

import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tflite_mutants import changed
from tflite_networks import random_network
from tflite_reference import RefusedError, assert_equal

NETWORKS = 3000
_MOST = 4
"""Operators: of few, more are touched by a change."""


def outcome(seed: int, folder: Path) -> str:
    """``refused`` by golden, ``equal``, ``interpreter`` where that one refuses what golden takes, or ``unwritable``."""
    net = changed(random_network(seed % NETWORKS, _MOST), random.Random(seed))
    try:
        net.bytes()
    except (TypeError, ValueError):
        return "unwritable"
    try:
        assert_equal(net, folder, count=6, seed=seed)
    except (ValueError, NotImplementedError) as error:
        if "cannot be imported" not in str(error) or "\n" in str(error):
            raise AssertionError("it must be refused when it is imported, in one line") from error
        return "refused"
    except RefusedError:
        return "interpreter"
    return "equal"


def main(first: int, last: int) -> int:
    results: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, last):
            print(seed, end="\r", flush=True)
            try:
                results[outcome(seed, Path(folder))] += 1
            except Exception as error:
                results["different"] += 1
                print(f"seed {seed}: {type(error).__name__} {str(error)[:400]!r}")
    print(json.dumps(results))
    return int(results["different"] > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
