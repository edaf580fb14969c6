"""ONNX operators that move elements and change none: how they are read, whatever the elements are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from golden.importers.onnx_constants import axes_of, slices_of, target_shape
from golden.importers.onnx_file import Array, OnnxNode
from golden.importers.onnx_layout import Steps, Tensor, behind_batch

Move = Callable[[OnnxNode, Tensor, Sequence[Array], Steps[Any], int], Tensor]


def _same(node: OnnxNode, x: Tensor, constants: Sequence[Array], steps: Steps[Any], batch: int) -> Tensor:
    return x


def _to(x: Tensor, shape: Sequence[int], steps: Steps[Any], batch: int) -> Tensor:
    if not shape or shape[0] != batch:
        raise ValueError(f"the shape {list(shape)} does not keep the batch in front")
    return steps.reshaped(x, tuple(shape[1:]))


def _reshape(node: OnnxNode, x: Tensor, constants: Sequence[Array], steps: Steps[Any], batch: int) -> Tensor:
    wanted = [int(size) for size in constants[0].ravel()]
    return _to(x, target_shape((batch, *x.shape), wanted, bool(node.integer("allowzero", 0))), steps, batch)


def _flatten(node: OnnxNode, x: Tensor, constants: Sequence[Array], steps: Steps[Any], batch: int) -> Tensor:
    axis = node.integer("axis", 1)
    if axis != 1 and axis != -len(x.shape):
        raise ValueError(f"only a Flatten behind the batch is supported, axis 1, not {axis}")
    return steps.reshaped(x, (int(np.prod(x.shape)),))


def _transpose(node: OnnxNode, x: Tensor, constants: Sequence[Array], steps: Steps[Any], batch: int) -> Tensor:
    return steps.transposed(x, node.integers("perm", reversed(range(len(x.shape) + 1))))


def _squeeze(node: OnnxNode, x: Tensor, constants: Sequence[Array], steps: Steps[Any], batch: int) -> Tensor:
    rank = len(x.shape) + 1
    axes = axes_of(node, constants, 0)
    if axes is None:
        raise ValueError("a Squeeze without axes is not supported: it would squeeze a batch of one, too")
    drop = {behind_batch(axis, rank) for axis in axes}
    if any(x.shape[axis] != 1 for axis in drop):
        raise ValueError(f"it squeezes the axes {axes} of {[batch, *x.shape]}, which are not all 1")
    return steps.reshaped(x, tuple(size for axis, size in enumerate(x.shape) if axis not in drop))


def _unsqueeze(node: OnnxNode, x: Tensor, constants: Sequence[Array], steps: Steps[Any], batch: int) -> Tensor:
    axes = axes_of(node, constants, 0) or []
    rank = len(x.shape) + 1 + len(axes)
    places = {behind_batch(axis, rank) for axis in axes}
    if len(places) != len(axes):
        raise ValueError(f"its axes {axes} are not distinct")
    rest = iter(x.shape)
    return steps.reshaped(x, tuple(1 if axis in places else next(rest) for axis in range(rank - 1)))


MOVES: dict[str, Move] = {
    "Dropout": _same,
    "Flatten": _flatten,
    "Identity": _same,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""By operator: what it makes of a tensor; further inputs are constants."""


def parts_of(node: OnnxNode, x: Tensor, constants: Sequence[Array]) -> list[range]:
    """The places that a Slice takes of each dimension behind the batch, in ONNX's order.

    Raises:
        ValueError: for a part of the batch, backward steps, or an empty part.
    """
    rank = len(x.shape) + 1
    slices = slices_of(node, [np.zeros(0), *constants], rank)
    if slices[0] != slice(None) and range(1 << 30)[slices[0]] != range(1 << 30):
        whole = slices[0].start in (0, None) and slices[0].stop is not None and slices[0].stop >= (1 << 31) - 1
        if not whole or slices[0].step not in (1, None):
            raise ValueError("it takes a part of the batch, which is not supported")
    parts = [range(size)[part] for size, part in zip(x.shape, slices[1:], strict=True)]
    if any(not len(part) or part.step < 1 for part in parts):
        raise ValueError("it takes nothing of some dimension or goes backwards, which is not supported")
    return parts


def split_sizes(node: OnnxNode, size: int, constants: Sequence[Array]) -> list[int]:
    """How many elements each output of a Split gets of ``size``."""
    count = len(node.outputs)
    if "split" in node.attributes:
        sizes = node.integers("split", [])
    elif constants:
        sizes = [int(number) for number in constants[0].ravel()]
    else:
        share = -(-size // count)
        sizes = [min(share, size - i * share) for i in range(count)]
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 1:
        raise ValueError(f"its parts {sizes} are not {count} parts of {size}")
    return sizes


def padding_of(node: OnnxNode, x: Tensor, constants: Sequence[Array]) -> tuple[list[tuple[int, int]], Any]:
    """(before, after) of each dimension behind the batch, in ONNX's order, and the value of a Pad (None for zero)."""
    rank = len(x.shape) + 1
    mode = node.text("mode", "constant")
    if mode != "constant":
        raise ValueError(f"its mode {mode!r} is not supported, only 'constant'")
    if constants and len(constants) > 2 and constants[2].size:
        axes = [int(axis) % rank for axis in constants[2].ravel()]
    else:
        axes = list(range(rank))
    pads = node.integers("pads", []) if "pads" in node.attributes else [int(n) for n in constants[0].ravel()]
    if len(pads) != 2 * len(axes) or min(pads, default=0) < 0:
        raise ValueError(f"its pads {pads} must be two for each of {len(axes)} dimensions and not negative")
    pairs = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        pairs[axis] = (pads[i], pads[i + len(axes)])
    if pairs[0] != (0, 0):
        raise ValueError("it pads the batch, which is not supported")
    if "value" in node.attributes:
        return pairs[1:], node.number("value", 0.0)
    return pairs[1:], constants[1].ravel()[0] if len(constants) > 1 and constants[1].size else None
