"""Networks trained elsewhere, one file per framework."""

from golden.importers.onnx import from_onnx
from golden.importers.sklearn import from_sklearn
from golden.importers.tflite import from_tflite
from golden.importers.torch import from_torch

__all__ = ["from_onnx", "from_sklearn", "from_tflite", "from_torch"]
