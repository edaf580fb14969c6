"""Imports damaged TensorFlow Lite files for a while, under a limit of memory, and prints what came of them.

Example: ``python tests/fuzz_tflite.py --time 5m --seed 1``. Files that do not end in a clear error, or in a network
that runs, are kept under the folder of ``--keep``; their number is the exit status (at most 100).
"""

import argparse
import collections
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tflite_mutations import attempt, mutated, seeds

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text):
    """``90``, ``90s``, ``5m`` or ``1h`` in seconds."""
    unit = _UNITS.get(text[-1:], 0)
    return float(text[:-1]) * unit if unit else float(text)


class TooSlowError(BaseException):
    """A file took longer than it may; no handler of the importer catches this."""


def _alarm(*_):
    raise TooSlowError


def campaign(description, files, mutated, attempt, suffix):
    """The command: damages files by ``mutated(content, seed)``, and has ``attempt(path, content, seed)`` try them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--time", type=seconds, default=60.0, help="how long: 90s, 5m, 1h (default 60s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first damage")
    parser.add_argument("--memory", type=float, default=4.0, help="limit of the address space in GB (default 4)")
    parser.add_argument("--slow", type=int, default=20, help="seconds that one file may take (default 20)")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder for files that fail")
    options = parser.parse_args()
    limit = int(options.memory * (1 << 30))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, _alarm)
    results, failures = collections.Counter(), collections.Counter()
    start, seed, slowest = time.monotonic(), options.seed, (0.0, 0)
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() - start < options.time:
            for name, content in files.items():
                damaged, began = mutated(content, seed), time.monotonic()
                signal.alarm(options.slow)
                try:
                    results[name, attempt(Path(folder) / f"damaged{suffix}", damaged, seed)] += 1
                except (Exception, TooSlowError) as error:
                    place = traceback.extract_tb(error.__traceback__)[-1]
                    where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
                    failures[where] += 1
                    if failures[where] <= 3:
                        options.keep.mkdir(parents=True, exist_ok=True)
                        (options.keep / f"{name}-{seed}{suffix}").write_bytes(damaged)
                        print(f"{name} with seed {seed}: {where}: {str(error)[:300]}", flush=True)
                finally:
                    signal.alarm(0)
                slowest = max(slowest, (time.monotonic() - began, seed))
            seed += 1
    for (name, result), count in sorted(results.items()):
        print(f"{name:24} {result:20} {count:7}")
    print(f"{sum(results.values()) + failures.total()} files from seed {options.seed} to {seed - 1}, ", end="")
    print(f"slowest {slowest[0]:.1f} s (seed {slowest[1]}), peak memory ", end="")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB, {failures.total()} failures")
    sys.exit(min(100, failures.total()))


if __name__ == "__main__":
    campaign(__doc__.splitlines()[0], seeds(), mutated, attempt, ".tflite")
