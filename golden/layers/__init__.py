"""Float layers in the manner of PyTorch's, but channels last: batches of shape (batch, rows, columns, channels).

Each is a callable on float64 batches. ``Linear``, ``ReLU`` and ``SoftMax`` are in ``golden.model``.
"""

from golden.layers.activations import LeakyReLU, ReLU6, Sigmoid, Tanh
from golden.layers.conv import Conv2d
from golden.layers.elementwise import Add, Concat, Multiply
from golden.layers.norm import BatchNorm2d
from golden.layers.pools import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from golden.layers.residual import Residual
from golden.layers.shapes import Flatten, Pad, Reshape, Transpose

__all__ = [
    "Add",
    "AvgPool2d",
    "BatchNorm2d",
    "Concat",
    "Conv2d",
    "Flatten",
    "GlobalAvgPool2d",
    "LeakyReLU",
    "MaxPool2d",
    "Multiply",
    "Pad",
    "ReLU6",
    "Reshape",
    "Residual",
    "Sigmoid",
    "Tanh",
    "Transpose",
]
