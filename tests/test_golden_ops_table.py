"""Every op of the table against its oracle, which shares no code with it; and what holds for each op."""

from __future__ import annotations

import numpy as np
import pytest
from networks import corners
from op_cases import CASES, PENDING, Case

import golden.ops
from golden import Graph, Node, TensorType
from golden.ops import Add, AveragePool, Clamp, Conv, MaxPool, Multiply, Pad, Requantize, Slice, Softmax, Transpose
from golden.types import IntArray
from sim.op_table import ROWS, oracle
from sim.oracles.nested import shape_of

ALL = CASES + PENDING
IDS = [case.name for case in ALL]


def stimulus(case: Case, count: int = 7) -> list[IntArray]:
    """A batch per input; the inputs differ from each other."""
    return [corners(x, count, seed=place)[:: 1 - 2 * (place % 2)] for place, x in enumerate(case.inputs)]


def test_every_op_has_an_oracle() -> None:
    assert {op.__name__.lower() for op in golden.ops.ALL} == set(ROWS)


@pytest.mark.parametrize("case", ALL, ids=IDS)
def test_op_equals_its_oracle(case: Case) -> None:
    x = stimulus(case)
    expected = [oracle(case.op, *samples) for samples in zip(*(batch.tolist() for batch in x), strict=True)]
    y = case.op(*x)
    assert y.dtype == np.int64
    assert y.tolist() == expected
    out = case.op.out_type(*case.inputs)
    assert out.shape == shape_of(expected[0])
    out.check(y)


@pytest.mark.parametrize("case", ALL, ids=IDS)
def test_op_leaves_its_inputs_alone_and_takes_an_empty_batch(case: Case) -> None:
    x = stimulus(case)
    before = [batch.copy() for batch in x]
    case.op(*x)
    assert all(np.array_equal(a, b) for a, b in zip(x, before, strict=True))
    empty = case.op(*(np.empty((0, *type.shape), dtype=np.int64) for type in case.inputs))
    assert empty.shape == (0, *case.op.out_type(*case.inputs).shape)


@pytest.mark.parametrize("case", ALL, ids=IDS)
def test_a_graph_of_the_op_is_the_same_after_saving(case: Case, tmp_path) -> None:
    inputs = {f"x{place}": type for place, type in enumerate(case.inputs)}
    graph = Graph(inputs, (Node("layer", case.op, tuple(inputs)),), ("layer",), origins={"layer": "its name there"})
    graph.save(tmp_path / "g")
    again = Graph.load(tmp_path / "g")
    assert again == graph
    assert again.origins == {"layer": "its name there"}
    x = dict(zip(inputs, stimulus(case), strict=True))
    np.testing.assert_array_equal(again.run(x)["layer"], case.op(*x.values()))


