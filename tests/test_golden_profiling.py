"""The profile: what an op would be without rounding, and which layer is found to hurt most."""

from __future__ import annotations

import numpy as np
import pytest
from op_cases import CASES, PENDING, Case
from test_golden_ops_table import stimulus

import golden
from golden import Graph, IntType, TensorType
from golden.ops import Add, Conv, Dense, Relu, Requantize, Softmax
from golden.profiling import Histogram, profile
from golden.unrounded import unrounded

ALL = CASES + PENDING
S8 = IntType(8, True)
FIXED_POINT_ERROR = {"Softmax": 1.5, "Requantize": 1.01, "Add": 2.01, "Multiply": 1.01, "AveragePool": 0.51}
"""How far an op may be from its unrounded self, in units of its result: half a unit per rounding, doubled for those
that round twice and scale the first error by at most one; the approximations of softmax add another half. A new op that
says that it rounds, by a method ``ties``, does so once."""


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_an_op_is_its_unrounded_self_but_for_its_roundings(case: Case) -> None:
    x = stimulus(case, 9)
    real = unrounded(case.op, *(batch.astype(np.float64) for batch in x))
    error = np.abs(case.op(*x) - real)
    # Ops that do not round are equal: doubles hold their integers.
    rounds = 0.51 if hasattr(case.op, "ties") else 0.0
    assert error.max() <= FIXED_POINT_ERROR.get(type(case.op).__name__, rounds)


def chain(step: int = 1) -> Graph:
    """Two layers; the second requantiser has only every ``step``-th value left of its type."""
    rng = np.random.default_rng(1)
    first, second = (Dense(rng.integers(-127, 128, (6, 6)), rng.integers(-500, 500, 6)) for _ in range(2))
    scales = [np.array(1), np.array(9)], [np.array(1), np.array(9 + step - 1)]
    ops = [first, Relu(), Requantize(*scales[0], -128, S8), second, Requantize(*scales[1], 0, S8)]
    return Graph.chain(TensorType((6,), S8), *ops)


def test_the_layer_that_hurts_most_comes_first() -> None:
    x = np.random.default_rng(0).integers(-128, 128, (200, 6))
    fine = profile(chain(), x)
    assert [t.name for t in fine.tensors] == ["x", "dense1", "relu1", "requantize1", "dense2", "requantize2"]
    noise = {t.name: t for t in profile(chain(6), x).tensors}
    assert noise["dense1"].own_sqnr_db == float("inf")
    assert profile(chain(6), x).worst_first[0].name == "requantize2"
    assert noise["requantize2"].own_sqnr_db < 15 < noise["requantize1"].own_sqnr_db
    # What a layer adds comes on top of what it was given.
    for tensor in fine.tensors[1:]:
        assert tensor.sqnr_db <= tensor.own_sqnr_db + 1.0


def test_saturation_is_counted_exactly_and_a_relu_is_none() -> None:
    x = TensorType((1,), S8)
    batch = np.arange(-128, 128).reshape(-1, 1)
    wide = profile(Graph.chain(x, Requantize(2, 0, 0, S8)), batch).tensors[1]
    assert wide.saturated_low == np.mean(2 * batch < -128)
    assert wide.saturated_high == np.mean(2 * batch > 127)
    rectifier = profile(Graph.chain(x, Requantize(2, 0, -128, S8)), batch).tensors[1]
    assert rectifier.saturated_low == 0.0
    assert rectifier.saturated_high == np.mean(2 * batch - 128 > 127)
    assert profile(Graph.chain(x, Relu()), batch).tensors[1].saturated_high is None


def test_histograms_count_everything_once() -> None:
    for dtype in (S8, IntType(3, False), IntType(20, True), IntType(1, False)):
        values = np.random.default_rng(2).integers(dtype.min, dtype.max, 1000, endpoint=True)
        found = Histogram.of(values, dtype)
        assert found.counts.sum() == 1000
        assert len(found.counts) <= 33
        assert (found.low, found.high) == (dtype.min, dtype.max)
        assert 0 < found.range_use <= 1
    assert Histogram.of(np.array([5, 5]), S8).range_use == 1 / 256


def test_encodings_make_noise_comparable() -> None:
    op = Requantize(1, 1, 0, S8)
    encodings = {"requantize1": golden.Encoding(np.array(0.5), np.array(0))}
    x = np.arange(-100, 100).reshape(-1, 1)
    one, two = (profile(Graph.chain(TensorType((1,), S8), op, encodings=e), x).tensors[1] for e in (encodings, {}))
    assert one.own_sqnr_db == pytest.approx(two.own_sqnr_db)  # the scale cancels, but for the last bits of doubles


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        profile(chain(), np.empty((0, 6), dtype=np.int64))


def test_unrounded_would_notice_another_op() -> None:
    x = np.random.default_rng(3).normal(size=(2, 4, 4, 2))
    weight = np.random.default_rng(4).integers(-5, 5, (2, 3, 3, 2))
    a, b = (unrounded(Conv(w, [0, 0]), x) for w in (weight, weight[:, ::-1]))
    assert np.abs(a - b).max() > 1
    soft = [unrounded(Softmax(m, 6), 10 * x) for m in (1 << 30, 1 << 29)]
    assert np.abs(soft[0] - soft[1]).max() > 1
    powers = np.exp(10 * x / 4)
    real = np.minimum(256 * powers / powers.sum(axis=-1, keepdims=True) - 128, 127)
    for op in (Softmax(1 << 30, 6), Softmax(1, 2, "float32")):
        np.testing.assert_allclose(unrounded(op, 10 * x), real, rtol=0, atol=1e-9)
    added = [unrounded(Add((0, 0), (1, 1), (0, 0), 0, 1, 0, 0, S8, subtract=s), x, x) for s in (False, True)]
    assert np.abs(added[1]).max() == 0 < np.abs(added[0]).max()
