"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``."""

from rtlgen.ops import (
    add,
    argmax,
    averagepool,
    clamp,
    concat,
    conv,
    dense,
    lookup,
    maxpool,
    multiply,
    pad,
    relu,
    requantize,
    reshape,
    slice,  # noqa: A004
    sum,  # noqa: A004
    transpose,
    wrap,
)

__all__ = [
    "add",
    "argmax",
    "averagepool",
    "clamp",
    "concat",
    "conv",
    "dense",
    "lookup",
    "maxpool",
    "multiply",
    "pad",
    "relu",
    "requantize",
    "reshape",
    "slice",
    "sum",
    "transpose",
    "wrap",
]
