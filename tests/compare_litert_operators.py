"""Single operators in TensorFlow Lite (PyPI ``ai-edge-litert``) and in golden, in every arithmetic.

Example: ``python tests/compare_litert_operators.py --networks 15``. For every operator so many random networks of it,
and as many whose scales are powers of two, so that results are ties, and TensorFlow Lite's values that golden does not
give. A process of its own, because the interpreter crashes on some files: the operator is the last line then.
``--json`` prints one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tflite_layers import Network
from tflite_networks import random_network
from tflite_reference import stimulus

import golden
from golden.importers.tflite import ARITHMETICS, OPERATORS
from sim.regression.runtimes import litert_outputs

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
SEEDS = 6000
SAMPLES = 60


def networks_of(kinds: list[str], count: int) -> Iterator[tuple[str, int, Network]]:
    """``count`` networks of each kind with nothing else in them, with their seeds.

    Without those that the interpreter does not take: it refuses, or crashes on, convolutions without a bias.
    """
    found: Counter[str] = Counter()
    for seed in range(SEEDS):
        net = random_network(seed, 1)
        kind = net.operators[0].kind
        biased = kind not in WEIGHTED or (len(net.operators[0].inputs) == 3 and min(net.operators[0].inputs) >= 0)
        if len(net.operators) == 1 and kind in kinds and found[kind] < count and biased:
            found[kind] += 1
            yield kind, seed, net
            if len(found) == len(kinds) and min(found.values()) == count:
                return


def with_ties(net: Network) -> Network:
    """A copy of the network with powers of two as scales."""
    net = copy.deepcopy(net)
    for tensor in net.tensors:
        if tensor.scales is not None:
            tensor.scales = np.exp2(np.rint(np.log2(tensor.scales))).astype(np.float32)
    (operator,) = net.operators
    if operator.kind in WEIGHTED:
        x, filters, bias = (net.tensors[i] for i in operator.inputs)
        bias.scales = x.scales * filters.scales
    return net


def differences(net: Network, seed: int, folder: Path) -> Counter[str]:
    """How many values there are, and by arithmetic how many golden does not give; ``refused`` is what it does not take.

    An arithmetic that refuses the network is not in it.
    """
    path = folder / "network.tflite"
    path.write_bytes(net.bytes())
    x = stimulus(golden.from_tflite(path), SAMPLES, seed)
    theirs = litert_outputs(path, *x.values())
    found = Counter({"values": sum(y.size for y in theirs)})
    for arithmetic in ARITHMETICS:
        try:
            own = golden.from_tflite(path, arithmetic).run(x)
        except NotImplementedError:
            continue
        outputs = dict(zip(dict.fromkeys(net.outputs), own.values(), strict=True))
        pairs = zip((outputs[index] for index in net.outputs), theirs, strict=True)
        found[arithmetic] = sum(int((a.reshape(len(b), -1) != b.reshape(len(b), -1)).sum()) for a, b in pairs)
    return found


def compare(kinds: list[str], count: int) -> dict[str, Counter[str]]:
    """``differences`` of all networks of each kind."""
    results = {kind: Counter[str]() for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for kind, seed, net in networks_of(kinds, count):
            print(kind, seed, end="\r", file=sys.stderr, flush=True)
            for variant in (net, with_ties(net)):
                found = differences(variant, seed, Path(folder))
                for key, number in found.items():
                    results[kind][key] += number
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="OPERATOR", help="all that can be made without one")
    parser.add_argument("--networks", type=int, default=15, help="of each operator and kind of scales (default 15)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = compare(options.kinds or [kind for kind in OPERATORS if kind != "RELU_N1_TO_1"], options.networks)
    if options.json:
        print(json.dumps(results))
        return 0
    print(f"{'operator':20}{'values':>10}" + "".join(f"{name:>10}" for name in ARITHMETICS))
    for kind, found in results.items():
        cells = [str(found[name]) if name in found else "refused" for name in ARITHMETICS]
        print(f"{kind:20}{found['values']:>10}" + "".join(f"{cell:>10}" for cell in cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
