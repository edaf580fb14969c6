"""The cases: every op, in the shapes and with the constants that matter.

An op of the table of ops (``sim/op_table.py``) that has none here gets cases that are drawn. Those without hardware are
in ``PENDING``, and move up once it is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from networks import dense, requantize

from golden import Argmax, Dense, Graph, IntType, Node, Op, Relu, Requantize, Reshape, TensorType
from golden.ops import (
    Add,
    AveragePool,
    Clamp,
    Concat,
    Conv,
    Lookup,
    MaxPool,
    Multiply,
    Pad,
    Slice,
    Softmax,
    Sum,
    Transpose,
    Wrap,
)
from golden.types import IntArray
from sim.op_table import ROWS, inputs_of, instance, is_built, kind_of


class Case(NamedTuple):
    """An op and the types of its inputs."""

    name: str
    op: Op
    inputs: tuple[TensorType, ...]

    @property
    def x(self) -> TensorType:
        """The type of the only input."""
        (x,) = self.inputs
        return x

    @property
    def graph(self) -> Graph:
        """The op alone; several inputs are picked out of one, so that each can have any value beside the other."""
        if len(self.inputs) == 1:
            return Graph.chain(self.x, self.op)
        total = sum(type.size for type in self.inputs)
        # Neighbours in the input go to different inputs of the op.
        order = [*range(0, total, 2), *range(1, total, 2)]
        nodes, picked = [], 0
        for place, type in enumerate(self.inputs):
            weight = np.zeros((type.size, total), dtype=np.int64)
            weight[range(type.size), order[picked : picked + type.size]] = 1 << max(0, type.dtype.bits - 8)
            picked += type.size
            nodes.append(Node(f"pick{place}", Dense(weight, np.zeros(type.size, dtype=np.int64)), ("x",)))
            nodes.append(Node(f"wrap{place}", Wrap(type.dtype), (f"pick{place}",)))
            nodes.append(Node(f"in{place}", Reshape(type.shape), (f"wrap{place}",)))
        names = tuple(f"in{place}" for place in range(len(self.inputs)))
        return Graph({"x": x("s8", total)}, (*nodes, Node("y", self.op, names)), ("y",))


def x(text: str, *shape: int) -> TensorType:
    """``x("s8", 4)``: the type of an input."""
    return TensorType(shape, IntType.parse(text))


def _named(name: str, op: Op, *inputs: TensorType) -> Case:
    return Case(name, op, inputs)


def _ints(shape: tuple[int, ...], low: int = -128, high: int = 127, seed: int = 0) -> IntArray:
    values = np.random.default_rng(seed).integers(low, high, shape, endpoint=True)
    values.flat[:2] = (low, high)[: values.size]
    return values


def conv(channels: int, outputs: int, kernel: tuple[int, int], groups: int = 1, **options: object) -> Conv:
    """A convolution with random weights, the extreme ones among them."""
    weight = _ints((outputs, *kernel, channels // groups), seed=outputs)
    return Conv(weight, _ints((outputs,), -500, 500), groups=groups, **options)  # type: ignore[arg-type]


def tflm(bits: int = 8, **options: object) -> dict[str, object]:
    """Fields of a result in TensorFlow Lite Micro's arithmetic."""
    return {"zero_point": 3, "dtype": IntType(bits, True), "arithmetic": "tflm", **options}


WIDE = x("s20", 7)
S8 = IntType(8, True)
IMAGE = x("s8", 5, 6, 4)
BLOCK = x("s8", 2, 3, 4)
SAME_3X3 = ((1, 1), (1, 1))
TFLITE_SCALES = (np.array([1 << 30, (1 << 31) - 1, 1518500250, 0]), np.array([40, 44, 31, 31]))
ADD = {"x_zero_points": (5, -7), "x_multipliers": (1 << 30, 1932735283), "x_shifts": (31, 33), "left_shift": 20}
WIDE_ADD = {"x_zero_points": (5, -7), "x_multipliers": (1 << 30, 1932735283), "x_shifts": (31, 33), "left_shift": 10}
WIDE_ADD |= {"multiplier": 1 << 30, "shift": 50}

