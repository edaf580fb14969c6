"""The table of cases: every op, in the shapes and with the constants that matter. A new op is a new row here."""

from __future__ import annotations

import numpy as np
from networks import dense, requantize

from golden import Argmax, Dense, IntType, Op, Relu, Requantize, Reshape, TensorType


def x(text: str, *shape: int) -> TensorType:
    """``x("s8", 4)``: the type of an input."""
    return TensorType(shape, IntType.parse(text))


def _named(name: str, op: Op, type: TensorType) -> tuple[str, Op, TensorType]:
    return name, op, type


WIDE = x("s20", 7)

CASES: list[tuple[str, Op, TensorType]] = [
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
]
