"""Random TensorFlow Lite files for a while: golden against TensorFlow Lite Micro, and the hardware against golden.

Example: ``python tests/fuzz_tflite_networks.py --time 10m --seed 1000``. It stops at the first file for which anything
is not equal, makes it small, and prints the command that does it again; the exit status is 1 then.
"""

import argparse
import collections
import copy
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fuzz_tflite import seconds
from tflite_networks import random_network
from tflite_reference import RefusedError, assert_equal, file_of, stimulus

import golden
from golden import Graph
from sim.difference import Difference
from sim.fuzzing.case import Case
from sim.fuzzing.check import RefusedError as NoHardwareError
from sim.fuzzing.check import check
from sim.fuzzing.postmortem import examine
from sim.fuzzing.reduce import reduced
from sim.regression.postmortem_page import leave

MOST_MACS = 3000
"""Of a network that is simulated; larger ones take too long, and have nothing that smaller ones have not."""
SAMPLES = 6


def pruned(net, tensor):
    """The operators that make one tensor, which is the only output then."""
    made = copy.deepcopy(net)
    wanted, kept = {tensor}, []
    for operator in reversed(made.operators):
        if wanted & set(operator.outputs):
            kept.append(operator)
            wanted |= set(operator.inputs)
    made.operators, made.outputs = kept[::-1], [tensor]
    return made


def network(seed, tensor=None):
    """The network of a seed, or the part of it that makes a tensor."""
    net = random_network(seed)
    return net if tensor is None else pruned(net, tensor)


def smallest(seed, folder, error):
    """The first tensor, in the order of operators, at which a network still fails in the same way."""
    for operator in random_network(seed).operators:
        for tensor in operator.outputs:
            try:
                assert_equal(network(seed, tensor), folder, count=SAMPLES, seed=seed)
            except Exception as found:
                if type(found) is type(error):
                    return tensor, found
    return None, error


def part_of(graph):
    """The longest part with one input and one output, of those that end in an output; None where there is none."""
    best = None
    for output in graph.outputs:
        wanted, kept = {output}, []
        for node in reversed(graph.nodes):
            if node.name in wanted:
                kept.append(node)
                wanted |= set(node.inputs)
        inputs = {name: type for name, type in graph.inputs.items() if name in wanted}
        if kept and len(inputs) == 1 and (best is None or len(kept) > len(best.nodes)):
            best = Graph(inputs, tuple(kept[::-1]), (output,))
    return best


def check_hardware(graph, seed):
    """What came of the hardware of an imported network: equal, refused, or too large to be tried."""
    part = part_of(graph)
    if part is None:
        return "several inputs"
    (name,) = part.inputs
    if sum(node.op.macs(part.types[node.inputs[0]]) for node in part.nodes if hasattr(node.op, "macs")) > MOST_MACS:
        return "too large"
    case = Case(part, stimulus(part, SAMPLES, seed)[name], [64, 1, 7, 300][seed % 4], seed=seed)
    try:
        check(case)
    except NoHardwareError:
        return "no hardware"
    except Exception as error:
        case, error = reduced(case, error, check)
        error.add_note(f"in hardware of the network with {case}")
        error.case = case
        raise error from None
    return "hardware equal"


def attempt(seed, folder, tensor=None):
    """What came of one file; raises what is wrong."""
    try:
        graph = assert_equal(network(seed, tensor), folder, count=SAMPLES, seed=seed)
    except RefusedError:
        return ["refused by the interpreter"]
    return ["equal", check_hardware(graph, seed)]


def campaign(first, until, folder):
    """Files from a seed on until ``until()``; what came of them, and the seed, tensor and error of a failure."""
    results, seed = collections.Counter(), first
    while not until(seed):
        try:
            results.update(attempt(seed, folder))
        except Exception as error:
            return results, (seed, *smallest(seed, folder, error))
        seed += 1
    return results, None


def keep(seed, tensor, error, command, folder):
    """What a failure leaves in ``folder``: file, input, the facts with a page; of hardware the case, with waves."""
    folder.mkdir(parents=True, exist_ok=True)
    net = network(seed, tensor)
    path = file_of(net, folder)
    try:
        np.savez(folder / "x.npz", **stimulus(golden.from_tflite(path), SAMPLES, seed))
    except Exception as refused:
        error.add_note(f"golden refuses the file: {refused}")
    difference = getattr(error, "difference", None) or Difference("tflite-micro", f"{type(error).__name__}: {error}")
    if case := getattr(error, "case", None):
        case.save(folder, error, command)
        difference = examine(case, error, folder, command) or difference
    return leave(difference, command, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=seconds, default=60.0, help="how long: 90s, 5m, 1h (default 60s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first file")
    parser.add_argument("--tensor", type=int, help="only the file of the seed, up to this tensor")
    parser.add_argument("--output", type=Path, default=Path("build/tflite"), help="where a failure is kept")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if options.tensor is not None:
            print(", ".join(attempt(options.seed, Path(folder), options.tensor)))
            return 0
        results, failure = campaign(options.seed, lambda seed: time.monotonic() - start >= options.time, Path(folder))
    for result, count in results.most_common():
        print(f"{result:30} {count:7}")
    if failure is None:
        return 0
    seed, tensor, error = failure
    kinds = [operator.kind for operator in network(seed, tensor).operators]
    print("\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]))
    where = f"--seed {seed} " + (f"--tensor {tensor}" if tensor is not None else "--time 1s")
    command = f"python tests/fuzz_tflite_networks.py {where}"
    print(f"{', '.join(kinds)}: {command}")
    print(f"files: {keep(seed, tensor, error, command, options.output / f'seed{seed}')}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
