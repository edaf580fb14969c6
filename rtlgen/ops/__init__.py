"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``."""

from rtlgen.ops import argmax, averagepool, clamp, conv, dense, lookup, maxpool, relu, requantize, reshape, wrap

__all__ = [
    "argmax",
    "averagepool",
    "clamp",
    "conv",
    "dense",
    "lookup",
    "maxpool",
    "relu",
    "requantize",
    "reshape",
    "wrap",
]
