"""Hardware of the softmax: three passes over a row, two tables, and a division bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyrtl

from golden.ops import Softmax
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals, of_positions
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.rearranged import delayed, layout, picked, word_by_word, word_width
from rtlgen.softmax_tables import MOST_CLASSES, SoftmaxTables, softmax_tables
from rtlgen.state import Flags, held_tensor
from rtlgen.stream import Stream, rows_of, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Walk, linear
from rtlgen.walker import walker
from rtlgen.weight_store import LATENCY, weight_store

_PASSES = 3
_LUT_SITES = 560
"""As measured on an ECP5 for ten classes."""
_QUOTIENT_BITS = 9
"""Of 256 at most, the largest numerator over the smallest sum."""
_GREATEST = 255
_TERM, _NUMERATOR = IntType(20, False), IntType(29, False)


@lru_cache(maxsize=64)
def _tables(op: Softmax, classes: int) -> SoftmaxTables:
    return softmax_tables(op, classes)


@candidates.register
def _(op: Softmax, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    if op.arithmetic != "tflm":
        raise NotImplementedError(f"Softmax has no hardware in {op.arithmetic}, in tflm only")
    if x.type.inner > MOST_CLASSES:
        raise NotImplementedError(f"Softmax has no hardware for {x.type.inner} classes, {MOST_CLASSES} at most")
    for layer in word_by_word(x, x.type, goal, whole_words=False):
        cycles = _PASSES * x.type.size
        if cycles <= goal.ii_cycles:
            tables = (_TERM.bits + _NUMERATOR.bits) << x.type.dtype.bits
            words = _PASSES * x.type.inner
            yield replace(layer, ii_cycles=cycles, store_bits=tables, words=words, lut_sites=_LUT_SITES)


@widths.register
def _(op: Softmax, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return [word_width(layer, xs[0])]


@walk.register
def _(op: Softmax, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    (x,) = xs
    lies, still = layout(layer, x), (0, 0)
    positions = Loop(rows_of(x), (lies.row_words, 0)), Loop(1, still)
    steps = Loop(_PASSES, still), Loop(x.inner, lies.strides[-1])
    return linear(positions, steps, rows_of(x), lies.row_words, lane=lies.lane_of((0,) * len(lies.counts)))


@departures.register
def _(op: Softmax, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    (x,) = xs
    first = 1 + (_PASSES - 1) * x.inner + _TO_DIVISION_CYCLES + 1 + _QUOTIENT_BITS + 1
    return of_positions("", rows_of(x), first + np.arange(x.inner))


_TO_ELEMENT_CYCLES = READ_CYCLES + 1
_TO_DIVISION_CYCLES = _TO_ELEMENT_CYCLES + 1 + LATENCY


@lower.register
def softmax(op: Softmax, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """``floor((X[d] + S) / (2 * S))`` with ``d = max(x) - x`` and ``S = sum E[d]``, see ``rtlgen/softmax_tables.py``.

    Each element is read three times: for the maximum, for the sum, and for its result. What one pass finds is there
    just when the next one needs it. ::

        x --> buffer --> element --+--> max --+
                                   +-----------> - --> d --+--> table E --> + --> S --+
                                                           +--> table X ------------> + --> / --> ... --> / --> y

        cycle (from the address of an element)
        3         element; in the next cycle the maximum knows it
        4         d
        6         E[d] and X[d]; in the next cycle the sum knows E[d]
        7         X[d] + S
        16        quotient, a bit a cycle
        17        y
    """
    (x,) = xs
    tables = _tables(op, x.type.inner)
    room = pyrtl.WireVector(1, f"{name}_room")
    path = walk(op, layer, [x.type])
    assert path is not None
    buffer = buffered(name, x, word_width(layer, x.type), layer.buffer_words[0])
    steps = walker(name, path, [buffer], room, x.reset)
    word = buffer.read(steps.addresses[0])
    if steps.lane is not None:
        word = picked(word, delayed(f"{name}_lane", steps.lane, READ_CYCLES))
    element = word.register(f"{name}_element")
    turn, number = (loop.value for loop in steps.loops)
    start = {
        "first": number == 0,
        "compares": steps.valid & (turn == 0),
        "adds": steps.valid & (turn == 1),
        "divides": steps.valid & (turn == 2),
        "last": steps.closes & steps.ends,
    }
    flags = Flags(start, x.reset).after(f"{name}_element", _TO_ELEMENT_CYCLES)

    greatest = held_tensor(f"{name}_max", 1, x.type.dtype)
    greatest.drive(HDLTensor.where(flags["first"], element, greatest.value.maximum(element)), flags["compares"])
    difference = (greatest.value - element).known_range(0, _GREATEST).register(f"{name}_difference")
    flags = flags.after(f"{name}_table", 1 + LATENCY)
    term, numerator = (
        HDLTensor.unpack(weight_store(f"{name}_{which}", table, dtype.bits, difference.wires[0]), (1,), dtype)
        for which, table, dtype in (("term", tables.terms, _TERM), ("numerator", tables.numerators, _NUMERATOR))
    )
    total = held_tensor(f"{name}_sum", 1, IntType.holding(0, x.type.inner * max(tables.terms)))
    more = HDLTensor.where(flags["first"], term, total.value + term)
    total.drive(more.known_range(0, total.dtype.max), flags["adds"])

    d = HDLTensor.of([delayed(f"{name}_difference", difference.wires[0], LATENCY)], [0], [_GREATEST])
    quotient = _quotient(name, tables, d, numerator, total.value)
    outgoing = Flags({"valid": flags["divides"], "last": flags["last"]}, x.reset)
    outgoing = outgoing.after(f"{name}_division", 1 + _QUOTIENT_BITS)
    data = quotient.register(f"{name}_result", enable=outgoing["valid"], reset=x.reset)
    out = outgoing.after(f"{name}_result", 1)
    return stream(name, x.type, data, out["valid"], out["last"], steps.starts, x.reset, room=room)


def _quotient(name: str, tables: SoftmaxTables, d: HDLTensor, numerator: HDLTensor, total: HDLTensor) -> HDLTensor:
    """The result, ``1 + _QUOTIENT_BITS`` cycles later: every cycle takes a multiple of the divisor off, if it fits."""
    greatest = (max(tables.terms) << 1) << _QUOTIENT_BITS
    assert max(tables.numerators) + max(tables.terms) < greatest, "the quotient has more bits"
    wrong = [(d == difference) * (total == s) for difference, s, _ in tables.exceptions]
    rest, bits = (numerator + total).register(f"{name}_rest0"), HDLTensor.constant([0])
    divisor = total.register(f"{name}_divisor0")
    wrong = [hit.register(f"{name}_wrong{place}_0") for place, hit in enumerate(wrong)]
    for stage in range(1, _QUOTIENT_BITS + 1):
        part = divisor << (_QUOTIENT_BITS - stage + 1)
        fits = rest >= part
        # What is left is less than a part.
        less = HDLTensor.where(fits, rest - part, rest).known_range(0, part.high - 1)
        rest, bits = less.register(f"{name}_rest{stage}"), ((bits << 1) + fits).register(f"{name}_bits{stage}")
        divisor = divisor.register(f"{name}_divisor{stage}")
        wrong = [hit.register(f"{name}_wrong{place}_{stage}") for place, hit in enumerate(wrong)]
    y = bits.minimum(_GREATEST) - 128
    for hit, (_, _, right) in zip(wrong, tables.exceptions, strict=True):
        y = HDLTensor.where(hit, right, y)
    return y