CASES: list[Case] = [
    _named("dense 1x1", Dense([[-3]], [2]), x("s8", 1)),
    _named("dense 7x5", dense(7, 5), x("s8", 7)),
    _named("dense 16x1", dense(16, 1), x("s8", 16)),
    _named("dense 1x9", dense(1, 9), x("s8", 1)),
    _named("dense unsigned input", dense(6, 4), x("u8", 6)),
    _named("dense 2 bits", dense(9, 3, weight_bits=2, bias=3), x("s2", 9)),
    _named("dense 16 bits", dense(5, 3, weight_bits=16, bias=1 << 30), x("s16", 5)),
    _named("dense all weights zero", Dense(np.zeros((3, 4), int), [5, -5, 0]), x("s8", 4)),
    _named("dense all weights lowest", Dense(np.full((3, 4), -128), [0, 0, 0]), x("s8", 4)),
    _named("dense no bias", Dense([[1, -1], [127, -128]], [0, 0]), x("s8", 2)),
    _named("dense all positive", Dense([[1, 2, 3]], [0]), x("u4", 3)),
    _named("relu", Relu(), x("s8", 5)),
    _named("relu rows", Relu(), x("s20", 2, 3)),
    _named("relu of unsigned", Relu(), x("u4", 3)),
    _named("reshape", Reshape((6,)), x("s8", 2, 3)),
    _named("reshape to rows", Reshape((3, 2, 2)), x("s4", 12)),
    _named("requantize per channel", requantize(WIDE, zero_point=-128), WIDE),
    _named("requantize per tensor", requantize(WIDE, per_channel=False, zero_point=7), WIDE),
    _named("requantize powers of two", requantize(WIDE, powers=True), WIDE),
    _named("requantize rows", requantize(x("s12", 3, 4)), x("s12", 3, 4)),
    _named("requantize to 2 bits", requantize(WIDE, bits=2), WIDE),
    _named("requantize unsigned", Requantize([3, 5], [3, 4], 9, IntType(6, False)), x("s8", 2)),
    _named("requantize ties", Requantize(1, 1, 0, IntType(8, True)), x("s8", 3)),
    _named("requantize mixed shifts", Requantize([3, 1, 5, 7], [2, 0, 6, 1], -3, IntType(8, True)), x("s8", 4)),
    _named("requantize no shift", Requantize([2, 1], [0, 0], 0, IntType(8, True)), x("s8", 2)),
    _named("requantize zero channel", Requantize([0, 70000], [20, 20], 4, IntType(8, True)), x("s18", 2)),
    _named("argmax", Argmax(), x("s8", 10)),
    _named("argmax of one", Argmax(), x("s8", 1)),
    _named("argmax of bits", Argmax(), x("u1", 7)),
    _named("argmax rows", Argmax(), x("s3", 3, 5)),
    _named("requantize single", Requantize([1 << 30, 5, 7], [40, 3, 0], -3, S8, "single"), x("s18", 3)),
    _named("requantize clamp", Requantize(3, 2, -128, S8, clamp=(-128, 20)), x("s12", 4)),
    _named("requantize tflm", Requantize(*TFLITE_SCALES, **tflm()), x("s20", 4)),
    _named("requantize tflm to the left", Requantize(1 << 30, 27, **tflm(16)), x("s8", 3)),
    _named("requantize tflm ties", Requantize(1 << 30, 31, **tflm(clamp=(-100, 3))), x("s9", 3)),
    _named("requantize tflm two ties", Requantize(1 << 30, 33, **tflm()), x("s9", 3)),
    _named("requantize float32", Requantize([12345677, 9999991], [36, 33], 1, S8, "float32"), x("s20", 2)),
    _named("requantize input's zero point", Requantize(5, 3, 1, S8, x_zero_point=-9), x("s8", 3)),
    _named("conv 1x1", conv(4, 3, (1, 1)), IMAGE),
    _named("conv 3x3", conv(4, 2, (3, 3)), IMAGE),
    _named("conv 3x3 same, zero point", conv(4, 2, (3, 3), padding=SAME_3X3, padding_value=-128), IMAGE),
    _named("conv 2x3 stride 2x1", conv(4, 2, (2, 3), stride=(2, 1), padding=((0, 1), (2, 0))), IMAGE),
    _named("conv dilated", conv(4, 2, (2, 3), dilation=(3, 2), padding_value=7, padding=((1, 0), (0, 2))), IMAGE),
    _named("conv groups", conv(4, 6, (3, 2), 2, padding=SAME_3X3), IMAGE),
    _named("conv depthwise", conv(4, 4, (3, 3), 4, padding=SAME_3X3, padding_value=9, stride=(2, 2)), IMAGE),
    _named("conv depthwise times 2", conv(4, 8, (3, 3), 4, padding=SAME_3X3), IMAGE),
    _named("conv in one dimension", conv(3, 2, (1, 3), padding=((0, 0), (1, 1))), x("s8", 1, 6, 3)),
    _named("conv as large as its input", conv(4, 3, (5, 6)), IMAGE),
    _named("conv of unsigned", conv(2, 2, (2, 2), padding=SAME_3X3, padding_value=200), x("u8", 3, 3, 2)),
    _named("conv of one", conv(1, 1, (1, 1)), x("s8", 1, 1, 1)),
    _named("dense rows", dense(5, 3), x("s8", 2, 3, 5)),
    _named("clamp", Clamp(-3, 100), x("s8", 5)),
    _named("clamp to one value", Clamp(4, 4), x("s8", 5)),
    _named("clamp out of reach", Clamp(200, 300), x("s8", 5)),
    _named("lookup", Lookup(_ints((256,), seed=3), -128, S8), x("s8", 2, 3)),
    _named("lookup per channel", Lookup(_ints((3, 16), 0, 7), 0, IntType(3, False)), x("u4", 2, 3)),
    _named("wrap", Wrap(IntType(4, True)), x("s8", 5)),
    _named("wrap unsigned", Wrap(IntType(3, False)), x("s8", 5)),
    _named("max pool", MaxPool((2, 2), (2, 2)), IMAGE),
    _named("max pool padded", MaxPool((3, 2), (2, 1), ((1, 2), (0, 1))), IMAGE),
    _named("average pool", AveragePool((2, 3), (2, 3)), IMAGE),
    _named("average pool padded", AveragePool((3, 3), (2, 2), SAME_3X3), IMAGE),
    _named("average pool of everything", AveragePool((5, 6)), IMAGE),
    _named("sum over rows and columns", Sum((0, 1)), IMAGE),
    _named("sum keeps dimensions", Sum((1,), keep=True), IMAGE),
    _named("sum of everything", Sum((0, 1, 2)), IMAGE),
    _named("add", Add(**ADD, multiplier=1717986918, shift=50, **tflm()), BLOCK, BLOCK),
    _named("add relu", Add(**ADD, multiplier=1 << 30, shift=48, **tflm(clamp=(3, 127))), x("s8", 9), x("s8", 9)),
    _named("add broadcast", Add(**ADD, multiplier=1 << 30, shift=48, **tflm()), x("s8", 2, 3), x("s8", 3)),
    _named("add half up", Add((1, 2), (300, 211), (0, 0), 0, 1, 9, -4, S8), x("s8", 7), x("u4", 7)),
    _named("subtract", Add(**ADD, multiplier=1 << 30, shift=48, **tflm(), subtract=True), x("s8", 9), x("s8", 9)),
    _named("multiply", Multiply((3, -128), 1717986918, 38, **tflm()), BLOCK, BLOCK),
    _named("multiply broadcast", Multiply((0, 0), 77, 10, 0, S8, clamp=(-50, 60)), BLOCK, x("s8", 1, 1, 4)),
    _named("add single", Add((0, 3), (1 << 30, 9), (31, 4), 10, 1 << 29, 40, -3, S8, "single"), x("s8", 5), x("u6", 5)),
    _named("add float32", Add((0, 0), (3, 5), (0, 0), 0, 7, 6, 1, S8, "float32"), x("s4", 3), x("s8", 3)),
    _named("add wide", Add((9, -5), (77, 1), (3, 0), 1, 3, 9, 2, S8), x("s16", 3), x("s8", 3)),
    _named("subtract wide tflm", Add(**WIDE_ADD, **tflm(), subtract=True), x("s12", 2, 2), x("s16", 2)),
    _named("multiply single", Multiply((1, 2), 1 << 30, 40, 0, S8, "single"), x("u8", 4), x("s8", 4)),
    _named("multiply float32", Multiply((0, 7), 12345677, 30, 3, S8, "float32"), x("s8", 3), x("s6", 3)),
    _named("multiply wide", Multiply((0, 7), 5, 26, 3, S8), x("s20", 3), x("s12", 3)),
    # The factors' types hold more than the factors: a product of these would not fit into 32 bits.
    _named("multiply as large as int32", Multiply((32767, 0), 1 << 27, 53, 0, S8, "tflm"), x("s16", 3), x("s16", 3)),
    _named("multiply lanes", Multiply((3, 4), 77, 12, 3, S8), x("s8", 2, 1), x("s8", 2, 3)),
    _named("pad", Pad(((1, 0), (0, 2), (0, 0)), -128), IMAGE),
    _named("pad channels", Pad(((0, 0), (0, 0), (1, 2)), 5), IMAGE),
    _named("slice", Slice((1, 0, 2), (2, 3, 2), (2, 2, 1)), IMAGE),
    _named("slice of one", Slice((4, 5, 3), (1, 1, 1), (1, 1, 1)), IMAGE),
    _named("transpose", Transpose((2, 0, 1)), IMAGE),
    _named("transpose nothing", Transpose((0,)), x("s8", 3)),
    _named("concat", Concat(0), x("s8", 3), x("s8", 1), x("s8", 2)),
    _named("concat channels", Concat(2), BLOCK, x("u4", 2, 3, 2)),
    _named("concat of one", Concat(1), BLOCK),
    _named("softmax", Softmax(1431655765, 6), x("s8", 5)),
    _named("softmax rows", Softmax(1 << 30, 8), x("s8", 3, 4)),
    _named("softmax steep", Softmax((1 << 31) - 1, 3), x("s8", 12)),
    _named("softmax of one", Softmax(1 << 30, 8), x("s8", 1)),
]
"""Cases with hardware."""

