"""Strides, padding and kernels of ONNX's sliding windows, over (rows, columns) or over one dimension."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from golden.importers.onnx_file import OnnxNode
from golden.window import Padding, Pair, same_padding

_MAX_PLACES = 1 << 22
"""Rows by columns: a number in a small file must not ask for all memory."""


@dataclass(frozen=True)
class Window:
    """Of two dimensions always: those of one dimension get a first one of size 1."""

    kernel: Pair
    stride: Pair
    padding: Padding
    dilation: Pair


def window_of(
    node: OnnxNode, size: tuple[int, ...], kernel: tuple[int, ...] | None = None, ceil: bool = True
) -> Window:
    """The window of ``node`` over an input of ``size``, rows and columns; ``kernel`` that of the weights.

    With ``ceil_mode`` the last window may begin inside of the input and end outside: padding more behind is the same,
    as long as what is added is smaller than the kernel. Without ``ceil`` that attribute is not looked at.

    Raises:
        ValueError: for attributes that contradict each other or the input.
    """
    rank = len(size)
    if rank not in (1, 2):
        raise ValueError(f"it slides over {rank} dimensions, supported are 1 and 2")
    shape = node.integers("kernel_shape", kernel or ())
    stride, dilation = node.integers("strides", [1] * rank), node.integers("dilations", [1] * rank)
    pads = node.integers("pads", [0] * 2 * rank)
    if not len(shape) == len(stride) == len(dilation) == len(pads) // 2 == rank or len(pads) % 2:
        raise ValueError(f"its kernel, strides, dilations and pads must be of {rank} dimensions")
    if kernel is not None and tuple(shape) != kernel:
        raise ValueError(f"its kernel {shape} is not that of its weights, {list(kernel)}")
    if min(shape) < 1 or min(stride) < 1 or min(dilation) < 1 or min(pads) < 0:
        raise ValueError("its kernel, strides and dilations must be positive and its pads not negative")
    lead = 2 - rank
    sizes, kernels, steps, gaps = (_pair([1] * lead + list(values)) for values in (size, shape, stride, dilation))
    begin, end = [0] * lead + pads[:rank], [0] * lead + pads[rank:]
    auto = node.text("auto_pad", "NOTSET")
    if auto == "VALID":
        begin, end = [0, 0], [0, 0]
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        same = same_padding(sizes, kernels, steps, gaps)
        begin, end = [pair[0] for pair in same], [pair[1] for pair in same]
        if auto == "SAME_LOWER":
            begin, end = end, begin
    elif auto != "NOTSET":
        raise ValueError(f"its auto_pad {auto!r} is unknown")
    if ceil and node.integer("ceil_mode", 0):
        for i in range(2):
            begin_last = _windows_rounded_up(sizes[i], begin[i], end[i], kernels[i], steps[i], gaps[i])
            end[i] += max(0, begin_last + (kernels[i] - 1) * gaps[i] + 1 - (sizes[i] + begin[i] + end[i]))
    places = prod(whole + before + after for whole, before, after in zip(sizes, begin, end, strict=True))
    if places > _MAX_PLACES:
        raise ValueError(f"its input has {places} places with its padding {begin} and {end}, {_MAX_PLACES} at most")
    padding = ((begin[0], end[0]), (begin[1], end[1]))
    return Window(kernels, steps, padding, gaps)


def _windows_rounded_up(size: int, begin: int, end: int, kernel: int, stride: int, gap: int) -> int:
    """Where the last window begins, counted with the padding, if their number is rounded up."""
    spare = size + begin + end - (kernel - 1) * gap - 1
    last = -(-spare // stride)
    # ONNX Runtime, as PyTorch: a window that would begin in the padding behind is left out.
    if last * stride >= size + begin:
        last -= 1
    return last * stride


def _pair(values: list[int]) -> Pair:
    return values[0], values[1]
