"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``."""

from rtlgen.ops import argmax, clamp, conv, dense, lookup, relu, requantize, reshape, wrap

__all__ = ["argmax", "clamp", "conv", "dense", "lookup", "relu", "requantize", "reshape", "wrap"]