PENDING: list[Case] = [
    _named("softmax float32", Softmax(12345677, 27, "float32"), x("s8", 5)),
    _named("softmax float32 rows", Softmax(9999991, 24, "float32"), x("s8", 3, 4)),
    _named("requantize float32 ties", Requantize([3, 12345677, 1 << 23], [3, 31, 24], 1, S8, "float32"), x("s26", 3)),
]
"""Cases whose hardware is still to be built: a test holds that they are refused by name, so none is forgotten."""


def drawn_cases(kind: str) -> list[Case]:
    """Two instances for each shape and type that the op takes."""
    found = []
    for type in ("s8", "u4", "s12"):
        for shape in ((), (5,), (2, 3), (3, 4, 2), (1, 1, 1)):
            inputs = inputs_of(kind, x(type, *shape))
            for seed in range(2):
                try:
                    op = instance(kind, *inputs, seed=seed)
                except ValueError:
                    continue
                found.append(_named(f"{kind} of {inputs[0]}, drawn {seed}", op, *inputs))
    return found


_BY_HAND = {kind_of(case.op) for case in CASES + PENDING}
for _kind in ROWS:
    if _kind not in _BY_HAND:
        for _case in drawn_cases(_kind):
            (CASES if is_built(_case.op, *_case.inputs) else PENDING).append(_case)
