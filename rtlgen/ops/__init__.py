"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``."""

from rtlgen.ops import (
    add,
    argmax,
    averagepool,
    clamp,
    conv,
    dense,
    lookup,
    maxpool,
    multiply,
    relu,
    requantize,
    reshape,
    sum,  # noqa: A004
    wrap,
)

__all__ = [
    "add",
    "argmax",
    "averagepool",
    "clamp",
    "conv",
    "dense",
    "lookup",
    "maxpool",
    "multiply",
    "relu",
    "requantize",
    "reshape",
    "sum",
    "wrap",
]
