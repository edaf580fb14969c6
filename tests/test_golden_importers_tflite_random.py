"""Random networks as TensorFlow Lite files: golden equals TensorFlow Lite Micro on every value of every tensor."""

from collections import Counter

import numpy as np
import pytest
import tflite_networks
from tflite_networks import random_network
from tflite_reference import RefusedError, assert_equal

import golden.arithmetic
import golden.importers.tflite_sums
import golden.ops.conv
from golden.importers.tflite import OPERATORS
from golden.ops import AveragePool
from sim.difference import VerificationError

pytestmark = pytest.mark.slow  # it needs the interpreter

_WITHOUT = {"RELU_N1_TO_1"}
"""Operators that the interpreter does not have."""


def compare(seeds, folder):
    """Networks that were compared, and what the interpreter said about those that it does not take, by seed."""
    compared, refused = 0, {}
    for seed in seeds:
        net = random_network(seed)
        try:
            assert_equal(net, folder, count=8, seed=seed)
        except RefusedError as error:
            refused[seed] = str(error)
        except Exception as error:
            error.add_note(f"in random_network({seed}): {', '.join(o.kind for o in net.operators)}")
            raise
        else:
            compared += 1
    return compared, refused


@pytest.mark.parametrize("part", range(6))
def test_golden_equals_the_interpreter(part, tmp_path):
    compared, refused = compare(range(10 * part, 10 * part + 10), tmp_path)
    assert compared >= 8, f"golden takes these, and the interpreter does not: {refused}"


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(15))
def test_golden_equals_the_interpreter_on_many_more(part, tmp_path):
    compared, refused = compare(range(1000 + 100 * part, 1100 + 100 * part), tmp_path)
    assert compared >= 80, f"golden takes these, and the interpreter does not: {refused}"


def test_the_networks_have_every_operator():
    """Otherwise equal means little. These are counted without the interpreter."""
    kinds = Counter(operator.kind for seed in range(400) for operator in random_network(seed).operators)
    assert set(OPERATORS) - set(kinds) == _WITHOUT
    assert min(kinds.values()) >= 10
    sizes = Counter(len(random_network(seed).operators) for seed in range(60))
    assert {1, 2, 3, 4, 5, 6, 7, 8} <= set(sizes)


def test_the_networks_fan_out_and_join():
    readers = joins = 0
    for seed in range(60):
        net = random_network(seed)
        read = Counter(i for operator in net.operators for i in operator.inputs if net.tensors[i].data is None)
        readers += max(read.values()) > 1
        joins += any(
            len({i for i in operator.inputs if i >= 0 and net.tensors[i].data is None}) > 1
            for operator in net.operators
        )
    assert readers >= 20
    assert joins >= 10


def first_difference(folder, networks=60):
    """The seed of the first network whose values differ from the interpreter's; None where all are equal."""
    for seed in range(networks):
        try:
            assert_equal(random_network(seed), folder, count=8, seed=seed)
        except RefusedError:
            continue
        except VerificationError:
            return seed
    return None


def ties_towards_zero(x, multiplier, shift):
    """``tflm``, but for ties of the second rounding."""
    exponent = 31 - shift
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    high = ((x << left) * multiplier + (1 << 30)) >> 31
    magnitude = np.abs(high)
    return np.sign(high) * ((magnitude + np.maximum((1 << right >> 1) - 1, 0)) >> right)


def same_padding_first(size, kernel, stride, dilation=(1, 1)):
    """``SAME`` with the larger half in front."""
    return tuple(pair[::-1] for pair in golden.window.same_padding(size, kernel, stride, dilation))


def mean_rounded_down(self, x):
    """Means with the padding left out, as they must be, but rounded down."""
    return np.floor_divide(golden_mean(self, x * 4096), 4096)


golden_mean = AveragePool.__call__


def padded_with_zero(x, padding, value, dtype):
    return golden.window.padded(x, padding, 0, dtype)


PLANTED = {
    "ties towards zero": lambda patch: patch.setitem(golden.arithmetic.ARITHMETICS, "tflm", ties_towards_zero),
    "one rounding": lambda patch: patch.setitem(golden.arithmetic.ARITHMETICS, "tflm", golden.arithmetic.half_up),
    "padding with 0": lambda patch: patch.setattr(golden.ops.conv, "padded", padded_with_zero),
    "SAME the other way": lambda patch: patch.setattr(golden.importers.tflite_sums, "same_padding", same_padding_first),
    "means rounded down": lambda patch: patch.setattr(AveragePool, "__call__", mean_rounded_down),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(mistake, monkeypatch, tmp_path):
    PLANTED[mistake](monkeypatch)
    assert first_difference(tmp_path) is not None


def test_a_layer_that_does_not_fit_leaves_nothing_behind():
    """The generator takes back what a layer had begun: no operator reads a tensor that is not there."""
    for seed in range(100):
        net = random_network(seed)
        known = {i for i, tensor in enumerate(net.tensors) if tensor.data is not None} | set(net.inputs)
        for operator in net.operators:
            assert {i for i in operator.inputs if i >= 0} <= known
            known |= set(operator.outputs)
        assert set(net.outputs) <= known
    assert tflite_networks.LAYERS