PLANTED = {
    "requantize tflm two ties": Requantize(1 << 30, 33, 3, golden.IntType(8, True), "single"),
    "requantize float32 ties": Requantize([3, 12345677, 1 << 23], [3, 31, 24], 1, golden.IntType(8, True), "single"),
    "average pool": MaxPool((2, 3), (2, 3)),
    "slice": Slice((1, 1, 2), (2, 3, 2), (2, 2, 1)),
    "softmax": Softmax(1400000000, 6),
    "softmax float32": Softmax(12000000, 27, "float32"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_oracle_sees_a_planted_mistake(name: str) -> None:
    """One unit of the multiplier, one place of a slice, another tie: the comparison above can fail."""
    case = next(case for case in ALL if case.name == name)
    x = (
        stimulus(case, 40)
        if not name.startswith("softmax")
        else [np.array([[v, 0, 1, 2, 3] for v in range(-128, 128)])]
    )
    if name.startswith("requantize"):
        x = [np.arange(-256, 255).reshape(-1, 1).repeat(3, axis=1)]
    expected = [oracle(case.op, *samples) for samples in zip(*(batch.tolist() for batch in x), strict=True)]
    assert case.op(*x).tolist() == expected
    assert PLANTED[name](*x).tolist() != expected


S8 = golden.IntType(8, True)
IMAGE = TensorType((5, 6, 4), S8)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Conv(np.ones((2, 3, 3), int), [0, 0]), ValueError, r"\(outputs, rows, columns, channels\)"),
        (lambda: Conv(np.ones((2, 1, 1, 4), int), [0]), ValueError, r"must have shape \(2,\)"),
        (
            lambda: Conv(np.ones((3, 1, 1, 2), int), [0] * 3, groups=2),
            ValueError,
            "3 outputs .* multiple of its 2 groups",
        ),
        (lambda: Conv(np.ones((1, 1, 1, 4), int), [0], stride=(0, 1)), ValueError, "stride of Conv must be at least 1"),
        (
            lambda: Conv(np.ones((1, 1, 1, 4), int), [0], stride=2),
            TypeError,
            "stride of Conv must be a tuple of 2 ints",
        ),
        (lambda: Conv(np.ones((1, 1, 1, 4), int), [0], padding=((0, -1), (0, 0))), ValueError, "padding of Conv"),
        (lambda: Conv(np.ones((1, 9, 1, 4), int), [0]).out_type(IMAGE), ValueError, "smaller than one window"),
        (lambda: Conv(np.ones((1, 1, 1, 3), int), [0]).out_type(IMAGE), ValueError, "Conv with 3 channels cannot take"),
        (
            lambda: Conv(np.ones((1, 1, 1, 4), int), [0], padding=((1, 0), (0, 0)), padding_value=128).out_type(IMAGE),
            ValueError,
            "padding value 128 of Conv must be a value of s8",
        ),
        (lambda: Conv(np.ones((1, 1, 1, 4), int), [0]).out_type(TensorType((4,), S8)), ValueError, "cannot take s8"),
        (lambda: MaxPool((2, 2), padding=((2, 0), (0, 0))), ValueError, "padding of MaxPool must be smaller"),
        (lambda: AveragePool((0, 2)), ValueError, "kernel of AveragePool must be at least 1"),
        (lambda: AveragePool((9, 9)).out_type(IMAGE), ValueError, "AveragePool .* smaller than one window"),
        (lambda: Clamp(3, 2), ValueError, "high end of Clamp must be at least 3, not 2"),
        (lambda: Pad(((1, 1),), 0).out_type(IMAGE), ValueError, "Pad of 1 dimensions cannot take"),
        (lambda: Pad(((1, 1),) * 3, 300).out_type(IMAGE), ValueError, "value 300 of Pad"),
        (lambda: Slice((0,), (2, 1), (1, 1)), ValueError, "a number for each dimension"),
        (lambda: Slice((3, 0, 0), (3, 1, 1), (1, 1, 1)).out_type(IMAGE), ValueError, "Slice from .* cannot take"),
        (lambda: Transpose((0, 0)), ValueError, "each of 0..n-1 once"),
        (lambda: Transpose((1, 0)).out_type(IMAGE), ValueError, "cannot take"),
        (lambda: Softmax(0, 3), ValueError, "multiplier of Softmax must be in 1"),
        (lambda: Softmax(1 << 24, 3, "float32"), ValueError, r"multiplier of Softmax must be in 1\.\.16777215, not"),
        (lambda: Softmax(1, 63, "float32"), ValueError, r"shift of Softmax must be in 0\.\.62, not 63"),
        (lambda: Softmax(1, 32), ValueError, r"shift of Softmax must be in 0\.\.31, not 32"),
        (lambda: Softmax(1, 3, "single"), ValueError, "arithmetic of Softmax must be tflm or float32, not 'single'"),
        (lambda: Softmax(1 << 30, 8).out_type(TensorType((4,), golden.IntType(9, True))), ValueError, "takes s8"),
        (lambda: Multiply((0, 0), 1, 0, 200, S8), ValueError, "zero point of Multiply must be a value of s8"),
        (lambda: Multiply((0, 0), 1 << 31, 0, 0, S8, "tflm"), ValueError, "in tflm must fit 31 bits"),
        (lambda: Multiply((0, 0), 1, 0, 0, S8, clamp=(5, 4)), ValueError, "clamp of Multiply must be two rising"),
        (
            lambda: Multiply((0, 0), 1, 0, 0, S8).out_type(IMAGE, TensorType((3,), S8)),
            ValueError,
            "their shapes do not broadcast",
        ),
        (lambda: Add((0,), (1, 1), (0, 0), 0, 1, 0, 0, S8), ValueError, "x_zero_points of Add must be 2 ints"),
        (lambda: Add((0, 0), (1, 1), (0, 0), 40, 1, 0, 0, S8), ValueError, "left shift of Add must be in 0..31"),
        (
            lambda: Add((0, 0), (1 << 30,) * 2, (31, 31), 25, 1 << 30, 31, 0, S8, "tflm").out_type(IMAGE, IMAGE),
            ValueError,
            "the reference would overflow",
        ),
        (
            lambda: Requantize(1, 0, 0, S8, x_zero_point=0.5),
            TypeError,
            "input's zero point of Requantize must be an int",
        ),
        (
            lambda: Requantize(1 << 30, 2, 0, S8, "tflm").out_type(IMAGE),
            ValueError,
            "tflm takes at most s32",
        ),
        (lambda: Requantize(1 << 25, 10, 0, S8, "float32"), ValueError, "in float32 must fit 24 bits"),
        (
            lambda: AveragePool((2, 2)).out_type(TensorType((2, 2, 1), golden.IntType(63, True))),
            ValueError,
            "must fit 63 bits",
        ),
        (
            lambda: Add((0, 0), (1, 1), (0, 0), 0, 1, 0, 2**62 - 1, golden.IntType(63, True)).out_type(
                *[TensorType((1,), golden.IntType(63, True))] * 2
            ),
            ValueError,
            "the golden model has 64",
        ),
        (
            lambda: Multiply((0, 0), 0, 0, 0, S8).out_type(*[TensorType((1,), golden.IntType(40, True))] * 2),
            ValueError,
            "by a multiplier of 0 bits .* needs 80 bits, the golden model has 64",
        ),
    ],
)
def test_bad_parameters_and_inputs_are_refused(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
