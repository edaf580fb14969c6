"""What a network computes: data, float models, quantization, and the exact meaning of its integers.

The built-in networks are in ``golden.zoo``.
"""

from importlib import import_module
from typing import Any

from golden.accuracy import accuracy, predict
from golden.data import (
    CSVLoader,
    Dataset,
    DataSplitterTransform,
    NormalizeZScoreTransform,
    QuantizeTransform,
    Split,
    TransformsPipeline,
    load_breast_cancer,
    load_digits,
    load_fashion_mnist,
    load_iris,
    load_letters,
    load_mnist,
    load_wine,
)
from golden.encoding import Encoding
from golden.graph import Graph, Node
from golden.importers import from_onnx, from_sklearn, from_tflite, from_torch
from golden.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    ReLU6,
    Residual,
    Sigmoid,
    Tanh,
)
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.network import Network, Step
from golden.ops import Argmax, Dense, Op, Relu, Requantize, Reshape
from golden.profiling import Profile, profile
from golden.quantizer import quantize
from golden.trainer import IntegerTrainer
from golden.training import History, fit
from golden.types import IntType, TensorType

__all__ = [
    "Argmax",
    "AvgPool2d",
    "BatchNorm2d",
    "CSVLoader",
    "Conv2d",
    "DataSplitterTransform",
    "Dataset",
    "Dense",
    "Encoding",
    "Flatten",
    "GlobalAvgPool2d",
    "Graph",
    "History",
    "IntType",
    "IntegerTrainer",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Network",
    "Node",
    "NormalizeZScoreTransform",
    "Op",
    "Profile",
    "QuantizeTransform",
    "ReLU",
    "ReLU6",
    "Relu",
    "Requantize",
    "Reshape",
    "Residual",
    "Sequential",
    "Sigmoid",
    "SoftMax",
    "Split",
    "Step",
    "Tanh",
    "TensorType",
    "TransformsPipeline",
    "accuracy",
    "fit",
    "from_onnx",
    "from_sklearn",
    "from_tflite",
    "from_torch",
    "load_breast_cancer",
    "load_digits",
    "load_fashion_mnist",
    "load_iris",
    "load_letters",
    "load_mnist",
    "load_wine",
    "predict",
    "profile",
    "quantize",
]


def __getattr__(name: str) -> Any:
    """``golden.zoo`` on first use: it imports all of this, and most programs need none of it."""
    if name == "zoo":
        return import_module("golden.zoo")
    raise AttributeError(f"module 'golden' has no attribute {name!r}")
