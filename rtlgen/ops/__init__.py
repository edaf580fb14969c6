"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``."""

from rtlgen.ops import add, argmax, conv, dense, multiply, relu, requantize, reshape

__all__ = ["add", "argmax", "conv", "dense", "multiply", "relu", "requantize", "reshape"]
