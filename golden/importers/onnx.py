"""Networks in ONNX files: quantized ones as integer graphs, float ones as float networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golden.graph import Graph
from golden.importers.onnx_file import read_onnx
from golden.importers.onnx_quantized import import_quantized


def from_onnx(source: str | Path | Any) -> Graph:
    """The network of an ONNX file (a path) or of an ``onnx.ModelProto``."""
    return import_quantized(read_onnx(source))
