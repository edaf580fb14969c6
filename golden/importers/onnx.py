"""Networks in ONNX files: quantized ones as integer graphs, float ones as float networks.

What a quantized network computes is what ONNX Runtime's CPU kernels compute, bit for bit: those of the QLinear
operators, which its optimizer also makes of DequantizeLinear, an operator on floats, and QuantizeLinear. There are
four places where ONNX Runtime differs from itself, and one reading is taken here:

* With its optimizer off, a network with QuantizeLinear and DequantizeLinear runs in floats and differs where its sums
  are near to ties. Here it is computed in integers.
* On x86-64 the optimizer leaves int8 operators between them in floats where it cannot make uint8 of them, unless the
  session has the entry ``session.qdqisint8allowed = 1``. Here it is as with that entry.
* Of two pairs of QuantizeLinear and DequantizeLinear in a row the optimizer removes one. Here both are computed.
* Without VNNI instructions sums of uint8 by int8 products saturate, unless the weights have 7 bits or the session has
  the entry ``session.x64quantprecision = 1``. Here they do not. Int8 activations never do so (and with that entry ONNX
  Runtime 1.32 finds no kernel for their products by weights of 8 bits, on any processor).

Tensors are channels last here: of shape (rows, columns, channels) where ONNX has (batch, channels, rows, columns), and
(length, channels) where it has (batch, channels, length). This holds for inputs and outputs, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from golden.graph import Graph
from golden.importers.onnx_file import OnnxFile, read_onnx
from golden.importers.onnx_float import import_float
from golden.importers.onnx_quantized import import_quantized
from golden.network import Network

_QUANTIZED = ("QLinear", "QGemm", "QuantizeLinear", "DequantizeLinear", "Integer", "DynamicQuantize")


def from_onnx(source: str | Path | Any) -> Graph | Network:
    """The network of an ONNX file: a ``Graph`` of integers if it is quantized, a ``Network`` of floats if not.

    Args:
        source: a path, or an ``onnx.ModelProto``. Inputs have a batch in front, of any size, and otherwise known
            shapes. Float inputs of a quantized network begin with QuantizeLinear, its float outputs are
            DequantizeLinear of integers: the graph begins and ends at these integers.

    Returns:
        A Graph whose encodings and origins say what its tensors mean and are called in the file, or a Network, to be
        quantized with ``golden.quantize``.

    Raises:
        ModuleNotFoundError: without the package ``onnx``.
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is damaged, contradicts itself, or has shapes that are not known.
        NotImplementedError: for what cannot be represented; one error names all such nodes and why. Both begin with the
            path, if there is one.
    """
    try:
        with np.errstate(all="ignore"):  # what is wrong with a damaged file's numbers is an error, or none
            file = read_onnx(source)
            return import_quantized(file) if _is_quantized(file) else import_float(file)
    except (ValueError, NotImplementedError) as error:
        if not isinstance(source, str | Path):
            raise
        reasons = " ".join([str(error), *getattr(error, "__notes__", [])])
        kind = ValueError if isinstance(error, ValueError) else NotImplementedError
        raise kind(f"{str(source)!r} cannot be imported: {reasons}") from error


def _is_quantized(file: OnnxFile) -> bool:
    integers = any(dtype.kind in "iu" for dtype, _ in file.inputs.values())
    return integers or any(word in node.op for node in file.nodes for word in _QUANTIZED)
