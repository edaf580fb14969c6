"""What values have to have shown of each kind of layer: declared here beside what they mean, collected by a regression.

Two properties of an op's inputs, each with its bins, and each asked of every class of shapes: where its result ends up
between the ends of what it can be, and whether anything that is rounded lies exactly in the middle. ``seen(op, xs)``
says which bins a batch has hit, by golden's own steps; ``impossible(kind, shape, property, bin)`` which bins no input
can hit, and why. Which shapes an op takes is a matter of its row in the table of ops.

A new op that saturates or rounds says so in its own file, by a method on a batch of each input that has the shape of
the result: ``unlimited(*xs)``, the result before it is kept within ``limits``, a pair (low, high); ``ties(*xs)``, two
arrays: whether what is rounded lies exactly in the middle, and its sign. Of an op without them nothing is asked. One
that has not both ends names its bins in ``ends``, an attribute of the class; what cannot be where there is a single
element, ``_IMPOSSIBLE_OF_ONE`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from golden import ops
from golden.arithmetic import ARITHMETICS, TFLITE_MULTIPLIER_BITS
from golden.broadcast import matched
from golden.types import IntArray, IntType, TensorType
from golden.window import out_shape, padded, taps

RANKS = ("scalar", "vector", "rows", "image")
"""Classes of shapes by the number of dimensions; more than three are an image, too."""
ONE_ELEMENT = "one element"
SHAPES = (*RANKS, ONE_ELEMENT)
"""All classes; a shape of one element is of two, unless it is a scalar."""
END, TIE = "end", "tie"
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    END: ("at the low end", "at the high end", "between"),
    TIE: ("of a positive", "of a negative", "none"),
}
"""The bins of each property."""

_ROUNDED = (ops.Requantize, ops.Add, ops.Multiply)
"""Ops that round in one of ``ARITHMETICS``: each of these is a kind of its own."""

KINDS: tuple[str, ...] = tuple(
    name
    for op in ops.ALL
    for name in ([f"{op.__name__} {a}" for a in ARITHMETICS] if op in _ROUNDED else [op.__name__])
)
"""Every kind of layer."""

_MOVES = ("Concat", "MaxPool", "Pad", "Reshape", "Slice", "Transpose")
_EXACT = "the result is as wide as its values need, so nothing saturates"
_NO_ROUNDING = "it rounds nothing"
_IMPOSSIBLE: Mapping[tuple[str, str], tuple[tuple[str, ...], str]] = {
    **{(kind, END): (PROPERTIES[END], "it hands on values of its input") for kind in (*_MOVES, "Argmax")},
    **{(kind, END): (PROPERTIES[END], _EXACT) for kind in ("Conv", "Dense", "Sum", "AveragePool")},
    ("Lookup", END): (PROPERTIES[END], "a table holds values of its type, so nothing saturates"),
    ("Relu", END): (("at the high end",), "it has no upper end"),
    ("Softmax", END): (("at the low end",), "no term of the sum is negative: -128 is its zero, not a limit"),
    **{
        (kind, TIE): (PROPERTIES[TIE], _NO_ROUNDING)
        for kind in (*_MOVES, "Argmax", "Clamp", "Conv", "Dense", "Lookup", "Relu", "Sum", "Wrap")
    },
    ("Softmax", TIE): (
        tuple(bin for bin in PROPERTIES[TIE] if bin != "none"),
        "it rounds products with 23 bits or more behind the point, none of them negative: no tie is known",
    ),
}
"""By kind and property: bins that no input can hit, and the reason."""
_IMPOSSIBLE_OF_ONE: Mapping[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("AveragePool", TIE): (("of a positive", "of a negative"), "the mean of one value is that value"),
    ("Softmax", END): (("between",), "a term by itself is the whole sum"),
}
"""The same of inputs of one element."""


def kind_of(op: ops.Op) -> str:
    """The kind of a layer: the name of its op, with the arithmetic where it has one."""
    name = type(op).__name__
    return f"{name} {op.arithmetic}" if isinstance(op, _ROUNDED) else name


def impossible(kind: str, shape: str, property: str, bin: str) -> str | None:
    """Why no input of that class of shapes can hit the bin of a layer of that kind; None if one can."""
    known = [_IMPOSSIBLE.get((kind, property)) or _unsaid(kind, property)]
    if shape == ONE_ELEMENT:
        known += [_IMPOSSIBLE_OF_ONE.get((kind, property), ((), ""))]
    return next((reason for bins, reason in known if bin in bins), None)


_SAYING: Mapping[str, tuple[str, tuple[type, ...]]] = {
    END: ("unlimited", (*_ROUNDED, ops.Clamp, ops.Relu, ops.Wrap)),
    TIE: ("ties", (*_ROUNDED, ops.AveragePool, ops.Softmax)),
}
"""By property: the method by which an op says that it can hit the bins, and the ops for which this file says it."""


def _unsaid(kind: str, property: str) -> tuple[tuple[str, ...], str]:
    """The bins that a kind says nothing of, and that as the reason."""
    if property not in _SAYING:
        return (), ""
    method, known = _SAYING[property]
    op = next(op for op in ops.ALL if op.__name__ == kind.partition(" ")[0])
    file = f"golden/ops/{op.__name__.lower()}.py"
    if op not in known and not hasattr(op, method):
        return PROPERTIES[property], f"{file} has no method {method!r}"
    ends = getattr(op, "ends", PROPERTIES[END]) if property == END else PROPERTIES[property]
    return tuple(bin for bin in PROPERTIES[property] if bin not in ends), f"{file} does not have it among its ends"


def seen(op: ops.Op, xs: Sequence[IntArray]) -> set[tuple[str, str]]:
    """(property, bin) of all that the inputs ``xs`` of a layer hit, each of shape (batch, *shape)."""
    found: set[tuple[str, str]] = set()
    # A kind that has nothing to say of a property of an image has nothing to say of it at all.
    for property, bins in ((END, _ends(op, xs)), (TIE, _ties(op, xs))):
        if not all(impossible(kind_of(op), RANKS[-1], property, bin) for bin in PROPERTIES[property]):
            found |= {(property, bin) for bin in bins}
    return found


def classes_of(shape: tuple[int, ...]) -> list[str]:
    """The classes that a shape, without the batch, is of."""
    rank = RANKS[min(len(shape), 3)]
    return [rank, ONE_ELEMENT] if shape and prod(shape) == 1 else [rank]


def _ends(op: ops.Op, xs: Sequence[IntArray]) -> Iterator[str]:
    """Where results would have gone beyond an end, and whether any lies between."""
    (low, high), values = _limits(op), _unlimited(op, xs)
    if (values < low).any():
        yield "at the low end"
    if (values > high).any():
        yield "at the high end"
    if ((values >= low) & (values <= high)).any():
        yield "between"


def _limits(op: Any) -> tuple[int, int]:
    """The ends of what the result can be; those of all numbers where nothing has an end."""
    if isinstance(op, _ROUNDED) or hasattr(op, "limits"):
        low, high = op.limits
        return low, high
    if isinstance(op, ops.Clamp):
        return op.low, op.high
    if isinstance(op, ops.Wrap):
        return op.dtype.min, op.dtype.max
    numbers = IntType(64, True)
    return {ops.Relu: (0, numbers.max), ops.Softmax: (-128, 127)}.get(type(op), (numbers.min, numbers.max))


def _unlimited(op: Any, xs: Sequence[IntArray]) -> IntArray:
    """The results before they are kept within the ends."""
    if isinstance(op, _ROUNDED):
        *_, (values, multiplier, shift) = _roundings(op, xs)
        return ARITHMETICS[op.arithmetic](values, multiplier, shift) + op.zero_point
    return np.asarray(op.unlimited(*xs)) if hasattr(op, "unlimited") else xs[0]


def _roundings(op: Any, xs: Sequence[IntArray]) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """(value, multiplier, shift) of everything that the op scales and rounds, the result last."""
    if isinstance(op, ops.Requantize):
        yield xs[0] - op.x_zero_point, op.multiplier, op.shift
        return
    a, b = (x - zero_point for x, zero_point in zip(matched(*xs), op.x_zero_points, strict=True))
    scale = np.asarray(op.multiplier), np.asarray(op.shift)
    if isinstance(op, ops.Multiply):
        yield a * b, *scale
        return
    terms = []
    for x, multiplier, shift in zip((a, b), op.x_multipliers, op.x_shifts, strict=True):
        term = x << op.left_shift, np.asarray(multiplier), np.asarray(shift)
        yield term
        terms.append(ARITHMETICS[op.arithmetic](*term))
    yield terms[0] - terms[1] if op.subtract else terms[0] + terms[1], *scale


def _ties(op: Any, xs: Sequence[IntArray]) -> Iterator[str]:
    """Whether what is rounded lies in the middle of two integers, above or below zero; or never does."""
    if isinstance(op, ops.AveragePool):
        ties, signs = _ties_of_means(op, xs[0])
    elif isinstance(op, _ROUNDED):
        found = [(_middle(op.arithmetic, *step), np.broadcast_to(np.sign(step[0]), _shape(*step))) for step in
                 _roundings(op, xs)]  # fmt: skip
        ties, signs = (np.concatenate([np.ravel(pair[place]) for pair in found]) for place in (0, 1))
    elif hasattr(op, "ties"):
        ties, signs = op.ties(*xs)
    else:
        return
    if (ties & (signs > 0)).any():
        yield "of a positive"
    if (ties & (signs < 0)).any():
        yield "of a negative"
    if not ties.all():
        yield "none"


def _shape(*values: IntArray) -> tuple[int, ...]:
    return np.broadcast_shapes(*(value.shape for value in values))


def _middle(arithmetic: str, x: IntArray, multiplier: IntArray, shift: IntArray) -> npt.NDArray[np.bool_]:
    """Which products lie in the middle of two integers where ``arithmetic`` rounds, at any of its steps."""
    if arithmetic == "float32":
        single = x.astype(np.float32) * np.ldexp(multiplier.astype(np.float64), -shift).astype(np.float32)
        return np.asarray(np.abs(single - np.trunc(single)) == 0.5)
    if arithmetic != "tflm":
        return _half_left(x * multiplier, shift)
    exponent = TFLITE_MULTIPLIER_BITS - shift
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    product = (x << left) * multiplier
    high = (product + (1 << (TFLITE_MULTIPLIER_BITS - 1))) >> TFLITE_MULTIPLIER_BITS
    return _half_left(product, np.asarray(TFLITE_MULTIPLIER_BITS)) | _half_left(high, right)


def _half_left(value: IntArray, shift: IntArray) -> npt.NDArray[np.bool_]:
    """Whether shifting to the right leaves exactly a half over."""
    one = np.int64(1) << shift
    return np.asarray((shift > 0) & (2 * (value & (one - 1)) == one))


def _ties_of_means(op: ops.AveragePool, x: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Which means of windows are ties, and the signs of their sums."""
    out = out_shape(TensorType(x.shape[1:], IntType(1, False)), op.kernel, op.stride, op.padding, (1, 1), "")
    total, count = (
        sum(seen for _, _, seen in taps(padded(values, op.padding, 0, np.int64), out, op.kernel, op.stride))
        for values in (x, np.ones((1, *x.shape[1:]), dtype=np.int64))
    )
    return np.asarray(2 * (total % count) == count), np.sign(total)
