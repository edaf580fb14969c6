"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``."""

from rtlgen.ops import argmax, conv, dense, relu, requantize, reshape

__all__ = ["argmax", "conv", "dense", "relu", "requantize", "reshape"]
