"""Channels-first order in front of a Dense layer: its weights are permuted instead of its input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from golden.importers.onnx_linear import OpSteps
from golden.ops import Clamp, Dense, Lookup, Op, Relu, Requantize, Reshape, Transpose


def fold_transposes(steps: OpSteps, outputs: Sequence[str]) -> None:
    """Drop every Transpose that only a flattening Reshape reads, which only a Dense reads: ONNX flattens images so.

    Ops of single elements may stand between the last two. Tensors in between keep their shape, not their order: they
    no longer have a name in the file.
    """
    uses = Counter(name for _, _, inputs in steps.made for name in inputs) + Counter(outputs)
    makers = {name: (op, inputs) for name, op, inputs in steps.made}
    changed: dict[str, tuple[Op, tuple[str, ...]]] = {}
    dropped: set[str] = set()
    for name, op, inputs in steps.made:
        if not isinstance(op, Dense):
            continue
        between, reshape = [], inputs[0]
        while reshape in makers and uses[reshape] == 1 and _elementwise(makers[reshape][0]):
            between.append(reshape)
            (reshape,) = makers[reshape][1]
        if reshape not in makers or uses[reshape] != 1 or not isinstance(makers[reshape][0], Reshape):
            continue
        (transpose,) = makers[reshape][1]
        if len(steps.types[reshape].shape) != 1 or transpose not in makers or uses[transpose] != 1:
            continue
        turned, (source,) = makers[transpose]
        if not isinstance(turned, Transpose):
            continue
        shape = steps.types[source].shape
        places = np.arange(steps.types[source].size).reshape(shape).transpose(turned.permutation).ravel()
        weight = np.empty_like(op.weight)
        weight[:, places] = op.weight
        changed[name] = (Dense(weight, op.bias), inputs)
        changed[reshape] = (makers[reshape][0], (source,))
        dropped.add(transpose)
        for tensor in (transpose, reshape, *between):
            steps.origins.pop(tensor, None)
            if tensor == transpose:
                steps.encodings.pop(tensor, None)
    steps.made = [(name, *changed.get(name, (op, inputs))) for name, op, inputs in steps.made if name not in dropped]


def _elementwise(op: Op) -> bool:
    """Whether every element is treated alike, wherever it is."""
    if isinstance(op, Requantize):
        return op.multiplier.ndim == 0
    return isinstance(op, Relu | Clamp) or (isinstance(op, Lookup) and op.table.ndim == 1)
